package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/spf13/cobra"

	"tilldesk/bot/store"
	"tilldesk/config"
)

// beside opens the store next to a service that may be running.
func (a *app) beside(ctx context.Context) (*store.DB, config.Config, error) {
	cfg, err := config.Load(a.configFile, a.env)
	if err != nil {
		return nil, cfg, err
	}
	db, err := store.Open(ctx, cfg.Store.DSN.Reveal(), store.Options{Beside: true})
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, cfg, fmt.Errorf("store.dsn: %w; the first start of the service makes it; if it is elsewhere, say so in store.dsn", err)
	case err != nil:
		return nil, cfg, fmt.Errorf("store.dsn: %w", err)
	}
	return db, cfg, nil
}

// withStore makes a command of f, which works on the store.
func (a *app) withStore(f func(cmd *cobra.Command, db *store.DB, cfg config.Config, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		db, cfg, err := a.beside(cmd.Context())
		if err != nil {
			return err
		}
		return errors.Join(failed(f(cmd, db, cfg, args)), failed(db.Close()))
	}
}

func (a *app) backup() *cobra.Command {
	return &cobra.Command{
		Use:     "backup FILE",
		Short:   "Copy the database to a file while the service runs",
		Example: "  tilldesk backup /backups/tilldesk-$(date +%F).db",
		Args:    oneArg("FILE"),
		RunE: a.withStore(func(cmd *cobra.Command, db *store.DB, _ config.Config, args []string) error {
			if err := db.Backup(cmd.Context(), args[0]); err != nil {
				return err
			}
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s is a whole copy; photos are in the folder of store.media\n", args[0])
			return err
		}),
	}
}

func (a *app) restore() *cobra.Command {
	return &cobra.Command{
		Use:     "restore FILE",
		Short:   "Put a backup in the place of the database; stop the service first",
		Example: "  tilldesk restore /backups/tilldesk-2026-11-22.db",
		Args:    oneArg("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := config.Load(a.configFile, a.env)
			if err != nil {
				return err
			}
			if err := store.Restore(cmd.Context(), args[0], cfg.Store.DSN.Reveal()); err != nil {
				return failedError{err}
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), "restored; what was there before ends in .before-restore")
			return failed(err)
		},
	}
}

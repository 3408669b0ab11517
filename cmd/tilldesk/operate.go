package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tilldesk/bot"
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
		return nil, cfg, fmt.Errorf("store.dsn: %w; the first start of the service makes it, or it is another one", err)
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

// listed is how many dead letters a list shows.
const listed = 200

func (a *app) dead() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "dead",
		Short:   "Messages that could not be answered, and replies that could not be sent",
		Example: "  tilldesk dead list\n  tilldesk dead retry 0193…",
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	list := &cobra.Command{
		Use: "list", Short: "List them, oldest first", Example: "  tilldesk dead list", Args: noArgs,
		RunE: a.withStore(func(cmd *cobra.Command, db *store.DB, _ config.Config, _ []string) error {
			letters, err := db.Dead(cmd.Context(), listed)
			if err != nil {
				return err
			}
			out := bufio.NewWriter(cmd.OutOrStdout())
			for _, d := range letters {
				why, _, _ := strings.Cut(d.Why, "\n")
				fmt.Fprintf(out, "%s  %s  %s  %s\n", d.ID, d.Received.Format(time.RFC3339), d.Address.Channel, why)
			}
			replies, err := parked(cmd.Context(), db)
			if err != nil {
				return err
			}
			for _, p := range replies {
				why, _, _ := strings.Cut(p.Why, "\n")
				fmt.Fprintf(out, "%s  %s  %s  reply, %s: %s\n", p.ID, p.Since.Format(time.RFC3339), p.Address.Channel, deliveryWords[p.Delivery], why)
			}
			if len(letters)+len(replies) == 0 {
				fmt.Fprintln(out, "none: every message was answered or waits for its turn")
			}
			return out.Flush()
		}),
	}
	show := &cobra.Command{
		Use: "show ID", Short: "Show why one was put aside", Example: "  tilldesk dead show 0193…", Args: oneArg("ID"),
		RunE: a.withStore(func(cmd *cobra.Command, db *store.DB, _ config.Config, args []string) error {
			letters, err := db.Dead(cmd.Context(), listed)
			if err != nil {
				return err
			}
			for _, d := range letters {
				if string(d.ID) == args[0] {
					_, err := fmt.Fprintf(cmd.OutOrStdout(), "message       %s\nconversation  %s\nchannel       %s\nreceived      %s\nwhy           %s\n",
						d.ID, d.Conversation, d.Address.Channel, d.Received.Format(time.RFC3339), d.Why)
					return err
				}
			}
			replies, err := parked(cmd.Context(), db)
			if err != nil {
				return err
			}
			for _, p := range replies {
				if string(p.ID) == args[0] {
					_, err := fmt.Fprintf(cmd.OutOrStdout(), "reply         %s, %s\nconversation  %s\nchannel       %s\nsaid          %s\ntries         %d\nwhy           %s\n",
						p.ID, deliveryWords[p.Delivery], p.Conversation, p.Address.Channel, p.Since.Format(time.RFC3339), p.Attempts+1, p.Why)
					return err
				}
			}
			return fmt.Errorf("there is no dead letter %q; `tilldesk dead list` names them", args[0])
		}),
	}
	retry := &cobra.Command{
		Use: "retry ID", Short: "Have a message answered, or a reply sent, once more", Example: "  tilldesk dead retry 0193…", Args: oneArg("ID"),
		RunE: a.withStore(func(cmd *cobra.Command, db *store.DB, _ config.Config, args []string) error {
			id := bot.MessageID(args[0])
			err := db.Requeue(cmd.Context(), id)
			if errors.Is(err, store.ErrNotFound) {
				err = db.Resend(cmd.Context(), id)
			}
			return err
		}),
	}
	drop := &cobra.Command{
		Use: "drop ID", Short: "Take one off the list; a reply counts as delivered", Example: "  tilldesk dead drop 0193…", Args: oneArg("ID"),
		RunE: a.withStore(func(cmd *cobra.Command, db *store.DB, _ config.Config, args []string) error {
			id := bot.MessageID(args[0])
			err := db.Drop(cmd.Context(), id)
			if errors.Is(err, store.ErrNotFound) {
				err = db.Settle(cmd.Context(), id, time.Now())
			}
			return err
		}),
	}
	cmd.AddCommand(list, show, retry, drop)
	return cmd
}

// deliveryWords say what became of a reply that waits for a person.
var deliveryWords = map[bot.Delivery]string{
	bot.Held: "it may have arrived or not",
	bot.Dead: "it could not be delivered",
}

// parked returns the replies that wait for a person.
func parked(ctx context.Context, db *store.DB) ([]bot.Parked, error) {
	held, err := db.Held(ctx, listed)
	if err != nil {
		return nil, err
	}
	dead, err := db.DeadOut(ctx, listed)
	return append(held, dead...), err
}

func (a *app) merchant() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "merchant",
		Short:   "Export all that is stored of a merchant, or erase conversations",
		Example: "  tilldesk merchant export 0193… > merchant.json\n  tilldesk merchant erase 0193…",
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	alone := false
	export := &cobra.Command{
		Use: "export ID", Short: "Print all that is stored of the merchant of a conversation as JSON", Example: "  tilldesk merchant export 0193… > merchant.json", Args: oneArg("ID"),
		RunE: a.withStore(func(cmd *cobra.Command, db *store.DB, _ config.Config, args []string) error {
			what := db.Export
			if alone {
				what = db.ExportAlone
			}
			data, err := what(cmd.Context(), bot.ConversationID(args[0]))
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s\n", data)
			return err
		}),
	}
	export.Flags().BoolVar(&alone, "alone", false, "that conversation alone, without others that staff have merged with it")
	erase := &cobra.Command{
		Use: "erase ID...", Short: "Erase all that is stored of a conversation, photos too; it cannot be undone",
		Long: `Erase all that is stored of a conversation, photos too; it cannot be undone.

Conversations that staff have merged with it are named and left alone, as a
merge may be a mistake. To erase them as well, give their ids too.`,
		Example: "  tilldesk merchant erase 0193…\n  tilldesk merchant erase 0193… 0194…",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return fmt.Errorf("give one ID or more; see `%s -h`", cmd.CommandPath())
			}
			return nil
		},
		RunE: a.withStore(func(cmd *cobra.Command, db *store.DB, cfg config.Config, args []string) error {
			id := bot.ConversationID(args[0])
			var others []bot.ConversationID
			for _, arg := range args[1:] {
				others = append(others, bot.ConversationID(arg))
			}
			talks, err := db.ConversationsOf(cmd.Context(), id)
			if err != nil {
				return err
			}
			files, err := db.EraseSeveral(cmd.Context(), id, others...)
			if err = errors.Join(err, removeMedia(cfg.Store.Media, files)); err != nil {
				return err
			}
			for _, talk := range talks {
				what := "erased"
				if talk.ID != id && !slices.Contains(others, talk.ID) {
					what = "left alone"
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s (%s): %s\n", talk.ID, talk.Address.Channel, what)
			}
			return nil
		}),
	}
	cmd.AddCommand(export, erase)
	return cmd
}

// removeMedia deletes files below the media folder, all that can be deleted.
func removeMedia(dir string, files []string) error {
	if len(files) == 0 {
		return nil
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("store.media: opening the folder for photos: %w", err)
	}
	defer root.Close()
	var problems []error
	for _, file := range files {
		if err := root.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
			problems = append(problems, fmt.Errorf("deleting the photo %s: %w", file, err))
		}
	}
	return errors.Join(problems...)
}

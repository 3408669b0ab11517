package main

import (
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"tilldesk/config"
)

// A finding of doctor: what was looked at, how it is, what to do.
type finding struct {
	what string
	ok   bool
	say  string
}

func (a *app) doctor() *cobra.Command {
	var freeBallast bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Look at configuration, content, store, disk and clock, and say what to do",
		Long: "doctor prints a line for each thing it looked at and exits with 1 if one of them needs\n" +
			"mending. It can run beside the service and changes nothing; to measure the disk it writes\n" +
			"a small file and removes it. With --free-ballast it gives back the room that\n" +
			"store.ballast_mb keeps for a full disk, and looks at nothing.",
		Example: "  tilldesk doctor --config tilldesk.yaml\n  tilldesk doctor --free-ballast",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := config.Load(a.configFile, a.env)
			if err != nil {
				return err
			}
			if freeBallast {
				return failed(dropBallast(cmd.OutOrStdout(), cfg))
			}
			sick := false
			for _, f := range a.examine(cmd.Context(), cfg) {
				mark := "ok  "
				if !f.ok {
					mark, sick = "MEND", true
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s  %-8s %s\n", mark, f.what, f.say)
			}
			if sick {
				return errFailed
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&freeBallast, "free-ballast", false, "give back the room kept for a full disk")
	return cmd
}

func dropBallast(w io.Writer, cfg config.Config) error {
	b := newBallast(cfg.Store)
	size, err := b.drop()
	if err != nil {
		return err
	}
	if size == 0 {
		_, err = fmt.Fprintln(w, "there is no ballast; delete or move something else on this disk")
		return err
	}
	_, err = fmt.Fprintf(w, "%d MB are free again at %s. Now make room for good: shorten retention.* and let it work,\n"+
		"or move something. The ballast comes back by itself when there is room for it.\n", size/megabyte, filepath.Dir(b.file))
	return err
}

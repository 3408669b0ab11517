package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"tilldesk/bot/store"
	"tilldesk/config"
	"tilldesk/content"
)

// A finding of doctor: what was looked at, how it is, what to do.
type finding struct {
	what string
	ok   bool
	say  string
}

func (a *app) doctor() *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Look at configuration, content, store, disk and clock, and say what to do",
		Long: "doctor prints a line for each thing it looked at and exits with 1 if one of them needs\n" +
			"mending. It changes nothing and can run beside the service.",
		Example: "  tilldesk doctor --config tilldesk.yaml",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := config.Load(a.configFile, a.env)
			if err != nil {
				return err
			}
			sick := false
			for _, f := range examine(cmd.Context(), cfg) {
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
}

func examine(ctx context.Context, cfg config.Config) []finding {
	found := []finding{{"config", true, "every setting is allowed"}}
	found = append(found, examineContent(cfg), examineStore(ctx, cfg), examineDisk(cfg))
	return append(found, examineClock(time.Now()))
}

func examineContent(cfg config.Config) finding {
	fsys, err := content.Open(cfg.Content.Dir)
	if err != nil {
		return finding{"content", false, oneLine(err)}
	}
	c, err := content.Load(fsys)
	if err != nil {
		return finding{"content", false, "run `tilldesk content check`: " + oneLine(err)}
	}
	return finding{"content", true, c.Summary()}
}

func examineStore(ctx context.Context, cfg config.Config) finding {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	db, err := store.Open(ctx, cfg.Store.DSN.Reveal(), store.Options{Beside: true})
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return finding{"store", true, "there is none yet; the first start makes it"}
		}
		return finding{"store", false, oneLine(err)}
	}
	q, err := db.Queue(ctx)
	if err := errors.Join(err, db.Close()); err != nil {
		return finding{"store", false, oneLine(err)}
	}
	say := fmt.Sprintf("%d messages wait, %d are put aside, %d replies are held, %d cases are open", q.Waiting, q.Dead, q.Held, q.Cases)
	if q.Dead > 0 || q.Held > 0 {
		return finding{"store", false, say + "; `tilldesk dead list` names what was put aside"}
	}
	return finding{"store", true, say}
}

// leastFree is the space below which a busy day may fill the disk.
const leastFree = 512 << 20

func examineDisk(cfg config.Config) finding {
	dir := existing(cfg.Store.Media)
	free, err := freeBytes(dir)
	if err != nil {
		return finding{"disk", false, fmt.Sprintf("%s cannot be looked at: %v", dir, err)}
	}
	say := fmt.Sprintf("%d MB are free at %s", free>>20, dir)
	if free < leastFree {
		return finding{"disk", false, say + fmt.Sprintf("; keep %d MB or more", leastFree>>20)}
	}
	return finding{"disk", true, say}
}

// existing is dir or the nearest folder above it that exists.
func existing(dir string) string {
	for {
		if _, err := os.Stat(dir); err == nil || dir == filepath.Dir(dir) {
			return dir
		}
		dir = filepath.Dir(dir)
	}
}

// built is before any release of this program: an earlier clock is wrong.
var built = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

func examineClock(now time.Time) finding {
	if now.Before(built) {
		return finding{"clock", false, fmt.Sprintf("it says %s, which is before this program was made; set it", now.Format(time.RFC3339))}
	}
	return finding{"clock", true, now.Format(time.RFC3339)}
}

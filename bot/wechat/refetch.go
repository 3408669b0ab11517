package wechat

import (
	"context"
	"errors"
	"path"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/store"
)

// FileStore keeps which files are still to be fetched.
type FileStore interface {
	WantFiles(ctx context.Context, id bot.MessageID, places ...int) error
	ClaimFiles(ctx context.Context, channel string, now, until time.Time, limit int) ([]store.WantedFile, error)
	RetryFile(ctx context.Context, f store.WantedFile, at time.Time, why string) error
	EndFile(ctx context.Context, f store.WantedFile, at time.Time, why string) error
	SetMedia(ctx context.Context, id bot.MessageID, n int, media bot.Media) error
}

const (
	fileTime  = time.Minute // for one try
	fileIdle  = 2 * time.Second
	fileTries = 12 // with what lies between them, some hours; WeChat keeps files for days
)

// Run fetches the files that could not be had while WeChat waited, until ctx
// ends. Which ones stands in the store, so another process goes on after a
// restart.
func (c *Channel) Run(ctx context.Context) {
	if c.opt.Data == nil {
		return
	}
	idle := time.NewTicker(fileIdle)
	defer idle.Stop()
	for {
		now := c.opt.Now()
		files, err := c.store.ClaimFiles(ctx, Name, now, now.Add(2*fileTime), 1)
		if err != nil && ctx.Err() == nil {
			c.opt.Log.Error("files of WeChat messages to be fetched could not be claimed", "error", err)
		}
		for _, f := range files {
			c.refetch(ctx, f)
		}
		if len(files) > 0 && ctx.Err() == nil {
			continue
		}
		select {
		case <-idle.C:
		case <-ctx.Done():
			return
		}
	}
}

// refetch tries once more to get a file, and notes what became of it.
func (c *Channel) refetch(ctx context.Context, f store.WantedFile) {
	err := c.complete(ctx, f)
	if ctx.Err() != nil {
		return // it is claimed again when its time is over
	}
	now, why := c.opt.Now(), ""
	if err != nil {
		why = err.Error()
	}
	log := c.opt.Log.With("message", f.Message, "kind", f.Media.Kind)
	// A media id that WeChat does not know at first may be known soon after.
	unknown := codeOf(err) == 40007 && f.Attempts >= 2
	if err == nil || hopeless(err) || unknown || f.Attempts+1 >= fileTries {
		if err != nil {
			log.Warn("a file of a WeChat message is given up", "error", err)
		}
		err = c.store.EndFile(ctx, f, now, why)
	} else {
		wait := time.Second << min(2*f.Attempts, 12)
		log.Warn("a file of a WeChat message could not be had again", "next", wait, "error", err)
		err = c.store.RetryFile(ctx, f, now.Add(wait), why)
	}
	if err != nil {
		log.Error("what became of a file could not be stored", "error", err)
	}
}

// complete gets a file and puts it into its message.
func (c *Channel) complete(ctx context.Context, f store.WantedFile) error {
	ctx, cancel := context.WithTimeout(ctx, fileTime)
	defer cancel()
	m := f.Media
	if m.Path != "" || m.Remote == "" {
		return nil // it has it, or the message is gone
	}
	file, err := c.file(ctx, m)
	if err != nil || file.content == nil {
		return err
	}
	if err := c.keep(&m, file, path.Join("photos", "later"), digest(Name, string(f.Message))); err != nil {
		return err
	}
	err = c.store.SetMedia(ctx, f.Message, f.N, m)
	if errors.Is(err, store.ErrNotFound) { // erased meanwhile, and the file with it
		return c.opt.Data.Remove(m.Path)
	}
	return err
}

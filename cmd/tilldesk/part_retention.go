package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"time"

	"tilldesk/bot/store"
	"tilldesk/config"
)

// retentionPart deletes what is older than the configuration lets it be kept.
func retentionPart() part {
	return part{name: "retention", open: openRetention, examine: examineRetention}
}

const (
	retentionJob   = "retention"
	retentionEvery = 6 * time.Hour
	retentionLease = time.Hour
	// retentionAgain is when it is tried again after it failed.
	retentionAgain = 10 * time.Minute
	// retentionLook is how often a process looks whether the job is due.
	retentionLook = 5 * time.Minute
)

func openRetention(_ context.Context, s *service) (plug, error) {
	r := &retention{db: s.db, media: s.media, owner: owner(), log: s.log, now: time.Now,
		limits: func() config.Retention { return s.settings.Load().Retention }}
	return plug{work: r.run}, nil
}

// retention deletes what is old, in one process at a time.
type retention struct {
	db     *store.DB
	media  *os.Root
	limits func() config.Retention
	owner  string
	log    *slog.Logger
	now    func() time.Time
}

func (r *retention) run(ctx context.Context) {
	look := time.NewTicker(retentionLook)
	defer look.Stop()
	for {
		if err := r.tryOnce(ctx); err != nil && ctx.Err() == nil {
			r.log.Error("what is old could not be deleted", "error", err)
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return
		}
	}
}

// tryOnce does the job if it is due and nobody else has it.
func (r *retention) tryOnce(ctx context.Context) error {
	job, ok, err := r.db.TakeJob(ctx, retentionJob, r.owner, r.now(), retentionLease)
	if err != nil || !ok {
		return err
	}
	next, why := retentionEvery, ""
	err = r.purge(ctx)
	if err != nil {
		next, why = retentionAgain, err.Error()
	}
	now := r.now()
	// Also when the service stops: the next start need not wait for the lease.
	return errors.Join(err, r.db.EndJob(context.WithoutCancel(ctx), job, now, now.Add(next), why))
}

// purge deletes what is older than each limit: rows first, then files, so that
// a file that is left over is found by the next purge and none is missing.
func (r *retention) purge(ctx context.Context) error {
	limits := r.limits()
	before := func(days int) time.Time { return r.now().AddDate(0, 0, -days) }
	var files []string
	var problems []error
	if limits.MessagesDays > 0 {
		gone, err := r.db.Purge(ctx, before(limits.MessagesDays))
		files, problems = append(files, gone...), append(problems, err)
	}
	mediaDays := shorter(limits.MediaDays, limits.MessagesDays)
	if mediaDays > 0 {
		gone, err := r.db.PurgeMedia(ctx, before(mediaDays))
		files, problems = append(files, gone...), append(problems, err)
	}
	for _, file := range files {
		problems = append(problems, r.remove(file))
	}
	if mediaDays > 0 {
		swept, err := r.sweep(ctx, before(mediaDays))
		problems = append(problems, err)
		if n := len(files) + swept; n > 0 {
			r.log.Info("old files were deleted", "files", n)
		}
	}
	if limits.AuditDays > 0 {
		problems = append(problems, r.db.PurgeAudit(ctx, before(limits.AuditDays)))
	}
	return errors.Join(problems...)
}

// shorter is the shorter one of two limits, of which 0 is none.
func shorter(a, b int) int {
	if a == 0 || b > 0 && b < a {
		return b
	}
	return a
}

func (r *retention) remove(file string) error {
	if err := r.media.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("deleting an old file: %w", err)
	}
	_ = r.media.Remove(path.Dir(file)) // fails while there is something in it
	return nil
}

// sweep deletes the files from before the time given that no message names:
// left over by a crash, or by a deletion that failed. It returns how many.
func (r *retention) sweep(ctx context.Context, before time.Time) (n int, err error) {
	named, err := r.db.Files(ctx, before)
	if err != nil {
		return 0, err
	}
	keep := map[string]bool{}
	for _, file := range named {
		keep[path.Clean(file)] = true
	}
	files, err := unnamed(r.media.FS(), before, keep)
	if err != nil {
		return 0, fmt.Errorf("looking for files that nothing names: %w", err)
	}
	for _, file := range files {
		if err := r.remove(file); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// unnamed returns the files from before the time given that are not to be kept.
// What vanishes meanwhile, such as a photo that gets its name, is none of them.
func unnamed(fsys fs.FS, before time.Time, keep map[string]bool) (files []string, err error) {
	err = fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		var info fs.FileInfo
		if err == nil && !d.IsDir() && !keep[name] {
			info, err = d.Info()
		}
		switch {
		case errors.Is(err, fs.ErrNotExist) && name != ".":
			return nil
		case err == nil && info != nil && info.Mode().IsRegular() && info.ModTime().Before(before):
			files = append(files, name)
		}
		return err
	})
	return files, err
}

// late is how long the job may not have been done before somebody should look.
const late = 24 * time.Hour

func examineRetention(ctx context.Context, cfg config.Config, db *store.DB) []finding {
	if db == nil {
		return nil
	}
	at, why, err := db.JobDone(ctx, retentionJob)
	limits := cfg.Retention
	say := fmt.Sprintf("messages are kept %s, photos %s, the audit log %s",
		days(limits.MessagesDays), days(shorter(limits.MediaDays, limits.MessagesDays)), days(limits.AuditDays))
	switch {
	case err != nil:
		return []finding{{"old data", false, oneLine(err)}}
	case why != "":
		return []finding{{"old data", false, say + "; deleting what is older failed: " + oneLine(errors.New(why))}}
	case at.IsZero():
		return []finding{{"old data", true, say + "; nothing was deleted yet"}}
	case time.Since(at) > late:
		return []finding{{"old data", false, say + fmt.Sprintf("; what is older was last deleted %s: is the service running?", at.Format(time.RFC3339))}}
	}
	return []finding{{"old data", true, say + "; last looked through " + at.Format(time.RFC3339)}}
}

func days(n int) string {
	if n == 0 {
		return "for ever"
	}
	return fmt.Sprintf("%d days", n)
}

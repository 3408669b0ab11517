package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tilldesk/bot/store"
	"tilldesk/config"
	"tilldesk/content"
)

// Bounds on what is well.
const (
	leastFree = 512 * megabyte // below it a busy day may fill the disk
	slowSync  = 200 * time.Millisecond
	clockOff  = 5 * time.Second
	waiting   = 2 * time.Minute // somebody should look at what waits for longer
)

// examine looks at everything that doctor knows.
func (a *app) examine(ctx context.Context, cfg config.Config) []finding {
	found := []finding{examineConfig(a.configFile), examineContent(cfg)}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	db, inStore := examineStore(ctx, cfg)
	found = append(found, inStore...)
	found = append(found, examineDisks(cfg)...)
	found = append(found, examineClock(ctx, time.Now(), db), examineMedia(ctx, cfg, db))
	for _, p := range a.parts {
		if p.examine != nil {
			found = append(found, p.examine(ctx, cfg, db)...)
		}
	}
	if db != nil {
		if err := db.Close(); err != nil {
			found = append(found, finding{"store", false, oneLine(err)})
		}
	}
	return found
}

// examineConfig is called when the configuration has been read.
func examineConfig(path string) finding {
	file := config.Present(path)
	if file == "" {
		return finding{"config", true, "there is no file; defaults and the environment hold"}
	}
	return finding{"config", true, "every setting of " + file + " is allowed"}
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

// examineStore returns the store as well, or nil if there is none or it cannot
// be opened.
func examineStore(ctx context.Context, cfg config.Config) (*store.DB, []finding) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	db, err := store.Open(ctx, cfg.Store.DSN.Reveal(), store.Options{Beside: true})
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return nil, []finding{{"store", true, "there is none yet; the first start makes it"}}
		}
		return nil, []finding{{"store", false, oneLine(err)}}
	}
	probe, err := db.Probe(ctx)
	if err != nil {
		return db, []finding{{"store", false, oneLine(err)}}
	}
	found := []finding{{"store", true, fmt.Sprintf("%s%s, schema %d", probe.Name, serverOf(cfg), probe.Schema)}}
	if probe.Standby > 0 {
		found[0] = finding{"store", false, fmt.Sprintf("%s: %d standby servers are not synchronous and would lose acknowledged messages; name them in synchronous_standby_names", probe.Name, probe.Standby)}
	}
	q, err := db.Queue(ctx)
	if err != nil {
		return db, append(found, finding{"queue", false, oneLine(err)})
	}
	return db, append(found, examineQueue(q, time.Now())...)
}

// serverOf names where a PostgreSQL database is, without what is secret.
func serverOf(cfg config.Config) string {
	u, err := url.Parse(cfg.Store.DSN.Reveal())
	if err != nil || u.Host == "" {
		return ""
	}
	return fmt.Sprintf(" at %s%s", u.Host, u.Path)
}

// examineQueue says what waits, and what waits for people.
func examineQueue(q store.Queue, now time.Time) []finding {
	found := []finding{{"queue", true, fmt.Sprintf("%d messages wait for an answer, %d replies to be sent, %d cases are open", q.Waiting, q.Unsent, q.Cases)}}
	old := func(since time.Time) bool { return !since.IsZero() && now.Sub(since) > waiting }
	if old(q.WaitingSince) || old(q.UnsentSince) {
		found[0].ok = false
		found[0].say += "; the oldest for more than " + waiting.String() + ": does the service run, and do its channels answer? Its log says why"
	}
	if q.Dead > 0 {
		found = append(found, finding{"dead", false, fmt.Sprintf("%d messages could not be answered; `tilldesk dead list` names them, `dead retry ID` tries again", q.Dead)})
	}
	if q.Held > 0 {
		found = append(found, finding{"held", false, fmt.Sprintf("%d replies may have arrived or not; `tilldesk dead list` and the desk name them: send again, or note that they arrived", q.Held)})
	}
	if q.DeadOut > 0 {
		found = append(found, finding{"unsent", false, fmt.Sprintf("%d replies could not be delivered; `tilldesk dead list` and the desk say why", q.DeadOut)})
	}
	return found
}

// examineDisks looks at the folders that fill.
func examineDisks(cfg config.Config) []finding {
	var found []finding
	var seen []string
	for _, folder := range dataFolders(cfg.Store) {
		dir := existing(folder)
		if slices.Contains(seen, dir) {
			continue
		}
		seen = append(seen, dir)
		found = append(found, examineDisk(dir, uint64(cfg.Store.MinFreeMB)*megabyte))
	}
	return found
}

func examineDisk(dir string, floor uint64) finding {
	free, err := freeBytes(dir)
	if err != nil {
		return finding{"disk", false, fmt.Sprintf("%s cannot be looked at: %v", dir, err)}
	}
	say := fmt.Sprintf("%d MB are free at %s", free/megabyte, dir)
	switch {
	case free < floor:
		return finding{"disk", false, say + ", less than store.min_free_mb: no messages are taken; make room, with `tilldesk doctor --free-ballast` at once"}
	case free < leastFree+floor:
		return finding{"disk", false, say + fmt.Sprintf("; keep %d MB or more", (leastFree+floor)/megabyte)}
	}
	took, err := syncTime(dir)
	switch {
	case err != nil:
		return finding{"disk", false, say + ", but nothing can be written there: " + oneLine(err)}
	case took > slowSync:
		return finding{"disk", false, say + fmt.Sprintf("; a write takes %v to be safe, which every message waits for: use a faster disk", took.Round(100*time.Microsecond))}
	}
	return finding{"disk", true, say + fmt.Sprintf("; a write is safe after %v", took.Round(100*time.Microsecond))}
}

// syncTime is how long a small write takes until it is on the disk of dir: the
// one in the middle of a few.
func syncTime(dir string) (time.Duration, error) {
	f, err := os.CreateTemp(dir, ".doctor-*")
	if err != nil {
		return 0, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	var all []time.Duration
	for range 9 {
		began := time.Now()
		if _, err := f.Write(make([]byte, 4096)); err != nil {
			return 0, err
		}
		if err := f.Sync(); err != nil {
			return 0, err
		}
		all = append(all, time.Since(began))
	}
	slices.Sort(all)
	return all[len(all)/2], nil
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

// examineClock holds the clock against that of the database, which other
// replicas have in common.
func examineClock(ctx context.Context, now time.Time, db *store.DB) finding {
	if now.Before(built) {
		return finding{"clock", false, fmt.Sprintf("it says %s, which is before this program was made; set it", now.Format(time.RFC3339))}
	}
	if db == nil {
		return finding{"clock", true, now.Format(time.RFC3339)}
	}
	probe, err := db.Probe(ctx)
	if err != nil || probe.Clock.IsZero() {
		return finding{"clock", true, now.Format(time.RFC3339)}
	}
	off := time.Until(probe.Clock).Abs()
	if off > clockOff+probe.Took {
		return finding{"clock", false, fmt.Sprintf("it is %v from that of the database server; let both follow a time server", off.Round(time.Second))}
	}
	return finding{"clock", true, fmt.Sprintf("%s, as the database server has it", now.Format(time.RFC3339))}
}

// examineMedia looks for photos that messages name and that are not there.
func examineMedia(ctx context.Context, cfg config.Config, db *store.DB) finding {
	if db == nil {
		return finding{"photos", true, "none yet"}
	}
	files, err := db.Files(ctx, time.Now().AddDate(1, 0, 0))
	if err != nil {
		return finding{"photos", false, oneLine(err)}
	}
	root, err := os.OpenRoot(cfg.Store.Media)
	if err != nil {
		if len(files) == 0 {
			return finding{"photos", true, "none yet"}
		}
		return finding{"photos", false, fmt.Sprintf("%d photos are in messages, but their folder cannot be opened: %v; is store.media right?", len(files), err)}
	}
	defer root.Close()
	var missing []string
	for _, file := range files {
		if _, err := root.Stat(file); err != nil {
			missing = append(missing, file)
		}
	}
	switch {
	case len(files) == 0:
		return finding{"photos", true, "none yet"}
	case len(missing) > 0:
		return finding{"photos", false, fmt.Sprintf("%d of %d photos are not in %s, such as %s: copy them from a backup", len(missing), len(files), cfg.Store.Media, strings.Join(missing[:min(2, len(missing))], ", "))}
	}
	return finding{"photos", true, fmt.Sprintf("all %d are there", len(files))}
}

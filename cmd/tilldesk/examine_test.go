package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/store"
	"tilldesk/bot/store/storetest"
	"tilldesk/config"
)

func TestExamineQueue(t *testing.T) {
	now := time.Now()
	for _, tt := range []struct {
		name string
		q    store.Queue
		sick []string // what is to be mended
	}{
		{"nothing", store.Queue{}, nil},
		{"a busy moment", store.Queue{Waiting: 9, WaitingSince: now.Add(-time.Second), Unsent: 3, UnsentSince: now.Add(-time.Second), Cases: 2}, nil},
		{"no answers for long", store.Queue{Waiting: 1, WaitingSince: now.Add(-time.Hour)}, []string{"queue"}},
		{"nothing sent for long", store.Queue{Unsent: 1, UnsentSince: now.Add(-time.Hour)}, []string{"queue"}},
		{"all that people decide", store.Queue{Dead: 1, Held: 2, DeadOut: 3}, []string{"dead", "held", "unsent"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var sick []string
			for _, f := range examineQueue(tt.q, now) {
				if !f.ok {
					sick = append(sick, f.what)
				}
			}
			if strings.Join(sick, " ") != strings.Join(tt.sick, " ") {
				t.Errorf("to be mended: %q, want %q", sick, tt.sick)
			}
		})
	}
}

func TestExamineDisk(t *testing.T) {
	dir := t.TempDir()
	free, err := freeBytes(dir)
	must(t, err)
	for _, tt := range []struct {
		name  string
		dir   string
		floor uint64
		ok    bool
	}{
		{"room", dir, 0, free > leastFree},
		{"below the floor", dir, 1 << 60, false},
		{"soon below it", dir, free - 1, false},
	} {
		f := examineDisk(tt.dir, tt.floor)
		if f.ok != tt.ok && !strings.Contains(f.say, "faster disk") {
			t.Errorf("%s: %+v", tt.name, f)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("doctor leaves %v, %v", left, err)
	}
	if got := existing(filepath.Join(dir, "not", "there")); got != dir {
		t.Errorf("the nearest folder of one that is not there is %s", got)
	}
}

func TestExamineClock(t *testing.T) {
	storetest.Each(t, func(t *testing.T, dsn string) {
		db := storetest.Open(t, dsn, store.Options{})
		if f := examineClock(t.Context(), time.Now(), db); !f.ok {
			t.Errorf("now: %+v", f)
		}
		if f := examineClock(t.Context(), built.AddDate(-20, 0, 0), db); f.ok {
			t.Errorf("twenty years ago: %+v", f)
		}
		probe, err := db.Probe(t.Context())
		must(t, err)
		if probe.Schema == 0 || probe.Name == "" || probe.Standby != 0 {
			t.Errorf("the database says %+v", probe)
		}
	})
}

// TestExamineMedia takes a photo away that a message names.
func TestExamineMedia(t *testing.T) {
	db := storetest.Open(t, storetest.SQLite(t), store.Options{})
	cfg := config.Default()
	cfg.Store.Media = filepath.Join(t.TempDir(), "media")
	if f := examineMedia(t.Context(), cfg, db); !f.ok {
		t.Errorf("without any: %+v", f)
	}
	in := bot.Arrival{Inbound: bot.Inbound{Address: bot.Address{Channel: "web", Remote: "1"}, Remote: "1",
		Media: []bot.Media{{Kind: "image", Path: "photos/one.jpg"}}}}
	_, err := db.Accept(t.Context(), []bot.Arrival{in})
	must(t, err)
	if f := examineMedia(t.Context(), cfg, db); f.ok || !strings.Contains(f.say, "store.media") {
		t.Errorf("without the folder: %+v", f)
	}
	must(t, os.MkdirAll(filepath.Join(cfg.Store.Media, "photos"), 0o700))
	if f := examineMedia(t.Context(), cfg, db); f.ok || !strings.Contains(f.say, "photos/one.jpg") {
		t.Errorf("without the photo: %+v", f)
	}
	must(t, os.WriteFile(filepath.Join(cfg.Store.Media, "photos", "one.jpg"), nil, 0o600))
	if f := examineMedia(t.Context(), cfg, db); !f.ok {
		t.Errorf("with the photo: %+v", f)
	}
}

// TestDeadReplies lists, shows, sends again and settles replies that wait for
// a person.
func TestDeadReplies(t *testing.T) {
	dir := t.TempDir()
	dsn := "sqlite:" + filepath.Join(dir, "tilldesk.db")
	db, err := store.Open(t.Context(), dsn, store.Options{})
	must(t, err)
	in := bot.Arrival{Inbound: bot.Inbound{Address: bot.Address{Channel: "telegram", Remote: "1"}, Remote: "1", Text: "one"}}
	_, err = db.Accept(t.Context(), []bot.Arrival{in})
	must(t, err)
	works, err := db.Claim(t.Context(), "a", time.Now(), time.Minute, 1)
	must(t, err)
	_, err = db.Commit(t.Context(), bot.Turn{Work: works[0], Replies: []bot.Reply{{Text: "two"}}, At: time.Now()})
	must(t, err)
	out, err := db.ClaimOut(t.Context(), "a", time.Now().Add(time.Minute), time.Minute, 1)
	must(t, err)
	must(t, db.Hold(t.Context(), out[0], "a timeout"))
	must(t, db.Close())

	id := string(out[0].ID)
	for _, tt := range []struct {
		args []string
		want int
		say  string
	}{
		{[]string{"dead", "list"}, 0, id},
		{[]string{"dead", "show", id}, 0, "a timeout"},
		{[]string{"doctor"}, 1, "MEND  held"},
		{[]string{"dead", "drop", id}, 0, ""},
		{[]string{"dead", "list"}, 0, "none"},
		{[]string{"dead", "retry", id}, 1, ""}, // it counts as delivered
	} {
		var outText, errs strings.Builder
		if status := littleApp(dir).run(t.Context(), tt.args, strings.NewReader(""), &outText, &errs); status != tt.want || !strings.Contains(outText.String(), tt.say) {
			t.Errorf("%v: status %d, %s%s", tt.args, status, outText.String(), errs.String())
		}
	}
}

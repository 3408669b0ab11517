package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tilldesk/bot"
	"tilldesk/config"
)

// TestRoom lets a disk fill and empty: it is looked at now and then, refuses
// below the floor, and says so once.
func TestRoom(t *testing.T) {
	now, free := time.Now(), uint64(100*megabyte)
	var logged bytes.Buffer
	d := newDisk(config.Store{Media: "media", MinFreeMB: 50}, testLogger(&logged))
	d.now = func() time.Time { return now }
	d.free = func(string) (uint64, error) { return free, nil }
	for _, tt := range []struct {
		free  uint64
		after time.Duration
		full  bool
		lines int // logged so far
	}{
		{100 * megabyte, 0, false, 0},
		{10 * megabyte, 0, false, 0}, // looked at just now
		{10 * megabyte, lookEvery, true, 1},
		{10 * megabyte, lookEvery, true, 1},
		{10 * megabyte, -time.Hour, true, 1}, // a clock that was set back
		{100 * megabyte, lookEvery, false, 2},
		{50*megabyte - 1, lookEvery, true, 3},
		{50 * megabyte, lookEvery, false, 4},
	} {
		free, now = tt.free, now.Add(tt.after)
		if err := d.room(); errors.Is(err, bot.ErrNoRoom) != tt.full || (err != nil) != tt.full {
			t.Errorf("with %d bytes free: %v", tt.free, err)
		}
		if n := strings.Count(logged.String(), "\n"); n != tt.lines {
			t.Errorf("with %d bytes free %d lines are logged, want %d:\n%s", tt.free, n, tt.lines, logged.String())
		}
	}
	off := newDisk(config.Store{Media: "media"}, testLogger(&logged))
	off.free = func(string) (uint64, error) { return 0, nil }
	if err := off.room(); err != nil {
		t.Errorf("without a floor: %v", err)
	}
}

func TestBallast(t *testing.T) {
	dir := t.TempDir()
	a := littleApp(dir)
	a.env = with(a.env, "TILLDESK_STORE_BALLAST_MB", "1")
	b := newBallast(config.Store{DSN: config.NewSecret("sqlite:" + filepath.Join(dir, "tilldesk.db")), BallastMB: 1})
	doctor := func(want string) {
		t.Helper()
		var out, errs bytes.Buffer
		if status := a.run(t.Context(), []string{"doctor", "--free-ballast"}, strings.NewReader(""), &out, &errs); status != 0 || !strings.Contains(out.String(), want) {
			t.Errorf("status %d, %s%s", status, out.String(), errs.String())
		}
	}
	doctor("there is no ballast")
	for i, want := range []bool{true, false} {
		if made, err := b.lay(); err != nil || made != want {
			t.Errorf("laid for the %d. time: %v, %v", i+1, made, err)
		}
	}
	if b.there() != megabyte {
		t.Errorf("it has %d bytes", b.there())
	}
	doctor("1 MB are free again")
	if b.there() != 0 {
		t.Error("it is still there")
	}

	huge := b
	huge.size = 1 << 60
	if made, err := huge.lay(); made || err != nil {
		t.Errorf("without room for it: %v, %v", made, err)
	}
	if _, err := b.lay(); err != nil {
		t.Fatal(err)
	}
	none := b
	none.size = 0
	if _, err := none.lay(); err != nil || b.there() != 0 {
		t.Errorf("one that is not wanted any more: %v, %d bytes", err, b.there())
	}
	if b := newBallast(config.Store{DSN: config.NewSecret("postgres://x/y"), BallastMB: 1}); b.file != "" {
		t.Error("the disk of PostgreSQL gets ballast")
	}
}

// fill takes all room on a disk and returns what gives it back.
func fill(t *testing.T, dir string) (empty func()) {
	t.Helper()
	name := filepath.Join(dir, "filler")
	f, err := os.Create(name)
	must(t, err)
	block := make([]byte, 1<<16)
	for err == nil {
		_, err = f.Write(block)
	}
	for err = nil; err == nil; { // to the last byte
		_, err = f.Write(block[:512])
	}
	_ = f.Close()
	return func() { must(t, os.Remove(name)) }
}

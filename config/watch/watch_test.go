package watch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
)

// watched runs a watch of paths and returns the channel on which a change is
// told. It has taken its first look when watched returns.
func watched(t *testing.T, opt Options, paths ...string) <-chan struct{} {
	t.Helper()
	told := make(chan struct{}, 1000)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		Run(ctx, func() []string { return paths }, opt, func() { told <- struct{}{} })
	})
	t.Cleanup(func() { cancel(); running.Wait() })
	<-told
	return told
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func do(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// changes are ways in which a file or a folder changes. Each is made in a
// folder with the file a.yaml, the folder content with one file, and links as
// Kubernetes makes them: conf.yaml -> ..data/conf.yaml, ..data -> ..one.
var changes = []struct {
	name string
	path string
	make func(t *testing.T, dir string)
}{
	{"written in place", "a.yaml", func(t *testing.T, dir string) { write(t, filepath.Join(dir, "a.yaml"), "b: 1") }},
	{"emptied", "a.yaml", func(t *testing.T, dir string) { write(t, filepath.Join(dir, "a.yaml"), "") }},
	{"replaced", "a.yaml", func(t *testing.T, dir string) {
		write(t, filepath.Join(dir, "new"), "c: 1")
		do(t, os.Rename(filepath.Join(dir, "new"), filepath.Join(dir, "a.yaml")))
	}},
	{"removed", "a.yaml", func(t *testing.T, dir string) { do(t, os.Remove(filepath.Join(dir, "a.yaml"))) }},
	{"rights", "a.yaml", func(t *testing.T, dir string) { do(t, os.Chmod(filepath.Join(dir, "a.yaml"), 0)) }},
	{"the same size and time", "a.yaml", func(t *testing.T, dir string) {
		name := filepath.Join(dir, "a.yaml")
		before, err := os.Stat(name)
		do(t, err)
		write(t, name, "z: 1")
		do(t, os.Chtimes(name, before.ModTime(), before.ModTime()))
	}},
	{"made", "none.yaml", func(t *testing.T, dir string) { write(t, filepath.Join(dir, "none.yaml"), "a: 1") }},
	{"made with its folder", "no/such/none.yaml", func(t *testing.T, dir string) { write(t, filepath.Join(dir, "no/such/none.yaml"), "a: 1") }},
	{"a link swapped behind it", "conf.yaml", func(t *testing.T, dir string) {
		write(t, filepath.Join(dir, "..two/conf.yaml"), "a: 2")
		do(t, os.Symlink("..two", filepath.Join(dir, "..tmp")), os.Rename(filepath.Join(dir, "..tmp"), filepath.Join(dir, "..data")))
	}},
	{"written where a link leads", "conf.yaml", func(t *testing.T, dir string) { write(t, filepath.Join(dir, "..one/conf.yaml"), "a: 3") }},
	{"a file in a folder", "content", func(t *testing.T, dir string) { write(t, filepath.Join(dir, "content/deep/one.yaml"), "a: 3") }},
	{"a new folder in a folder", "content", func(t *testing.T, dir string) { write(t, filepath.Join(dir, "content/new/deeper/two.yaml"), "a: 3") }},
	{"a link swapped on the way", "current/one.yaml", func(t *testing.T, dir string) {
		write(t, filepath.Join(dir, "next/one.yaml"), "a: 2")
		do(t, os.Symlink(filepath.Join(dir, "next"), filepath.Join(dir, "tmp")), os.Rename(filepath.Join(dir, "tmp"), filepath.Join(dir, "current")))
	}},
	{"a folder replaced", "content", func(t *testing.T, dir string) {
		write(t, filepath.Join(dir, "next/one.yaml"), "a: 3")
		do(t, os.Rename(filepath.Join(dir, "content"), filepath.Join(dir, "old")), os.Rename(filepath.Join(dir, "next"), filepath.Join(dir, "content")))
	}},
}

func lay(t *testing.T) string {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.yaml"), "a: 1")
	write(t, filepath.Join(dir, "content/deep/one.yaml"), "a: 1")
	write(t, filepath.Join(dir, "..one/conf.yaml"), "a: 1")
	do(t, os.Symlink("..one", filepath.Join(dir, "..data")), os.Symlink("..data/conf.yaml", filepath.Join(dir, "conf.yaml")),
		os.Symlink("./content/../content/deep", filepath.Join(dir, "current")))
	return dir
}

// never is longer than any test: what is told then was told by the system.
const never = time.Hour

func TestRun(t *testing.T) {
	noWatches := func() (*fsnotify.Watcher, error) { return nil, syscall.EMFILE }
	for _, way := range []struct {
		name string
		opt  Options
	}{
		{"told by the system", Options{Settle: time.Millisecond, Poll: never}},
		{"looking by itself", Options{Unaided: 5 * time.Millisecond, Poll: never, newWatcher: noWatches}},
	} {
		for _, tt := range changes {
			t.Run(way.name+"/"+tt.name, func(t *testing.T) {
				t.Parallel()
				dir := lay(t)
				told := watched(t, way.opt, filepath.Join(dir, tt.path))
				tt.make(t, dir)
				<-told // or the test runs into its time limit
				// It is still watched, whatever was done to it.
				for len(told) > 0 {
					<-told
				}
				again := filepath.Join(dir, tt.path)
				if info, err := os.Stat(again); err == nil && info.IsDir() {
					again = filepath.Join(again, "again.yaml")
				}
				do(t, os.RemoveAll(again))
				write(t, again, "again: 1")
				<-told
			})
		}
	}
}

// TestRunIsQuiet changes what is beside the watched file many times: that is
// looked at and not told.
func TestRunIsQuiet(t *testing.T) {
	dir := lay(t)
	told := watched(t, Options{Settle: time.Millisecond, AtMost: 2 * time.Millisecond, Poll: never}, filepath.Join(dir, "a.yaml"))
	for i := range 200 {
		write(t, filepath.Join(dir, "beside.db"), fmt.Sprint(i))
	}
	write(t, filepath.Join(dir, "a.yaml"), "b: 1")
	<-told
	if n := len(told); n > 1 { // one more if the write was seen half-way
		t.Errorf("one change was told %d more times", n)
	}
}

// TestRunUnderConstantWrites writes the file again and again: it is told in
// between, and the last state is not missed.
func TestRunUnderConstantWrites(t *testing.T) {
	dir := lay(t)
	name := filepath.Join(dir, "a.yaml")
	told := watched(t, Options{Settle: time.Hour, AtMost: time.Millisecond, Poll: never}, name)
	for i := 0; len(told) == 0; i++ {
		write(t, name, fmt.Sprint("a: ", i))
	}
	<-told
}

// TestRunNudged calls changed although nothing has changed.
func TestRunNudged(t *testing.T) {
	nudge := make(chan struct{})
	told := watched(t, Options{Nudge: nudge, Poll: never}, filepath.Join(lay(t), "a.yaml"))
	nudge <- struct{}{}
	<-told
}

// TestRunPolls has no help but the poll, although the system promised to help.
func TestRunPolls(t *testing.T) {
	dir := lay(t)
	dead := func() (*fsnotify.Watcher, error) {
		w, err := fsnotify.NewWatcher()
		if err == nil {
			err = w.Close()
		}
		return w, err
	}
	var logged bytes.Buffer
	told := watched(t, Options{Unaided: time.Millisecond, Poll: time.Millisecond, newWatcher: dead,
		Log: slog.New(slog.NewTextHandler(&logged, nil))}, filepath.Join(dir, "a.yaml"))
	write(t, filepath.Join(dir, "a.yaml"), "b: 1")
	<-told
}

// TestRunTwoNamesOfOneFolder forgets a folder that was watched under two names.
func TestRunTwoNamesOfOneFolder(t *testing.T) {
	dir := lay(t)
	do(t, os.Symlink("content/deep", filepath.Join(dir, "one")), os.Symlink("content/deep", filepath.Join(dir, "two")))
	told := watched(t, Options{Settle: time.Millisecond, Poll: never}, filepath.Join(dir, "one/one.yaml"), filepath.Join(dir, "two/one.yaml"))
	do(t, os.Remove(filepath.Join(dir, "one")), os.Remove(filepath.Join(dir, "two")))
	<-told
	write(t, filepath.Join(dir, "two/one.yaml"), "a: 2")
	<-told
}

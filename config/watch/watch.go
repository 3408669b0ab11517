// Package watch tells when files have changed, however they do: written in
// place, replaced, removed and made again, or behind a link that now points
// elsewhere, as Kubernetes does it.
//
// It asks the system to be told of changes in the folders around the files,
// never in the files themselves, which a rename would silently end. What it is
// told is a reason to look, and what it sees decides. As a net it looks now and
// then without having been told; where the system tells nothing, because it
// has no more watches to give for example, it looks more often instead.
package watch

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"os"
	"time"

	"github.com/fsnotify/fsnotify"
)

// Options of Run; zero values are good.
type Options struct {
	Settle time.Duration // a change is told when it has been quiet so long; 250 ms if 0
	AtMost time.Duration // or when it was not, but so long has passed; 1 s if 0
	Poll   time.Duration // how often to look in any case; 10 s if 0
	// Unaided is how often to look where the system tells nothing; 1 s if 0.
	Unaided time.Duration
	// Nudge lets changed be called although nothing has changed.
	Nudge <-chan struct{}
	Log   *slog.Logger

	newWatcher func() (*fsnotify.Watcher, error) // in tests
}

// Run calls changed once, and again whenever a file of the paths has changed,
// until ctx ends. A path is a file or a folder with all below it; it need not
// be there. paths is called before each look. Both functions are called by the
// goroutine of Run; what changes while changed runs is told after it.
func Run(ctx context.Context, paths func() []string, opt Options, changed func()) {
	w := newWatcher(opt)
	defer w.close()

	looked := w.look(paths())
	changed()
	poll := time.NewTicker(w.interval())
	defer poll.Stop()
	settled := time.NewTimer(0)
	settled.Stop()
	defer settled.Stop()
	var first time.Time // when the changes began that are not told yet

	for {
		nudged := false
		select {
		case <-ctx.Done():
			return
		case _, ok := <-w.events:
			if !ok {
				w.events = nil
				w.alone(errEnded)
			}
			now := time.Now()
			if first.IsZero() {
				first = now
			}
			settled.Reset(min(w.opt.Settle, first.Add(w.opt.AtMost).Sub(now)))
			continue
		case _, ok := <-w.errors: // it has lost count
			if !ok {
				w.errors = nil
			}
		case <-settled.C:
		case <-poll.C:
		case <-opt.Nudge:
			nudged = true
		}
		first = time.Time{}
		now := w.look(paths())
		poll.Reset(w.interval())
		if now != looked || nudged {
			looked = now
			changed()
		}
	}
}

// watcher is what tells of changes, if the system does.
type watcher struct {
	opt     Options
	system  *fsnotify.Watcher // nil if there is none
	events  <-chan fsnotify.Event
	errors  <-chan error
	folders map[string]os.FileInfo // that it watches, as they were
	unaided bool                   // some are not watched
}

func newWatcher(opt Options) *watcher {
	setDefault(&opt.Settle, 250*time.Millisecond)
	setDefault(&opt.AtMost, time.Second)
	setDefault(&opt.Poll, 10*time.Second)
	setDefault(&opt.Unaided, time.Second)
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if opt.newWatcher == nil {
		opt.newWatcher = fsnotify.NewWatcher
	}
	w := &watcher{opt: opt}
	w.renew()
	return w
}

func setDefault(d *time.Duration, otherwise time.Duration) {
	if *d == 0 {
		*d = otherwise
	}
}

// alone notes that the system does not tell of all changes.
func (w *watcher) alone(err error) {
	if !w.unaided {
		w.opt.Log.Warn("the system does not tell of changed files, they are looked at now and then", "every", w.opt.Unaided, "error", err)
	}
	w.unaided = true
}

// errEnded says that the watcher has ended by itself.
var errEnded = errors.New("the watcher has ended")

func (w *watcher) interval() time.Duration {
	if w.unaided {
		return w.opt.Unaided
	}
	return w.opt.Poll
}

// renew asks the system afresh, about no folder yet.
func (w *watcher) renew() {
	w.close()
	w.system, w.events, w.errors, w.folders = nil, nil, nil, map[string]os.FileInfo{}
	system, err := w.opt.newWatcher()
	if err != nil {
		w.alone(err)
		return
	}
	w.system, w.events, w.errors = system, system.Events, system.Errors
}

func (w *watcher) close() {
	if w.system != nil {
		_ = w.system.Close() // nothing is written to it
	}
}

// look watches the folders of the paths from now on and returns what is there.
func (w *watcher) look(paths []string) print {
	// What is made below a folder before that is watched goes unnoticed: they
	// are all watched once there are no others after watching them. Where they
	// change all the time, the last of the changes is told.
	for range 10 {
		if w.system == nil || !w.watch(foldersNow(paths)) {
			break
		}
	}
	return printOf(paths)
}

// foldersNow returns the folders of the paths that are there, each under one
// name, which has no link in it.
func foldersNow(paths []string) map[string]os.FileInfo {
	folders := map[string]os.FileInfo{}
	for _, path := range paths {
		for _, folder := range foldersOf(path) {
			if info, err := os.Stat(folder); err == nil {
				folders[folder] = info
			}
		}
	}
	return folders
}

// watch watches the folders and no others, and says whether they are others
// than before. A folder that was removed and made again, or moved, is another
// one. The watcher of the system loses count of those and panics if it is then
// told to forget one (github.com/fsnotify/fsnotify/issues/652), so that it is
// never told to: another one takes its place.
func (w *watcher) watch(wanted map[string]os.FileInfo) bool {
	if maps.EqualFunc(w.folders, wanted, os.SameFile) {
		return false
	}
	w.renew()
	if w.system == nil {
		return false
	}
	for folder := range wanted {
		if err := w.system.Add(folder); err != nil && !os.IsNotExist(err) {
			w.alone(err)
		}
	}
	w.folders = wanted
	return true
}

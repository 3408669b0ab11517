package main

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
	"sync"
	"time"
)

// background are jobs that run beside each other and are stopped together.
type background struct {
	log     *slog.Logger
	ctx     context.Context
	stop    context.CancelFunc
	running sync.WaitGroup
}

// newBackground returns one without jobs. Its jobs keep the values of ctx and
// not its end: stopAll ends them.
func newBackground(ctx context.Context, log *slog.Logger) *background {
	b := &background{log: log}
	b.ctx, b.stop = context.WithCancel(context.WithoutCancel(ctx))
	return b
}

// Pauses before a job that panicked runs again.
const (
	minPause = time.Second
	maxPause = time.Minute
)

// run starts a job. One that panics is run again after a pause: the others
// know nothing of it.
func (b *background) run(name string, job func(context.Context)) {
	if job == nil {
		return
	}
	b.running.Go(func() {
		for pause := minPause; ; pause = min(2*pause, maxPause) {
			fault := guarded(b.ctx, job)
			if fault == nil {
				return
			}
			b.log.Error("a job panicked and will run again", "job", name, "error", fault.say, "stack", fault.stack, "pause", pause)
			timer := time.NewTimer(pause)
			select {
			case <-timer.C:
			case <-b.ctx.Done():
				timer.Stop()
				return
			}
		}
	})
}

// stopAll stops all jobs and waits for them, so long at most. It reports
// whether they have ended.
func (b *background) stopAll(within time.Duration) bool {
	b.stop()
	done := make(chan struct{})
	go func() {
		b.running.Wait()
		close(done)
	}()
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
		return false
	}
}

// A fault is what is said of a panic.
type fault struct{ say, stack string }

// guarded runs f and returns its panic. What a panic says may hold what people
// wrote and is left out, unless it comes from the runtime.
func guarded(ctx context.Context, f func(context.Context)) (caught *fault) {
	defer func() {
		if p := recover(); p != nil {
			caught = newFault(p)
		}
	}()
	f(ctx)
	return nil
}

func newFault(p any) *fault {
	say := fmt.Sprintf("a panic with a %T", p)
	if err, ok := p.(runtime.Error); ok {
		say = err.Error()
	}
	return &fault{say, string(debug.Stack())}
}

package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/channeltest"
	"tilldesk/config"
)

// diary remembers what happened, in order.
type diary struct {
	mu   sync.Mutex
	days []string
}

func (d *diary) write(what string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.days = append(d.days, what)
}

func (d *diary) read() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.days)
}

// TestParts runs a service with a part that is a whole channel: a message that
// its receiver accepts while it is being stopped is still answered, all ends in
// the order of a message, and the next start sends what this one could not.
func TestParts(t *testing.T) {
	var happened diary
	network := channeltest.NewFake("parrot", bot.Limits{})
	sent := make(chan struct{}, 100)
	network.Script(func(bot.Outbound) channeltest.Step { sent <- struct{}{}; return channeltest.Step{} })
	receiving := make(chan struct{})
	parrot := part{name: "parrot", open: func(_ context.Context, s *service) (plug, error) {
		return plug{
			channel: network,
			routes: func(mux *http.ServeMux) {
				mux.HandleFunc("POST /parrot", func(http.ResponseWriter, *http.Request) {})
			},
			hangUp: func() { happened.write("hung up") },
			receive: func(ctx context.Context) {
				<-ctx.Done()
				happened.write("received")
				in := bot.Inbound{Address: bot.Address{Channel: "parrot", Remote: "1"}, Remote: "1", Text: "花呗扫不了"}
				if _, err := s.engine.Accept(context.WithoutCancel(ctx), in); err != nil {
					t.Error(err)
				}
			},
			work:      func(ctx context.Context) { <-ctx.Done(); happened.write("worked") },
			committed: func(bot.ConversationID) { happened.write("committed") },
			learnt:    func() { happened.write("learnt"); close(receiving) },
			ready:     func(context.Context) error { return nil },
			close:     func() error { happened.write("closed"); return nil },
		}, nil
	}}
	dir := t.TempDir()
	a := littleApp(dir)
	a.parts = append(a.parts, parrot)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go func() {
		<-receiving
		stop()
	}()
	var out, errs bytes.Buffer
	if status := a.run(ctx, []string{"serve"}, strings.NewReader(""), &out, &errs); status != 0 {
		t.Fatalf("status %d: %s", status, errs.String())
	}

	got := happened.read()
	order := []string{"learnt", "received", "committed", "worked", "closed"}
	at := -1
	for _, what := range order {
		i := slices.Index(got, what)
		if i <= at {
			t.Fatalf("it happened as %q, want the order %q:\n%s", got, order, errs.String())
		}
		at = i
	}
	if !slices.Contains(got, "hung up") {
		t.Errorf("streams were not ended: %q", got)
	}

	again := littleApp(dir)
	again.parts = []part{{name: "parrot", open: func(context.Context, *service) (plug, error) { return plug{channel: network}, nil }}}
	ctx, stop = context.WithCancel(t.Context())
	defer stop()
	go func() {
		<-sent
		stop()
	}()
	if status := again.run(ctx, []string{"serve"}, strings.NewReader(""), &out, &errs); status != 0 {
		t.Fatalf("status %d: %s", status, errs.String())
	}
	if arrived := network.Arrived(); len(arrived) == 0 || arrived[0].Address.Remote != "1" {
		t.Errorf("the merchant got %v", arrived)
	}
}

// TestPartsThatFail opens a part that cannot be opened: those before it are
// closed, and the error is said.
func TestPartsThatFail(t *testing.T) {
	var happened diary
	a := littleApp(t.TempDir())
	a.parts = []part{
		{name: "good", open: func(context.Context, *service) (plug, error) {
			return plug{close: func() error { happened.write("closed"); return nil }}, nil
		}},
		{name: "bad", open: func(context.Context, *service) (plug, error) {
			return plug{}, errors.New("bad.token is *** , allowed: one that the network knows")
		}},
	}
	var out, errs bytes.Buffer
	status := a.run(t.Context(), []string{"serve"}, strings.NewReader(""), &out, &errs)
	if status != exitUsage || !strings.Contains(errs.String(), "bad.token") {
		t.Errorf("status %d, %s", status, errs.String())
	}
	if got := happened.read(); !slices.Equal(got, []string{"closed"}) {
		t.Errorf("what was opened was not closed: %q", got)
	}
}

// TestBackgroundPanics lets a job panic: it runs again after a pause, the
// others do not notice, and what it said stays out of the log.
func TestBackgroundPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var logged bytes.Buffer
		b := newBackground(t.Context(), testLogger(&logged))
		runs := 0
		b.run("shaky", func(ctx context.Context) {
			if runs++; runs < 3 {
				panic("the merchant's words")
			}
			<-ctx.Done()
		})
		steady := false
		b.run("steady", func(ctx context.Context) { <-ctx.Done(); steady = true })
		time.Sleep(minPause + 2*minPause) // of the bubble's clock
		synctest.Wait()
		if runs != 3 {
			t.Errorf("the job ran %d times, want 3", runs)
		}
		if !b.stopAll(time.Second) || !steady {
			t.Error("the jobs were not stopped")
		}
		if strings.Contains(logged.String(), "words") || strings.Count(logged.String(), "shaky") != 2 {
			t.Errorf("the log says %s", logged.String())
		}
		t.Logf("a job panicked %d times and ran again; the other one never ended", runs-1)
	})
}

// TestBackgroundStops waits for a job no longer than it is given.
func TestBackgroundStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBackground(t.Context(), testLogger(&bytes.Buffer{}))
		end := make(chan struct{})
		b.run("deaf", func(context.Context) { <-end })
		if b.stopAll(time.Second) {
			t.Error("a job that goes on is said to have ended")
		}
		close(end)
	})
}

func testLogger(w io.Writer) *slog.Logger {
	return newLogger(w, slog.LevelInfo, config.Text)
}

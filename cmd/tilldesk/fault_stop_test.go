package main

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"tilldesk/bot/store/storetest"
	"tilldesk/bot/trial"
)

// TestFaultStop stops the service in an orderly way, again and again, under
// load and with streams open: one that is alone, and one of two in turn, as a
// rolling restart does. Nobody who was let in is turned away, nothing is lost
// and nothing is left in doubt.
func TestFaultStop(t *testing.T) {
	notShort(t)
	storetest.Each(t, func(t *testing.T, dsn string) {
		s := newSite(t, dsn)
		s.net.Script(shaky(5))
		alone := strings.HasPrefix(dsn, "sqlite:")
		s.startReady()
		if !alone {
			s.startReady()
		}
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		done := s.merchants(ctx, 40, 2.5)
		stops := howMany(3, 50)
		var slowest time.Duration
		cutOff := 0
		for range stops {
			s.listen(60)
			s.mu.Lock()
			p := s.replicas[0]
			s.mu.Unlock()
			var streams sync.WaitGroup
			for range 5 {
				openStream(t, p.URL, &streams)
			}
			if !alone {
				s.leave(p) // the balancer sees that it goes
			}
			begin := time.Now()
			if err := p.Stop(); err != nil {
				t.Errorf("it ended with %v\n%s", err, p.Log())
			}
			slowest = max(slowest, time.Since(begin))
			streams.Wait() // they have ended too
			if strings.Contains(p.Log(), "cut off") {
				cutOff++
				t.Logf("requests were cut off:\n%s", p.Log())
			}
			s.leave(p)
			s.startReady()
		}
		s.listen(60)
		report := s.stopped(stop, done)
		// A stop gives what is under way some seconds. That must be enough on a
		// machine of its own; on a busy one nothing may be lost, and no more can
		// be asked.
		if cutOff > 0 && fullTrial() {
			t.Errorf("requests were cut off in %d of %d stops", cutOff, stops)
		}
		if report.Held > 0 && cutOff == 0 {
			t.Errorf("%d replies are held after orderly stops", report.Held)
		}
		for status, n := range s.ledger.Statuses() {
			if cutOff == 0 && status != http.StatusOK && status != 0 { // 0: nobody listened there any more
				t.Errorf("%d requests were answered with %d", n, status)
			}
		}
		t.Logf("%d stops under load with streams open, the slowest took %v; answers by status: %v", stops, slowest.Round(time.Millisecond), s.ledger.Statuses())
	})
}

// startReady starts a replica that is asked once it is ready, as a balancer
// does.
func (s *site) startReady() {
	s.Helper()
	p := trial.StartProcess(s, s.command())
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for status(s.T, p.URL+"/readyz") != http.StatusOK {
		select {
		case <-look.C:
		case <-s.Context().Done():
			return
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.replicas = append(s.replicas, p)
}

// openStream opens a stream of a merchant and reads it to its end.
func openStream(t *testing.T, url string, open *sync.WaitGroup) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/api/chat?conversation=merchant-0000-000000", nil)
	must(t, err)
	req.Header.Set("Accept", "text/event-stream")
	resp, err := http.DefaultClient.Do(req)
	must(t, err)
	open.Go(func() {
		defer resp.Body.Close()
		_, _ = io.Copy(io.Discard, resp.Body) // it is cut off at the latest
	})
}

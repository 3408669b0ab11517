package main

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"tilldesk/bot/store"
	"tilldesk/bot/store/storetest"
)

// TestFaultKill kills the service on SQLite at random moments under load and
// starts it again. The network delivers again what was not acknowledged; what
// was being sent when it died is held, all of it and nothing else.
func TestFaultKill(t *testing.T) {
	kills := howMany(12, 200)
	s := newSite(t, storetest.SQLite(t))
	s.net.Script(shaky(1))
	p := s.start()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	done := s.merchants(ctx, 40, 2.5)

	rng := rand.New(rand.NewPCG(1, 2))
	unknown := 0
	var slowest, latest time.Duration
	for i := range kills {
		s.listen(rng.IntN(80))
		if i%2 == 0 { // it takes messages before it answers: let it come to that
			s.arrive(1 + rng.IntN(15))
		}
		s.leave(p)
		_ = p.Kill()
		crashed := s.copied()
		unknown += ambiguous(t, crashed)
		db, err := store.Open(t.Context(), crashed, store.Options{})
		if err != nil {
			t.Fatalf("what the crash has left: %v", err)
		}
		if err := db.Check(t.Context()); err != nil {
			t.Fatalf("what the crash has left: %v", err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		p = s.start()
		slowest = max(slowest, p.Took)
		latest = max(latest, s.held(unknown))
		if i%10 == 9 {
			s.catchUp(40)
		}
	}
	s.listen(40)
	r := s.stopped(stop, done)
	if r.Held != unknown {
		t.Errorf("%d replies are held, %d were being sent when the service died", r.Held, unknown)
	}
	t.Logf("%d kills: listening again after %v at most, ambiguous replies shown after %v at most", kills, slowest.Round(time.Millisecond), latest.Round(time.Millisecond))
}

// held waits until so many replies are shown as held and returns how long that
// took.
func (s *site) held(n int) time.Duration {
	s.Helper()
	begin := time.Now()
	db := s.beside()
	defer db.Close()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for {
		q, err := db.Queue(s.Context())
		if err != nil {
			s.Fatal(err)
		}
		if q.Held >= n {
			return time.Since(begin)
		}
		if time.Since(begin) > 3*time.Minute {
			s.Fatalf("%d replies are held after three minutes, %d were being sent when the service died", q.Held, n)
		}
		<-look.C
	}
}

// TestFaultKillReplica kills one of two replicas on PostgreSQL at a time, under
// load. The other one goes on with what the dead one had in hand.
func TestFaultKillReplica(t *testing.T) {
	kills := howMany(6, 100)
	dsn := storetest.Postgres(t)
	s := newSite(t, dsn, trialLease+"="+lease(3*time.Second).String())
	s.net.Script(shaky(2))
	s.start()
	s.start()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	done := s.merchants(ctx, 40, 2.5)
	rng := rand.New(rand.NewPCG(3, 4))
	for i := range kills {
		s.listen(20 + rng.IntN(100))
		s.mu.Lock()
		p := s.replicas[i%2]
		s.mu.Unlock()
		s.leave(p)
		_ = p.Kill()
		s.listen(rng.IntN(100)) // the other one alone
		s.start()
		if i%10 == 9 {
			s.catchUp(40)
		}
	}
	s.listen(40)
	stop()
	<-done
	begin := time.Now()
	s.settle()
	took := time.Since(begin)
	s.settled()
	t.Logf("%d kills of one of two replicas; all work was done %v after the last message", kills, took.Round(time.Millisecond))
}

// lease is how long claims last: shorter where nobody should wait for them.
func lease(short time.Duration) time.Duration {
	if fullTrial() {
		return 30 * time.Second
	}
	return short
}

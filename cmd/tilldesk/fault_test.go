package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/store"
	"tilldesk/bot/store/storetest"
	"tilldesk/bot/trial"
)

// last lets a fault last so long.
func (s *site) last(d time.Duration) {
	select {
	case <-time.After(d):
	case <-s.Context().Done():
	}
}

// onlyPolite fails the test if the service answered with anything but a yes or
// a plea to come back later.
func (s *site) onlyPolite() {
	s.Helper()
	for status, n := range s.ledger.Statuses() {
		if status != 0 && status != http.StatusOK && status != http.StatusServiceUnavailable {
			s.Errorf("%d requests were answered with %d", n, status)
		}
	}
}

// stopped lets the merchants stop, and what they wrote be answered, and checks.
func (s *site) stopped(stop func(), done <-chan struct{}) trial.Report {
	s.Helper()
	stop()
	<-done
	return s.settled()
}

// settled lets everything be answered and checks.
func (s *site) settled() trial.Report {
	s.Helper()
	s.settle()
	return s.check(trial.LittleKnowledge(s))
}

// TestFaultRedelivery sends each message three times and one a hundred times at
// once, to two replicas, with a restart of one between: one row, one answer,
// the same one to all.
func TestFaultRedelivery(t *testing.T) {
	storetest.Each(t, func(t *testing.T, dsn string) {
		s := newSite(t, dsn)
		s.start()
		if !strings.HasPrefix(dsn, "sqlite:") {
			s.start()
		}
		ctx := t.Context()
		send := func(talk string, id bot.RemoteID, text string) {
			s.web.Ask(ctx, s.url, "web-conversation-"+talk, id, text)
			s.net.Deliver(ctx, s.url, talk, id, text)
		}
		messages := howMany(12, 500)
		for range 3 {
			for n := range messages {
				send(fmt.Sprint(n/messagesEach), bot.RemoteID(fmt.Sprint("m", n)), trial.Line(n))
			}
		}
		for round := range howMany(1, 20) {
			var all sync.WaitGroup
			for range 100 {
				all.Go(func() { send("crowded", bot.RemoteID(fmt.Sprint("c", round)), "花呗扫不了") })
			}
			all.Wait()
		}
		p := s.replicas[0]
		s.leave(p)
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
		s.start()
		for n := range messages {
			send(fmt.Sprint(n/messagesEach), bot.RemoteID(fmt.Sprint("m", n)), trial.Line(n))
		}
		s.settled()
		s.onlyPolite()
	})
}

// TestFaultFrozenReplica freezes one of two replicas with work in its hands
// until its claims have ended, and lets it go on: it finds that it has lost.
func TestFaultFrozenReplica(t *testing.T) {
	notShort(t)
	rounds := howMany(2, 30)
	long := lease(3 * time.Second)
	dsn := storetest.Postgres(t)
	s := newSite(t, dsn, trialLease+"="+long.String())
	s.net.Script(shaky(3))
	s.start()
	s.start()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	done := s.merchants(ctx, 40, 2.5)
	for i := range rounds {
		s.mu.Lock()
		p := s.replicas[i%2]
		s.mu.Unlock()
		holds := func(table, where string) bool {
			return storetest.Count(t, dsn, table, fmt.Sprintf("%s AND lease_owner LIKE '%%/%d%%' AND lease_until > %d", where, p.PID(), time.Now().UnixMilli())) > 0
		}
		for {
			s.listen(20)
			if err := p.Signal(syscall.SIGSTOP); err != nil {
				t.Fatal(err)
			}
			if holds("outbox", "state = 'sending'") {
				break
			}
			if err := p.Signal(syscall.SIGCONT); err != nil {
				t.Fatal(err)
			}
		}
		s.leave(p)
		for holds("outbox", "state = 'sending'") || holds("conversations", "lease_token <> ''") {
			s.listen(5)
		}
		s.listen(40)
		if err := p.Signal(syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
		s.mu.Lock()
		s.replicas = append(s.replicas, p)
		s.mu.Unlock()
	}
	s.listen(40)
	s.stopped(stop, done)
	t.Logf("a replica was frozen %d times with replies in its hands, longer than its claims of %v", rounds, long)
}

// TestFaultDatabaseServer kills the PostgreSQL server under load and starts it
// again, and lets it be away for a while.
func TestFaultDatabaseServer(t *testing.T) {
	notShort(t)
	kills := howMany(2, 20)
	away := time.Second
	if fullTrial() {
		away = 30 * time.Second
	}
	server := storetest.NewServer(t)
	s := newSite(t, server.DSN(), trialLease+"="+lease(6*time.Second).String())
	s.net.Script(shaky(4))
	s.start()
	s.start()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	done := s.merchants(ctx, 40, 2.5)
	var slowest time.Duration
	for i := range kills + 1 {
		s.listen(60)
		server.Kill()
		if i == kills {
			s.last(away)
		}
		server.Start()
		for len(s.heard) > 0 { // what was taken before the kill
			<-s.heard
		}
		begin := time.Now()
		s.listen(1)
		slowest = max(slowest, time.Since(begin))
	}
	s.listen(60)
	s.stopped(stop, done)
	s.onlyPolite()
	t.Logf("%d kills of the server and an outage of %v: taking messages again %v after it was back at most; answers by status: %v",
		kills, away, slowest.Round(time.Millisecond), s.ledger.Statuses())
}

// TestFaultForeignLock has another process hold SQLite's lock to write.
func TestFaultForeignLock(t *testing.T) {
	notShort(t)
	rounds, held := howMany(2, 5), time.Second
	if fullTrial() {
		held = 10 * time.Second
	}
	s := newSite(t, storetest.SQLite(t))
	s.start()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	done := s.merchants(ctx, 40, 2.5)
	conn, err := storetest.Raw(t, s.dsn).Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for range rounds {
		s.listen(40)
		if _, err := conn.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err != nil {
			t.Fatal(err)
		}
		s.last(held)
		if _, err := conn.ExecContext(t.Context(), "ROLLBACK"); err != nil {
			t.Fatal(err)
		}
	}
	s.listen(40)
	s.stopped(stop, done)
	s.onlyPolite()
	t.Logf("the lock was held %d times for %v; answers by status: %v", rounds, held, s.ledger.Statuses())
}

// slow opens connections that never finish the head of their request, and
// returns how long the service let them.
func slow(t *testing.T, url string, n int) (longest time.Duration) {
	t.Helper()
	var mu sync.Mutex
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			begin := time.Now()
			_, _ = io.WriteString(conn, "POST /api/chat HTTP/1.1\r\nHost: x\r\nX-Slow: ") // it may be cut off at once
			_ = conn.SetReadDeadline(begin.Add(2 * time.Minute))
			_, err = io.Copy(io.Discard, conn)
			if n, ok := err.(net.Error); ok && n.Timeout() {
				t.Error("a client that sends nothing was not cut off within two minutes")
			}
			mu.Lock()
			longest = max(longest, time.Since(begin))
			mu.Unlock()
		})
	}
	all.Wait()
	return longest
}

// TestFaultSlowClients has hundreds of clients that open a connection and
// dawdle, with many files allowed to the service and with few.
func TestFaultSlowClients(t *testing.T) {
	notShort(t)
	for _, tt := range []struct {
		name    string
		files   string // the limit of open files
		clients int
	}{
		{"many", "", 500},
		{"more than there may be files", "64", howMany(90, 500)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel() // it waits until the clients are cut off
			s := newSite(t, storetest.SQLite(t))
			cmd := s.command()
			if tt.files != "" {
				cmd.Args = append([]string{"/bin/sh", "-c", "ulimit -n " + tt.files + ` && exec "$0" "$@"`}, cmd.Args...)
				cmd.Path = "/bin/sh"
			}
			p := trial.StartProcess(t, cmd)
			s.replicas = append(s.replicas, p)
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			done := s.merchants(ctx, 4, 2)
			s.listen(4)
			longest := slow(t, p.URL, tt.clients)
			s.listen(8)
			r := s.stopped(stop, done)
			s.onlyPolite()
			if r.Dead > 0 {
				t.Errorf("%d messages could not be answered", r.Dead)
			}
			t.Logf("%d slow clients, gone after %v at most, with the time until they were let in; meanwhile %d messages; answers by status: %v",
				tt.clients, longest.Round(time.Millisecond), r.Messages, s.ledger.Statuses())
		})
	}
}

// TestFaultBackup makes backups under load and restores one in an empty place:
// whatever had been acknowledged before it was begun is there, and a service
// goes on with it.
func TestFaultBackup(t *testing.T) {
	notShort(t)
	s := newSite(t, storetest.SQLite(t))
	s.net.Script(shaky(5))
	s.start()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	done := s.merchants(ctx, 40, 2.5)
	dir := t.TempDir()
	var last *trial.Ledger
	var file string
	for i := range howMany(2, 20) {
		s.listen(100)
		last, file = s.ledger.Snapshot(), filepath.Join(dir, fmt.Sprint(i))
		db := s.beside()
		if err := db.Backup(t.Context(), file); err != nil {
			t.Fatal(err)
		}
		db.Close()
	}
	s.listen(20)
	s.stopped(stop, done)
	s.onlyPolite()

	restored := "sqlite:" + filepath.Join(t.TempDir(), "new", "tilldesk.db")
	if err := store.Restore(t.Context(), file, restored); err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(t.Context(), restored, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := last.Check(t.Context(), db, trial.Expect{Arrived: s.net.Arrived(), Unfinished: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if r.Lost > 0 || r.Acknowledged == 0 {
		t.Errorf("of %d messages that were acknowledged before the backup, %d are lost: %v", r.Acknowledged, r.Lost, r.Problems)
	}
	t.Logf("all %d messages that were acknowledged before the backup are in it", r.Acknowledged)

	again := newSite(t, restored)
	again.start()
	if !again.web.Ask(t.Context(), again.url, "a-new-conversation", "m1", "花呗扫不了") {
		t.Error("the restored service does not answer")
	}
}

// poison are bodies that no merchant's browser would send.
func poison() map[string]string {
	body := func(text string) string {
		return fmt.Sprintf(`{"conversation":"poisoned-conversation","message_id":"%%s","text":"%s"}`, text)
	}
	return map[string]string{
		"NUL":                 body(`before\u0000after`),
		"half a surrogate":    body(`x\ud800y`),
		"bad UTF-8":           body("x\xff\xfey"),
		"controls":            body(`\u0001\u0007\u001b[31m\r\n\u2028`),
		"4 MB":                body(strings.Repeat("花", 4<<20/3)),
		"10,000 marks":        body("e" + strings.Repeat("\u0301", 10_000)),
		"right to left":       body("\u202e花呗\u202c\u200b\u200d\ufeff"),
		"only blanks":         body("  \u3000\u00a0\u200b"),
		"an object as text":   `{"conversation":"poisoned-conversation","message_id":"%s","text":{"a":1}}`,
		"a number too large":  `{"conversation":"poisoned-conversation","message_id":"%s","text":"x","after":1e400}`,
		"a field twice":       `{"conversation":"poisoned-conversation","message_id":"%s","text":"a","text":"b"}`,
		"other case":          `{"CONVERSATION":"poisoned-conversation","Message_ID":"%s","TEXT":"x"}`,
		"two documents":       `{"conversation":"poisoned-conversation","message_id":"%s","text":"x"}{}`,
		"a choice of nothing": `{"conversation":"poisoned-conversation","message_id":"%s","choice":"\u0000no such \u202echoice"}`,
		"deep":                strings.Repeat(`{"text":`, 5000) + `"%s"`,
		"not JSON":            `%s <xml/>`,
		"nothing":             ``,
	}
}

// TestFaultPoison sends what nobody should: it is stored or refused on purpose,
// and the next message of the same merchant is answered.
func TestFaultPoison(t *testing.T) {
	notShort(t)
	storetest.Each(t, func(t *testing.T, dsn string) {
		s := newSite(t, dsn)
		s.start()
		all := poison()
		outcomes := map[int]int{} // by status
		for n, name := range slices.Sorted(maps.Keys(all)) {
			id := fmt.Sprint("p", n)
			body := all[name]
			if strings.Contains(body, "%s") {
				body = fmt.Sprintf(body, id)
			}
			var statuses []int
			for range 2 { // sent again, it must be treated the same
				resp, err := http.Post(s.url()+"/api/chat", "application/json", strings.NewReader(body))
				if err != nil {
					t.Errorf("%s: %v", name, err)
					continue
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				statuses = append(statuses, resp.StatusCode)
			}
			for _, status := range statuses {
				outcomes[status]++
				if status != 200 && status != 400 && status != 413 || status != statuses[0] {
					t.Errorf("%s: answered with %v", name, statuses)
				}
			}
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
			if !s.web.Ask(ctx, s.url, "a-good-conversation", bot.RemoteID(id), trial.Line(n)) {
				t.Errorf("%s: the next message is not answered", name)
			}
			if !s.net.Deliver(ctx, s.url, "shop", bot.RemoteID(id), trial.Line(n)) {
				t.Errorf("%s: the next message over the network is not taken", name)
			}
			cancel()
		}
		s.settle()
		if n := storetest.Count(t, dsn, "inbox", "state <> 'done'"); n > 0 {
			t.Errorf("%d messages were not answered", n)
		}
		s.settled()
		t.Logf("%d kinds of poison, each sent twice, with these answers: %v; after each a message in the web chat and one over the network", len(all), outcomes)
	})
}

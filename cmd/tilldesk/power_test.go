package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/store"
	"tilldesk/bot/store/storetest"
	"tilldesk/bot/trial"
)

// token is an id of a message that is found wherever it is written.
var token = regexp.MustCompile(`zq[0-9]{6}qz`)

// traced runs a service under strace, lets it acknowledge so many messages,
// kills it and returns what it has done.
func traced(t *testing.T, messages int) (*trial.Trace, *site) {
	s := newSite(t, storetest.NoFile(t))
	cmd := s.command()
	trace := trial.NewTrace(t, cmd)
	p := trial.StartProcess(t, cmd)
	s.replicas = append(s.replicas, p)
	ctx, stop := context.WithTimeout(t.Context(), 30*time.Minute)
	defer stop()
	var next atomic.Int64
	var all sync.WaitGroup
	for chat := range 8 {
		all.Go(func() {
			for ctx.Err() == nil {
				n := int(next.Add(1))
				if n > messages {
					return
				}
				id := bot.RemoteID(fmt.Sprintf("zq%06dqz", n))
				if !s.net.Deliver(ctx, s.url, fmt.Sprint("chat", chat), id, trial.Line(n)) {
					t.Errorf("message %s was not taken", id)
				}
			}
		})
	}
	all.Wait()
	_ = p.Kill() // strace, and with it what it traces
	return trace, s
}

// acknowledged returns the id of the message that a call tells the network of
// as taken, or "".
func acknowledged(c *trial.Call) string {
	if c.Name != "write" || !bytes.HasPrefix(c.Data, []byte("HTTP/1.1 200")) {
		return ""
	}
	return token.FindString(string(c.Data))
}

// TestFaultAcknowledgedIsSynced watches the service's calls: no message is told
// as taken before the sync of the commit that stores it has ended.
func TestFaultAcknowledgedIsSynced(t *testing.T) {
	notShort(t)
	messages := howMany(150, 10_000)
	trace, s := traced(t, messages)
	log := strings.TrimPrefix(s.dsn, "sqlite:") + "-wal"
	stored := map[string]bool{} // by id: written to the log, and true if that was synced
	var written []string        // since the last sync
	covered := map[*trial.Call]int{}
	told, early := 0, 0
	err := trace.Watch(func(_ int, c *trial.Call) {
		if id := acknowledged(c); id != "" {
			if told++; !stored[id] {
				early++
			}
		}
		if c.Name == "fsync" && c.Path == log {
			covered[c] = len(written)
		}
	}, func(_ int, c *trial.Call) {
		switch {
		case c.Path != log:
		case c.Name == "pwrite64":
			for _, id := range token.FindAllString(string(c.Data), -1) {
				if !stored[id] {
					written = append(written, id)
				}
			}
		case c.Name == "fsync":
			for _, id := range written[:covered[c]] {
				stored[id] = true
			}
			written = written[covered[c]:]
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d messages were acknowledged, %d of them before the sync of their commit", told, early)
	if early > 0 || told < messages {
		t.Errorf("%d of %d were acknowledged early; %d were sent", early, told, messages)
	}
}

// TestFaultPowerCut cuts the power at random moments: of each file only that is
// left which had been synced, or that and some of the rest. The database opens,
// is whole, and has every message that was acknowledged by then.
func TestFaultPowerCut(t *testing.T) {
	notShort(t)
	cuts := howMany(10, 50)
	trace, s := traced(t, howMany(100, 1500))
	path := strings.TrimPrefix(s.dsn, "sqlite:")
	files := []string{path, path + "-wal", path + "-journal"}
	steps, first := 0, -1
	note := func(step int, c *trial.Call) {
		steps = step
		if first < 0 && acknowledged(c) != "" {
			first = step
		}
	}
	if err := trace.Watch(note, note); err != nil {
		t.Fatal(err)
	}
	if first < 0 {
		t.Fatal("nothing was acknowledged")
	}
	rng := rand.New(rand.NewPCG(5, 6))
	at := map[int]bool{steps: true}
	for len(at) < cuts {
		at[first+rng.IntN(steps-first)] = true
	}
	var disk trial.Disk
	var told []string
	lost, checked := 0, 0
	cut := func(step int) {
		if !at[step] {
			return
		}
		for _, chance := range []*rand.Rand{nil, rng} {
			checked++
			lost += s.afterCut(&disk, chance, files, told)
		}
	}
	if err := trace.Watch(func(step int, c *trial.Call) {
		disk.Began(step, c)
		if id := acknowledged(c); id != "" {
			told = append(told, id)
		}
		cut(step)
	}, func(step int, c *trial.Call) {
		disk.Ended(step, c)
		cut(step)
	}); err != nil {
		t.Fatal(err)
	}
	t.Logf("the power was cut at %d moments, in 2 ways each: %d acknowledged messages lost, the last time of %d", checked/2, lost, len(told))
	if lost > 0 || checked < 2*cuts {
		t.Errorf("%d lost in %d trials", lost, checked)
	}
}

// afterCut opens what a power cut has left and returns how many of the
// acknowledged messages are not there.
func (s *site) afterCut(disk *trial.Disk, chance *rand.Rand, files, told []string) (lost int) {
	s.Helper()
	dir := s.TempDir()
	if err := disk.Cut(dir, chance, files...); err != nil {
		s.Fatal(err)
	}
	dsn := "sqlite:" + dir + "/tilldesk.db"
	db, err := store.Open(s.Context(), dsn, store.Options{})
	if err != nil {
		s.Errorf("after the power cut: %v", err)
		return len(told)
	}
	defer db.Close()
	if err := db.Check(s.Context()); err != nil {
		s.Errorf("after the power cut: %v", err)
	}
	var there []string
	for _, row := range storetest.Dump(s, dsn)["inbox"] {
		there = append(there, row["remote"].(string))
	}
	slices.Sort(there)
	for _, id := range told {
		if _, ok := slices.BinarySearch(there, id); !ok {
			lost++
		}
	}
	return lost
}

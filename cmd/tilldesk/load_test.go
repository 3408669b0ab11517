package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/channeltest"
	"tilldesk/bot/store/storetest"
	"tilldesk/bot/trial"
)

// A load is what a run has measured, besides what the checker says.
type load struct {
	*site
	p     *trial.Process
	acks  trial.Times // from when a message was due until it was acknowledged
	waits trial.Times // the same, to the answer, of the web chat
	polls trial.Times // of any answer, also of a refusal
}

// newLoad starts a service, with a network that takes 5 ms.
func newLoad(t *testing.T, env ...string) *load {
	l := prepareLoad(t, env...)
	l.begin(l.command())
	l.forgetLearning()
	return l
}

func prepareLoad(t *testing.T, env ...string) *load {
	notShort(t)
	env = append(env, "TILLDESK_LOG_LEVEL=warn")
	if fullTrial() {
		env = append(env, trialLearn+"=all")
	}
	l := &load{site: newSite(t, storetest.SQLite(t), env...)}
	l.net.Script(func(bot.Outbound) channeltest.Step { return channeltest.Step{Delay: 5 * time.Millisecond} })
	return l
}

// begin starts the service and waits until it answers, not only listens.
func (l *load) begin(cmd *exec.Cmd) {
	l.Helper()
	l.p = trial.StartProcess(l, cmd)
	l.replicas = append(l.replicas, l.p)
	if !l.web.Ask(l.Context(), l.url, "the-first-question", "m1", "花呗扫不了") {
		l.Fatal("the service does not answer")
	}
}

// forgetLearning lets the most memory be that of the load: training, where
// nothing that was learnt has been kept, takes more than any of them.
func (l *load) forgetLearning() {
	l.Helper()
	now, most := l.p.Memory()
	// It answers a moment before it has given back what learning took.
	const little = 200 << 20
	for begin := time.Now(); now > little && time.Since(begin) < 10*time.Second; now, _ = l.p.Memory() {
		pause(l.T, time.Now().Add(50*time.Millisecond))
	}
	if err := l.p.ForgetPeak(); err != nil {
		l.Logf("the memory at most includes that of learning: %v", err)
		return
	}
	l.Logf("%d MB of memory at most while it learnt", most>>20)
}

// howLong is how long a load lasts.
func howLong(change, full time.Duration) time.Duration {
	if fullTrial() {
		return full
	}
	return change
}

// rate is how many messages a second: few where others work beside.
func rate(full float64) float64 {
	if fullTrial() {
		return full
	}
	return min(full, 60)
}

// goal states a figure and what it is to reach, which only a full run on a
// machine of its own can be held to.
func goal[T int | int64 | float64 | time.Duration](l *load, what string, got, most T) {
	l.Helper()
	l.Logf("%s: %v (at most %v)", what, got, most)
	if fullTrial() && got > most {
		l.Errorf("%s is %v, want at most %v", what, got, most)
	}
}

// talkers is over how many conversations a load is spread.
const talkers = 1800

// say lets a merchant write message n, due at a time, every other one in the
// web chat.
func (l *load) say(n int, at time.Time, webToo bool) {
	round := n / talkers
	talk := fmt.Sprintf("merchant-%06d-%06d", n%talkers, round/messagesEach)
	id, text := bot.RemoteID(fmt.Sprint("m", n)), trial.Line(n%talkers*7+round)
	if webToo && n%2 == 0 {
		if err := l.web.Say(l.Context(), l.url(), talk, id, text); err == nil {
			l.waits.Add(time.Since(at))
		} else {
			l.web.Ask(l.Context(), l.url, talk, id, text)
		}
		return
	}
	if err := l.net.Post(l.Context(), l.url(), talk, id, text, at); err == nil {
		l.acks.Add(time.Since(at))
	} else {
		l.net.Deliver(l.Context(), l.url, talk, id, text)
	}
}

// done lets everything be answered, checks and says what was measured.
func (l *load) done() trial.Report {
	l.Helper()
	begin := time.Now()
	l.settle()
	drained := time.Since(begin)
	_, most := l.p.Memory()
	r := l.check(nil)
	l.onlyPolite()
	l.Logf("acknowledged: %v", &l.acks)
	l.Logf("from webhook to sent: %v", &l.net.Took)
	l.Logf("answered in the web chat: %v", &l.waits)
	l.Logf("drained %v after the last message; %d MB of memory at most; answers by status: %v", drained.Round(time.Millisecond), most>>20, l.ledger.Statuses())
	return r
}

func (l *load) noRefusals() {
	l.Helper()
	for status, n := range l.ledger.Statuses() {
		if status != http.StatusOK {
			goal(l, fmt.Sprintf("answers with status %d", status), n, 0)
		}
	}
}

// TestLoadSteady is a busy day: L1.
func TestLoadSteady(t *testing.T) {
	l := newLoad(t)
	trial.Steady(t.Context(), rate(300), howLong(3*time.Second, 10*time.Minute), func(n int, at time.Time) { l.say(n, at, true) })
	l.done()
	goal(l, "acknowledged, p99", l.acks.Quantile(0.99), 50*time.Millisecond)
	goal(l, "acknowledged, most", l.acks.Quantile(1), time.Second)
	goal(l, "webhook to sent, p50", l.net.Took.Quantile(0.5), 50*time.Millisecond)
	goal(l, "webhook to sent, p99", l.net.Took.Quantile(0.99), 300*time.Millisecond)
	l.noRefusals()
}

// TestLoadBurst is the hour after an outage: L2.
func TestLoadBurst(t *testing.T) {
	l := newLoad(t)
	trial.Steady(t.Context(), rate(1000), howLong(3*time.Second, time.Minute), func(n int, at time.Time) { l.say(n, at, false) })
	begin := time.Now()
	l.settle()
	goal(l, "drained after", time.Since(begin), 10*time.Second)
	l.done()
	goal(l, "acknowledged, p99", l.acks.Quantile(0.99), 150*time.Millisecond)
	goal(l, "webhook to sent, p99", l.net.Took.Quantile(0.99), 3*time.Second)
}

// TestLoadCrowd has more clients than can be served, and beside it the bare
// limits: the same rows, written by a loop that does nothing else, and those
// that are acknowledged, written for as many clients: L3.
func TestLoadCrowd(t *testing.T) {
	l := newLoad(t)
	length := howLong(3*time.Second, 2*time.Minute)
	ctx, stop := context.WithTimeout(t.Context(), length)
	defer stop()
	var acked atomic.Int64
	before := l.p.CPU()
	begin := time.Now()
	trial.Crowd(ctx, crowdClients, func(client, n int) {
		talk := fmt.Sprintf("client-%03d-%06d", client, n/messagesEach)
		id := bot.RemoteID(fmt.Sprint("m", n))
		for {
			asked := time.Now()
			err := l.net.Post(t.Context(), l.url(), talk, id, trial.Line(client+n), asked)
			l.polls.Add(time.Since(asked))
			var status *trial.StatusError
			switch {
			case err == nil:
				acked.Add(1)
				return
			case !errors.As(err, &status):
				t.Errorf("a request was not answered: %v", err)
				return
			}
		}
	})
	took := time.Since(begin)
	_, most := l.p.Memory()
	l.settleWithin(20 * time.Minute) // sending keeps its pace, whatever was let in
	all := time.Since(begin)
	used := l.p.CPU() - before
	r := l.done()
	goal(l, "an answer of either kind, most", l.polls.Quantile(1), 4500*time.Millisecond)
	goal(l, "memory in MB", most>>20, 256)

	perSecond := func(n int64, d time.Duration) float64 { return float64(n) / d.Seconds() }
	heard := int64(r.Messages)
	acks, through := perSecond(acked.Load(), took), perSecond(heard, all)
	t.Logf("acknowledged %.0f a second; acknowledged, answered and sent %.0f a second, with %.0f%% of one core in the service, %.2f ms each",
		acks, through, 100*used.Seconds()/all.Seconds(), 1000*used.Seconds()/float64(heard))
	bare := storetest.NewBare(t, l.dsn)
	rows, wrote := bare.All(max(1, r.Messages/bareTogether))
	t.Logf("the bare limit: the same %d rows of %d messages in commits of %d messages: %.0f messages a second, %.1f times as many as answered",
		rows, r.Messages, bareTogether, perSecond(heard, wrote), perSecond(heard, wrote)/through)
	accepted := acceptAlone(t, bare)
	t.Logf("of these the rows that are acknowledged: %.0f messages a second, %.1f times as many", perSecond(heard, accepted), perSecond(heard, accepted)/acks)
	asked := acceptBehind(t, bare)
	t.Logf("the same rows written for the same clients behind a bare HTTP server: %.0f messages a second", perSecond(heard, asked))
	goal(l, "so many times as many are acknowledged by the bare HTTP server", perSecond(heard, asked)/acks, 2)
}

// grown is the built-in content with so many more articles.
func grown(t *testing.T, articles int) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../../content")); err != nil {
		t.Fatal(err)
	}
	for i := range articles {
		word := func(k int) string { return string(rune(0x4e00+(i*k)%9000)) + string(rune(0x4e00+(i*k*13+k)%9000)) }
		text := fmt.Sprintf("id: grown-%06d\nintents: [info.security]\ntitle: {zh: 问题%d, en: Question %d}\npassages:\n"+
			"  - id: p\n    heading: {zh: %s的%s怎么办, en: what about case %d}\n    text: {zh: 先看%s，再看%s。, en: Look at case %d first.}\n    source: [practice]\n",
			i, i, i, word(7), word(31), i, word(101), word(3), i)
		if err := os.WriteFile(filepath.Join(dir, "articles", fmt.Sprintf("grown-%06d.yaml", i)), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestLoadLargeBase has a knowledge base of ten thousand articles, and of a
// hundred thousand: L4.
func TestLoadLargeBase(t *testing.T) {
	for _, tt := range []struct {
		articles  int
		perSecond float64
		p99       time.Duration
		memory    int64 // MB
	}{
		{howMany(300, 10_000), 300, 400 * time.Millisecond, 150},
		{howMany(0, 100_000), 50, 600 * time.Millisecond, 450},
	} {
		if tt.articles <= 1 {
			continue
		}
		t.Run(fmt.Sprint(tt.articles), func(t *testing.T) {
			l := newLoad(t, "TILLDESK_CONTENT_DIR="+grown(t, tt.articles))
			trial.Steady(t.Context(), rate(tt.perSecond), howLong(3*time.Second, 2*time.Minute), func(n int, at time.Time) { l.say(n, at, true) })
			now, _ := l.p.Memory()
			l.done()
			goal(l, "webhook to sent, p99", l.net.Took.Quantile(0.99), tt.p99)
			goal(l, "memory in MB while it serves", now>>20, tt.memory)
		})
	}
}

// TestLoadSoak is a long day: what is held must not grow: L7.
func TestLoadSoak(t *testing.T) {
	l := newLoad(t)
	warm, long := howLong(2*time.Second, 4*time.Minute), howLong(3*time.Second, 6*time.Minute)
	perSecond := rate(100)
	trial.Steady(t.Context(), perSecond, warm, func(n int, at time.Time) { l.say(n, at, true) })
	l.settle()
	memory, _ := l.p.Memory()
	files := l.p.Files()
	sent := int(perSecond * warm.Seconds())
	trial.Steady(t.Context(), perSecond, long, func(n int, at time.Time) { l.say(sent+n, at, true) })
	l.settle()
	later, _ := l.p.Memory()
	filesLater := l.p.Files()
	log, err := os.Stat(strings.TrimPrefix(l.dsn, "sqlite:") + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	l.done()
	perTen := float64(later-memory) / (1 << 20) / long.Minutes() * 10
	goal(l, "memory in MB more in ten minutes", perTen, 1)
	goal(l, "more files open", filesLater-files, 5)
	goal(l, "the write-ahead log in MB", log.Size()>>20, 64)
}

// TestLoadStart starts on a database with a long history: L8.
func TestLoadStart(t *testing.T) {
	l := prepareLoad(t)
	messages := howMany(2_000, 1_000_000)
	storetest.History(t, l.dsn, messages)
	begin := time.Now()
	l.begin(l.command())
	answers := time.Since(begin)
	_, most := l.p.Memory()
	t.Logf("%d messages stored, %d MB of memory at most while it learnt", messages, most>>20)
	goal(l, "listening after", l.p.Took, time.Second)
	goal(l, "answering after", answers, 5*time.Second)
	if !l.net.Deliver(t.Context(), l.url, "a-shop", "m1", "花呗扫不了") {
		t.Error("a message over the network is not taken")
	}
	l.settle()
	now, _ := l.p.Memory()
	goal(l, "memory in MB when idle", now>>20, 80)
	l.check(nil)
}

// TestLoadBackup makes backups on a busy day, which may cost half as much again:
// F25.
func TestLoadBackup(t *testing.T) {
	l := newLoad(t)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	type made struct {
		backups int
		log     int64 // bytes of the write-ahead log at most: it cannot be emptied during a backup
	}
	backups := make(chan made)
	go func() {
		n, dir, log := 0, t.TempDir(), int64(0)
		defer func() { backups <- made{n, log} }()
		db := l.beside()
		defer db.Close()
		pace := time.NewTicker(howLong(300*time.Millisecond, 10*time.Second))
		defer pace.Stop()
		for {
			select {
			case <-pace.C:
			case <-ctx.Done():
				return
			}
			n++
			file := filepath.Join(dir, "backup.db")
			err := errors.Join(db.Backup(t.Context(), file), os.Remove(file))
			wal, noLog := os.Stat(strings.TrimPrefix(l.dsn, "sqlite:") + "-wal")
			if err := errors.Join(err, noLog); err != nil {
				t.Error(err)
				return
			}
			log = max(log, wal.Size())
		}
	}()
	trial.Steady(t.Context(), rate(300), howLong(3*time.Second, 2*time.Minute), func(n int, at time.Time) { l.say(n, at, true) })
	stop()
	m := <-backups
	_, most := l.p.Memory()
	l.done()
	l.Logf("%d backups meanwhile", m.backups)
	if m.backups == 0 {
		l.Error("no backup was made")
	}
	goal(l, "the write-ahead log in MB, most", m.log>>20, 64)
	goal(l, "memory in MB, most", most>>20, 256)
	goal(l, "acknowledged, p99", l.acks.Quantile(0.99), 75*time.Millisecond)
	goal(l, "acknowledged, most", l.acks.Quantile(1), 1500*time.Millisecond)
	goal(l, "webhook to sent, p50", l.net.Took.Quantile(0.5), 75*time.Millisecond)
	goal(l, "webhook to sent, p99", l.net.Took.Quantile(0.99), 450*time.Millisecond)
	l.noRefusals()
}

// TestLoadSlowDisk delays each sync by 5 ms: only commits that are shared keep
// up: L9.
func TestLoadSlowDisk(t *testing.T) {
	l := prepareLoad(t)
	cmd := l.command()
	trial.DelaySyncs(t, cmd, 5*time.Millisecond)
	l.begin(cmd)
	trial.Steady(t.Context(), rate(100), howLong(3*time.Second, 2*time.Minute), func(n int, at time.Time) { l.say(n, at, true) })
	l.done()
	goal(l, "acknowledged, p99", l.acks.Quantile(0.99), 60*time.Millisecond)
}

// TestLoadFlood has one merchant write without end, while a hundred others
// write as they do: L11.
func TestLoadFlood(t *testing.T) {
	l := newLoad(t, "TILLDESK_LIMITS_CONVERSATION_PER_MINUTE=30")
	length := howLong(3*time.Second, 2*time.Minute)
	flooding := make(chan struct{})
	var noticed atomic.Int64
	go func() {
		defer close(flooding)
		trial.Steady(t.Context(), rate(200), length, func(n int, at time.Time) {
			id := bot.RemoteID(fmt.Sprint("f", n))
			if n%2 == 0 {
				l.net.Deliver(t.Context(), l.url, "the-one-who-floods", id, trial.Line(n))
				return
			}
			var status *trial.StatusError
			if err := l.web.Say(t.Context(), l.url(), "the-one-who-floods-the-web", id, trial.Line(n)); errors.As(err, &status) && status.Status == http.StatusTooManyRequests {
				noticed.Add(1)
			}
		})
	}()
	perSecond := 100.0
	if !fullTrial() {
		perSecond = 20
	}
	trial.Steady(t.Context(), perSecond, length, func(n int, at time.Time) { l.say(n, at, true) })
	<-flooding
	l.settle()
	r := l.check(nil)
	goal(l, "the others, webhook to sent, p99", l.net.Took.Quantile(0.99), 500*time.Millisecond)
	goal(l, "the others, answered in the web chat, p99", l.waits.Quantile(0.99), 500*time.Millisecond)
	t.Logf("%d messages of the flood were answered by a notice of the limit; of all others, %d rows are stored", noticed.Load(), r.Acknowledged)
	if noticed.Load() == 0 {
		t.Error("the flood in the web chat was not limited")
	}
}

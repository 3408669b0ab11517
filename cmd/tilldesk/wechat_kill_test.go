package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/store"
	"tilldesk/bot/store/storetest"
	"tilldesk/bot/trial"
	"tilldesk/bot/wechat"
	"tilldesk/bot/wechat/wechattest"
)

// A balancer is the one URL that WeChat knows, before all replicas.
type balancer struct {
	*httptest.Server
	turn atomic.Pointer[url.URL] // of the replica that is asked now
}

func newBalancer(t *testing.T) *balancer {
	b := new(balancer)
	b.Server = httptest.NewServer(&httputil.ReverseProxy{
		Rewrite:  func(r *httputil.ProxyRequest) { r.SetURL(b.turn.Load()) },
		ErrorLog: log.New(io.Discard, "", 0),
	})
	t.Cleanup(b.Close)
	return b
}

func (b *balancer) to(p *trial.Process) {
	u, err := url.Parse(p.URL)
	if err != nil {
		panic(err)
	}
	b.turn.Store(u)
}

// A heard is a message of a merchant's, and what its deliveries were answered.
type heard struct {
	from, xml string
	mu        sync.Mutex
	first     time.Time // when the first was answered
	answers   []string
	failed    int
	overdue   int
}

// repetition is how long after the first delivery another one is taken for a
// repetition. WeChat's come within fifteen seconds; a machine that takes this
// long to start a replica is slower than WeChat is patient, and what comes then
// is rightly answered with nothing.
const repetition = 50 * time.Second

// TestFaultKillWeChat kills one of two replicas at random moments while WeChat
// delivers messages to it, each of which is delivered three times, to another
// replica each time: there is one row for each, each delivery that is answered is
// answered the same, and each reply is seen once.
func TestFaultKillWeChat(t *testing.T) {
	notShort(t)
	kills, atOnce, apart := howMany(2, 60), 6, time.Duration(0)
	if fullTrial() {
		apart = 5 * time.Second // as WeChat
	}
	account := wechattest.Shop()
	api := wechattest.NewAPI(account)
	network := httptest.NewServer(api)
	t.Cleanup(network.Close)
	dir, dsn := t.TempDir(), storetest.Postgres(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	start := func() *trial.Process {
		t.Helper()
		cmd := exec.Command(self)
		cmd.Env = append(os.Environ(), runAs+"="+dir, "TILLDESK_STORE_DSN="+dsn, trialLease+"=2s",
			"TILLDESK_WECHAT_APP_ID="+account.AppID, "TILLDESK_WECHAT_APP_SECRET="+account.Secret, "TILLDESK_WECHAT_TOKEN="+account.Token,
			"TILLDESK_WECHAT_AES_KEY="+account.AESKey, "TILLDESK_WECHAT_API_URL="+network.URL)
		p := trial.StartProcess(t, cmd)
		look := time.NewTicker(10 * time.Millisecond)
		defer look.Stop()
		for status(t, p.URL+"/readyz") != http.StatusOK {
			<-look.C
		}
		return p
	}
	front := newBalancer(t)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: atOnce}}
	t.Cleanup(client.CloseIdleConnections)
	deliver := func(m *heard) {
		// With patience: on a busy machine everybody would be slower than WeChat.
		d := account.Try(t.Context(), client, front.URL+wechatPath, m.from, m.xml)
		m.mu.Lock()
		defer m.mu.Unlock()
		switch {
		case d.Err != nil:
			m.failed++
			return
		case m.first.IsZero():
			m.first = time.Now()
		case time.Since(m.first) > repetition && d.Reply.Content == "":
			m.overdue++
			return
		}
		m.answers = append(m.answers, d.Reply.Content)
	}
	db, err := store.Open(t.Context(), dsn, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()

	rng := rand.New(rand.NewPCG(7, 8))
	replicas := []*trial.Process{start(), start()}
	var all []*heard
	for round := range kills {
		victim := round % 2
		var messages []*heard
		for i := range atOnce {
			from := fmt.Sprintf("o-%d-%d", round, i)
			m := &heard{from: from, xml: account.Message(from, "text", "Content", trial.Line(round*atOnce+i)).XML()}
			api.Heard(from, wechattest.ByMessage)
			messages = append(messages, m)
		}
		all = append(all, messages...)
		each := func(then func()) *sync.WaitGroup {
			var sent sync.WaitGroup
			for _, m := range messages {
				sent.Go(func() { deliver(m); then() })
			}
			return &sent
		}
		began := time.Now()
		front.to(replicas[victim])
		answered := make(chan struct{}, atOnce)
		first := each(func() { answered <- struct{}{} })
		if n := rng.IntN(atOnce + 1); rng.IntN(2) == 0 {
			for range n {
				<-answered
			}
		} else { // some are stored by now, and wait for their answer
			within, cancel := context.WithTimeout(t.Context(), 4*time.Second)
			for stored := 0; stored < round*atOnce+n && within.Err() == nil; {
				stored = storetest.Count(t, dsn, "inbox", "1 = 1")
			}
			cancel()
		}
		_ = replicas[victim].Kill()
		first.Wait()
		pause(t, began.Add(apart))
		front.to(replicas[1-victim])
		second := each(func() {})
		replicas[victim] = start()
		second.Wait()
		pause(t, began.Add(2*apart))
		front.to(replicas[victim])
		each(func() {}).Wait()
	}
	settleWeChat(t, db, replicas)
	for _, p := range replicas {
		if err := p.Stop(); err != nil {
			t.Errorf("a replica ended with %v\n%s", err, p.Log())
		}
	}

	sent := map[string]string{}
	for _, s := range api.Sent() {
		sent[s.To] += s.Text + "\n"
	}
	lost, twice, held, failed, late, overdue := 0, 0, 0, 0, 0, 0
	for _, m := range all {
		failed, overdue = failed+m.failed, overdue+m.overdue
		if len(m.answers) == 0 {
			t.Errorf("%s: no delivery was answered; the phone says that the account is out of order", m.from)
			continue
		}
		shown := m.answers[0]
		for _, a := range m.answers {
			if a != shown {
				t.Errorf("%s: one delivery was answered %q, another one %q", m.from, shown, a)
			}
		}
		if shown == "" {
			late++
		}
		shown += "\n" + sent[m.from]
		c, _, err := db.ConversationOf(t.Context(), wechat.Name, m.from)
		if err != nil {
			t.Fatal(err)
		}
		entries, err := db.History(t.Context(), c.ID, 0, 100)
		if err != nil {
			t.Fatal(err)
		}
		rows, replies := 0, 0
		for _, e := range entries {
			if e.Author == bot.Merchant {
				rows++
				continue
			}
			replies++
			switch n := strings.Count(shown, strings.TrimSpace(e.Reply.Text)); {
			case e.Delivery == bot.Held:
				held++ // its sender was killed; a person decides
			case n == 0:
				lost++
				t.Errorf("%s: %q, which is %s, was not seen, but %q", m.from, e.Reply.Text, e.Delivery, shown)
			case n > 1:
				twice++
				t.Errorf("%s: %q was seen %d times", m.from, e.Reply.Text, n)
			}
		}
		if rows != 1 || replies == 0 {
			t.Errorf("%s: %d rows, %d replies", m.from, rows, replies)
		}
	}
	for _, mistake := range api.Mistakes() {
		t.Error(mistake)
	}
	t.Logf("%d kills, %d messages of three deliveries each, %d deliveries without an answer; %d lost, %d twice, %d for a person, %d through the API; %d deliveries came too late to be repetitions",
		kills, len(all), failed, lost, twice, held, late, overdue)
	if failed == 0 {
		t.Error("no delivery was ever cut off")
	}
}

// pause waits until a time.
func pause(t *testing.T, until time.Time) {
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-t.Context().Done():
	}
}

// settleWeChat waits until nothing is to be answered or sent any more. What a
// dead process was sending is settled when its lease has ended; a busy machine
// takes its time besides.
func settleWeChat(t *testing.T, db *store.DB, replicas []*trial.Process) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	look := time.NewTicker(100 * time.Millisecond)
	defer look.Stop()
	var waits store.Queue
	for {
		q, err := db.Queue(ctx)
		if err == nil {
			waits = q
			if q.Waiting == 0 && q.Unsent == 0 {
				return
			}
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			for _, p := range replicas {
				log := p.Log()
				t.Log(log[max(0, len(log)-5000):])
			}
			t.Fatalf("there still waits %+v, %v", waits, err)
		}
	}
}

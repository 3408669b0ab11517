package wechat_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/dialog"
	"tilldesk/bot/outbox"
	"tilldesk/bot/store"
	"tilldesk/bot/store/storetest"
	"tilldesk/bot/wechat"
	"tilldesk/bot/wechat/wechattest"
)

const merchant = "o-merchant"

// thinker is an engine that takes its time. It answers a message once, with
// what script says after the time that it says.
type thinker struct {
	db     *store.DB
	script func(text string) (time.Duration, []bot.Reply)
	hold   time.Duration

	mu       sync.Mutex
	thoughts int // messages that were thought about
	running  sync.WaitGroup
	panics   bool
	state    dialog.State  // after each turn
	answered chan struct{} // closed, and made anew, when something was answered
}

func (e *thinker) Accept(ctx context.Context, in bot.Inbound) (bot.Receipt, error) {
	receipts, err := e.db.Accept(ctx, []bot.Arrival{{Inbound: in}})
	if err != nil {
		return bot.Receipt{}, err
	}
	if receipts[0].Fresh {
		e.running.Go(func() { e.think(context.WithoutCancel(ctx), in, receipts[0].Message) })
	}
	return receipts[0], nil
}

func (e *thinker) think(ctx context.Context, in bot.Inbound, id bot.MessageID) {
	e.mu.Lock()
	e.thoughts++
	e.mu.Unlock()
	after, replies := e.script(in.Text + in.Choice)
	time.Sleep(after)
	for {
		if _, done, err := e.db.Replies(ctx, id); done || err != nil {
			return // with another one of its conversation, or erased
		}
		works, err := e.db.Claim(ctx, "test", time.Now(), time.Minute, 1)
		if err != nil {
			panic(err)
		}
		if len(works) == 0 { // somebody writes to it just now
			time.Sleep(5 * time.Millisecond)
			continue
		}
		_, err = e.db.Commit(ctx, bot.Turn{Work: works[0], State: e.state, Replies: replies, Hold: e.hold, Reason: "test", At: time.Now()})
		if err != nil && !errors.Is(err, bot.ErrLost) {
			panic(err)
		}
		e.mu.Lock()
		close(e.answered)
		e.answered = make(chan struct{})
		e.mu.Unlock()
	}
}

func (e *thinker) Replies(ctx context.Context, id bot.MessageID) (bot.Answered, error) {
	if e.panics {
		panic("of a test, with 客人的话")
	}
	for {
		e.mu.Lock()
		answered := e.answered
		e.mu.Unlock()
		a, done, err := e.db.Replies(context.WithoutCancel(ctx), id)
		if done || err != nil {
			return a, err
		}
		select {
		case <-ctx.Done():
			return a, ctx.Err()
		case <-answered:
		}
	}
}

// world is an account with its followers, and the replicas that serve it.
type world struct {
	*testing.T
	wechattest.Account
	api      *wechattest.API
	db       *store.DB
	engine   *thinker
	replicas []*wechat.Channel
	log      *safeBuffer
	stop     func()
	next     int // replica
	answers  []wechat.Answer
	mu       sync.Mutex
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// newWorld returns an account on a store with two replicas, each with an
// outbox that runs until stop is called.
func newWorld(t *testing.T, dsn string, change func(*wechat.Options)) (w *world, stop func()) {
	t.Helper()
	db, err := store.Open(t.Context(), dsn, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w = &world{T: t, Account: wechattest.Shop(), db: db, log: &safeBuffer{}}
	w.api = wechattest.NewAPI(w.Account)
	w.engine = &thinker{db: db, answered: make(chan struct{}), script: func(text string) (time.Duration, []bot.Reply) { return 0, echo(text) }}
	for range 2 {
		opt := options(w.Account)
		opt.Network = w.api
		opt.Log = slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		opt.Observe = func(a wechat.Answer) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.answers = append(w.answers, a)
		}
		if change != nil {
			change(&opt)
		}
		c, err := wechat.New(w.engine, db, opt)
		if err != nil {
			t.Fatal(err)
		}
		w.engine.hold = c.Hold()
		w.replicas = append(w.replicas, c)
	}
	w.start()
	return w, func() {
		w.stop()
		w.engine.running.Wait()
		for _, c := range w.replicas {
			c.Close()
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
		for _, m := range w.api.Mistakes() {
			t.Errorf("WeChat noticed: %s", m)
		}
		for _, secret := range []string{w.Secret, w.Token, w.AESKey, "70_access-token", "客人的话"} {
			if strings.Contains(w.log.String(), secret) {
				t.Errorf("the log has %q:\n%s", secret, w.log)
			}
		}
	}
}

// start lets the outboxes run until stop is called.
func (w *world) start() {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	for _, c := range w.replicas {
		box := outbox.New(w.db, map[string]bot.Channel{wechat.Name: c}, outbox.Options{Log: slog.New(slog.NewTextHandler(w.log, nil))})
		running.Go(func() { box.Run(ctx) })
	}
	w.stop = func() {
		cancel()
		running.Wait()
	}
}

// rest lets a long time pass in which nothing is sent; the outboxes would look
// for something every second.
func (w *world) rest(d time.Duration) {
	w.stop()
	time.Sleep(d)
	w.start()
}

func echo(text string) []bot.Reply { return []bot.Reply{{Text: "答：" + text, Kind: "answer"}} }

// deliver posts once to a replica, and hangs up after five seconds.
func (w *world) deliver(c *wechat.Channel, message string) (wechattest.Reply, error) {
	ctx, hangUp := context.WithTimeout(context.Background(), 5*time.Second)
	defer hangUp()
	type outcome struct {
		status int
		body   []byte
		cut    bool
	}
	done := make(chan outcome, 1)
	go func() {
		rec := httptest.NewRecorder()
		defer func() {
			if p := recover(); p != nil {
				done <- outcome{cut: true}
			}
		}()
		c.ServeHTTP(rec, w.Post(time.Now(), message).Request(ctx, "http://shop.test/"))
		done <- outcome{rec.Code, rec.Body.Bytes(), false}
	}()
	select {
	case o := <-done:
		switch {
		case o.cut:
			return wechattest.Reply{}, errors.New("the connection was cut")
		case o.status != http.StatusOK:
			return wechattest.Reply{}, errors.New("not 200")
		}
		return w.Read(o.body, merchant, time.Now())
	case <-ctx.Done():
		return wechattest.Reply{}, ctx.Err()
	}
}

// fault is what the phone shows if nobody answers.
const fault = "该公众号提供的服务出现故障，请稍后再试"

// send lets WeChat deliver a message, three times if need be, each time to the
// other replica, and returns what the phone shows of it.
func (w *world) send(message wechattest.Fields, kind string) string {
	w.api.Heard(merchant, kind)
	for range 3 {
		began := time.Now()
		c := w.replicas[w.next%len(w.replicas)]
		w.next++
		reply, err := w.deliver(c, message.XML())
		if err == nil {
			return reply.Content
		}
		w.Logf("not answered: %v", err)
		time.Sleep(5*time.Second - time.Since(began))
	}
	return fault
}

// say lets the merchant write a text.
func (w *world) say(text string) string {
	return w.send(w.Message(merchant, "text", "Content", text), wechattest.ByMessage)
}

// tell lets staff say something.
func (w *world) tell(text string, media ...bot.Media) {
	w.Helper()
	c, known, err := w.db.ConversationOf(w.Context(), wechat.Name, merchant)
	if err != nil || !known {
		w.Fatal(known, err)
	}
	if _, err := w.db.Say(w.Context(), c.ID, bot.Staff, []bot.Reply{{Text: text, Kind: "agent", Media: media}}, false, time.Now()); err != nil {
		w.Fatal(err)
	}
}

// texts are what came through the API.
func (w *world) texts() []string {
	all := []string{}
	for _, s := range w.api.Sent() {
		all = append(all, s.Text)
	}
	return all
}

// deliveries are the deliveries of what was said, oldest first.
func (w *world) deliveries() []bot.Delivery {
	w.Helper()
	c, _, err := w.db.ConversationOf(w.Context(), wechat.Name, merchant)
	if err != nil {
		w.Fatal(err)
	}
	entries, err := w.db.History(w.Context(), c.ID, 0, 1000)
	if err != nil {
		w.Fatal(err)
	}
	var all []bot.Delivery
	for _, e := range entries {
		if e.Author != bot.Merchant {
			all = append(all, e.Delivery)
		}
	}
	return all
}

// each runs a test on both databases, with replicas that wait briefly.
func each(t *testing.T, f func(w *world)) {
	storetest.Each(t, func(t *testing.T, dsn string) {
		w, stop := newWorld(t, dsn, func(o *wechat.Options) { o.Wait = 2 * time.Second })
		defer stop()
		f(w)
	})
}

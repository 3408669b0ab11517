package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"tilldesk/bot"
	"tilldesk/bot/channeltest"
	"tilldesk/bot/outbox"
	"tilldesk/bot/store"
	"tilldesk/bot/store/storetest"
)

const timeout = 8 * time.Second

var (
	errRefused = &bot.RetryError{Err: errors.New("connection refused")}
	errCut     = errors.New("connection reset")
)

func flood(after time.Duration) error {
	return fmt.Errorf("telegram: %w", &bot.RetryError{After: after, Err: errors.New("429")})
}

// refusal is an error that will be the same next time.
type refusal struct{}

func (refusal) Error() string   { return "message is too long" }
func (refusal) Permanent() bool { return true }

// world is a store with a network, in a bubble where time passes only when all
// wait for it.
type world struct {
	testing.TB
	db  *store.DB
	net *channeltest.Fake
	opt outbox.Options
}

// each runs a test in a world on each database.
func each(t *testing.T, limits bot.Limits, f func(*testing.T, *world)) {
	limits.Timeout = timeout
	storetest.Each(t, func(t *testing.T, dsn string) {
		synctest.Test(t, func(t *testing.T) {
			f(t, &world{TB: t, db: storetest.Open(t, dsn, store.Options{}), net: channeltest.NewFake("net", limits), opt: outbox.Options{Owner: "test"}})
		})
	})
}

// say stores replies to be sent in the conversation of a shop.
func (w *world) say(shop string, texts ...string) bot.ConversationID {
	w.Helper()
	receipts, err := w.db.Accept(w.Context(), []bot.Arrival{{Inbound: bot.Inbound{
		Address: bot.Address{Channel: "net", Remote: shop}, Remote: "1", Text: "hello",
	}}})
	w.must(err)
	var replies []bot.Reply
	for _, text := range texts {
		replies = append(replies, bot.Reply{Text: text})
	}
	_, err = w.db.Say(w.Context(), receipts[0].Conversation, bot.Staff, replies, false, time.Now())
	w.must(err)
	return receipts[0].Conversation
}

// sayAll stores a reply to be sent in each of so many conversations.
func (w *world) sayAll(shops int, text string) {
	w.Helper()
	var in []bot.Arrival
	for shop := range shops {
		in = append(in, bot.Arrival{Inbound: bot.Inbound{Address: bot.Address{Channel: "net", Remote: fmt.Sprint(shop)}, Remote: "1", Text: "hello"}})
	}
	_, err := w.db.Accept(w.Context(), in)
	w.must(err)
	for {
		works, err := w.db.Claim(w.Context(), "test", time.Now(), time.Minute, 64)
		w.must(err)
		if len(works) == 0 {
			return
		}
		var all sync.WaitGroup
		for _, work := range works {
			all.Go(func() {
				_, err := w.db.Commit(w.Context(), bot.Turn{Work: work, Replies: []bot.Reply{{Text: text}}})
				w.must(err)
			})
		}
		all.Wait()
	}
}

// start runs an outbox; stop stops it as a signal would and waits for it.
func (w *world) start() (stop func()) {
	ctx, cancel := context.WithCancel(w.Context())
	done := make(chan struct{})
	box := outbox.New(w.db, map[string]bot.Channel{"net": w.net}, w.opt)
	go func() {
		defer close(done)
		box.Run(ctx)
	}()
	return func() {
		cancel()
		<-done
	}
}

// run runs an outbox for some time.
func (w *world) run(d time.Duration) {
	stop := w.start()
	pass(d)
	stop()
}

// pass lets time pass, and what is due by then be done.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// deliveries are the texts of the replies with how far they have come, and why.
func (w *world) deliveries(id bot.ConversationID) []string {
	w.Helper()
	entries, err := w.db.History(w.Context(), id, 0, 1000)
	w.must(err)
	why := map[bot.MessageID]string{}
	for _, list := range []func(context.Context, int) ([]bot.Parked, error){w.db.Held, w.db.DeadOut} {
		parked, err := list(w.Context(), 1000)
		w.must(err)
		for _, p := range parked {
			why[p.ID] = ": " + p.Why
		}
	}
	var got []string
	for _, e := range entries {
		if e.Author != bot.Merchant {
			got = append(got, fmt.Sprintf("%s %s%s", e.Reply.Text, e.Delivery, why[e.ID]))
		}
	}
	return got
}

func (w *world) queue() store.Queue {
	w.Helper()
	q, err := w.db.Queue(w.Context())
	w.must(err)
	return q
}

// arrived are the texts that merchants saw.
func (w *world) arrived() []string {
	texts := []string{}
	for _, m := range w.net.Arrived() {
		texts = append(texts, m.Reply.Text)
	}
	return texts
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) same(what string, want, got any) {
	w.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		w.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestOutcomes(t *testing.T) {
	for _, tt := range []struct {
		name    string
		steps   []channeltest.Step
		resend  bool
		want    string // of the first of two replies
		calls   int    // for it
		copies  int    // that the merchant saw of it
		atLeast time.Duration
		atMost  time.Duration // between its first call and its last
	}{
		{name: "sent", want: "one sent", calls: 1, copies: 1},
		{name: "slowly", steps: []channeltest.Step{{Delay: timeout - 1}}, want: "one sent", calls: 1, copies: 1},
		{name: "refused, then sent", steps: []channeltest.Step{{Before: errRefused}, {Before: errRefused}},
			want: "one sent", calls: 3, copies: 1, atLeast: 2 * time.Second, atMost: 7 * time.Second},
		{name: "told to wait", steps: []channeltest.Step{{Before: flood(37*time.Second + time.Nanosecond)}},
			want: "one sent", calls: 2, copies: 1, atLeast: 37*time.Second + time.Nanosecond, atMost: 37*time.Second + time.Millisecond},
		{name: "blocked", steps: []channeltest.Step{{Before: fmt.Errorf("403: %w", bot.ErrUnreachable)}},
			want: "one dead: 403: " + bot.ErrUnreachable.Error(), calls: 1},
		{name: "refused for good", steps: []channeltest.Step{{Before: fmt.Errorf("400: %w", refusal{})}},
			want: "one dead: 400: message is too long", calls: 1},
		{name: "cut off before it took effect", steps: []channeltest.Step{{Before: errCut}},
			want: "one held: connection reset", calls: 1},
		{name: "cut off after it took effect", steps: []channeltest.Step{{After: errCut}},
			want: "one held: connection reset", calls: 1, copies: 1},
		{name: "no answer", steps: []channeltest.Step{{Linger: time.Hour}},
			want: "one held: context deadline exceeded", calls: 1, copies: 1},
		{name: "a channel that does not return", steps: []channeltest.Step{{Delay: time.Minute, Deaf: true, Before: errRefused}},
			want: "one held: the channel did not return when its time was over", calls: 1},
		{name: "panic", steps: []channeltest.Step{{Panic: "with the merchant's words"}},
			want: "one held: the channel panicked with a string", calls: 1, copies: 1},
		{name: "panic with the policy to resend", resend: true, steps: []channeltest.Step{{Panic: 1}},
			want: "one held: the channel panicked with a int", calls: 1, copies: 1},
		{name: "cut off with the policy to resend", resend: true, steps: []channeltest.Step{{After: errCut}},
			want: "one sent", calls: 2, copies: 2, atLeast: time.Second, atMost: 3 * time.Second},
		{name: "always cut off with the policy to resend", resend: true,
			steps: []channeltest.Step{{After: errCut}, {After: errCut}, {After: errCut}, {After: errCut}, {After: errCut}},
			want:  "one held: connection reset", calls: outbox.MaxCopies, copies: outbox.MaxCopies,
			atLeast: 4 * time.Second, atMost: 48 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			each(t, bot.Limits{}, func(t *testing.T, w *world) {
				if tt.resend {
					w.opt.Resend = []string{"net"}
				}
				id := w.say("shop", "one", "two")
				w.net.Next(tt.steps...)
				w.run(2 * time.Minute)
				w.same("deliveries", []string{tt.want, "two sent"}, w.deliveries(id))
				var calls []time.Time
				for _, c := range w.net.Calls() {
					if c.Message.Reply.Text == "one" {
						calls = append(calls, c.At)
					}
				}
				w.same("calls", tt.calls, len(calls))
				if took := calls[len(calls)-1].Sub(calls[0]); took < tt.atLeast || took > tt.atMost {
					t.Errorf("the calls took %v, want %v to %v", took, tt.atLeast, tt.atMost)
				}
				arrived := w.arrived()
				w.same("copies", tt.copies, strings.Count(strings.Join(arrived, " "), "one"))
				w.same("the last to arrive", "two", arrived[len(arrived)-1])
			})
		})
	}
}

// TestObserve is told how each call ended and how long it took.
func TestObserve(t *testing.T) {
	each(t, bot.Limits{}, func(t *testing.T, w *world) {
		var mu sync.Mutex
		seen := map[outbox.Class]time.Duration{}
		w.opt.Observe = func(channel string, class outbox.Class, took time.Duration) {
			mu.Lock()
			defer mu.Unlock()
			if channel != "net" {
				t.Errorf("told of channel %q", channel)
			}
			seen[class] = took
		}
		w.net.Next(channeltest.Step{Delay: time.Second}, channeltest.Step{Delay: 2 * time.Second, Before: refusal{}}, channeltest.Step{Linger: 3 * time.Second, After: errCut})
		w.say("a", "one", "two", "three")
		stop := w.start()
		time.Sleep(time.Minute)
		stop()
		want := map[outbox.Class]time.Duration{outbox.Delivered: time.Second, outbox.Never: 2 * time.Second, outbox.Unknown: 3 * time.Second}
		mu.Lock()
		defer mu.Unlock()
		if diff := cmp.Diff(want, seen); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestRemoteID(t *testing.T) {
	each(t, bot.Limits{}, func(t *testing.T, w *world) {
		id := w.say("shop", "one")
		w.run(time.Second)
		entries, err := w.db.History(t.Context(), id, 0, 10)
		w.must(err)
		w.same("what the network calls it", "remote/"+bot.RemoteID(entries[1].ID), entries[1].Remote)
	})
}

func TestOtherChannelsAreLeftAlone(t *testing.T) {
	each(t, bot.Limits{Pull: true}, func(t *testing.T, w *world) {
		id := w.say("shop", "one")
		w.run(time.Minute)
		w.same("deliveries", []string{"one new"}, w.deliveries(id))
	})
}

func TestWake(t *testing.T) {
	each(t, bot.Limits{}, func(t *testing.T, w *world) {
		w.opt.Idle = time.Hour
		box := outbox.New(w.db, map[string]bot.Channel{"net": w.net}, w.opt)
		ctx, cancel := context.WithCancel(t.Context())
		go box.Run(ctx)
		synctest.Wait()
		id := w.say("shop", "one")
		box.Wake()
		synctest.Wait()
		w.same("deliveries", []string{"one sent"}, w.deliveries(id))
		cancel()
		synctest.Wait()
	})
}

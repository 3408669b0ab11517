package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/channeltest"
	"tilldesk/bot/outbox"
)

func TestRates(t *testing.T) {
	for _, tt := range []struct {
		name   string
		limits bot.Limits
		shops  int
		each   time.Duration // between messages of one conversation, at least
		all    time.Duration // between any two messages, at least
		within time.Duration
	}{
		{"of a conversation", bot.Limits{PerConversation: 0.5}, 5, 2 * time.Second, 0, 7 * time.Second},
		{"of all", bot.Limits{Overall: 4}, 5, 0, 250 * time.Millisecond, 5 * time.Second},
		{"of both", bot.Limits{PerConversation: 1, Overall: 2}, 3, time.Second, 500 * time.Millisecond, 7 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			each(t, tt.limits, func(t *testing.T, w *world) {
				for shop := range tt.shops {
					w.say(fmt.Sprint(shop), "one", "two", "three", "four")
				}
				w.run(tt.within)
				calls := w.net.Calls()
				w.same("calls", 4*tt.shops, len(calls))
				last := map[bot.ConversationID]time.Time{}
				for i, c := range calls {
					if gap := c.At.Sub(last[c.Message.Conversation]); gap < tt.each {
						t.Errorf("%v after the last one of its conversation, want %v", gap, tt.each)
					}
					last[c.Message.Conversation] = c.At
					if i > 0 && c.At.Sub(calls[i-1].At) < tt.all-time.Microsecond {
						t.Errorf("%v after the last one, want %v", c.At.Sub(calls[i-1].At), tt.all)
					}
					w.same("attempts before it", 0, c.Message.Attempts)
				}
			})
		})
	}
}

func TestSendersAtOnce(t *testing.T) {
	each(t, bot.Limits{}, func(t *testing.T, w *world) {
		w.opt.Senders = 3
		for shop := range 9 {
			w.say(fmt.Sprint(shop), "one")
		}
		w.net.Script(func(bot.Outbound) channeltest.Step { return channeltest.Step{Delay: 2 * time.Second} })
		stop := w.start()
		for n := range 3 {
			pass(time.Second)
			w.same("calls", 3*(n+1), len(w.net.Calls()))
			w.same("arrived", 3*n, len(w.net.Arrived()))
			pass(time.Second)
		}
		stop()
	})
}

// A network that keeps answering is asked by more senders at once, one that
// wants to be left alone or fails by as many as at first, and one with a rate
// never by more.
func TestSendersGrow(t *testing.T) {
	const (
		call  = 100 * time.Millisecond
		after = 260 // calls that are answered before one is not
	)
	for _, tt := range []struct {
		name   string
		limits bot.Limits
		fails  error
		most   int // calls at once before the one that is not answered
		then   int // soon after it
	}{
		{"all is well", bot.Limits{}, nil, 24, 24},
		{"it floods", bot.Limits{}, flood(time.Second), 24, 16},
		{"it fails once", bot.Limits{}, errCut, 24, 16},
		{"it has a rate", bot.Limits{Overall: 200}, nil, 10, 10},
	} {
		t.Run(tt.name, func(t *testing.T) {
			each(t, tt.limits, func(t *testing.T, w *world) {
				w.sayAll(400, "one")
				calls := 0
				w.net.Script(func(bot.Outbound) channeltest.Step {
					if calls++; calls == after {
						return channeltest.Step{Delay: call, Before: tt.fails}
					}
					return channeltest.Step{Delay: call}
				})
				w.run(10 * time.Second)
				atOnce := func(from, to int) (most int) {
					all := w.net.Calls()
					for i := from; i < to; i++ {
						n := 0
						for _, c := range all {
							if since := all[i].At.Sub(c.At); since >= 0 && since < call-time.Microsecond {
								n++
							}
						}
						most = max(most, n)
					}
					return most
				}
				w.same("at once at first", 10, atOnce(0, 10))
				w.same("at once later", tt.most, atOnce(10, after))
				begun := after + 2*tt.most // with those under way at the failure
				if n := atOnce(begun, begun+10); n > tt.then || tt.fails == nil && n < tt.then {
					t.Errorf("%d at once after it, want %d", n, tt.then)
				}
			})
		})
	}
}

// disk is a store that waits for its disk before it gives out messages and
// before it has noted what became of one.
type disk struct {
	outbox.Store
	sync time.Duration

	mu              sync.Mutex
	underway, most  int // messages of which a crash now would leave unclear what became of them
	claims, claimed int
}

func (d *disk) ClaimOut(ctx context.Context, owner string, now time.Time, lease time.Duration, n int, channels ...string) ([]bot.Outbound, error) {
	out, err := d.Store.ClaimOut(ctx, owner, now, lease, n, channels...)
	time.Sleep(d.sync)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.claims, d.claimed = d.claims+1, d.claimed+len(out)
	d.underway += len(out)
	d.most = max(d.most, d.underway)
	return out, err
}

func (d *disk) Sent(ctx context.Context, m bot.Outbound, remote bot.RemoteID, at time.Time) error {
	time.Sleep(d.sync)
	d.mu.Lock()
	d.underway--
	d.mu.Unlock()
	return d.Store.Sent(ctx, m, remote, at)
}

func (d *disk) ReturnOut(ctx context.Context, m bot.Outbound, at time.Time) error {
	d.mu.Lock()
	d.underway--
	d.mu.Unlock()
	return d.Store.ReturnOut(ctx, m, at)
}

// Senders do not wait for a slow disk, as long as there is something to send;
// and no more is taken ahead than that needs.
func TestSlowDisk(t *testing.T) {
	const length = time.Second / 2
	for _, tt := range []struct {
		name       string
		sync, call time.Duration
		least      int // calls in length
		most       int // messages unclear at once
	}{
		{"a network as fast as the disk", 8 * time.Millisecond, 5 * time.Millisecond, 650, 40},
		{"a network that is far away", 8 * time.Millisecond, 200 * time.Millisecond, 20, 24}, // a few more calls are earned
		{"a disk that hangs", 200 * time.Millisecond, 5 * time.Millisecond, 18, 40},
	} {
		t.Run(tt.name, func(t *testing.T) {
			each(t, bot.Limits{}, func(t *testing.T, w *world) {
				w.sayAll(2*tt.least, "one")
				w.net.Script(func(bot.Outbound) channeltest.Step { return channeltest.Step{Delay: tt.call} })
				d := &disk{Store: w.db, sync: tt.sync}
				ctx, stop := context.WithTimeout(t.Context(), length)
				defer stop()
				outbox.New(d, map[string]bot.Channel{"net": w.net}, w.opt).Run(ctx)
				t.Logf("%d calls, %d messages of a claim, %d unclear at most", len(w.net.Calls()), d.claimed/d.claims, d.most)
				if n := len(w.net.Calls()); n < tt.least {
					t.Errorf("%d calls in %v, want %d at least", n, length, tt.least)
				}
				if d.most > tt.most || d.underway != 0 {
					t.Errorf("%d messages were unclear at once, want %d at most; %d in the end", d.most, tt.most, d.underway)
				}
				w.same("said twice or lost", len(w.net.Calls()), len(w.net.Arrived()))
			})
		})
	}
}

// What was taken ahead is given back when the network fails, and not tried.
func TestTakenAheadIsGivenBack(t *testing.T) {
	each(t, bot.Limits{}, func(t *testing.T, w *world) {
		w.sayAll(400, "one")
		calls := 0
		w.net.Script(func(bot.Outbound) channeltest.Step {
			if calls++; calls > 100 {
				return channeltest.Step{Delay: 5 * time.Millisecond, Before: errCut}
			}
			return channeltest.Step{Delay: 5 * time.Millisecond}
		})
		d := &disk{Store: w.db, sync: 8 * time.Millisecond}
		ctx, stop := context.WithTimeout(t.Context(), 4*time.Second)
		defer stop()
		outbox.New(d, map[string]bot.Channel{"net": w.net}, w.opt).Run(ctx)
		// Calls that began before the first failure may end after it: 19 at once, after so many answers.
		if n := len(w.net.Calls()); n < 110 || n > 128 {
			t.Errorf("%d calls, want 100 and those with which ten failures in a row are seen", n)
		}
		w.same("held", len(w.net.Calls())-100, w.queue().Held)
		w.same("left for later", 400-len(w.net.Calls()), w.queue().Unsent)
	})
}

// A network that is down for five minutes, with replies in many conversations.
func TestOutage(t *testing.T) {
	const shops, outage = 60, 5 * time.Minute
	for _, tt := range []struct {
		name  string
		fails error
		held  bool // what was tried meanwhile
	}{
		{"answers 500", errors.New("500"), true},
		{"refuses connections", errRefused, false},
		{"floods", flood(20 * time.Second), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			each(t, bot.Limits{}, func(t *testing.T, w *world) {
				for shop := range shops {
					w.say(fmt.Sprint(shop), "one", "two")
				}
				begin := time.Now()
				w.net.Script(func(bot.Outbound) channeltest.Step {
					if time.Since(begin) < outage {
						return channeltest.Step{Delay: 10 * time.Millisecond, Before: tt.fails}
					}
					return channeltest.Step{Delay: 10 * time.Millisecond}
				})
				stop := w.start()
				defer stop()
				pass(outage - time.Second)
				calls := w.net.Calls()
				for i := range calls {
					if i < 10 {
						continue
					}
					if gap := calls[i].At.Sub(calls[i-1].At); gap < 5*time.Second {
						t.Errorf("call %d came %v after the one before", i+1, gap)
					}
				}
				if len(calls) < 60 {
					t.Errorf("%d calls, want one every 5 s", len(calls))
				}
				if held := w.queue().Held; tt.held != (held > 0) || held > len(calls) {
					t.Errorf("%d of %d held", held, len(calls))
				}
				pass(time.Second + time.Minute)
				q := w.queue()
				w.same("not sent a minute after it", 0, q.Unsent+q.DeadOut)
				w.same("arrived or held", 2*shops, len(w.net.Arrived())+q.Held)
			})
		})
	}
}

// A network that says no is not down.
func TestRefusalsDoNotBreak(t *testing.T) {
	each(t, bot.Limits{}, func(t *testing.T, w *world) {
		for shop := range 30 {
			w.say(fmt.Sprint(shop), "one")
		}
		w.net.Script(func(bot.Outbound) channeltest.Step { return channeltest.Step{Before: bot.ErrUnreachable} })
		w.run(time.Second)
		w.same("dead", 30, w.queue().DeadOut)
	})
}

// A network that puts off one message after the other is not down either: what
// is said to others goes out at once.
func TestPuttingOffDoesNotBreak(t *testing.T) {
	each(t, bot.Limits{}, func(t *testing.T, w *world) {
		for shop := range 30 {
			w.say(fmt.Sprint("loud ", shop), "one")
		}
		w.net.Script(func(m bot.Outbound) channeltest.Step {
			if m.Reply.Text == "one" {
				return channeltest.Step{Before: &bot.RetryError{After: time.Minute, Err: errors.New("429"), Reached: true}}
			}
			return channeltest.Step{}
		})
		stop := w.start()
		defer stop()
		pass(time.Second)
		w.same("calls", 30, len(w.net.Calls()))
		quiet := w.say("quiet", "two")
		pass(2 * time.Second)
		w.same("quiet", []string{"two sent"}, w.deliveries(quiet))
	})
}

func TestOthersGoOnDuringAFlood(t *testing.T) {
	each(t, bot.Limits{}, func(t *testing.T, w *world) {
		loud := w.say("loud", "one", "two")
		w.net.Script(func(m bot.Outbound) channeltest.Step {
			if m.Conversation == loud && m.Reply.Text == "one" && m.Attempts == 0 {
				return channeltest.Step{Before: flood(time.Minute)}
			}
			return channeltest.Step{}
		})
		stop := w.start()
		defer stop()
		pass(time.Second)
		quiet := w.say("quiet", "three", "four")
		pass(2 * time.Second)
		w.same("quiet", []string{"three sent", "four sent"}, w.deliveries(quiet))
		w.same("loud", []string{"one new", "two new"}, w.deliveries(loud))
		pass(time.Minute)
		w.same("loud", []string{"one sent", "two sent"}, w.deliveries(loud))
		w.same("calls", 5, len(w.net.Calls()))
	})
}

package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/channeltest"
	"tilldesk/bot/outbox"
)

func TestStop(t *testing.T) {
	for _, tt := range []struct {
		name  string
		grace time.Duration
		step  channeltest.Step
		want  string // of the first of two replies; the second is not sent
		took  time.Duration
	}{
		{"what is under way is finished", 5 * time.Second, channeltest.Step{Delay: 5 * time.Second},
			"one sent", 4 * time.Second},
		{"what takes too long is cut off", 3 * time.Second, channeltest.Step{Linger: timeout - 1},
			"one held: context canceled", 3 * time.Second},
		{"what certainly did not arrive is sent later", 3 * time.Second, channeltest.Step{Delay: 2 * time.Second, Before: errRefused},
			"one new", time.Second},
		{"a channel that does not return is left behind", 3 * time.Second, channeltest.Step{Delay: timeout - 1, Deaf: true},
			"one held: the channel did not return when its time was over", 3500 * time.Millisecond},
	} {
		t.Run(tt.name, func(t *testing.T) {
			each(t, bot.Limits{}, func(t *testing.T, w *world) {
				w.opt.Grace = tt.grace
				id := w.say("shop", "one", "two")
				w.net.Next(tt.step)
				stop := w.start()
				pass(time.Second)
				begin := time.Now()
				stop()
				if took := time.Since(begin); took != tt.took {
					t.Errorf("stopping took %v, want %v", took, tt.took)
				}
				w.same("deliveries", []string{tt.want, "two new"}, w.deliveries(id))
				w.same("calls", 1, len(w.net.Calls()))
				pass(timeout) // for the one that was left behind
			})
		})
	}
}

func TestRestartKeepsTheWait(t *testing.T) {
	each(t, bot.Limits{}, func(t *testing.T, w *world) {
		id := w.say("shop", "one", "two")
		w.net.Next(channeltest.Step{Before: flood(10 * time.Minute)})
		begin := time.Now()
		w.run(4 * time.Minute)
		w.run(6*time.Minute - 1)
		w.same("calls before the time", 1, len(w.net.Calls()))
		w.run(time.Minute)
		w.same("deliveries", []string{"one sent", "two sent"}, w.deliveries(id))
		w.same("calls", 3, len(w.net.Calls()))
		if again := w.net.Calls()[1].At.Sub(begin); again < 10*time.Minute {
			t.Errorf("sent again after %v, want 10 minutes", again)
		}
	})
}

// A sender that claimed a message and then died leaves it as it is here.
func TestDeadSender(t *testing.T) {
	for _, tt := range []struct {
		name   string
		resend []string
		want   string
	}{
		{"held", nil, "one held: the sender stopped while it was sending"},
		{"sent again", []string{"net"}, "one sent"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			each(t, bot.Limits{}, func(t *testing.T, w *world) {
				w.opt.Resend = tt.resend
				id := w.say("shop", "one", "two")
				const lease = 30 * time.Second
				claimed, err := w.db.ClaimOut(t.Context(), "dead", time.Now(), lease, 1)
				w.must(err)
				w.same("claimed", 1, len(claimed))
				stop := w.start()
				defer stop()
				pass(lease - time.Second)
				w.same("while the lease holds", []string{"one sending", "two new"}, w.deliveries(id))
				pass(time.Second + 4*time.Second)
				w.same("within 5 s of its end", []string{tt.want, "two sent"}, w.deliveries(id))
			})
		})
	}
}

func TestSeveralSenders(t *testing.T) {
	each(t, bot.Limits{}, func(t *testing.T, w *world) {
		const shops, replies = 20, 4
		ids := map[bot.ConversationID]bool{}
		for shop := range shops {
			var texts []string
			for i := range replies {
				texts = append(texts, fmt.Sprint(i))
			}
			ids[w.say(fmt.Sprint(shop), texts...)] = true
		}
		calls := 0
		w.net.Script(func(bot.Outbound) channeltest.Step {
			calls++
			if calls%7 == 0 {
				return channeltest.Step{Before: errRefused}
			}
			return channeltest.Step{Delay: 50 * time.Millisecond}
		})
		var stops []func()
		for i := range 3 {
			w.opt.Owner = fmt.Sprint(i)
			stops = append(stops, w.start())
		}
		pass(2 * time.Minute)
		for _, stop := range stops {
			stop()
		}
		got := map[bot.ConversationID][]string{}
		for _, m := range w.net.Arrived() {
			got[m.Conversation] = append(got[m.Conversation], m.Reply.Text)
		}
		w.same("conversations", len(ids), len(got))
		for id := range ids {
			w.same("sent", []string{"0", "1", "2", "3"}, got[id])
		}
		w.same("left", 0, w.queue().Unsent+w.queue().Held)
	})
}

// failing is a store that goes away for a while after a message was claimed.
type failing struct {
	outbox.Store
	from, until time.Time
}

var errAway = errors.New("the database does not answer")

func (f *failing) away() bool { return time.Now().Before(f.until) && !time.Now().Before(f.from) }

func (f *failing) Sent(ctx context.Context, m bot.Outbound, remote bot.RemoteID, at time.Time) error {
	if f.away() {
		return errAway
	}
	return f.Store.Sent(ctx, m, remote, at)
}

func (f *failing) ClaimOut(ctx context.Context, owner string, now time.Time, lease time.Duration, n int, channels ...string) ([]bot.Outbound, error) {
	if f.away() {
		return nil, errAway
	}
	return f.Store.ClaimOut(ctx, owner, now, lease, n, channels...)
}

func TestStoreIsAway(t *testing.T) {
	for _, away := range []time.Duration{3 * time.Second, 5 * time.Minute} {
		t.Run(away.String(), func(t *testing.T) {
			each(t, bot.Limits{}, func(t *testing.T, w *world) {
				id := w.say("shop", "one", "two")
				w.net.Next(channeltest.Step{Delay: 2 * time.Second})
				now := time.Now()
				db := &failing{w.db, now.Add(time.Second), now.Add(time.Second + away)}
				box := outbox.New(db, map[string]bot.Channel{"net": w.net}, w.opt)
				ctx, cancel := context.WithTimeout(t.Context(), away+20*time.Second)
				defer cancel()
				box.Run(ctx)
				w.same("deliveries", []string{"one sent", "two sent"}, w.deliveries(id))
				w.same("arrived", []string{"one", "two"}, w.arrived())
			})
		})
	}
}

// slow is a store after whose claims the process is frozen for some time.
type slow struct {
	outbox.Store
	by time.Duration
}

func (s slow) ClaimOut(ctx context.Context, owner string, now time.Time, lease time.Duration, n int, channels ...string) ([]bot.Outbound, error) {
	out, err := s.Store.ClaimOut(ctx, owner, now, lease, n, channels...)
	if len(out) > 0 {
		time.Sleep(s.by)
	}
	if ctx.Err() == context.Canceled {
		return nil, errAway // a claim that is interrupted names no messages
	}
	return out, err
}

// A message is given back untried if there is no time to send it: its claim
// would end meanwhile, or the service stops.
func TestSlowClaims(t *testing.T) {
	const lease = 30 * time.Second
	for _, tt := range []struct {
		name string
		by   time.Duration
		stop time.Duration
		want string
	}{
		{"in time", lease - timeout - time.Second, 25 * time.Second, "one sent"},
		{"the claim is about to end", lease - timeout, time.Minute, "one new"},
		{"the service stops", 2 * time.Second, time.Second, "one new"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			each(t, bot.Limits{}, func(t *testing.T, w *world) {
				w.opt.Lease = lease
				id := w.say("shop", "one")
				box := outbox.New(slow{w.db, tt.by}, map[string]bot.Channel{"net": w.net}, w.opt)
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(tt.stop, cancel)
				box.Run(ctx)
				pass(lease) // for a claim that Run did not wait for
				w.same("deliveries", []string{tt.want}, w.deliveries(id))
				w.run(time.Second)
				w.same("deliveries in the end", []string{"one sent"}, w.deliveries(id))
				calls := w.net.Calls()
				w.same("calls", 1, len(calls))
				for _, c := range calls {
					w.same("attempts before it", 0, c.Message.Attempts)
				}
			})
		})
	}
}

package outbox_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/channeltest"
	"tilldesk/bot/outbox"
)

// counted counts the claims on a store.
type counted struct {
	outbox.Store
	claims atomic.Int64
}

func (c *counted) ClaimOut(ctx context.Context, owner string, now time.Time, lease time.Duration, n int, channels ...string) ([]bot.Outbound, error) {
	c.claims.Add(1)
	return c.Store.ClaimOut(ctx, owner, now, lease, n, channels...)
}

// TestClockIsSet sets the clock while the network wants to be left alone. It is
// not called before its time, the message goes out, and nobody looks for work
// without a pause.
func TestClockIsSet(t *testing.T) {
	const after, idle = 10 * time.Minute, 10 * time.Second
	early, claims, runs := 0, int64(0), 0
	for _, tt := range []struct {
		name string
		by   time.Duration
		late time.Duration // how much later than the network has said, at most
	}{
		{"an hour forward", time.Hour, time.Minute},
		{"a year forward", 365 * 24 * time.Hour, time.Minute},
		{"over a leap day", 24 * time.Hour, time.Minute},
		{"a second forward", time.Second, time.Minute},
		{"a second back", -time.Second, time.Minute},
		{"an hour back", -time.Hour, time.Hour + time.Minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			each(t, bot.Limits{}, func(t *testing.T, w *world) {
				var off atomic.Int64
				w.opt.Now = func() time.Time { return time.Now().Add(time.Duration(off.Load())).Round(0) }
				w.opt.Idle = idle // each look is real work, and there is an hour to pass
				id := w.say("shop", "one", "two")
				w.net.Next(channeltest.Step{Before: flood(after)})
				db := &counted{Store: w.db}
				box := outbox.New(db, map[string]bot.Channel{"net": w.net}, w.opt)
				ctx, stop := context.WithCancel(t.Context())
				defer stop()
				done := make(chan struct{})
				go func() { defer close(done); box.Run(ctx) }()
				pass(time.Second)
				off.Store(int64(tt.by))
				pass(after - 2*time.Second)
				w.same("calls before the time", 1, len(w.net.Calls()))
				early += len(w.net.Calls()) - 1
				pass(tt.late)
				w.same("deliveries", []string{"one sent", "two sent"}, w.deliveries(id))
				if most := int64((after + tt.late) / idle * 3); db.claims.Load() > most {
					t.Errorf("%d claims in %v: it looks for work without a pause", db.claims.Load(), after+tt.late)
				}
				stop()
				<-done
				runs, claims = runs+1, claims+db.claims.Load()
			})
		})
	}
	t.Logf("the clock was set %d times while the network wanted to be left alone for %v: %d calls before that, %d looks for work", runs, after, early, claims)
}

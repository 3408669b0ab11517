package outbox

import "time"

// leap is how far a clock may move against the time that passes before it
// counts as set: it is adjusted all the time.
const leap = time.Second

// trust says how far a clock can be believed about leases. One that was set
// forward ends the lease of a sender that is at work, whose message would be
// overtaken and called ambiguous.
type trust struct {
	lease   time.Duration // how long one lasts
	from    time.Time     // when the clock can be believed, by the time that passes
	clock   time.Time     // at the last look
	elapsed time.Time     // at the last look, by the time that passes
}

// dead returns the time before which leases must have ended for their owners
// to be dead, given what the clock shows and the monotonic time. For the length
// of a lease after the first look, and after the clock was set, only those are
// that the store itself has ended.
func (t *trust) dead(clock, elapsed time.Time) time.Time {
	clock = clock.Round(0) // without the monotonic time
	if t.clock.IsZero() || clock.Sub(t.clock)-elapsed.Sub(t.elapsed) > leap {
		t.from = elapsed.Add(t.lease)
	}
	t.clock, t.elapsed = clock, elapsed
	if elapsed.Before(t.from) {
		return time.UnixMilli(0)
	}
	return clock
}

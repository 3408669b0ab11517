package outbox

import "time"

const (
	// breakAfter is after how many failures in a row a channel is left alone.
	breakAfter = 10
	// probeEvery is how often it is tried then, with one message.
	probeEvery = 5 * time.Second
)

// breaker keeps a network that is down from being called, and messages from
// being held one after the other because of it. It opens after breakAfter
// failures in a row and closes with the first call that the network answers.
type breaker struct {
	failures int // in a row
	probe    time.Time
}

func (b *breaker) open() bool { return b.failures >= breakAfter }

// room returns how many calls may be under way, besides those that are, such
// that no more than breakAfter fail before it opens. If there is none because
// of the time, it returns how long that lasts.
func (b *breaker) room(now time.Time, underway int) (n int, wait time.Duration) {
	switch {
	case !b.open():
		return max(0, breakAfter-b.failures-underway), 0
	case underway > 0:
		return 0, 0
	case now.Before(b.probe):
		return 0, b.probe.Sub(now)
	}
	return 1, 0
}

// begin notes that a call is made.
func (b *breaker) begin(now time.Time) {
	if b.open() {
		b.probe = now.Add(probeEvery)
	}
}

// end notes how a call ended and reports whether that opened or closed the
// breaker.
func (b *breaker) end(now time.Time, ok bool) (changed bool) {
	was := b.open()
	if ok {
		b.failures = 0
		return was
	}
	b.failures++
	if !was && b.open() {
		b.probe = now.Add(probeEvery)
		return true
	}
	return false
}

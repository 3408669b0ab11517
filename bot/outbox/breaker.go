package outbox

import "time"

const (
	// breakAfter is after how many failures in a row a channel is left alone, and
	// how many calls are made at once of one that nothing is known of yet.
	breakAfter = 10
	// widest is how many calls are made at once of a network that keeps answering:
	// so many may fail before the first failure is seen, for staff to look after.
	widest = 24
	// earned is for how many answers in a row there may be one more call at once.
	earned = 10
	// probeEvery is how often it is tried then, with one message.
	probeEvery = 5 * time.Second
)

// breaker keeps a network that is down from being called, and messages from
// being held one after the other because of it. It opens after breakAfter
// failures in a row and closes with the first call that the network answers.
//
// It also says how many calls may be made at once. That bounds how soon a burst
// is through, so it grows with the answers of the network, and is as at first
// after anything else.
type breaker struct {
	failures int // in a row
	answers  int // in a row, up to as many as count
	probe    time.Time
}

func (b *breaker) open() bool { return b.failures >= breakAfter }

// width returns how many calls may be under way at once.
func (b *breaker) width() int { return breakAfter + b.answers/earned - b.failures }

// room returns how many calls may be under way, besides those that are, such
// that after the first failure no more are begun than it takes to open it. If
// there is none because of the time, it returns how long that lasts.
func (b *breaker) room(now time.Time, underway int) (n int, wait time.Duration) {
	switch {
	case !b.open():
		return max(0, b.width()-underway), 0
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
		b.answers = min(b.answers+1, (widest-breakAfter)*earned)
		return was
	}
	b.failures++
	b.answers = 0
	if !was && b.open() {
		b.probe = now.Add(probeEvery)
		return true
	}
	return false
}

// narrow notes that the network wants to be asked less.
func (b *breaker) narrow() { b.answers = 0 }

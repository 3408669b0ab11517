package outbox

import (
	"math/rand/v2"
	"time"
)

const (
	minBackoff = time.Second
	// maxBackoff is short: somebody waits at a counter, and after an outage all
	// should be sent within a minute. A network that wants more says so.
	maxBackoff = time.Minute
)

// backoff is the wait before a message of this age is tried again: a random
// time between the minimum and as long as it has waited already, at least three
// minima. That is decorrelated jitter (Brooker, "Exponential Backoff And
// Jitter", 2015) with the age in the place of the last wait, so that nothing
// but the message itself need be stored. random is uniform in [0, 1).
func backoff(age time.Duration, random float64) time.Duration {
	limit := min(max(age, 3*minBackoff), maxBackoff)
	return minBackoff + time.Duration(random*float64(limit-minBackoff))
}

// retryAt is when a message that was said at a time is tried again, after being
// told to wait at least so long; 0 leaves it to the back-off. The store keeps
// milliseconds and cuts the rest off, which must not make it earlier.
func retryAt(now, said time.Time, after time.Duration) time.Time {
	if after <= 0 {
		after = backoff(now.Sub(said), rand.Float64())
	}
	return roundUp(now.Add(after))
}

func roundUp(t time.Time) time.Time {
	return t.Add(time.Millisecond - 1).Truncate(time.Millisecond)
}

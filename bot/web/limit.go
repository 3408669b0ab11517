package web

import (
	"container/list"
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// maxKeys bounds what a limiter remembers. Whoever was not seen for longest is
// forgotten first, and starts afresh.
const maxKeys = 16_384

// A limiter limits how often each key may pass. It is safe for concurrent use;
// nil lets everything pass.
type limiter struct {
	perSecond rate.Limit
	burst     int
	now       func() time.Time

	mu     sync.Mutex
	of     map[string]*list.Element
	recent *list.List // of *bucket, last used first
}

type bucket struct {
	key  string
	rate *rate.Limiter
}

// newLimiter returns a limiter of so many per second, with so many at once, or
// nil if there is no limit.
func newLimiter(perSecond, burst float64, now func() time.Time) *limiter {
	if perSecond <= 0 {
		return nil
	}
	return &limiter{
		perSecond: rate.Limit(perSecond), burst: int(math.Ceil(max(burst, 1))), now: now,
		of: map[string]*list.Element{}, recent: list.New(),
	}
}

// take lets key pass, or says how long it has to wait.
func (l *limiter) take(key string) (wait time.Duration, ok bool) {
	if l == nil {
		return 0, true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.of[key]
	if e == nil {
		if len(l.of) >= maxKeys {
			oldest := l.recent.Back()
			delete(l.of, oldest.Value.(*bucket).key)
			l.recent.Remove(oldest)
		}
		e = l.recent.PushFront(&bucket{key, rate.NewLimiter(l.perSecond, l.burst)})
		l.of[key] = e
	}
	l.recent.MoveToFront(e)
	now := l.now()
	r := e.Value.(*bucket).rate.ReserveN(now, 1)
	if wait := r.DelayFrom(now); wait > 0 {
		r.CancelAt(now)
		return wait, false
	}
	return 0, true
}

// tooMany asks politely to come back later.
func tooMany(w http.ResponseWriter, r *http.Request, wait time.Duration) {
	retryAfter(w, wait)
	refuse(w, http.StatusTooManyRequests, words(pageLang(r), "error_too_many"))
}

// busy says that it is not the sender's fault and worth another try.
func busy(w http.ResponseWriter, r *http.Request, wait time.Duration) {
	retryAfter(w, wait)
	refuse(w, http.StatusServiceUnavailable, words(pageLang(r), "error_busy"))
}

func retryAfter(w http.ResponseWriter, wait time.Duration) {
	w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(max(wait.Seconds(), 1)))))
}

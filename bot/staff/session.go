package staff

import (
	"crypto/rand"
	"crypto/sha256"
	"time"
)

// SessionID names a session to be listed and ended. It is no proof of
// anything: the token is.
type SessionID string

// The ways to sign in.
const (
	ByPassword = "password"
	ByOpenID   = "openid"
)

// A Session is one browser in which somebody is signed in.
type Session struct {
	ID      SessionID
	Staff   ID
	Hash    []byte // of the token, see TokenHash
	Method  string // how they signed in: ByPassword or ByOpenID
	Address string
	Browser string // what it calls itself
	Created time.Time
	Seen    time.Time // last request, to the minute
	Ends    time.Time // whatever happens
}

// NewToken returns a token of 130 random bits.
func NewToken() string { return rand.Text() }

// TokenHash returns what is stored of a token. It needs no salt: nobody can
// guess what is random.
func TokenHash(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// A Try is what failed tries to sign in are counted by.
type Try struct {
	Who  string // such as "account:anna" or "address:192.0.2.1"
	Free int    // tries without delay
}

// The delays between tries that failed: the first ones are free, then each
// doubles the one before it. Tries are forgotten after tryMemory without one.
const (
	firstDelay = 30 * time.Second
	maxDelay   = 15 * time.Minute
	tryMemory  = time.Hour
)

// TryMemory is how long failed tries are remembered.
const TryMemory = tryMemory

// DelayAfter returns how long to wait after the nth failed try.
func (t Try) DelayAfter(n int) time.Duration {
	over := n - t.Free
	if over < 0 {
		return 0
	}
	return min(firstDelay<<min(over, 16), maxDelay)
}

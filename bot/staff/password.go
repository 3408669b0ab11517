package staff

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"
)

// Cost is what it takes to try one password.
type Cost struct {
	Memory  uint32 // KiB
	Passes  uint32
	Threads uint8
}

// DefaultCost is the second recommendation of OWASP's password storage cheat
// sheet for argon2id: 19 MiB, two passes, one thread.
var DefaultCost = Cost{Memory: 19 << 10, Passes: 2, Threads: 1}

const saltLen, keyLen = 16, 32

// A Hasher turns passwords into what may be stored. It is safe for concurrent
// use, and takes no more than half of the processors, however many sign in.
type Hasher struct {
	cost    Cost
	slots   chan struct{}
	waiting atomic.Int32
	dummy   string
}

// ErrBusy says that so many people sign in at once that another one would wait
// for too long.
var ErrBusy = errors.New("too many passwords are being checked")

// maxWaiting is how many checks may wait for their turn: some seconds.
const maxWaiting = 200

// NewHasher returns a hasher for new passwords at this cost.
func NewHasher(cost Cost) *Hasher {
	h := &Hasher{cost: cost, slots: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2))}
	h.dummy = cost.format(make([]byte, saltLen), make([]byte, keyLen))
	return h
}

// Hash returns the hash of a password in the PHC string format, with its
// parameters. It waits for its turn until ctx ends, or fails with ErrBusy.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, saltLen)
	rand.Read(salt) // never fails
	key, err := h.key(ctx, password, salt, h.cost)
	if err != nil {
		return "", err
	}
	return h.cost.format(salt, key), nil
}

// Check reports whether a password has this hash, and whether it should be
// hashed anew because the cost has changed. An empty hash, which no password
// has, takes as long as any other. It waits for its turn until ctx ends, or
// fails with ErrBusy.
func (h *Hasher) Check(ctx context.Context, hash, password string) (right, stale bool, err error) {
	none := hash == ""
	if none {
		hash = h.dummy
	}
	cost, salt, want, err := parse(hash)
	if err != nil {
		return false, false, err
	}
	key, err := h.key(ctx, password, salt, cost)
	if err != nil {
		return false, false, err
	}
	right = subtle.ConstantTimeCompare(key, want) == 1 && !none
	return right, right && cost != h.cost, nil
}

func (h *Hasher) key(ctx context.Context, password string, salt []byte, c Cost) ([]byte, error) {
	defer h.waiting.Add(-1)
	if h.waiting.Add(1) > maxWaiting {
		return nil, ErrBusy
	}
	select {
	case h.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting to check a password: %w", context.Cause(ctx))
	}
	defer func() { <-h.slots }()
	return argon2.IDKey([]byte(norm.NFC.String(password)), salt, c.Passes, c.Memory, c.Threads, keyLen), nil
}

func (c Cost) format(salt, key []byte) string {
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, c.Memory, c.Passes, c.Threads, b64(salt), b64(key))
}

// errHash does not show the hash.
var errHash = errors.New("a stored password cannot be read; `tilldesk staff passwd NAME` gives a new one")

// The most that a stored hash may ask for: whoever can write to the database
// must not be able to stop the service with it.
const maxMemory, maxPasses = 1 << 20, 64

func parse(hash string) (c Cost, salt, key []byte, err error) {
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return c, nil, nil, errHash
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &c.Memory, &c.Passes, &c.Threads); err != nil ||
		c.Memory == 0 || c.Memory > maxMemory || c.Passes == 0 || c.Passes > maxPasses || c.Threads == 0 {
		return c, nil, nil, errHash
	}
	salt, serr := base64.RawStdEncoding.DecodeString(parts[4])
	key, kerr := base64.RawStdEncoding.DecodeString(parts[5])
	if serr != nil || kerr != nil || len(salt) < 8 || len(key) != keyLen {
		return c, nil, nil, errHash
	}
	return c, salt, key, nil
}

// onceAlphabet leaves out what is mistaken for something else when it is read
// from a screen and typed: 0 o 1 l i u v.
const onceAlphabet = "23456789abcdefghjkmnpqrstwxyz"

// NewOnce returns a password that nobody can guess and everybody can type: five
// groups of four characters, about 97 bits.
func NewOnce() string { return randomGroups(onceGroups, onceSize) }

const onceGroups, onceSize = 5, 4

// IsOnce reports whether a password has the form of those that NewOnce gives.
// Nobody may choose one of this form.
func IsOnce(password string) bool {
	groups := strings.Split(password, "-")
	if len(groups) != onceGroups {
		return false
	}
	for _, g := range groups {
		if len(g) != onceSize || strings.Trim(g, onceAlphabet) != "" {
			return false
		}
	}
	return true
}

func randomGroups(groups, size int) string {
	var b strings.Builder
	for i := range groups {
		if i > 0 {
			b.WriteByte('-')
		}
		for range size {
			b.WriteByte(randomLetter())
		}
	}
	return b.String()
}

// randomLetter takes a letter of the alphabet, each as likely as the others.
func randomLetter() byte {
	var b [1]byte
	for {
		rand.Read(b[:])
		if n := int(b[0]); n < 256/len(onceAlphabet)*len(onceAlphabet) {
			return onceAlphabet[n%len(onceAlphabet)]
		}
	}
}

// The lengths of a password that people choose, in characters.
const minPassword, maxPassword = 10, 200

// Weakness is why a password is not good enough.
type Weakness string

// The weaknesses; None is a good password.
const (
	None     Weakness = ""
	TooShort Weakness = "too_short"
	TooLong  Weakness = "too_long"
	TooPlain Weakness = "too_plain" // much used, a run of the keyboard, or few different characters
	TooNear  Weakness = "too_near"  // little but the name
	LikeOnce Weakness = "like_once" // has the form of a one-time password
)

// MinPassword is how many characters a password has at least.
const MinPassword = minPassword

// WeaknessOf returns what is wrong with a password that somebody with this
// name wants to have. What counts is length, not kinds of characters (NIST SP
// 800-63B, 3.1.1.2).
func WeaknessOf(password, name string) Weakness {
	n := utf8.RuneCountInString(password)
	folded := NameKey(password)
	different := map[rune]bool{}
	for _, r := range folded {
		different[r] = true
	}
	switch {
	case n < minPassword:
		return TooShort
	case n > maxPassword:
		return TooLong
	case len(different) < 5 || plain(folded):
		return TooPlain
	case near(folded, NameKey(name)):
		return TooNear
	case IsOnce(password):
		return LikeOnce
	}
	return None
}

// near reports whether little but the name is in the password.
func near(password, name string) bool {
	if name == "" || !strings.Contains(password, name) {
		return false
	}
	return utf8.RuneCountInString(strings.ReplaceAll(password, name, "")) < 6
}

package wechat

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/silenceper/wechat/v2/cache"
	"github.com/silenceper/wechat/v2/credential"

	"tilldesk/bot"
)

// CredentialStore shares the token between replicas.
type CredentialStore interface {
	Credential(ctx context.Context, name string) (bot.Credential, error)
	// LeaseCredential lets one caller at a time get a new one; "" while another
	// one has the lease.
	LeaseCredential(ctx context.Context, name string, now time.Time, d time.Duration) (lease string, err error)
	StoreCredential(ctx context.Context, name, lease string, c bot.Credential) error
	DropCredential(ctx context.Context, name string, version int64) error
}

const (
	tokenLease = 10 * time.Second
	tokenPoll  = 100 * time.Millisecond
	// tokenCopy is how long a token is used without looking into the store.
	tokenCopy = time.Minute
	// tokenMargin is for how long before its end a token is not used: WeChat
	// gives out the next one then, and takes both (稳定版接口调用凭据).
	tokenMargin = 5 * time.Minute
)

// token is an access token, with the version of its row in the store.
type token struct {
	text    string
	version int64
	expires time.Time
}

// tokens are the access tokens of an account: one at a time for all replicas,
// got by the one that has the lease, sealed in the store with a key that only
// those who know the app secret have.
type tokens struct {
	c    *Channel
	seal cipher.AEAD

	mu   sync.Mutex
	last token
	seen time.Time // when it was looked up
}

func newTokens(c *Channel) *tokens {
	key, err := hkdf.Key(sha256.New, []byte(c.opt.AppSecret), []byte(c.opt.AppID), "tilldesk wechat access token", 32)
	if err != nil {
		panic(err) // the lengths are right
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err)
	}
	return &tokens{c: c, seal: aead}
}

func (t *tokens) name() string { return t.c.fact("access_token") }

// get returns a token that is valid as far as is known, and not the one that
// WeChat has refused, if there is one: somebody may have read that before it
// was dropped, and remembered it after that.
func (t *tokens) get(ctx context.Context, refused string) (token, error) {
	now := t.c.opt.Now()
	t.mu.Lock()
	have, fresh := t.last, now.Sub(t.seen) < tokenCopy
	t.mu.Unlock()
	if have.text == refused {
		have = token{}
	}
	if fresh && have.valid(now) {
		return have, nil
	}
	for {
		stored, err := t.stored(ctx)
		switch {
		case err == nil && stored.text != refused && stored.valid(t.c.opt.Now()):
			t.remember(stored)
			return stored, nil
		case err != nil && have.valid(now):
			return have, nil // the store is away; this one will do
		case err != nil:
			return token{}, err
		}
		lease, err := t.c.store.LeaseCredential(ctx, t.name(), t.c.opt.Now(), tokenLease)
		if err != nil {
			return token{}, err
		}
		if lease != "" {
			// Another one may have got it between the look and the lease.
			if stored, err := t.stored(ctx); err == nil && stored.text != refused && stored.valid(t.c.opt.Now()) {
				t.release(ctx, lease)
				t.remember(stored)
				return stored, nil
			}
			return t.renew(ctx, lease)
		}
		timer := time.NewTimer(tokenPoll)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return token{}, fmt.Errorf("waiting for the access token that another one gets: %w", ctx.Err())
		}
	}
}

func (t token) valid(now time.Time) bool { return t.text != "" && now.Before(t.expires) }

func (t *tokens) remember(v token) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last, t.seen = v, t.c.opt.Now()
}

// stored returns the token in the store, the zero one if there is none that we
// can open.
func (t *tokens) stored(ctx context.Context) (token, error) {
	c, err := t.c.store.Credential(ctx, t.name())
	if err != nil || c.Sealed == "" {
		return token{}, err
	}
	box, err := base64.RawStdEncoding.DecodeString(c.Sealed)
	if err != nil {
		return token{}, nil
	}
	text, err := t.seal.Open(nil, nil, box, []byte(t.name()))
	if err != nil {
		return token{}, nil // of another secret: a new one is got
	}
	return token{string(text), c.Version, c.Expires}, nil
}

// renew gets a token from WeChat and stores it for all.
func (t *tokens) renew(ctx context.Context, lease string) (token, error) {
	text, expires, err := t.fetch(ctx)
	storing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	if err != nil {
		t.release(storing, lease)
		return token{}, err
	}
	box := t.seal.Seal(nil, nil, []byte(text), []byte(t.name()))
	if err := t.c.store.StoreCredential(storing, t.name(), lease, bot.Credential{Sealed: base64.RawStdEncoding.EncodeToString(box), Expires: expires}); err != nil {
		t.c.opt.Log.Warn("the WeChat token could not be shared", "error", err)
		v := token{text: text, version: -1, expires: expires}
		t.remember(v)
		return v, nil
	}
	t.c.opt.Log.Info("got a WeChat access token", "expires", expires)
	v, err := t.stored(storing)
	if err != nil || v.text == "" {
		v = token{text: text, version: -1, expires: expires}
	}
	t.remember(v)
	return v, nil
}

// release ends a lease without a token.
func (t *tokens) release(ctx context.Context, lease string) {
	if err := t.c.store.StoreCredential(ctx, t.name(), lease, bot.Credential{}); err != nil {
		t.c.opt.Log.Warn("the lease on the WeChat token could not be ended", "error", err)
	}
}

// fetch asks WeChat for the stable token, in its normal mode: the same one is
// returned while it is valid, so asking harms nobody.
func (t *tokens) fetch(ctx context.Context) (text string, expires time.Time, err error) {
	const what = "getting the access token"
	stable, ok := credential.NewStableAccessToken(t.c.opt.AppID, t.c.opt.AppSecret, "", noCache{}).(*credential.StableAccessToken)
	if !ok {
		return "", time.Time{}, errors.New("the SDK has no stable token")
	}
	var res credential.ResAccessToken
	if _, err := t.c.exchange(ctx, what, func(ctx context.Context) (_ []byte, err error) {
		res, err = stable.GetAccessTokenDirectly(ctx, false)
		if res.ErrCode != 0 {
			err = nil
		}
		return nil, err
	}); err != nil {
		return "", time.Time{}, err
	}
	switch {
	case res.ErrCode != 0:
		return "", time.Time{}, &CallError{what, res.ErrCode, clip(oneLine(res.ErrMsg), 200)}
	case res.AccessToken == "" || res.ExpiresIn <= 0:
		return "", time.Time{}, fmt.Errorf("%s: the answer is not WeChat's: it has no token", what)
	}
	life := time.Duration(min(res.ExpiresIn, 7200)) * time.Second
	return res.AccessToken, t.c.opt.Now().Add(max(life-tokenMargin, min(life, time.Minute))), nil
}

// drop notes that WeChat does not take a token any more. Whoever notices first
// makes all others get another one.
func (t *tokens) drop(ctx context.Context, v token) {
	t.mu.Lock()
	if t.last.text == v.text {
		t.last = token{}
	}
	t.mu.Unlock()
	if v.version < 0 {
		return
	}
	if err := t.c.store.DropCredential(ctx, t.name(), v.version); err != nil {
		t.c.opt.Log.Warn("a WeChat token that is not valid any more is still shared", "error", err)
	}
}

// noCache keeps nothing: the tokens are kept by tokens.
type noCache struct{}

var _ cache.Cache = noCache{}

func (noCache) Get(string) any                       { return nil }
func (noCache) Set(string, any, time.Duration) error { return nil }
func (noCache) IsExist(string) bool                  { return false }
func (noCache) Delete(string) error                  { return nil }

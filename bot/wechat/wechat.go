// Package wechat is the channel to the merchants who write to a WeChat official
// account (公众号, 服务号).
//
// # The way of a message
//
// WeChat posts each message to the callback URL and waits for the answer for
// five seconds. The door ([Channel.ServeHTTP]) lets in what WeChat has signed
// and nothing else. The message is stored, and then the request is kept open
// until the bot has answered, which takes milliseconds: the answer to the
// request carries the replies. That is the passive reply; it costs nothing of
// what WeChat grants. What is not ready in time, what does not fit into one
// text, and what staff say goes out through the customer-service API, by the
// outbox and [Channel.Send].
//
// WeChat repeats a request that it got no answer to. Whatever the first one
// was answered is stored before it is answered, so that each repetition gets
// the same, from any replica.
//
// # What WeChat grants
//
// After a message of the merchant five messages may be sent through the API
// within 48 hours. What goes beyond stays in the outbox and is carried by the
// answer to the merchant's next message. Accounts without the API have only
// that: there the merchant is told to ask for the rest.
//
// The SDK gives types, cryptography, the token and the calls. Its message
// server is not used: it takes unencrypted messages although there is a key,
// and confirms what it could not read.
package wechat

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"tilldesk/bot"
)

// Name is the channel's name in stored conversations.
const Name = "wechat"

// An Engine takes messages in and answers them.
type Engine interface {
	Accept(ctx context.Context, in bot.Inbound) (bot.Receipt, error)
	Replies(ctx context.Context, id bot.MessageID) (bot.Answered, error)
}

// A Store keeps what the channel needs beside the messages.
type Store interface {
	CallStore
	WindowStore
	CredentialStore
	FileStore
	ConversationOf(ctx context.Context, channel, remote string) (c bot.Conversation, known bool, err error)
	// Erase deletes all of a conversation and returns the files to be deleted.
	Erase(ctx context.Context, id bot.ConversationID) (files []string, err error)
	// Fact and Learn keep what was learnt about the account.
	Fact(ctx context.Context, name string) (value string, at time.Time, err error)
	Learn(ctx context.Context, name, value string, once bool, at time.Time) (known string, err error)
}

// Account is what kind of account it is, which says what it may do.
type Account string

// The kinds of accounts. Rights are learnt beyond that: an account that is
// refused the API is treated as one without it for a day.
const (
	VerifiedService      Account = "verified_service"
	VerifiedSubscription Account = "verified_subscription"
	Unverified           Account = "unverified" // no customer-service API
)

// Options of a Channel. Those without a default must be given.
type Options struct {
	AppID, AppSecret string
	Token            string // of the callback; 3 to 32 letters and digits
	AESKey           string // EncodingAESKey; "": messages are not encrypted
	PreviousAESKey   string // still taken, after the key was changed
	OriginalID       string // the account's gh_ id; learnt from the first message if ""

	APIURL  string  // https://api.weixin.qq.com if ""
	Account Account // VerifiedService if ""
	// Menus offers choices as a menu that is tapped where the account may; else,
	// and by default, they are numbered.
	Menus bool
	// Transfer passes what merchants write to WeChat's own desk while a person
	// has the case, if somebody is there.
	Transfer bool
	// Session is told what happens at that desk; an event that it fails at comes
	// again. It may be nil.
	Session func(context.Context, Session) error
	// Data is the folder for pictures; nil keeps none.
	Data *os.Root
	// Network is the way to the API and to the hosts of pictures; nil is the
	// network itself.
	Network http.RoundTripper
	// Recogniser makes text of voice messages; nil asks the merchant to type.
	Recogniser Recogniser

	Wait    time.Duration // for an answer, in a request; 3.5 s if 0
	Log     *slog.Logger  // nothing is logged if nil
	Now     func() time.Time
	Observe func(Answer) // is told how each request was answered; must not block
}

// DefaultAPI is the API of WeChat.
const DefaultAPI = "https://api.weixin.qq.com"

// Channel is the official account: the handler of its callback, and the
// [bot.Channel] of what is sent to its followers.
type Channel struct {
	engine Engine
	store  Store
	opt    Options
	keys   []string // EncodingAESKeys, the one to encrypt with first
	base   *url.URL
	tokens *tokens
	desk   ownDesk

	original atomic.Pointer[string] // our gh_ id, once known
	without  atomic.Int64           // Unix seconds until which the API counts as not granted
	noMenus  atomic.Bool
	paused   atomic.Int64 // Unix milliseconds until which the API is left alone

	background sync.WaitGroup
	pictures   *http.Client
	decoding   chan struct{}
}

var _ interface {
	bot.Channel
	bot.Windowed
	http.Handler
} = (*Channel)(nil)

var callbackToken = regexp.MustCompile(`^[A-Za-z0-9]{3,32}$`)

// New returns the channel to an account.
func New(engine Engine, store Store, opt Options) (*Channel, error) {
	c := &Channel{engine: engine, store: store}
	switch {
	case opt.AppID == "" || opt.AppSecret == "":
		return nil, errors.New("the app id and the app secret are both needed")
	case !callbackToken.MatchString(opt.Token):
		return nil, errors.New("the token must be 3 to 32 letters and digits, the same as in the account's settings")
	}
	for _, key := range []string{opt.AESKey, opt.PreviousAESKey} {
		if key == "" {
			continue
		}
		if err := AESKey(key); err != nil {
			return nil, err
		}
		c.keys = append(c.keys, key)
	}
	if opt.AESKey == "" && len(c.keys) > 0 {
		return nil, errors.New("there is a previous AES key, but no present one")
	}
	base, err := url.Parse(strings.TrimSuffix(first(opt.APIURL, DefaultAPI), "/"))
	if err != nil || base.Host == "" {
		return nil, errors.New("the URL of the API must be like https://api.weixin.qq.com")
	}
	c.base = base
	if opt.Account == "" {
		opt.Account = VerifiedService
	}
	if opt.Wait == 0 {
		opt.Wait = 3500 * time.Millisecond
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Observe == nil {
		opt.Observe = func(Answer) {}
	}
	if opt.OriginalID != "" {
		c.original.Store(&opt.OriginalID)
	}
	c.opt = opt
	c.tokens = newTokens(c)
	c.decoding = make(chan struct{}, 1)
	c.pictures = &http.Client{
		Transport: opt.Network, Timeout: callTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	if len(c.keys) == 0 {
		c.opt.Log.Warn("WeChat messages are not encrypted: anybody who sees one callback URL can write as any merchant; choose 安全模式 (safe mode) and set wechat.aes_key")
	}
	return c, nil
}

// Name returns "wechat".
func (*Channel) Name() string { return Name }

// Limits returns the limits of the API: of the time of a call alone, as WeChat
// limits calls per day.
func (*Channel) Limits() bot.Limits { return bot.Limits{Timeout: 8 * time.Second} }

// Hold is for how long the replies to a message are left to the request that
// brought it.
func (c *Channel) Hold() time.Duration { return c.opt.Wait }

// Close waits for what the channel does beside requests.
func (c *Channel) Close() { c.background.Wait() }

// errStore says that the store could not be asked.
var errStore = errors.New("the store cannot be reached")

// ours checks that a message is for this account: for the gh_ id of the
// configuration or, if messages are encrypted, of the first message ever.
func (c *Channel) ours(ctx context.Context, to string) error {
	known := c.original.Load()
	if known == nil {
		if len(c.keys) == 0 || to == "" {
			return nil
		}
		id, err := c.store.Learn(ctx, c.fact("original_id"), to, true, c.opt.Now())
		if err != nil {
			return fmt.Errorf("%w: %w", errStore, err)
		}
		known = &id
		c.original.Store(known)
	}
	if *known != to {
		return errors.New("it is for another account than this one (ToUserName)")
	}
	return nil
}

// fact is the name of something that was learnt about this account.
func (c *Channel) fact(what string) string { return Name + "/" + c.opt.AppID + "/" + what }

// What is learnt, by its name.
const (
	factVerified = "verified" // WeChat has verified the callback URL
	factNoAPI    = "no_api"   // the API was refused
	factNoMenus  = "no_menus" // menus were refused
)

// learn stores a fact beside what is under way.
func (c *Channel) learn(what, value string) {
	c.background.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if _, err := c.store.Learn(ctx, c.fact(what), value, false, c.opt.Now()); err != nil {
			c.opt.Log.Warn("what was learnt about the WeChat account is not stored", "fact", what, "error", err)
		}
	})
}

// againAfter is how long a right that was refused counts as not granted.
const againAfter = 24 * time.Hour

// Start reads what was learnt about the account earlier.
func (c *Channel) Start(ctx context.Context) error {
	for what, note := range map[string]func(time.Time){
		factNoAPI:   func(at time.Time) { c.without.Store(at.Add(againAfter).Unix()) },
		factNoMenus: func(at time.Time) { c.noMenus.Store(c.opt.Now().Before(at.Add(againAfter))) },
	} {
		value, at, err := c.store.Fact(ctx, c.fact(what))
		if err != nil {
			return err
		}
		if value != "" {
			note(at)
		}
	}
	return nil
}

// api reports whether the account may use the customer-service API, as far as
// is known.
func (c *Channel) api() bool {
	return c.opt.Account != Unverified && c.opt.Now().Unix() >= c.without.Load()
}

// refusedAPI notes that the account may not use the customer-service API.
func (c *Channel) refusedAPI() {
	c.opt.Log.Error("WeChat does not grant this account the customer-service API; replies wait for the merchant's next message. Is the account verified (微信认证)? Then check its rights, else set wechat.account to unverified")
	c.without.Store(c.opt.Now().Add(againAfter).Unix())
	c.learn(factNoAPI, "48001")
}

// digest is a name for something that is not to be shown.
func digest(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return fmt.Sprintf("%x", sum[:16])
}

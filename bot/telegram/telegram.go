package telegram

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-telegram/bot/models"

	"tilldesk/bot"
	"tilldesk/bot/store"
	"tilldesk/bot/telegram/botapi"
)

// Name is the channel's name in stored conversations.
const Name = "telegram"

// An Engine takes messages in.
type Engine interface {
	Accept(ctx context.Context, in bot.Inbound) (bot.Receipt, error)
}

// A Store keeps what the channel must not forget.
type Store interface {
	ConversationOf(ctx context.Context, channel, remote string) (c bot.Conversation, known bool, err error)
	Wording(ctx context.Context, conversation bot.ConversationID, remote bot.RemoteID, changes string) (w store.Wording, known bool, err error)
	Followed(ctx context.Context, conversation bot.ConversationID, offer int64) (bool, error)
	Erase(ctx context.Context, conversation bot.ConversationID) (files []string, err error)
	Replies(ctx context.Context, id bot.MessageID) (r bot.Answered, done bool, err error)

	LeasePoll(ctx context.Context, botID int64, owner string, now time.Time, lease time.Duration) (l store.PollLease, ok bool, err error)
	Reserve(ctx context.Context, what string, now time.Time, every time.Duration, burst int) (time.Time, error)
	RenewPoll(ctx context.Context, l store.PollLease, until time.Time) error
	SavePoll(ctx context.Context, l store.PollLease, offset int64) error
	EndPoll(ctx context.Context, l store.PollLease) error
	BuryUpdate(ctx context.Context, u store.DeadUpdate) error

	Entry(ctx context.Context, conversation bot.ConversationID, id bot.MessageID) (bot.Entry, error)
	PartsSent(ctx context.Context, id bot.MessageID) (int, error)
	SetPartsSent(ctx context.Context, id bot.MessageID, n int) error

	WantFiles(ctx context.Context, id bot.MessageID, places ...int) error
	ClaimFiles(ctx context.Context, channel string, now, until time.Time, limit int) ([]store.WantedFile, error)
	RetryFile(ctx context.Context, f store.WantedFile, at time.Time, why string) error
	EndFile(ctx context.Context, f store.WantedFile, at time.Time, why string) error
	SetMedia(ctx context.Context, id bot.MessageID, n int, media bot.Media) error
}

// Group is the staff group, if there is one.
type Group interface {
	// Is reports whether a chat is the staff group.
	Is(chat int64) bool
	// Update handles an update from there, or of the chat that the group has
	// become. An error means that it is to come again.
	Update(ctx context.Context, u *models.Update) error
	// Link makes the sender of a one-time code staff, and returns what to say.
	Link(ctx context.Context, user *models.User, code string) (string, error)
}

// Options of a Channel.
type Options struct {
	Token  string // as BotFather gives it
	APIURL string // botapi.PublicURL if empty
	// Secret is what updates must bring along to be taken by ServeHTTP, 1 to 256
	// characters of A-Za-z0-9_-; WebhookURL is where they are to be sent. With
	// both empty updates are fetched.
	Secret     string
	WebhookURL string

	Owner string // names this process among those that share the store
	// Lease is for how long a process that dies keeps others from fetching
	// updates; 25 s if 0.
	Lease time.Duration
	// Shared says that several processes may send; what they may send in a
	// second is shared through the store then.
	Shared bool
	Data   *os.Root // the folder for files; nil: they are not fetched
	Group  Group    // nil: there is none
	Log    *slog.Logger
	Now    func() time.Time
}

// Channel is the Telegram channel. It is safe for concurrent use.
type Channel struct {
	api     *botapi.Client
	engine  Engine
	store   Store
	opt     Options
	log     *slog.Logger
	courier *courier
	typing  *typing
	leaving sync.Map // groups, and when they were left last
	pause   pause
	name    atomic.Pointer[string] // of the bot, without @; nil until it is known
}

var _ bot.Channel = (*Channel)(nil)

// New returns a channel; nothing is called before Receive. It fails if the
// token or the address of the API is malformed.
func New(engine Engine, db Store, opt Options) (*Channel, error) {
	api, err := botapi.New(opt.Token, opt.APIURL)
	if err != nil {
		return nil, err
	}
	if (opt.Secret == "") != (opt.WebhookURL == "") {
		return nil, errors.New("a webhook needs both a secret and the URL that merchants' messages are sent to")
	}
	if opt.Lease == 0 {
		opt.Lease = pollLease
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	c := &Channel{api: api, engine: engine, store: db, opt: opt, log: opt.Log.With("channel", Name)}
	c.courier = newCourier(&c.pause, c.opt.Now, c.log)
	c.typing = newTyping(api.ShowTyping, c.isAnswered, func(chat int64) bool { return c.pause.left(chat, c.opt.Now()) == 0 })
	return c, nil
}

// API returns the client that the channel uses.
func (c *Channel) API() *botapi.Client { return c.api }

// SetGroup sets the staff group. Call it before Receive.
func (c *Channel) SetGroup(g Group) { c.opt.Group = g }

// Name returns the channel's name.
func (c *Channel) Name() string { return Name }

// Limits are those of the Bot API FAQ, "My bot is hitting limits": about one
// message per second to a chat, with short bursts, and 30 per second to all.
func (c *Channel) Limits() bot.Limits {
	return bot.Limits{PerConversation: 1, Burst: 3, Overall: perSecond, Timeout: 8 * time.Second}
}

// perSecond is how many messages all merchants together are sent in a second.
const perSecond = 25

// turn waits until one more message may be sent, by any process. Where there is
// only one the outbox sees to it.
func (c *Channel) turn(ctx context.Context) error {
	if !c.opt.Shared {
		return nil
	}
	now := c.opt.Now()
	at, err := c.store.Reserve(ctx, fmt.Sprint("Telegram bot ", c.api.ID()), now, time.Second/perSecond, 1)
	if err != nil {
		return &bot.RetryError{Err: err}
	}
	if wait := at.Sub(now); wait > maxTurn || !sleep(ctx, wait) {
		return &bot.RetryError{After: min(wait, maxTurn), Err: errors.New("the other processes send as much as Telegram allows"), Reached: true}
	}
	return nil
}

// maxTurn is how long a message holds a sender while others have their turn.
const maxTurn = 2 * time.Second

// Receive takes updates until ctx ends.
func (c *Channel) Receive(ctx context.Context) {
	if c.opt.Secret == "" {
		c.poll(ctx)
		return
	}
	c.announce(ctx)
}

// Work does everything else until ctx ends.
func (c *Channel) Work(ctx context.Context) {
	var others sync.WaitGroup
	others.Go(func() { c.fetchFiles(ctx) })
	others.Go(func() { c.typing.run(ctx) })
	c.courier.run(ctx)
	others.Wait()
	c.api.CloseIdle()
}

// allowed are the kinds of update that are wanted.
var allowed = []string{"message", "edited_message", "callback_query", "my_chat_member"}

// greet learns the bot's name and sets its menus. It tries until it is done or
// ctx ends, and reports whether it is done.
func (c *Channel) greet(ctx context.Context) bool {
	return c.insist(ctx, "reading the bot's name", func(ctx context.Context) error {
		me, err := c.api.GetMe(ctx)
		if err != nil {
			return err
		}
		name := strings.ToLower(me.Username)
		c.name.Store(&name)
		c.log.Info("Telegram knows the bot", "bot", me.Username)
		return nil
	}) && c.insist(ctx, "setting the menus", c.setMenus)
}

// insist tries something until it succeeds or ctx ends. What will not be done
// is given up, and true as well.
func (c *Channel) insist(ctx context.Context, what string, f func(context.Context) error) bool {
	wait := backoff{}
	for {
		try, cancel := context.WithTimeout(ctx, callTime)
		err := f(try)
		cancel()
		switch e := new(botapi.Error); {
		case err == nil:
			return true
		case ctx.Err() != nil:
			return false
		case errors.As(err, &e) && e.Permanent():
			c.log.Error("Telegram refused", "what", what, "error", err)
			return true
		}
		c.log.Error("Telegram cannot be reached or refuses; it is tried again", "what", what, "error", err)
		if !wait.pause(ctx, err) {
			return false
		}
	}
}

// callTime bounds one call that is not a poll.
const callTime = 8 * time.Second

// rawUpdate is an update of which only the envelope is read.
type rawUpdate struct {
	ID       int64           `json:"update_id"`
	Message  json.RawMessage `json:"message"`
	Edited   json.RawMessage `json:"edited_message"`
	Press    json.RawMessage `json:"callback_query"`
	MyMember json.RawMessage `json:"my_chat_member"`
}

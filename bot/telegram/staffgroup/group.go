package staffgroup

import (
	"context"
	"log/slog"
	"maps"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/desk"
	"tilldesk/bot/staff"
	"tilldesk/bot/store"
	"tilldesk/bot/telegram/botapi"
	"tilldesk/content/source"
)

// Desk is what the group needs of the desk.
type Desk interface {
	Case(ctx context.Context, ticket string) (desk.Case, error)
	Cases(ctx context.Context, f desk.Filter) (desk.Page, error)
	CasesOf(ctx context.Context, conversation bot.ConversationID, limit int) ([]desk.Case, error)
	Card(ctx context.Context, ticket string) (desk.Card, error)
	Members(ctx context.Context) ([]desk.Member, error)
	Take(ctx context.Context, ticket string, who desk.Actor) (desk.Case, error)
	PutBack(ctx context.Context, ticket string, who desk.Actor, why string) (desk.Case, error)
	Give(ctx context.Context, ticket string, who desk.Actor, to, why string) (desk.Case, error)
	Reply(ctx context.Context, ticket string, who desk.Actor, m desk.Message) (desk.Case, bot.MessageID, error)
	Note(ctx context.Context, ticket string, who desk.Actor, text string, mentions []string) (desk.Case, error)
	Resolve(ctx context.Context, ticket string, who desk.Actor, f desk.Finding) (desk.Case, error)
	Close(ctx context.Context, ticket string, who desk.Actor, why string) (desk.Case, error)
	Release(ctx context.Context, ticket string, who desk.Actor) (desk.Case, error)
	Block(ctx context.Context, conversation bot.ConversationID, who desk.Actor, why string) error
	Unblock(ctx context.Context, conversation bot.ConversationID, who desk.Actor) error
	Subscribe(ctx context.Context, after int64) <-chan desk.Event
	LastEvent(ctx context.Context) (int64, error)
}

// People are the staff accounts.
type People interface {
	OfTelegram(ctx context.Context, user int64) (staff.Staff, error)
	Redeem(ctx context.Context, code string, user int64) (staff.Staff, error)
}

// Store keeps what the group must not forget.
type Store interface {
	LeaseGroup(ctx context.Context, configured int64, owner string, now time.Time, lease time.Duration) (l store.GroupLease, ok bool, err error)
	RenewGroup(ctx context.Context, l store.GroupLease, until time.Time) error
	EndGroup(ctx context.Context, l store.GroupLease) error
	PauseGroup(ctx context.Context, configured int64, until time.Time) error
	Reserve(ctx context.Context, what string, now time.Time, every time.Duration, burst int) (time.Time, error)
	GroupPaused(ctx context.Context, configured int64) (time.Time, error)
	GroupChat(ctx context.Context, configured int64) (int64, error)
	MoveGroup(ctx context.Context, configured, to int64) error
	Topic(ctx context.Context, conversation bot.ConversationID) (t store.Topic, known bool, err error)
	TopicAt(ctx context.Context, chat int64, thread int) (t store.Topic, known bool, err error)
	OpenTopics(ctx context.Context, limit int) ([]store.Topic, error)
	SaveTopic(ctx context.Context, t store.Topic) error
	SavePost(ctx context.Context, p store.Post) error
	OpenPosts(ctx context.Context, limit int) (settled []store.Post, more bool, err error)
	MarkPost(ctx context.Context, id bot.MessageID) error
	Posted(ctx context.Context, chat int64, post int) ([]bot.Entry, error)
	IsPost(ctx context.Context, id bot.MessageID, client string) (bool, error)
	Conversation(ctx context.Context, id bot.ConversationID) (bot.Conversation, error)
	History(ctx context.Context, conversation bot.ConversationID, after int64, limit int) ([]bot.Entry, error)
	SetLanguage(ctx context.Context, conversation bot.ConversationID, lang source.Lang, traditional bool) error
}

// Options of a Group.
type Options struct {
	Chat  int64       // the group as it is configured
	Lang  source.Lang // in which the group is spoken to; Chinese if ""
	Owner string      // names this process among those that share the store
	// PerMinute is how often the group may be written to by all processes
	// together; 15 if 0. Telegram allows about 20.
	PerMinute int
	Data      *os.Root // the folder for files; nil: pictures go to merchants on Telegram only
	Log       *slog.Logger
	Now       func() time.Time
}

// Group is a staff group. It is safe for concurrent use.
type Group struct {
	api    *botapi.Client
	desk   Desk
	people People
	store  Store
	opt    Options
	log    *slog.Logger

	chat  atomic.Int64 // as Telegram names the group now
	words chan word    // answers to staff, which go before all else

	mu      sync.Mutex
	dirty   map[string]uint64 // tickets whose topics may not be what they should, and when that was noted last
	touches uint64
	changed chan struct{}
	told    map[string]time.Time // what was explained, and when
}

// New returns a group; nothing is called before Run.
func New(api *botapi.Client, d Desk, people People, db Store, opt Options) *Group {
	if opt.PerMinute == 0 {
		opt.PerMinute = 15
	}
	if opt.Lang == "" {
		opt.Lang = source.Zh
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	g := &Group{
		api: api, desk: d, people: people, store: db, opt: opt, log: opt.Log.With("channel", "staff group"),
		words: make(chan word, 200), dirty: map[string]uint64{}, changed: make(chan struct{}, 1), told: map[string]time.Time{},
	}
	g.chat.Store(opt.Chat)
	return g
}

// Is reports whether a chat is the staff group, by its old id too.
func (g *Group) Is(chat int64) bool { return chat == g.opt.Chat || chat == g.chat.Load() }

// Run keeps the group as the desk has it until ctx ends.
func (g *Group) Run(ctx context.Context) {
	if chat, err := g.store.GroupChat(ctx, g.opt.Chat); err != nil {
		g.log.Error("the id of the staff group could not be read", "error", err)
	} else {
		g.chat.Store(chat)
	}
	var running sync.WaitGroup
	running.Go(func() { g.speak(ctx) })
	running.Go(func() { g.menu(ctx) })
	g.lead(ctx)
	running.Wait()
}

// touch notes that a topic may not be what its case is.
func (g *Group) touch(tickets ...string) {
	g.mu.Lock()
	g.touches++
	for _, t := range tickets {
		g.dirty[t] = g.touches
	}
	g.mu.Unlock()
	select {
	case g.changed <- struct{}{}:
	default:
	}
}

// maxTold is how much is remembered of what was explained.
const maxTold = 2000

// once reports whether something is to be explained: not again and again.
func (g *Group) once(what string, every time.Duration) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.opt.Now()
	if len(g.told) > maxTold {
		maps.DeleteFunc(g.told, func(_ string, at time.Time) bool { return now.Sub(at) > time.Hour })
	}
	if last, told := g.told[what]; told && now.Sub(last) < every {
		return false
	}
	g.told[what] = now
	return true
}

func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

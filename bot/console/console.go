// Package console is the desk in the browser: pages for those who answer
// merchants. They are made on the server and work as plain pages; a script
// keeps them live and adds keys, drafts and alerts.
//
// # Live pages
//
// A page knows the newest event of the desk that it may contain. Its script
// follows the stream of events from there on, see [Console.Routes], and asks
// for the page again when one concerns it; what is marked data-live is put in
// place. Nothing is missed, as the stream goes on after the last event that a
// browser has seen, however long the line was down; and nothing can differ from
// what the page would say after a reload, as that is where it comes from.
package console

import (
	"context"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/desk"
	"tilldesk/bot/dialog"
	"tilldesk/bot/figures"
	"tilldesk/bot/signin"
	"tilldesk/bot/staff"
	"tilldesk/content/source"
)

// Desk is what the pages need of [desk.Desk].
type Desk interface {
	Case(ctx context.Context, ticket string) (desk.Case, error)
	Card(ctx context.Context, ticket string) (desk.Card, error)
	Cases(ctx context.Context, f desk.Filter) (desk.Page, error)
	CasesOf(ctx context.Context, conversation bot.ConversationID, limit int) ([]desk.Case, error)
	CasesOfMerchant(ctx context.Context, conversation bot.ConversationID, limit int) ([]desk.Case, error)
	Counts(ctx context.Context, who desk.Actor) (desk.Counts, error)
	Loads(ctx context.Context) (map[string]desk.Load, error)
	Timeline(ctx context.Context, ticket string, after int64, limit int) ([]desk.Event, error)
	Members(ctx context.Context) ([]desk.Member, error)

	Take(ctx context.Context, ticket string, who desk.Actor) (desk.Case, error)
	PutBack(ctx context.Context, ticket string, who desk.Actor, why string) (desk.Case, error)
	Give(ctx context.Context, ticket string, who desk.Actor, to, why string) (desk.Case, error)
	Reply(ctx context.Context, ticket string, who desk.Actor, m desk.Message) (desk.Case, bot.MessageID, error)
	Note(ctx context.Context, ticket string, who desk.Actor, text string, mentions []string) (desk.Case, error)
	Resolve(ctx context.Context, ticket string, who desk.Actor, f desk.Finding) (desk.Case, error)
	Close(ctx context.Context, ticket string, who desk.Actor, why string) (desk.Case, error)
	Reopen(ctx context.Context, ticket string, who desk.Actor) (desk.Case, error)
	Release(ctx context.Context, ticket string, who desk.Actor) (desk.Case, error)
	Snooze(ctx context.Context, ticket string, who desk.Actor, until time.Time) (desk.Case, error)
	Tag(ctx context.Context, ticket string, who desk.Actor, tags []string) (desk.Case, error)
	SetUrgency(ctx context.Context, ticket string, who desk.Actor, u desk.Urgency) (desk.Case, error)
	Merge(ctx context.Context, ticket string, who desk.Actor, into string) (desk.Case, error)
	Split(ctx context.Context, ticket string, who desk.Actor) (desk.Case, error)
	Rename(ctx context.Context, ticket string, who desk.Actor, name string) (desk.Case, error)

	Subscribe(ctx context.Context, after int64) <-chan desk.Event
	LastEvent(ctx context.Context) (int64, error)
	See(ctx context.Context, p desk.Presence) error
	Presences(ctx context.Context) <-chan desk.Presence

	Block(ctx context.Context, conversation bot.ConversationID, who desk.Actor, why string) error
	Unblock(ctx context.Context, conversation bot.ConversationID, who desk.Actor) error

	CannedReplies(ctx context.Context, query string) ([]desk.Canned, error)
	SaveCanned(ctx context.Context, who desk.Actor, c desk.Canned) (desk.Canned, error)
	DeleteCanned(ctx context.Context, id string) error
	Hours(ctx context.Context) (desk.Hours, error)
	SetHours(ctx context.Context, h desk.Hours) error
}

// Store is what the pages need of storage besides the desk. What is not there
// is [desk.ErrNotFound].
type Store interface {
	Conversation(ctx context.Context, id bot.ConversationID) (bot.Conversation, error)
	// ConversationsOf returns the conversations of the merchant of one, that one
	// first.
	ConversationsOf(ctx context.Context, id bot.ConversationID) ([]bot.Conversation, error)
	// Before returns the last messages of a conversation with a seq below
	// before, oldest first; 0 is after the newest.
	Before(ctx context.Context, conversation bot.ConversationID, before int64, limit int) ([]bot.Entry, error)
	// Entry returns a message of a conversation.
	Entry(ctx context.Context, conversation bot.ConversationID, id bot.MessageID) (bot.Entry, error)

	// Held and DeadOut are messages to merchants, Dead are messages of merchants
	// that wait for a decision, oldest first.
	Held(ctx context.Context, limit int) ([]bot.Parked, error)
	DeadOut(ctx context.Context, limit int) ([]bot.Parked, error)
	Dead(ctx context.Context, limit int) ([]bot.PutAside, error)
	CountParked(ctx context.Context) (int, error)
	Resend(ctx context.Context, id bot.MessageID) error
	Settle(ctx context.Context, id bot.MessageID, at time.Time) error
	Requeue(ctx context.Context, id bot.MessageID) error
	Drop(ctx context.Context, id bot.MessageID) error

	// Blocked returns since when a merchant is kept out; zero if they are not.
	Blocked(ctx context.Context, conversation bot.ConversationID) (time.Time, error)
	// Export returns all that is stored of the merchant of a conversation, and
	// ExportAlone what is of that conversation.
	Export(ctx context.Context, id bot.ConversationID) ([]byte, error)
	ExportAlone(ctx context.Context, id bot.ConversationID) ([]byte, error)
	// Own returns what the merchant of a conversation is called, and since when
	// they are kept out, once it is merged with no other.
	Own(ctx context.Context, conversation bot.ConversationID) (name string, blocked time.Time, err error)
	// Extent returns how much there is of a conversation.
	Extent(ctx context.Context, conversation bot.ConversationID) (desk.Extent, error)
	// EraseSeveral deletes all of the conversations that are given, which have
	// one merchant, and returns the files that are to be deleted from the media
	// folder. It fails with [desk.ErrNotSame] if they have not.
	EraseSeveral(ctx context.Context, id bot.ConversationID, others ...bot.ConversationID) (files []string, err error)

	CasesSince(ctx context.Context, since time.Time) ([]figures.Case, error)
	FixesSince(ctx context.Context, since time.Time) ([]figures.Fix, error)
	Outcomes(ctx context.Context) ([]dialog.Count, error)
}

// An Edition is which content or configuration is in use, and what was wrong
// with an edit that was not taken.
type Edition struct {
	Name      string    // of content its digest, of configuration its file
	Since     time.Time // when it was taken
	Refused   string    // what is wrong, with file and line; "" if the last edit was taken
	RefusedAt time.Time
}

// A Tool is a team's own, which is told what happens at the desk.
type Tool interface {
	Name() string
	// Test tells it something that has not happened, and returns why that
	// failed; an error that is [Untold] says so to staff.
	Test(ctx context.Context) error
}

// Untold is an error that says why a tool was not told, in both languages.
type Untold interface {
	error
	Why() source.Text
}

// Options of a Console; all are needed but where it says otherwise.
type Options struct {
	Accounts  *staff.Accounts
	Knowledge func() *bot.Knowledge // returns nil until the first content is learnt
	Editions  func() (content, configuration Edition)
	Media     *os.Root // the folder of photos
	// Channel returns a channel by its name, nil if there is none: staff are
	// shown what a [bot.Windowed] one lets them send. May be nil.
	Channel func(name string) bot.Channel
	// Room returns an error while there is no room for more pictures; there
	// always is if nil.
	Room      func() error
	Tools     []Tool       // may be none
	Sent      func()       // called when a message may be sent again, to wake the outbox
	Log       *slog.Logger // nothing is logged if nil
	Now       func() time.Time
	Heartbeat time.Duration // of a stream; 15 s if 0
}

// Console serves the pages of the desk.
type Console struct {
	desk  Desk
	store Store
	opt   Options
	log   *slog.Logger
	now   func() time.Time
	looks looks

	decoding chan struct{} // holds one while a picture is made anew
	place    atomic.Pointer[time.Location]
	counting sync.Mutex
	counted  map[int]counted // by days

	stopping context.Context
	stop     context.CancelFunc
}

// New returns a console; Routes adds its pages to a gate.
func New(d Desk, store Store, opt Options) (*Console, error) {
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Heartbeat == 0 {
		opt.Heartbeat = 15 * time.Second
	}
	if opt.Room == nil {
		opt.Room = func() error { return nil }
	}
	if opt.Sent == nil {
		opt.Sent = func() {}
	}
	c := &Console{desk: d, store: store, opt: opt, log: opt.Log, now: opt.Now, counted: map[int]counted{}, decoding: make(chan struct{}, 1)}
	c.place.Store(time.UTC)
	c.stopping, c.stop = context.WithCancel(context.Background())
	var err error
	c.looks, err = newLooks(opt.Now, c.zone)
	return c, err
}

// HangUp ends all open streams, as the server waits for them when it stops.
func (c *Console) HangUp() { c.stop() }

// zone is the time zone that the pages speak in: that of the opening hours, as
// they were when a page was asked for last.
func (c *Console) zone() *time.Location { return c.place.Load() }

// Routes adds the pages to the gate, each with the role that it needs.
func (c *Console) Routes(g *signin.Gate) {
	const agent, lead = staff.Agent, staff.Lead
	g.Handle("GET /desk/static/{name}", signin.Public, assets)
	g.HandleFunc("GET /desk/{$}", agent, c.queue)
	g.HandleFunc("GET /desk/rail", agent, c.rail)
	g.HandleFunc("GET /desk/events", agent, c.events)

	g.HandleFunc("GET /desk/case/{ticket}", agent, c.showCase)
	g.HandleFunc("GET /desk/case/{ticket}/canned", agent, c.pickCanned)
	g.HandleFunc("POST /desk/case/{ticket}/here", agent, c.here, signin.Unlogged())
	g.HandleFunc("POST /desk/case/{ticket}/say", agent, c.say, signin.MaxBody(maxSay))
	for action, do := range caseActions {
		g.HandleFunc("POST /desk/case/{ticket}/"+action, agent, c.act(do))
	}

	g.HandleFunc("GET /desk/search", agent, c.search)
	g.HandleFunc("GET /desk/merchant/{id}", agent, c.merchant)
	g.HandleFunc("GET /desk/merchant/{id}/photo/{message}/{n}", agent, c.photo)
	g.HandleFunc("GET /desk/merchant/{id}/export", lead, c.export(c.store.Export), signin.Logged())
	g.HandleFunc("GET /desk/merchant/{id}/export/alone", lead, c.export(c.store.ExportAlone), signin.Logged())
	g.HandleFunc("POST /desk/merchant/{id}/erase", lead, c.erase)
	g.HandleFunc("POST /desk/merchant/{id}/block", lead, c.block)
	g.HandleFunc("POST /desk/merchant/{id}/unblock", lead, c.unblock)

	g.HandleFunc("GET /desk/undelivered", agent, c.undelivered)
	g.HandleFunc("POST /desk/undelivered/{message}/{action}", agent, c.decide)
	g.HandleFunc("GET /desk/figures", agent, c.figures)
	g.HandleFunc("GET /desk/content", agent, c.content)

	g.HandleFunc("GET /desk/canned", agent, c.canned)
	g.HandleFunc("POST /desk/canned", agent, c.saveCanned)
	g.HandleFunc("POST /desk/canned/{id}", agent, c.saveCanned)
	g.HandleFunc("POST /desk/canned/{id}/delete", agent, c.deleteCanned)
	g.HandleFunc("GET /desk/hours", agent, c.hours)
	g.HandleFunc("POST /desk/hours", lead, c.saveHours)

	g.HandleFunc("GET /desk/team", agent, c.team)
	g.HandleFunc("POST /desk/team", lead, c.addStaff)
	g.HandleFunc("POST /desk/team/{id}/{action}", lead, c.changeStaff)
	g.HandleFunc("POST /desk/tools/{n}/test", lead, c.testTool)
}

// rail sends the navigation alone, for the counts in it.
func (c *Console) rail(w http.ResponseWriter, r *http.Request) {
	p, err := c.begin(r, r.URL.Query().Get("here"), "desk")
	if err != nil {
		c.fail(w, r, err)
		return
	}
	c.show(w, r, http.StatusOK, "rail", p)
}

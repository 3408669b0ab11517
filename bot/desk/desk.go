package desk

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/dialog"
)

// Store is what the desk needs from storage. Cases come without Due and
// Viewers. A case, reply or conversation that is not there is [ErrNotFound].
type Store interface {
	// Change reads a case and its conversation, lets decide make a change of
	// them and stores it, all in one transaction that nothing else about this
	// case can come between. decide may be called more than once and has no side
	// effects. With a client id that was used for this case before, decide is
	// not called: the stored case and the events of that time are returned.
	Change(ctx context.Context, ticket, client string, decide func(Situation) (Change, error)) (Case, []Event, error)
	Case(ctx context.Context, ticket string) (Case, error)
	// CasesOf returns up to limit cases of a conversation, newest first.
	CasesOf(ctx context.Context, conversation bot.ConversationID, limit int) ([]Case, error)
	// CasesOfMerchant is CasesOf for all conversations of the merchant.
	CasesOfMerchant(ctx context.Context, conversation bot.ConversationID, limit int) ([]Case, error)
	// ConversationsOf returns the conversations of the merchant of one, that one
	// first.
	ConversationsOf(ctx context.Context, conversation bot.ConversationID) ([]bot.Conversation, error)
	// Cases lists as the filter says. late is, by urgency, the time before
	// which the merchant must have begun to wait for the answer to be overdue.
	Cases(ctx context.Context, f Filter, now time.Time, late Late) (Page, error)
	CountCases(ctx context.Context, owner string, now time.Time, late Late) (Counts, error)
	// Events returns up to limit events after an id, oldest first: of one case,
	// or of all if ticket is "".
	Events(ctx context.Context, ticket string, after int64, limit int) ([]Event, error)
	// LastEvent returns the id of the newest event, 0 if there is none.
	LastEvent(ctx context.Context) (int64, error)
	// Waits returns how long the last n first answers took, in order of their
	// cases, newest first, of cases that were handed over after since.
	Waits(ctx context.Context, since time.Time, n int) ([]Wait, error)
	// Loads returns, by owner, how many open cases they have and when they were
	// last given one.
	Loads(ctx context.Context) (map[string]Load, error)
	// Snoozed returns the tickets of up to limit cases whose snooze is over.
	Snoozed(ctx context.Context, now time.Time, limit int) ([]string, error)
	// Overdue returns the tickets of up to limit cases each that are late and
	// have not been escalated for it.
	Overdue(ctx context.Context, late Late, limit int) (map[DueKind][]string, error)
	// Quiet returns the tickets of up to limit cases that are resolved or
	// released and have not changed since a time.
	Quiet(ctx context.Context, since time.Time, limit int) ([]string, error)
	// Outcomes returns all that was counted.
	Outcomes(ctx context.Context) ([]dialog.Count, error)
	// See stores that somebody has a case open, or has left it.
	See(ctx context.Context, p Presence) error
	// Viewers returns who was seen at the cases, at all if none is given, since
	// a time.
	Viewers(ctx context.Context, since time.Time, tickets ...string) ([]Presence, error)
	// NameMerchant stores what staff call the merchant of a conversation.
	NameMerchant(ctx context.Context, conversation bot.ConversationID, name string) error
	// Block keeps the merchant of a conversation out since a time; the zero time
	// lets them in again.
	Block(ctx context.Context, conversation bot.ConversationID, since time.Time) error

	Setting(ctx context.Context, name string) (value string, err error) // "" if it is not set
	SetSetting(ctx context.Context, name, value string) error
	Canned(ctx context.Context) ([]Canned, error)
	SaveCanned(ctx context.Context, c Canned) error
	DeleteCanned(ctx context.Context, id string) error

	History(ctx context.Context, conversation bot.ConversationID, after int64, limit int) ([]bot.Entry, error)
	// Recent returns the last messages of a conversation, oldest first.
	Recent(ctx context.Context, conversation bot.ConversationID, limit int) ([]bot.Entry, error)
}

// Late is, by urgency, the latest moment from which a wait is too long by now.
type Late struct {
	First, Next [Urgent + 1]time.Time
	Resolution  time.Time
}

// A Wait is from a hand-over to the first answer.
type Wait struct{ From, To time.Time }

// Load is what somebody has to do.
type Load struct {
	Open  int       // cases
	Given time.Time // when they last got one
}

// Roster is who works here.
type Roster interface {
	// Members returns the staff that may have cases: not those whose account is
	// disabled, but those who are away.
	Members(ctx context.Context) ([]Member, error)
}

// Options of a Desk; zero values are good but for Knowledge.
type Options struct {
	// Knowledge returns what the bot knows at present; nil until it has learnt.
	Knowledge func() *bot.Knowledge
	Roster    Roster                    // nobody if nil
	Pull      func(channel string) bool // as of bot.Options
	Hours     Hours                     // until staff have set others; always open if zero
	Allow     Allowance                 // zero fields have the defaults of [DefaultAllowance]
	Assign    bool                      // give waiting cases to staff in turn
	Log       *slog.Logger              // nothing is logged if nil
	Now       func() time.Time          // time.Now if nil
	// Tick is how often the desk looks for what time has brought; 5 s if 0.
	Tick time.Duration
	// Poll is how often it looks for events of other replicas; 250 ms if 0.
	Poll time.Duration
	// Said is called after something was said to the merchant of a
	// conversation, so that the outbox and open pages follow. It must not block.
	Said func(bot.ConversationID)
	// Typing is called when the page of a case says that somebody types there,
	// by the process that was told. It must not block; nobody is told if nil.
	Typing func(Presence)
}

// Desk is what people do with cases. It is safe for concurrent use; several,
// in as many processes, may share a store.
type Desk struct {
	store  Store
	opt    Options
	live   *live
	hours  atomic.Pointer[Hours]
	shifts atomic.Pointer[[]dialog.Shift]
	taught atomic.Int64 // when the counts were last looked at, in milliseconds
	wait   atomic.Int64 // the recent median wait in nanoseconds; 0 if not known
}

// New returns a desk. Run must be running for anything to be live.
func New(store Store, opt Options) *Desk {
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Pull == nil {
		opt.Pull = func(string) bool { return false }
	}
	if opt.Typing == nil {
		opt.Typing = func(Presence) {}
	}
	if opt.Said == nil {
		opt.Said = func(bot.ConversationID) {}
	}
	if opt.Tick == 0 {
		opt.Tick = 5 * time.Second
	}
	if opt.Poll == 0 {
		opt.Poll = 250 * time.Millisecond
	}
	opt.Allow = opt.Allow.orDefault()
	d := &Desk{store: store, opt: opt}
	d.live = newLive(store)
	d.hours.Store(&opt.Hours)
	return d
}

// Case returns a case with its due times and who has it open. It fails with
// [ErrNotFound] if no case has this ticket.
func (d *Desk) Case(ctx context.Context, ticket string) (Case, error) {
	c, err := d.store.Case(ctx, ticket)
	if err != nil {
		return Case{}, err
	}
	c.Viewers, err = d.store.Viewers(ctx, d.opt.Now().Add(-present), ticket)
	return d.dated(c), err
}

// Cases lists cases; their Viewers are left out. A search has the newest first.
func (d *Desk) Cases(ctx context.Context, f Filter) (Page, error) {
	now := d.opt.Now()
	page, err := d.store.Cases(ctx, f, now, d.late(now))
	for i := range page.Cases {
		page.Cases[i] = d.dated(page.Cases[i])
	}
	return page, err
}

// Counts counts the queue, as the person sees it.
func (d *Desk) Counts(ctx context.Context, who Actor) (Counts, error) {
	now := d.opt.Now()
	return d.store.CountCases(ctx, who.ID, now, d.late(now))
}

// Timeline returns what has happened to a case, oldest first: its audit log.
// limit 0 is 1000.
func (d *Desk) Timeline(ctx context.Context, ticket string, after int64, limit int) ([]Event, error) {
	if limit <= 0 {
		limit = 1000
	}
	return d.store.Events(ctx, ticket, after, limit)
}

// CasesOf returns the latest cases of a conversation, newest first.
func (d *Desk) CasesOf(ctx context.Context, conversation bot.ConversationID, limit int) ([]Case, error) {
	cases, err := d.store.CasesOf(ctx, conversation, limit)
	for i := range cases {
		cases[i] = d.dated(cases[i])
	}
	return cases, err
}

// Loads returns what each member of the staff has to do, by their id; who has
// had no case lately is left out.
func (d *Desk) Loads(ctx context.Context) (map[string]Load, error) { return d.store.Loads(ctx) }

// CasesOfMerchant returns the latest cases of the merchant of a conversation,
// on all channels that staff know of, newest first.
func (d *Desk) CasesOfMerchant(ctx context.Context, conversation bot.ConversationID, limit int) ([]Case, error) {
	cases, err := d.store.CasesOfMerchant(ctx, conversation, limit)
	for i := range cases {
		cases[i] = d.dated(cases[i])
	}
	return cases, err
}

// Members returns the staff that may have cases.
func (d *Desk) Members(ctx context.Context) ([]Member, error) {
	if d.opt.Roster == nil {
		return nil, nil
	}
	return d.opt.Roster.Members(ctx)
}

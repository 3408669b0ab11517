// Package hook tells a team's own tools what happens at the desk: by signed
// web-hooks, and by mail.
//
// Each target follows the events of the desk at a place of its own, which is
// stored, so that none is left out however long it cannot be reached or the
// service is down. What is to be delivered is a row before it is a request, and
// is tried again with growing pauses for a day. A target may be told the same
// thing twice, under the same id, and of different cases in any order.
//
// # A web-hook
//
// A POST with a JSON body, see [Body], and the headers
//
//	Tilldesk-Event: case.waiting
//	Tilldesk-Delivery: <id of the delivery, the same at each try>
//	Tilldesk-Signature: t=<seconds of the Unix epoch>,v1=<hex>
//
// where v1 is the HMAC-SHA256, under the secret, of the seconds, a full stop and
// the body. [Verify] does what a receiver should. Any 2xx within ten seconds is
// "received"; 410 is "never again". Redirects are not followed, and addresses of
// private networks are refused unless they are allowed.
package hook

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/desk"
	"tilldesk/content/source"
)

// Name is what a target is told.
type Name string

// The names, after the events of the desk that they are made from.
const (
	CaseWaiting     Name = "case.waiting"
	CaseTaken       Name = "case.taken" // or given
	CaseResolved    Name = "case.resolved"
	CaseOverdue     Name = "case.overdue"     // a lead should look
	MessageReceived Name = "message.received" // of a merchant whose case is with people
	Test            Name = "test"
)

var names = map[desk.EventKind]Name{
	desk.EventWaiting: CaseWaiting, desk.EventReopened: CaseWaiting, desk.EventTaken: CaseTaken, desk.EventGiven: CaseTaken,
	desk.EventResolved: CaseResolved, desk.EventOverdue: CaseOverdue, desk.EventMessage: MessageReceived,
}

// A Delivery is an event on its way to a target.
type Delivery struct {
	ID       string
	Target   string
	Attempts int // times it was tried before
	Created  time.Time
	Event    desk.Event
	Case     desk.Case
	Text     string // of the message that the event is about
}

// Body is what a target is told, as JSON.
type Body struct {
	ID       string       `json:"id"`
	Event    Name         `json:"event"`
	At       time.Time    `json:"at"`
	Ticket   string       `json:"ticket,omitempty"`
	State    desk.State   `json:"state,omitempty"`
	Urgency  desk.Urgency `json:"urgency"` // 0 low to 3 urgent
	Cause    string       `json:"cause,omitempty"`
	Intent   string       `json:"intent,omitempty"`
	Owner    string       `json:"owner,omitempty"` // id of the member of staff
	Channel  string       `json:"channel,omitempty"`
	Lang     source.Lang  `json:"lang,omitempty"`
	Merchant string       `json:"merchant,omitempty"`
	Due      string       `json:"due,omitempty"`     // of case.overdue: what is due
	Message  *BodyMessage `json:"message,omitempty"` // of message.received
}

// BodyMessage is a message of a merchant; numbers that must not be kept are
// masked.
type BodyMessage struct {
	ID   bot.MessageID `json:"id"`
	Text string        `json:"text"`
}

func body(d Delivery) Body {
	e, c := d.Event, d.Case
	b := Body{
		ID: d.ID, Event: names[e.Kind], At: e.At.UTC(), Ticket: e.Ticket, State: e.To, Urgency: c.Urgency, Cause: string(c.Cause), Intent: c.Intent,
		Owner: e.Owner, Channel: c.Address.Channel, Lang: c.Lang, Merchant: c.Merchant,
	}
	switch e.Kind {
	case desk.EventOverdue:
		b.Due = e.Text
	case desk.EventMessage:
		b.Message = &BodyMessage{e.Message, d.Text}
	}
	return b
}

// Store is what the hooks need from storage.
type Store interface {
	// Spread makes deliveries to a target of the events of these kinds since the
	// last call, in one transaction, and returns how many events it has read. A
	// target that is new begins with what happens from now on.
	Spread(ctx context.Context, target string, kinds []desk.EventKind, limit int) (int, error)
	// ClaimHooks takes up to n deliveries to the targets that are due, and puts
	// them off until a time.
	ClaimHooks(ctx context.Context, targets []string, now, until time.Time, n int) ([]Delivery, error)
	// HookDone, HookAgain and HookDead record what became of a delivery.
	HookDone(ctx context.Context, id string) error
	HookAgain(ctx context.Context, id string, at time.Time, why string) error
	HookDead(ctx context.Context, id string, why string) error
}

// A Target is told what happens.
type Target interface {
	// Name is stable and says nothing secret: its place is stored under it.
	Name() string
	// Kinds are the events that it is told.
	Kinds() []desk.EventKind
	// Tell delivers. An error that is [ErrGone] ends it, any other one lets it
	// be tried again. It ends with ctx.
	Tell(ctx context.Context, b Body) error
}

// ErrGone says that a target does not want this delivery, now or ever.
var ErrGone = errors.New("the target refuses it for good")

// Hooks tells targets what happens. Several, in as many processes, may share a
// store.
type Hooks struct {
	store   Store
	targets map[string]Target
	log     *slog.Logger
	now     func() time.Time
	poke    chan struct{}
}

// New returns hooks for targets. now is time.Now if nil.
func New(store Store, targets []Target, log *slog.Logger, now func() time.Time) *Hooks {
	h := &Hooks{store: store, targets: map[string]Target{}, log: log, now: now, poke: make(chan struct{}, 1)}
	if h.now == nil {
		h.now = time.Now
	}
	if h.log == nil {
		h.log = slog.New(slog.DiscardHandler)
	}
	for _, t := range targets {
		h.targets[t.Name()] = t
	}
	return h
}

const (
	idle    = 2 * time.Second
	atOnce  = 200 // events read at a time
	tellers = 8   // deliveries under way at a time
	// within is the time for one delivery; a claim holds for longer.
	within = 10 * time.Second
	claim  = time.Minute
	// giveUp is how long a delivery is tried.
	giveUp = 24 * time.Hour
)

// Wake lets the hooks look for events at once. It does not block.
func (h *Hooks) Wake() {
	select {
	case h.poke <- struct{}{}:
	default:
	}
}

// Run tells the targets until ctx ends. What is under way then is tried again
// later.
func (h *Hooks) Run(ctx context.Context) {
	if len(h.targets) == 0 {
		return
	}
	tick := time.NewTicker(idle)
	defer tick.Stop()
	for {
		more, err := h.Round(ctx)
		if err != nil && ctx.Err() == nil {
			h.log.Error("web-hooks and mails stand still; they will be tried again", "error", err)
		}
		if more && err == nil && ctx.Err() == nil {
			continue
		}
		select {
		case <-h.poke:
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// Round tells the targets once what is due; more reports whether there may be
// more.
func (h *Hooks) Round(ctx context.Context) (more bool, err error) {
	var targets []string
	for name, t := range h.targets {
		n, err := h.store.Spread(ctx, name, t.Kinds(), atOnce)
		if err != nil {
			return false, err
		}
		more = more || n == atOnce
		targets = append(targets, name)
	}
	now := h.now()
	due, err := h.store.ClaimHooks(ctx, targets, now, now.Add(claim), tellers)
	if err != nil {
		return false, err
	}
	var telling sync.WaitGroup
	for _, d := range due {
		telling.Go(func() { h.tell(ctx, d) })
	}
	telling.Wait()
	return more || len(due) == tellers, nil
}

func (h *Hooks) tell(ctx context.Context, d Delivery) {
	limited, cancel := context.WithTimeout(ctx, within)
	err := h.targets[d.Target].Tell(limited, body(d))
	cancel()
	log := h.log.With("target", d.Target, "delivery", d.ID, "event", names[d.Event.Kind], "attempt", d.Attempts+1)
	kept := context.WithoutCancel(ctx)
	switch {
	case err == nil:
		err = h.store.HookDone(kept, d.ID)
	case errors.Is(err, ErrGone) || h.now().Sub(d.Created) > giveUp:
		log.Error("a target could not be told; it is given up", "error", err)
		err = h.store.HookDead(kept, d.ID, err.Error())
	default:
		log.Warn("a target could not be told; it will be tried again", "error", err)
		err = h.store.HookAgain(kept, d.ID, h.now().Add(pause(d.Attempts)), err.Error())
	}
	if err != nil {
		log.Error("what became of a web-hook could not be stored; the target may be told twice", "error", err)
	}
}

// pause is the wait before the next try: 10 s, 40 s, and so on up to an hour.
func pause(attempts int) time.Duration { return min(10*time.Second<<(2*min(attempts, 5)), time.Hour) }

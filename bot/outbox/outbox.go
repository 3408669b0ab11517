// Package outbox sends what was said to merchants: every message once, those
// of a conversation in their order, none of them dropped.
//
// A message is claimed durably before its channel is asked to send it, and
// what became of it is stored before the next one of its conversation is
// claimed. [Classify] tells the outcomes apart: what was certainly not
// delivered is tried again later, what cannot be delivered is dead, and what
// may have been delivered is held for a person, because a second copy of
// "charge it again" costs more than a question to staff. Dead and held messages
// stay in the store and do not keep back the ones after them.
//
// Each channel has a lane of its own, so that one network that is slow or down
// does not delay the others. A lane claims no more than it can send at once and
// while it waits for the next claim; what its limits do not let out yet stays in
// the store, for any replica.
package outbox

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"tilldesk/bot"
)

// Store is what the outbox needs from storage. All but ClaimOut and Recover
// fail with [bot.ErrLost] if the claim on the message is not held any more.
type Store interface {
	// ClaimOut takes up to n messages of the channels that are due at now, at
	// most one of each conversation, and holds them until the lease ends.
	ClaimOut(ctx context.Context, owner string, now time.Time, lease time.Duration, n int, channels ...string) ([]bot.Outbound, error)
	Sent(ctx context.Context, m bot.Outbound, remote bot.RemoteID, at time.Time) error
	// RetryOut lets a message that was not delivered be claimed again at a time,
	// and those after it pass it meanwhile if passable is set.
	RetryOut(ctx context.Context, m bot.Outbound, at time.Time, passable bool, why string) error
	// ReturnOut does so with one that was not even tried.
	ReturnOut(ctx context.Context, m bot.Outbound, at time.Time) error
	Hold(ctx context.Context, m bot.Outbound, why string) error
	BuryOut(ctx context.Context, m bot.Outbound, why string) error
	// Recover holds the messages whose senders died, or lets them be sent again
	// if they are of the channels in resend.
	Recover(ctx context.Context, now time.Time, resend ...string) (held, again int, err error)
}

// Options of an Outbox; zero values are good.
type Options struct {
	Owner   string        // names this process among those that share the store
	Senders int           // calls at once of a channel that keeps answering; 24 if 0, and at most
	Lease   time.Duration // of a claim; 30 s if 0, never less than twice the longest timeout
	Idle    time.Duration // how often to look for messages nobody announced; 1 s if 0
	Grace   time.Duration // for what is under way when Run is to stop; 7 s if 0
	// Resend names the channels that rather deliver twice than not at all:
	// there a message that may have been delivered is sent again, up to
	// MaxCopies times in all.
	Resend []string
	// Observe is told of every call of a channel: how it ended and how long it
	// took. It must not block; nobody is told if nil.
	Observe func(channel string, class Class, took time.Duration)
	Log     *slog.Logger
	// Now is the clock of what is stored, which all who share the store have;
	// time.Now if nil. It may be set back or forward, so what must not be
	// hurried is measured besides.
	Now func() time.Time
}

// MaxCopies is how often a message is sent to a channel of Options.Resend
// before it is held there as well.
const MaxCopies = 5

const (
	// defaultTimeout is that of a channel whose limits name none.
	defaultTimeout = 8 * time.Second
	// overtime is what a Send may take to notice that its context has ended.
	overtime = 500 * time.Millisecond
	// settling is what the store may take, at a stop, to note what became of
	// the messages that were cut off.
	settling = time.Second
	// recovery is how often messages of dead senders are looked for: staff
	// should see them within seconds.
	recovery = 4 * time.Second
)

// Outbox sends the messages of a store through its channels. Several, in one
// process or many, may share a store.
type Outbox struct {
	store Store
	opt   Options
	lanes []*lane
}

// New returns an outbox for channels by the names that conversations are stored
// with. A channel whose messages are fetched by its client is left alone.
func New(store Store, channels map[string]bot.Channel, opt Options) *Outbox {
	if opt.Senders <= 0 || opt.Senders > widest {
		opt.Senders = widest
	}
	if opt.Lease == 0 {
		opt.Lease = 30 * time.Second
	}
	if opt.Idle == 0 {
		opt.Idle = time.Second
	}
	if opt.Grace == 0 {
		opt.Grace = 7 * time.Second
	}
	if opt.Observe == nil {
		opt.Observe = func(string, Class, time.Duration) {}
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	o := &Outbox{store: store, opt: opt}
	for _, name := range slices.Sorted(maps.Keys(channels)) {
		if limits := channels[name].Limits(); !limits.Pull {
			l := newLane(o, name, channels[name], limits)
			o.opt.Lease = max(o.opt.Lease, 2*l.timeout)
			o.lanes = append(o.lanes, l)
		}
	}
	return o
}

// Wake lets the outbox look for messages at once. It does not block.
func (o *Outbox) Wake() {
	for _, l := range o.lanes {
		l.wakeUp()
	}
}

// stages are the contexts of the work, in the order in which they end.
type stages struct {
	taking  context.Context // new messages
	sending context.Context // what was taken
	storing context.Context // what became of it
}

// Run sends messages until ctx ends. Then it takes no more, gives those under
// way Options.Grace to be finished, and returns a second after that at the
// latest. What it could not finish is settled by a later Recover, of this
// process or another.
func (o *Outbox) Run(ctx context.Context) {
	sending, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	storing, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	s := stages{ctx, sending, storing}

	var running sync.WaitGroup
	running.Go(func() { o.recover(s) })
	for _, l := range o.lanes {
		running.Go(func() { l.run(s) })
	}
	done := make(chan struct{})
	go func() {
		running.Wait()
		close(done)
	}()

	<-ctx.Done()
	if within(done, o.opt.Grace) {
		return
	}
	cut()
	if !within(done, settling) {
		o.opt.Log.Warn("some messages were left while they were being sent")
	}
}

// within waits for done, so long at most, and reports whether it came.
func within(done <-chan struct{}, limit time.Duration) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
		return false
	}
}

// recover settles, again and again, the messages whose senders died.
func (o *Outbox) recover(s stages) {
	again := time.NewTicker(recovery)
	defer again.Stop()
	trust := trust{lease: o.opt.Lease}
	for {
		held, resent, err := o.store.Recover(s.storing, trust.dead(o.opt.Now(), time.Now()), o.opt.Resend...)
		switch {
		case err != nil:
			o.opt.Log.Error("messages of dead senders could not be settled", "error", err)
		case held+resent > 0:
			o.opt.Log.Warn("messages of dead senders were settled", "held", held, "again", resent)
			o.Wake()
		}
		select {
		case <-again.C:
		case <-s.taking.Done():
			return
		}
	}
}

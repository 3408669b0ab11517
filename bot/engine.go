package bot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"tilldesk/bot/dialog"
	"tilldesk/content/source"
)

// Store is what the engine needs from storage, and no more.
type Store interface {
	// Accept stores messages, all of them in one durable commit, and returns
	// one receipt each in the same order. A message that is stored already is
	// not stored again.
	Accept(ctx context.Context, in []Arrival) ([]Receipt, error)
	// Claim takes up to n conversations that have unanswered messages due at
	// now and that nobody holds, and holds them for owner until the lease ends.
	Claim(ctx context.Context, owner string, now time.Time, lease time.Duration, n int) ([]Work, error)
	// Commit stores a turn in one transaction, ends the claim and returns the
	// state as stored: with the ticket, if the turn hands over to a person. It
	// fails with ErrLost if the claim is not held any more; nothing is stored then.
	Commit(ctx context.Context, t Turn) (dialog.State, error)
	// Retry ends the claim and lets the work come back at the time given.
	Retry(ctx context.Context, w Work, at time.Time, why string) error
	// Replies returns what was answered to a message and where its
	// conversation stands; done is false while it waits for its turn.
	Replies(ctx context.Context, id MessageID) (r Answered, done bool, err error)
}

// ErrLost says that a claim ended before its work did: the worker was slower
// than its lease, and another one has the work now.
var ErrLost = errors.New("the claim on this conversation has ended")

// Answered is what the bot said to a message.
type Answered struct {
	Replies []Reply
	State   dialog.State
}

// Options of an Engine; zero values are good.
type Options struct {
	Workers int           // conversations stepped at once; 4 if 0
	Lease   time.Duration // a claim's length; 30 s if 0
	Idle    time.Duration // how often to look for work nobody announced; 1 s if 0
	Backlog int           // messages waiting to be stored before ErrFull; 1024 if 0
	// Pull says whether a channel fetches its messages, so that stored is
	// delivered; none does if nil.
	Pull func(channel string) bool
	// HandedOver returns what the merchant is told, beside the dialog's own
	// words, about what happens after a hand-over. It must not block. Nothing is
	// added if nil.
	HandedOver func(st dialog.State, h dialog.Handoff) []Reply
	// Hold says for how long after a message was received its replies are left
	// to the request that brought it; no channel has such requests if nil.
	Hold func(channel string) time.Duration
	Log  *slog.Logger     // nothing is logged if nil
	Now  func() time.Time // time.Now if nil
	// Room returns an error such as ErrNoRoom while no more messages should be
	// taken. It is asked before each and must be quick; there is always room if
	// nil.
	Room func() error
	// Observe is told what happens, for metrics. It must not block.
	Observe func(Event)
}

// An Event is something that the engine did: it accepted or refused a message,
// failed at a turn, or, if none of these is set, answered.
type Event struct {
	Channel  string
	Refused  string // why a message was not taken
	Accepted bool
	Fresh    bool // of an accepted message: it was not stored before
	Failed   bool
	Reason   dialog.Reason
	Took     time.Duration
}

// Why a message is refused.
const (
	RefusedFull  = "full"  // too many are waiting to be stored
	RefusedDisk  = "disk"  // there is too little room for it
	RefusedError = "error" // it could not be stored
)

// Engine takes messages in and answers them. It touches no network. Many
// engines, in one process or several, may share a store.
type Engine struct {
	store     Store
	knowledge *shelf
	opt       Options
	owner     string
	intake    *intake
	stopped   chan struct{} // closed once nothing is stored any more
	wake      chan struct{}
	stepping  chan struct{} // as many as are stepped at once

	mu      sync.Mutex
	waiting map[MessageID][]chan struct{}

	// Committed is called after each turn with its conversation, to let others
	// follow: the outbox, open pages. It must not block. Set it before Run.
	Committed func(ConversationID)
}

// maxAttempts is how often a turn is tried before its messages are put aside.
const maxAttempts = 3

// NewEngine returns an engine that answers with the knowledge. While that is
// nil, messages are stored and wait for the first Swap. owner names this
// process among those that share the store.
func NewEngine(store Store, k *Knowledge, owner string, opt Options) *Engine {
	setDefault(&opt.Workers, 4)
	setDefault(&opt.Lease, 30*time.Second)
	setDefault(&opt.Idle, time.Second)
	setDefault(&opt.Backlog, 1024)
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Observe == nil {
		opt.Observe = func(Event) {}
	}
	if opt.Room == nil {
		opt.Room = func() error { return nil }
	}
	if opt.Pull == nil {
		opt.Pull = func(string) bool { return false }
	}
	if opt.HandedOver == nil {
		opt.HandedOver = func(dialog.State, dialog.Handoff) []Reply { return nil }
	}
	if opt.Hold == nil {
		opt.Hold = func(string) time.Duration { return 0 }
	}
	e := &Engine{
		store: store, knowledge: newShelf(k), opt: opt, owner: owner,
		intake:    newIntake(opt.Backlog),
		stopped:   make(chan struct{}),
		wake:      make(chan struct{}, 1),
		stepping:  make(chan struct{}, opt.Workers),
		waiting:   map[MessageID][]chan struct{}{},
		Committed: func(ConversationID) {},
	}
	return e
}

func setDefault[T comparable](v *T, otherwise T) {
	var zero T
	if *v == zero {
		*v = otherwise
	}
}

// Swap lets the engine answer with other knowledge from the next turn on. It
// returns the old one, or nil if there was none, and a channel that is closed
// when nobody uses that any more: then it may be closed.
func (e *Engine) Swap(k *Knowledge) (old *Knowledge, unused <-chan struct{}) {
	if was := e.knowledge.replace(k); was != nil {
		return was.Knowledge, was.unused
	}
	return nil, nil
}

// Knowledge lends what the engine answers with now; it stays open until done is
// called. ok is false while nothing is learnt yet.
func (e *Engine) Knowledge() (k *Knowledge, done func(), ok bool) {
	lent := e.knowledge.borrow()
	if lent == nil {
		return nil, func() {}, false
	}
	return lent.Knowledge, sync.OnceFunc(func() { e.knowledge.giveBack(lent) }), true
}

// Learnt is closed when there is knowledge to answer with.
func (e *Engine) Learnt() <-chan struct{} { return e.knowledge.filled }

// Run stores what comes in, and answers it once there is knowledge, until ctx
// ends; then it looks once more for what has just come, finishes the turns in
// hand and returns. What is not answered by then stays in the store.
// It can be called once.
func (e *Engine) Run(ctx context.Context) {
	var running sync.WaitGroup
	running.Go(func() { e.deposit(ctx) })
	for i := range e.opt.Workers {
		running.Go(func() { e.work(ctx, fmt.Sprintf("%s/%d", e.owner, i)) })
	}
	running.Wait()
}

// Wake lets a worker look for work at once.
func (e *Engine) Wake() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

func (e *Engine) work(ctx context.Context, owner string) {
	select {
	case <-e.Learnt():
	case <-ctx.Done():
		select {
		case <-e.Learnt(): // both: what has come is looked for once
		default:
			return
		}
	}
	idle := time.NewTicker(e.opt.Idle)
	defer idle.Stop()
	for {
		last := ctx.Err() != nil // a look that began before may have missed what came just before
		n, err := e.round(context.WithoutCancel(ctx), owner)
		if err != nil {
			e.opt.Log.Error("work could not be claimed", "error", err)
		}
		if last {
			return
		}
		if n > 0 {
			e.Wake() // there may be more for the others
			continue
		}
		select {
		case <-e.wake:
		case <-idle.C:
		case <-ctx.Done():
		}
	}
}

// round claims and answers some conversations and returns how many. What is
// not stored when the claim ends is lost, so nothing waits for longer.
func (e *Engine) round(ctx context.Context, owner string) (int, error) {
	const atOnce = 8
	ctx, cancel := context.WithTimeout(ctx, e.opt.Lease)
	defer cancel()
	works, err := e.store.Claim(ctx, owner, e.opt.Now(), e.opt.Lease, atOnce)
	if err != nil {
		return 0, err
	}
	// At once, so that their commits share the waits for the disk: one after the
	// other, a slow disk would bound how many are answered a second.
	var answering sync.WaitGroup
	for _, w := range works {
		answering.Go(func() { e.answer(ctx, w) })
	}
	answering.Wait()
	return len(works), nil
}

// answer takes one work through understanding, step and commit. A failure is
// retried later, three times at most; then the messages are put aside, and the
// conversation goes on with an apology and a person.
func (e *Engine) answer(ctx context.Context, w Work) {
	channel := w.Conversation.Address.Channel
	log := e.opt.Log.With("conversation", w.Conversation.ID, "channel", channel, "attempt", w.Attempts+1)
	began := e.opt.Now()
	lent := e.knowledge.borrow() // there is one, or nobody would work
	defer e.knowledge.giveBack(lent)
	k := lent.Knowledge
	t, err := e.step(ctx, w, k)
	var st dialog.State
	if err == nil {
		st, err = e.store.Commit(ctx, t)
	}
	if err != nil && !errors.Is(err, ErrLost) {
		e.opt.Observe(Event{Channel: channel, Failed: true})
		if w.Attempts+1 >= maxAttempts {
			log.Error("the messages are put aside", "messages", len(w.Messages), "error", err)
			t = e.giveUp(w, k, err)
			st, err = e.store.Commit(ctx, t)
		}
	}
	switch {
	case errors.Is(err, ErrLost):
		log.Warn("the claim was lost; another worker answers")
		return
	case err != nil:
		log.Warn("a turn failed and will be tried again", "error", err)
		if err := e.store.Retry(ctx, w, e.opt.Now().Add(backoff(w.Attempts)), err.Error()); err != nil {
			log.Error("the failure could not be stored", "error", err)
		}
		return
	}
	log.Info("answered", "reason", t.Reason, "messages", len(w.Messages), "replies", len(t.Replies), "phase", st.Phase, "ticket", st.Ticket)
	e.opt.Observe(Event{Channel: channel, Reason: t.Reason, Took: e.opt.Now().Sub(began)})
	e.announce(w)
}

// backoff is the wait before the next attempt: 1 s, 4 s, and, while the store
// does not take even the giving up, 16 s and more.
func backoff(attempts int) time.Duration { return time.Second << (2 * min(attempts, 4)) }

// step computes the turn of a work.
func (e *Engine) step(ctx context.Context, w Work, k *Knowledge) (Turn, error) {
	e.stepping <- struct{}{}
	defer func() { <-e.stepping }()
	return guard(func() (Turn, error) {
		st := w.Conversation.State
		if st.Lang == "" && w.Messages[0].Lang != "" {
			st.Lang, st.Traditional = w.Messages[0].Lang, w.Messages[0].Traditional
		}
		out, err := k.Turn(ctx, st, together(w.Messages))
		if err != nil {
			return Turn{}, fmt.Errorf("understanding a message: %w", err)
		}
		return e.turn(w, out, k), nil
	})
}

// guard makes a panic an error of this turn alone. What a panic says may hold
// what the merchant wrote and is left out, unless it comes from the runtime.
func guard(f func() (Turn, error)) (t Turn, err error) {
	defer func() {
		if p := recover(); p != nil {
			say := fmt.Sprintf("with a %T", p)
			if fault, ok := p.(runtime.Error); ok {
				say = fault.Error()
			}
			err = fmt.Errorf("answering panicked: %s\n%s", say, debug.Stack())
		}
	}()
	return f()
}

func (e *Engine) turn(w Work, out dialog.Outcome, k *Knowledge) Turn {
	t := Turn{
		Work: w, State: out.State, Reason: out.Reason, Replies: Render(out.State, out.Say),
		Pull:    e.opt.Pull(w.Conversation.Address.Channel),
		Hold:    e.opt.Hold(w.Conversation.Address.Channel),
		Handoff: out.Handoff, Solved: out.Solved, Feedback: out.Feedback, Angry: out.Angry, At: e.opt.Now(),
	}
	if out.Handoff != nil {
		t.Card = NewCard(k, out.State, *out.Handoff)
		t.Replies = append(t.Replies, e.opt.HandedOver(out.State, *out.Handoff)...)
	}
	return t
}

// goneChoice is offered by no reply.
const goneChoice = "gone"

// together makes one message of a burst: its texts one below the other.
func together(messages []Pending) Message {
	last := messages[len(messages)-1]
	m := Message{Choice: last.Choice}
	if last.Stale {
		m.Choice = goneChoice
	}
	var texts []string
	for _, p := range messages {
		if strings.TrimSpace(p.Text) != "" {
			texts = append(texts, p.Text)
		}
		m.Media = m.Media || len(p.Media) > 0
		m.Secrets = append(m.Secrets, p.Secrets...)
	}
	m.Text = strings.Join(texts, "\n")
	return m
}

// giveUp is the turn that puts messages aside.
func (e *Engine) giveUp(w Work, k *Knowledge, why error) Turn {
	st := w.Conversation.State
	t, err := guard(func() (Turn, error) { return e.turn(w, k.Script.GiveUp(st), k), nil })
	if err != nil {
		// The state itself is at fault: what is left of it is how to speak.
		t = e.turn(w, k.Script.GiveUp(dialog.State{Lang: st.Lang, Traditional: st.Traditional}), k)
	}
	t.Dead = why.Error()
	return t
}

// announce wakes whoever waits for the answers to these messages.
func (e *Engine) announce(w Work) {
	e.mu.Lock()
	for _, m := range w.Messages {
		for _, c := range e.waiting[m.ID] {
			close(c)
		}
		delete(e.waiting, m.ID)
	}
	e.mu.Unlock()
	e.Committed(w.Conversation.ID)
}

// A waiting caller looks into the store itself after recheck, and then after
// twice as long each time, up to recheckAtMost: another replica may have
// answered. When answers are late there are thousands of callers, and their
// looking must not be what makes the answers later still: all together look
// once in recheckEach, as long as nobody waits for longer than recheckLate.
const (
	recheck       = 250 * time.Millisecond
	recheckAtMost = time.Second
	recheckEach   = 2 * time.Millisecond
	recheckLate   = 5 * time.Second
)

// recheckAfter returns after how long a caller looks who would after pause if
// there were few.
func (e *Engine) recheckAfter(pause time.Duration) time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	return max(pause, min(time.Duration(len(e.waiting))*recheckEach, recheckLate))
}

// Replies waits until a message is answered and returns the answer: the same
// one each time, however often it is asked for.
func (e *Engine) Replies(ctx context.Context, id MessageID) (Answered, error) {
	done := make(chan struct{})
	e.mu.Lock()
	e.waiting[id] = append(e.waiting[id], done)
	e.mu.Unlock()
	defer e.forget(id, done)
	pause := recheck
	again := time.NewTimer(e.recheckAfter(pause))
	defer again.Stop()
	for {
		r, ok, err := e.store.Replies(ctx, id)
		if ok || err != nil {
			return r, err
		}
		select {
		case <-done:
			done = nil // announced once; from here on the timer suffices
		case <-again.C:
			pause = min(2*pause, recheckAtMost)
			again.Reset(e.recheckAfter(pause))
		case <-ctx.Done():
			return Answered{}, fmt.Errorf("waiting for the answer to %s: %w", id, ctx.Err())
		}
	}
}

func (e *Engine) forget(id MessageID, done chan struct{}) {
	e.mu.Lock()
	defer e.mu.Unlock()
	rest := e.waiting[id][:0]
	for _, c := range e.waiting[id] {
		if c != done {
			rest = append(rest, c)
		}
	}
	if len(rest) == 0 {
		delete(e.waiting, id)
	} else {
		e.waiting[id] = rest
	}
}

// LangOf is the language that a channel should start a conversation in.
func LangOf(tag string) source.Lang {
	if strings.HasPrefix(strings.ToLower(tag), "en") {
		return source.En
	}
	return source.Zh
}

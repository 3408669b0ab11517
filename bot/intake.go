package bot

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"tilldesk/intents"
)

// errStopping says that the engine does not take messages any more.
var errStopping = errors.New("the service is stopping; try again in a moment")

// ErrFull says that no more messages can be taken now; the sender should come
// back later.
var ErrFull = errors.New("too many messages are waiting; try again in a moment")

// ErrNoRoom says that the disk is too full to take a message; the sender should
// come back later.
var ErrNoRoom = errors.New("the disk is almost full; try again later")

// An Arrival is an inbound message as it is stored: its text masked.
type Arrival struct {
	Inbound
	Secrets []string // kinds of numbers that were masked
}

// A Receipt says where a message was stored.
type Receipt struct {
	Conversation ConversationID
	Message      MessageID
	Fresh        bool // false if it was stored before
}

// A deposit is a message on its way to the store.
type deposit struct {
	arrival Arrival
	done    chan struct{}
	receipt Receipt
	err     error
}

// Accept stores a message durably and returns once it is stored; only then may
// the network be told so. Numbers that must not be kept are masked before.
func (e *Engine) Accept(ctx context.Context, in Inbound) (Receipt, error) {
	if err := in.Check(); err != nil {
		return Receipt{}, fmt.Errorf("accepting a message: %w", err)
	}
	if err := e.opt.Room(); err != nil {
		e.opt.Observe(Event{Channel: in.Address.Channel, Refused: RefusedDisk})
		return Receipt{}, fmt.Errorf("accepting a message: %w", err)
	}
	d := &deposit{arrival: arrive(in, e.opt.Now()), done: make(chan struct{})}
	if !e.intake.put(d) {
		e.opt.Observe(Event{Channel: in.Address.Channel, Refused: RefusedFull})
		return Receipt{}, ErrFull
	}
	select {
	case <-d.done:
		return d.receipt, d.err
	case <-ctx.Done():
		return Receipt{}, fmt.Errorf("accepting a message: %w", ctx.Err())
	case <-e.stopped:
	}
	select {
	case <-d.done: // it was in the last batch
		return d.receipt, d.err
	default:
		return Receipt{}, fmt.Errorf("accepting a message: %w", errStopping)
	}
}

// maxSettle bounds how long an answer waits for the rest of a message.
const maxSettle = 5 * time.Second

func arrive(in Inbound, now time.Time) Arrival {
	text := clean(in.Text)
	if utf8.RuneCountInString(text) > MaxTextRunes {
		text = string([]rune(text)[:MaxTextRunes])
	}
	if len(in.Media) > maxMedia {
		in.Media = in.Media[:maxMedia]
	}
	in.Settle = min(in.Settle, maxSettle)
	if in.At.IsZero() {
		in.At = now
	}
	// An id that was offered has no number in it; what else arrives as one is
	// whatever somebody sent.
	choice, _ := intents.Mask(clean(in.Choice[:min(len(in.Choice), maxChoice)]))
	masked, found := intents.Mask(text)
	in.Text, in.Choice = masked, choice
	a := Arrival{Inbound: in}
	for _, s := range found {
		if s.Kind != intents.MerchantNo {
			a.Secrets = append(a.Secrets, s.Kind)
		}
	}
	return a
}

// clean returns text without what a database may refuse: NUL, and what is not
// UTF-8.
func clean(text string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", ""), "\uFFFD")
}

// lanes is how many batches of messages are on their way to the store at once.
// A single one would have what comes meanwhile wait for it to return and then
// for a commit that others have begun, before its own: three syncs of the disk
// where the store can do with two. The messages of a conversation share a lane
// and keep their order.
const lanes = 8

// maxBatch is how many messages of a lane share one commit. The disk is waited
// for once for all of them.
const maxBatch = 256

// intake is where messages wait to be stored.
type intake struct {
	lanes   [lanes]chan *deposit
	seed    maphash.Seed
	waiting atomic.Int64
	most    int64
}

func newIntake(most int) *intake {
	in := &intake{seed: maphash.MakeSeed(), most: int64(most)}
	for i := range in.lanes {
		in.lanes[i] = make(chan *deposit, most)
	}
	return in
}

// put reports whether there is room for one more message.
func (in *intake) put(d *deposit) bool {
	if in.waiting.Add(1) > in.most {
		in.waiting.Add(-1)
		return false
	}
	in.lanes[maphash.Comparable(in.seed, d.arrival.Address)%lanes] <- d // it has room for all
	return true
}

// take returns what waits in a lane, once something does; nothing when ctx has
// ended.
func (in *intake) take(ctx context.Context, lane chan *deposit) (batch []*deposit) {
	select {
	case d := <-lane:
		batch = append(batch, d)
	case <-ctx.Done():
		return nil
	}
	defer func() { in.waiting.Add(-int64(len(batch))) }()
	for len(batch) < maxBatch {
		select {
		case d := <-lane:
			batch = append(batch, d)
		default:
			return batch
		}
	}
	return batch
}

// deposit stores what comes in until ctx ends.
func (e *Engine) deposit(ctx context.Context) {
	defer close(e.stopped)
	var all sync.WaitGroup
	for _, lane := range e.intake.lanes {
		all.Go(func() {
			for ctx.Err() == nil {
				if batch := e.intake.take(ctx, lane); len(batch) > 0 {
					e.storeBatch(context.WithoutCancel(ctx), batch)
				}
			}
		})
	}
	all.Wait()
}

func (e *Engine) storeBatch(ctx context.Context, batch []*deposit) {
	arrivals := make([]Arrival, len(batch))
	for i, d := range batch {
		arrivals[i] = d.arrival
	}
	receipts, err := e.store.Accept(ctx, arrivals)
	if err != nil {
		e.opt.Log.Error("messages could not be stored", "messages", len(batch), "error", err)
	}
	for i, d := range batch {
		if err != nil {
			d.err = fmt.Errorf("storing a message: %w", err)
			e.opt.Observe(Event{Channel: d.arrival.Address.Channel, Refused: RefusedError})
		} else {
			d.receipt = receipts[i]
			e.opt.Observe(Event{Channel: d.arrival.Address.Channel, Accepted: true, Fresh: receipts[i].Fresh})
		}
		close(d.done)
	}
	e.Wake()
}

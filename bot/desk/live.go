package desk

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"
)

const (
	// kept is how many events are in memory for those who follow; who is
	// further behind reads the store.
	kept = 4096
	// atOnce is how many events are read from the store at a time.
	atOnce = 500
	// present is how long somebody counts as looking at a case after they were
	// seen there.
	present = 40 * time.Second
)

// live holds the newest events, in order and without a gap.
type live struct {
	store Store
	poke  chan struct{}

	mu       sync.Mutex
	events   []Event // the newest last
	last     int64   // the id of the newest that was read
	ready    bool    // last is known
	grown    chan struct{}
	watchers map[chan Presence]struct{}
}

func newLive(store Store) *live {
	return &live{store: store, poke: make(chan struct{}, 1), grown: make(chan struct{}), watchers: map[chan Presence]struct{}{}}
}

// wake lets the events be read at once.
func (l *live) wake() {
	select {
	case l.poke <- struct{}{}:
	default:
	}
}

// read takes over what is new in the store, and tells those who follow.
func (l *live) read(ctx context.Context) error {
	l.mu.Lock()
	last, ready := l.last, l.ready
	l.mu.Unlock()
	if !ready {
		newest, err := l.store.LastEvent(ctx)
		if err != nil {
			return err
		}
		l.mu.Lock()
		l.last, l.ready = newest, true
		close(l.grown)
		l.grown = make(chan struct{})
		l.mu.Unlock()
		return nil
	}
	for {
		events, err := l.store.Events(ctx, "", last, atOnce)
		if err != nil || len(events) == 0 {
			return err
		}
		last = events[len(events)-1].ID
		l.mu.Lock()
		l.events = append(l.events, events...)
		if over := len(l.events) - kept; over > 0 {
			l.events = slices.Delete(l.events, 0, over)
		}
		l.last = last
		close(l.grown)
		l.grown = make(chan struct{})
		l.mu.Unlock()
	}
}

// after returns the events after an id that are in memory; whole is false if
// some before them are not. grown is closed when there are more.
func (l *live) after(id int64) (events []Event, whole bool, grown <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	i, _ := slices.BinarySearchFunc(l.events, id+1, func(e Event, id int64) int { return int(e.ID - id) })
	first := l.last + 1
	if len(l.events) > 0 {
		first = l.events[0].ID
	}
	return slices.Clone(l.events[i:]), l.ready && id+1 >= first || id >= l.last && l.ready, l.grown
}

// Subscribe returns a channel of all events after an id, in order and without a
// gap, until ctx ends; it is closed then, or when the store fails: the caller
// subscribes again with the last id it has seen. LastEvent gives the id to
// begin with. Who reads slowly misses nothing.
func (d *Desk) Subscribe(ctx context.Context, after int64) <-chan Event {
	out := make(chan Event)
	go func() {
		defer close(out)
		for {
			events, whole, grown := d.live.after(after)
			if !whole {
				var err error
				if events, err = d.store.Events(ctx, "", after, atOnce); err != nil {
					if ctx.Err() == nil {
						d.opt.Log.Error("the events of the desk could not be read", "error", err)
					}
					return
				}
			}
			for _, e := range events {
				select {
				case out <- e:
					after = e.ID
				case <-ctx.Done():
					return
				}
			}
			if len(events) > 0 {
				continue
			}
			select {
			case <-grown:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out
}

// LastEvent returns the id of the newest event.
func (d *Desk) LastEvent(ctx context.Context) (int64, error) { return d.store.LastEvent(ctx) }

// Wake lets the desk look for new events at once: a turn was committed. It does
// not block.
func (d *Desk) Wake() { d.live.wake() }

// See tells that somebody has a case open, and whether they are typing. It
// holds for 40 seconds; call it again before, and with Gone when they leave.
func (d *Desk) See(ctx context.Context, p Presence) error {
	p.At = d.opt.Now()
	if err := d.store.See(ctx, p); err != nil {
		return err
	}
	d.live.show(p)
	if p.Typing && !p.Gone {
		d.opt.Typing(p)
	}
	return nil
}

// Viewers returns who has a case open.
func (d *Desk) Viewers(ctx context.Context, ticket string) ([]Presence, error) {
	return d.store.Viewers(ctx, d.opt.Now().Add(-present), ticket)
}

// Presences returns a channel of who comes to and leaves cases, from all
// replicas, until ctx ends. Some may be left out for who reads slowly, and some
// come twice.
func (d *Desk) Presences(ctx context.Context) <-chan Presence {
	ch := make(chan Presence, 64)
	d.live.mu.Lock()
	d.live.watchers[ch] = struct{}{}
	d.live.mu.Unlock()
	context.AfterFunc(ctx, func() {
		d.live.mu.Lock()
		defer d.live.mu.Unlock()
		delete(d.live.watchers, ch)
		close(ch)
	})
	return ch
}

// show passes a presence on to those who watch here.
func (l *live) show(p Presence) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for ch := range maps.Keys(l.watchers) {
		select {
		case ch <- p:
		default:
		}
	}
}

func (l *live) watched() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.watchers) > 0
}

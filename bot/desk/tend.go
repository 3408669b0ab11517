package desk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"tilldesk/bot/dialog"
	"tilldesk/content/source"
)

// Run keeps the desk live until ctx ends: it follows the events of all
// replicas, and does what time brings: snoozes that end, answers that are
// overdue, cases to be assigned, resolved cases to be closed.
func (d *Desk) Run(ctx context.Context) {
	var running sync.WaitGroup
	running.Go(func() { d.follow(ctx) })
	running.Go(func() { d.tend(ctx) })
	running.Wait()
}

// breath is how long follow waits after it has read before it does so again. It
// is woken by every turn; in a burst one read is enough for several of them.
const breath = 5 * time.Millisecond

// follow reads new events, at once when woken and else every poll.
func (d *Desk) follow(ctx context.Context) {
	poll := time.NewTicker(d.opt.Poll)
	defer poll.Stop()
	rest := time.NewTimer(0)
	defer rest.Stop()
	seen := d.opt.Now()
	failed := false
	for {
		err := d.live.read(ctx)
		if err == nil && d.live.watched() {
			seen, err = d.watch(ctx, seen)
		}
		if err != nil && !failed && ctx.Err() == nil {
			d.opt.Log.Error("the desk cannot follow its cases; open pages stand still until it can", "error", err)
		}
		failed = err != nil
		rest.Reset(breath)
		select {
		case <-rest.C:
		case <-ctx.Done():
			return
		}
		select {
		case <-d.live.poke:
		case <-poll.C:
		case <-ctx.Done():
			return
		}
	}
}

// watch passes on who was seen at a case, here or on another replica.
func (d *Desk) watch(ctx context.Context, since time.Time) (time.Time, error) {
	viewers, err := d.store.Viewers(ctx, since)
	for _, p := range viewers {
		d.live.show(p)
		since = later(since, p.At.Add(time.Millisecond))
	}
	return since, err
}

func (d *Desk) tend(ctx context.Context) {
	tick := time.NewTicker(d.opt.Tick)
	defer tick.Stop()
	for {
		if err := d.Tend(ctx); err != nil && ctx.Err() == nil {
			d.opt.Log.Error("the desk could not look after its cases and tries again", "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// Tend does once what time has brought by now. Any number of replicas may do
// so at once: each change is made by one of them.
func (d *Desk) Tend(ctx context.Context) error {
	now := d.opt.Now()
	return errors.Join(d.loadHours(ctx), d.measure(ctx, now), d.wakeUp(ctx, now), d.escalate(ctx, now), d.assign(ctx), d.expire(ctx, now), d.teach(ctx, now))
}

// teaching is how often what was counted shifts the priors of the bot.
const teaching = 10 * time.Minute

// teach lets the bot learn from what became of cases, and from what helped.
func (d *Desk) teach(ctx context.Context, now time.Time) error {
	k, last := d.opt.Knowledge(), d.taught.Load()
	if k == nil || last != 0 && now.Sub(time.UnixMilli(last)) < teaching {
		return nil
	}
	counts, err := d.store.Outcomes(ctx)
	if err != nil {
		return err
	}
	shifts := k.Teach(counts)
	d.shifts.Store(&shifts)
	d.taught.Store(now.UnixMilli())
	return nil
}

// Learnt lets the bot learn at once: it knows something new.
func (d *Desk) Learnt() { d.taught.Store(0) }

// Shifts returns how what has happened has shifted the chances of causes, for
// staff to see.
func (d *Desk) Shifts() []dialog.Shift {
	if shifts := d.shifts.Load(); shifts != nil {
		return *shifts
	}
	return nil
}

// each changes the cases with the tickets; one that was changed meanwhile, or
// is gone, is left out.
func (d *Desk) each(ctx context.Context, tickets []string, decide func(Situation) (Change, error)) error {
	for _, ticket := range tickets {
		_, err := d.do(ctx, ticket, decide)
		if errors.As(err, new(*StateError)) || errors.As(err, new(*TakenError)) || errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

const tendAtOnce = 200

func (d *Desk) wakeUp(ctx context.Context, now time.Time) error {
	tickets, err := d.store.Snoozed(ctx, now, tendAtOnce)
	if err != nil {
		return err
	}
	return d.each(ctx, tickets, func(s Situation) (Change, error) { return wake(s, now) })
}

func (d *Desk) escalate(ctx context.Context, now time.Time) error {
	if !d.hours.Load().Open(now) {
		return nil // nobody is there to be told; the times stand still anyway
	}
	late, err := d.store.Overdue(ctx, d.late(now), tendAtOnce)
	if err != nil {
		return err
	}
	for kind, tickets := range late {
		if err := d.each(ctx, tickets, func(s Situation) (Change, error) { return overdue(s, kind, now) }); err != nil {
			return err
		}
	}
	return nil
}

// expire closes cases that the merchant has not come back to in time.
func (d *Desk) expire(ctx context.Context, now time.Time) error {
	tickets, err := d.store.Quiet(ctx, now.Add(-ReopenWithin), tendAtOnce)
	if err != nil {
		return err
	}
	k := d.opt.Knowledge()
	if k == nil {
		return nil
	}
	return d.each(ctx, tickets, func(s Situation) (Change, error) {
		if s.Case.State != Resolved && s.Case.State != Released || s.Case.Updated.After(now.Add(-ReopenWithin)) {
			return Change{Case: s.Case}, nil
		}
		return shut(s, Actor{}, "silence", k.Script, now)
	})
}

// assign gives waiting cases to those who are there: who speaks the language,
// has the fewest, and had the longest time since the last one.
func (d *Desk) assign(ctx context.Context) error {
	if !d.opt.Assign || !d.hours.Load().Open(d.opt.Now()) {
		return nil
	}
	page, err := d.Cases(ctx, Filter{States: []State{Waiting}, Unowned: true, Limit: 50})
	if err != nil || len(page.Cases) == 0 {
		return err
	}
	members, err := d.Members(ctx)
	if err != nil {
		return err
	}
	loads, err := d.store.Loads(ctx)
	if err != nil {
		return err
	}
	for _, c := range page.Cases {
		m, ok := Next(members, loads, c.Lang)
		if !ok {
			continue
		}
		now := d.opt.Now()
		if err := d.each(ctx, []string{c.Ticket}, func(s Situation) (Change, error) {
			if s.Case.State != Waiting {
				return Change{Case: s.Case}, nil
			}
			return give(s, Actor{}, m.ID, "in turn", now)
		}); err != nil {
			return err
		}
		loads[m.ID] = Load{loads[m.ID].Open + 1, now}
	}
	return nil
}

// Next returns whose turn it is to get a case in a language; ok is false if
// everybody is away. If nobody there speaks it, anybody will do.
func Next(members []Member, loads map[string]Load, lang source.Lang) (next Member, ok bool) {
	there := slices.DeleteFunc(slices.Clone(members), func(m Member) bool { return m.Away })
	if len(there) == 0 {
		return Member{}, false
	}
	return slices.MinFunc(there, func(a, b Member) int {
		return cmp.Or(
			cmp.Compare(deaf(a, lang), deaf(b, lang)),
			cmp.Compare(loads[a.ID].Open, loads[b.ID].Open),
			loads[a.ID].Given.Compare(loads[b.ID].Given),
			cmp.Compare(a.ID, b.ID),
		)
	}), true
}

func deaf(m Member, lang source.Lang) int {
	if m.speaks(lang) {
		return 0
	}
	return 1
}

// measured is how many of the latest waits count, and how old they may be.
const (
	measured  = 20
	measureIn = 7 * 24 * time.Hour
	fewest    = 3
)

// measure takes the median of the recent waits for a first answer, in open
// hours.
func (d *Desk) measure(ctx context.Context, now time.Time) error {
	waits, err := d.store.Waits(ctx, now.Add(-measureIn), measured)
	if err != nil {
		return fmt.Errorf("measuring how long merchants wait: %w", err)
	}
	h := *d.hours.Load()
	var took []time.Duration
	for _, w := range waits {
		took = append(took, h.Between(w.From, w.To))
	}
	if len(took) < fewest {
		d.wait.Store(0)
		return nil
	}
	slices.Sort(took)
	d.wait.Store(int64(took[len(took)/2]))
	return nil
}

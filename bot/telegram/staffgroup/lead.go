package staffgroup

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/desk"
	"tilldesk/bot/store"
	"tilldesk/bot/telegram/botapi"
)

// Times of the lease on writing to the group.
const (
	leaseTime   = 20 * time.Second
	leaseRenew  = 6 * time.Second
	leaseRetake = 2 * time.Second
	tick        = time.Second
	resync      = time.Minute // how often all is looked at
	failPause   = 2 * time.Second
	lostPause   = time.Minute // the bot was put out of the group
)

// lead writes to the group while this process has the lease on it.
func (g *Group) lead(ctx context.Context) {
	for ctx.Err() == nil {
		l, ok, err := g.store.LeaseGroup(ctx, g.opt.Chat, g.opt.Owner, g.opt.Now(), leaseTime)
		if err != nil && ctx.Err() == nil {
			g.log.Error("the lease on the staff group could not be taken", "error", err)
		}
		if ok {
			g.leadLeased(ctx, l)
		}
		sleep(ctx, leaseRetake)
	}
}

func (g *Group) leadLeased(ctx context.Context, l store.GroupLease) {
	leading, lost := context.WithCancel(ctx)
	defer lost()
	g.chat.Store(l.Current)
	var running sync.WaitGroup
	running.Go(func() {
		for sleep(leading, leaseRenew) {
			if err := g.store.RenewGroup(leading, l, g.opt.Now().Add(leaseTime)); errors.Is(err, bot.ErrLost) {
				lost()
			}
		}
	})
	running.Go(func() { g.follow(leading) })
	g.write(leading)
	lost()
	running.Wait()
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = g.store.EndGroup(end, l) // it ends by itself otherwise
}

// follow notes what changes at the desk.
func (g *Group) follow(ctx context.Context) {
	last, err := g.desk.LastEvent(ctx)
	for err != nil && sleep(ctx, failPause) {
		last, err = g.desk.LastEvent(ctx)
	}
	g.sync(ctx)
	go func() {
		for sleep(ctx, resync) {
			g.sync(ctx)
		}
	}()
	for ctx.Err() == nil {
		for e := range g.desk.Subscribe(ctx, last) {
			last = e.ID
			g.touch(e.Ticket)
			if e.Kind != desk.EventMessage && e.Kind != desk.EventReply {
				continue
			}
			// Said in another conversation than that of the case: the topic is that one's.
			if t, known, err := g.store.Topic(ctx, e.Conversation); err == nil && known && t.Ticket != e.Ticket && t.Ticket != "" {
				g.touch(t.Ticket)
			}
		}
		sleep(ctx, failPause) // the store failed
	}
}

// sync notes all that may have changed unseen: open cases, and topics that are
// not closed.
func (g *Group) sync(ctx context.Context) {
	const most = 200
	for after := ""; ; {
		page, err := g.desk.Cases(ctx, desk.Filter{Limit: most, After: after})
		if err != nil {
			if ctx.Err() == nil {
				g.log.Error("the open cases could not be read", "error", err)
			}
			return
		}
		for _, c := range page.Cases {
			g.touch(c.Ticket)
		}
		if after = page.Next; after == "" {
			break
		}
	}
	topics, err := g.store.OpenTopics(ctx, most)
	if err != nil {
		g.log.Error("the topics could not be read", "error", err)
		return
	}
	for _, t := range topics {
		if t.Ticket != "" {
			g.touch(t.Ticket)
		}
	}
}

// write brings the group to what the desk is, step by step.
func (g *Group) write(ctx context.Context) {
	again := time.NewTicker(tick)
	defer again.Stop()
	for ctx.Err() == nil {
		g.mark(ctx)
		did, err := g.writeOne(ctx)
		if err != nil {
			g.suffer(ctx, err)
		}
		if did {
			continue
		}
		select {
		case <-g.changed:
		case <-again.C:
		case <-ctx.Done():
		}
	}
}

// writeOne takes the step that staff wait for most, and reports whether there
// was one.
func (g *Group) writeOne(ctx context.Context) (bool, error) {
	g.mu.Lock()
	dirty := maps.Clone(g.dirty)
	g.mu.Unlock()
	var best *step
	var fresh []desk.Case
	for _, ticket := range slices.Sorted(maps.Keys(dirty)) {
		s, err := g.next(ctx, ticket)
		switch {
		case errors.Is(err, desk.ErrNotFound) || errors.Is(err, store.ErrNotFound):
			g.settled(ticket, dirty[ticket]) // erased
			continue
		case err != nil:
			return false, err
		case s == nil:
			g.settled(ticket, dirty[ticket])
			continue
		}
		if s.rank == rankAlert {
			fresh = append(fresh, s.c)
		}
		if best == nil || s.rank < best.rank || s.rank == best.rank && s.c.Urgency > best.c.Urgency {
			best = s
		}
	}
	if best == nil || best.rank == rankLater {
		return false, nil
	}
	if len(fresh) > surge && best.rank >= rankAlert {
		return true, g.spend(ctx, func(ctx context.Context) error { return g.list(ctx, fresh) })
	}
	return true, g.spend(ctx, best.do)
}

// settled notes that a topic is what it should be, unless its case has changed
// since that was looked up.
func (g *Group) settled(ticket string, seen uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.dirty[ticket] == seen {
		delete(g.dirty, ticket)
	}
}

// spend makes a call when the budget of the group allows it.
func (g *Group) spend(ctx context.Context, do func(context.Context) error) error {
	if err := g.turn(ctx); err != nil {
		return err
	}
	for {
		wait, err := g.left(ctx)
		if err != nil {
			return err
		}
		if wait <= 0 {
			break
		}
		if !sleep(ctx, wait) {
			return ctx.Err()
		}
	}
	call, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	return do(call)
}

const callTime = 10 * time.Second

// burst is how many calls may follow each other after a rest. With the budget of
// a minute they are the 20 that Telegram allows.
const burst = 5

// turn waits until the group may be written to. The budget is in the store: the
// process that answers staff need not be the one that writes the topics, and
// one that was just started does not know what another has spent.
func (g *Group) turn(ctx context.Context) error {
	now := g.opt.Now()
	at, err := g.store.Reserve(ctx, fmt.Sprint("Telegram group ", g.opt.Chat), now, time.Minute/time.Duration(g.opt.PerMinute), burst)
	if err != nil {
		return err
	}
	if !sleep(ctx, at.Sub(now)) {
		return ctx.Err()
	}
	return nil
}

// left returns for how long Telegram wants the group to be left alone, as any
// process has been told.
func (g *Group) left(ctx context.Context) (time.Duration, error) {
	until, err := g.store.GroupPaused(ctx, g.opt.Chat)
	return max(0, until.Sub(g.opt.Now())), err
}

// flooded notes that Telegram wants the group to be left alone, for all
// processes, also after a restart.
func (g *Group) flooded(ctx context.Context, after time.Duration) {
	until := g.opt.Now().Add(after + time.Second)
	g.log.Warn("Telegram wants the staff group to be left alone", "until", until)
	for err := g.store.PauseGroup(ctx, g.opt.Chat, until); err != nil; err = g.store.PauseGroup(ctx, g.opt.Chat, until) {
		g.log.Error("that could not be stored", "error", err)
		if !sleep(ctx, failPause) {
			return
		}
	}
}

// suffer does what an error of a call asks for.
func (g *Group) suffer(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	var e *botapi.Error
	errors.As(err, &e)
	switch botapi.KindOf(err) {
	case botapi.Flood:
		g.flooded(ctx, e.After)
	case botapi.Migrated:
		g.moved(ctx, e.To)
	case botapi.Forbidden, botapi.NoChat:
		g.log.Error("the bot is not in the staff group; cases wait at the desk. Add it to the group, or see `tilldesk telegram check`", "error", err)
		sleep(ctx, lostPause)
	case botapi.NoRights, botapi.Rejected:
		g.log.Error("the staff group refuses; see `tilldesk telegram check`", "error", err)
		if g.once("no_rights", time.Hour) {
			g.tell(0, 0, g.say("no_rights"))
		}
		sleep(ctx, failPause)
	default:
		g.log.Error("the staff group could not be written to; it is tried again", "error", err)
		sleep(ctx, failPause)
	}
}

// moved takes the new id of the group.
func (g *Group) moved(ctx context.Context, to int64) {
	if err := g.store.MoveGroup(ctx, g.opt.Chat, to); err != nil {
		g.log.Error("the new id of the staff group could not be stored", "error", err)
		return
	}
	g.chat.Store(to)
	g.log.Warn("the staff group has another id now; set telegram.staff_chat_id to it", "id", to)
	g.sync(ctx)
}

// mark shows below what staff wrote whether it has reached the merchant.
func (g *Group) mark(ctx context.Context) {
	if wait, err := g.left(ctx); err != nil || wait > 0 {
		return
	}
	settled, _, err := g.store.OpenPosts(ctx, 20)
	if err != nil {
		if ctx.Err() == nil {
			g.log.Error("what became of messages of staff could not be read", "error", err)
		}
		return
	}
	for _, p := range settled {
		switch p.Delivery {
		case bot.Sent:
			// A reaction has limits of its own; one that fails is no loss.
			call, cancel := context.WithTimeout(ctx, callTime)
			err := g.api.SetMessageReaction(call, p.Chat, p.Post, "👍")
			cancel()
			if err != nil {
				g.log.Debug("a delivery could not be marked", "error", err)
			}
		case bot.Held:
			g.tell(p.Thread, p.Post, g.say("unsure"))
		default:
			g.tell(p.Thread, p.Post, g.say("undelivered", p.Why))
		}
		if err := g.store.MarkPost(ctx, p.Message); err != nil {
			g.log.Error("a delivery could not be marked", "error", err)
			return
		}
	}
}

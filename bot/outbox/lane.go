package outbox

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"tilldesk/bot"
)

// lane sends the messages of one channel. One goroutine takes them from the
// store; each is sent in another.
type lane struct {
	box     *Outbox
	name    string
	channel bot.Channel
	timeout time.Duration
	resend  bool
	log     *slog.Logger
	wake    chan struct{}
	pace    pace // of the taking goroutine alone

	mu       sync.Mutex
	calling  int // messages that the channel is sending
	underway int // these, and those of which it is not stored yet what became of them
	breaker  breaker
	alone    map[bot.ConversationID]time.Time // until when
}

func newLane(o *Outbox, name string, channel bot.Channel, limits bot.Limits) *lane {
	l := &lane{
		box: o, name: name, channel: channel, timeout: limits.Timeout, resend: slices.Contains(o.opt.Resend, name),
		log: o.opt.Log.With("channel", name), wake: make(chan struct{}, 1), pace: newPace(limits),
		alone: map[bot.ConversationID]time.Time{},
	}
	if l.timeout <= 0 {
		l.timeout = defaultTimeout
	}
	return l
}

func (l *lane) wakeUp() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// run takes and sends messages until taking ends, and then waits for those
// under way.
func (l *lane) run(s stages) {
	var senders sync.WaitGroup
	defer senders.Wait()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for s.taking.Err() == nil {
		n, wait := l.room(time.Now())
		if n > 0 {
			taken, err := l.take(s, n, &senders)
			if err != nil {
				l.log.Error("messages could not be claimed", "error", err)
			}
			if taken == n {
				continue
			}
		}
		if wait == 0 {
			wait = l.box.opt.Idle
		}
		timer.Reset(wait)
		select {
		case <-l.wake:
		case <-timer.C:
		case <-s.taking.Done():
		}
	}
}

// unstored is how many messages may be under way for each sender. The network
// need not wait for the disk; but of these, staff have to look after whichever a
// crash leaves unclear.
const unstored = 4

// room returns how many messages may be taken now, and if it is none because
// of the time, how long that lasts.
func (l *lane) room(now time.Time) (n int, wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n, wait = l.breaker.room(now, l.calling)
	n = min(n, l.box.opt.Senders-l.calling, unstored*l.box.opt.Senders-l.underway)
	if n > 0 && l.pace.overall != nil {
		if wait = l.pace.wait(now); wait > 0 {
			return 0, wait
		}
		n = 1
	}
	return n, wait
}

// take claims up to n messages, lets them be sent and returns how many it
// claimed. Stopping does not interrupt the claim: nobody would know then which
// messages it took.
func (l *lane) take(s stages, n int, senders *sync.WaitGroup) (int, error) {
	now := time.Now()
	ctx, cancel := context.WithTimeout(s.storing, l.box.opt.Lease/2)
	defer cancel()
	claimed, err := l.box.store.ClaimOut(ctx, l.box.opt.Owner, l.box.opt.Now(), l.box.opt.Lease, n, l.name)
	if err != nil {
		return 0, err
	}
	late := now.Add(l.box.opt.Lease - l.timeout - overtime)
	for _, m := range claimed {
		now := time.Now()
		wait := max(l.pace.waitFor(m.Conversation, now), l.leftAlone(m.Conversation, now))
		// One that is not ours any more by the time it is sent might be sent by
		// two.
		if s.taking.Err() != nil || wait > 0 || now.After(late) {
			l.giveBack(s, m, l.box.opt.Now().Add(wait))
			continue
		}
		l.pace.take(m.Conversation, now)
		l.mu.Lock()
		l.calling++
		l.underway++
		l.breaker.begin(now)
		l.mu.Unlock()
		senders.Go(func() { l.deliver(s, m) })
	}
	return len(claimed), nil
}

// giveBack returns a message that was not tried, to be taken at a time.
func (l *lane) giveBack(s stages, m bot.Outbound, at time.Time) {
	at = roundUp(at)
	l.record(s, m, "given back", func(ctx context.Context) error { return l.box.store.ReturnOut(ctx, m, at) })
	l.wakeAt(at)
}

// wakeAt lets the lane look for messages at a time that it knows.
func (l *lane) wakeAt(at time.Time) { time.AfterFunc(at.Sub(l.box.opt.Now()), l.wakeUp) }

// leaveAlone notes that the network does not want to hear of a conversation
// for some time. It is stored as well, but the clock of the store may be set
// forward meanwhile.
func (l *lane) leaveAlone(id bot.ConversationID, d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.alone[id] = time.Now().Add(d)
}

// leftAlone returns how long that lasts.
func (l *lane) leftAlone(id bot.ConversationID, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	wait := l.alone[id].Sub(now)
	if wait <= 0 {
		delete(l.alone, id)
		return 0
	}
	return wait
}

// end notes that a call has ended, and whether the network answered it. Another
// may begin.
func (l *lane) end(ok bool) {
	l.mu.Lock()
	full := l.calling == l.box.opt.Senders
	l.calling--
	changed := l.breaker.end(time.Now(), ok)
	l.mu.Unlock()
	if full {
		l.wakeUp()
	}
	switch {
	case changed && ok:
		l.log.Info("the channel answers again")
	case changed:
		l.log.Error("the channel fails and is only probed now", "failures", breakAfter, "every", probeEvery)
	}
}

// free notes that a message is settled, which lets the next one of its
// conversation go.
func (l *lane) free() {
	l.mu.Lock()
	l.underway--
	l.mu.Unlock()
	l.wakeUp()
}

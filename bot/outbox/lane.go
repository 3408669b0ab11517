package outbox

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"tilldesk/bot"
)

// lane sends the messages of one channel. One goroutine decides what is taken
// from the store and what is sent; each call is made in another.
type lane struct {
	box     *Outbox
	name    string
	channel bot.Channel
	timeout time.Duration
	senders int // calls at once, at most
	resend  bool
	log     *slog.Logger
	wake    chan struct{}
	pace    pace      // of the deciding goroutine alone
	ready   []claimed // likewise: taken, and waiting for a sender

	mu       sync.Mutex
	calling  int // messages that the channel is sending
	underway int // these, those that wait for it, and those of which it is not stored yet what became of them
	breaker  breaker
	alone    map[bot.ConversationID]time.Time // until when
	taking   time.Duration                    // how long the store takes to give out messages
	sending  time.Duration                    // how long the channel takes for one
}

// claimed is a message that was taken, and until when it may be begun: one that
// is not ours any more by the time it is sent might be sent by two.
type claimed struct {
	bot.Outbound
	late time.Time
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
	if l.senders = o.opt.Senders; l.pace.overall != nil {
		l.senders = min(l.senders, breakAfter) // its rate is the bound, and more calls would only be more to look after
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
	took := make(chan []claimed, 1) // of the one claim at a time
	asked, more := 0, true          // how many it is for; whether to claim again
	for s.taking.Err() == nil {
		l.dispatch(s, &senders)
		var wait time.Duration
		if asked == 0 && more {
			if asked, wait = l.room(time.Now()); asked > 0 {
				more = false
				go func() { took <- l.take(s, asked) }()
			}
		}
		if wait == 0 {
			wait = l.box.opt.Idle
		}
		timer.Reset(wait)
		select {
		case got := <-took:
			l.ready = append(l.ready, got...)
			more = more || len(got) == asked
			asked = 0
		case <-l.wake:
			more = true
		case <-timer.C:
			more = true
		case <-s.taking.Done():
		}
	}
	if asked > 0 {
		l.ready = append(l.ready, <-took...)
	}
	l.giveBackReady(s, &senders)
}

// unstored is how many messages may be under way for each sender that there is
// at first. The network need not wait for the disk; but of these, staff have to
// look after whichever a crash leaves unclear.
const unstored = 4

// vacant returns how many more calls may be made now, and if it is none because
// of the time, how long that lasts. l.mu is held.
func (l *lane) vacant(now time.Time) (n int, wait time.Duration) {
	n, wait = l.breaker.room(now, l.calling)
	return min(n, l.senders-l.calling), wait
}

// room returns how many messages may be taken now, and if it is none because
// of the time, how long that lasts.
func (l *lane) room(now time.Time) (n int, wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n, wait = l.vacant(now)
	if l.pace.overall == nil && l.breaker.failures == 0 {
		n += l.ahead()
	}
	n = min(n-len(l.ready), unstored*min(l.senders, breakAfter)-l.underway)
	if n > 0 && l.pace.overall != nil {
		if wait = l.pace.wait(now); wait > 0 {
			return 0, wait
		}
		n = 1
	}
	return max(n, 0), wait
}

// ahead returns how many messages the senders are through with by the time the
// store has given out the next: so many are taken before there is a sender for
// them, or each commit would carry no more than there are senders, which then
// wait for the disk. Where a call takes longer than the disk, as over the
// Internet, that is none: what is taken and not sent yet is unclear after a
// crash, like what is being sent.
func (l *lane) ahead() int {
	if l.sending <= 0 {
		return 0
	}
	return int(min(float64(unstored), float64(l.taking)/float64(l.sending)) * float64(min(l.senders, l.breaker.width())))
}

// smooth follows how long something takes of late.
func smooth(before, now time.Duration) time.Duration {
	if before == 0 {
		return now
	}
	return before + (now-before)/8
}

// take claims up to n messages. Stopping does not interrupt the claim: nobody
// would know then which messages it took.
func (l *lane) take(s stages, n int) (got []claimed) {
	now := time.Now()
	ctx, cancel := context.WithTimeout(s.storing, l.box.opt.Lease/2)
	defer cancel()
	messages, err := l.box.store.ClaimOut(ctx, l.box.opt.Owner, l.box.opt.Now(), l.box.opt.Lease, n, l.name)
	if err != nil {
		l.log.Error("messages could not be claimed", "error", err)
		return nil
	}
	late := now.Add(l.box.opt.Lease - l.timeout - overtime)
	for _, m := range messages {
		got = append(got, claimed{m, late})
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.taking = smooth(l.taking, time.Since(now))
	l.underway += len(got)
	return got
}

// dispatch lets as many of the messages that are ready be sent as may be.
func (l *lane) dispatch(s stages, senders *sync.WaitGroup) {
	for len(l.ready) > 0 {
		now := time.Now()
		l.mu.Lock()
		n, _ := l.vacant(now)
		open := l.breaker.open()
		l.mu.Unlock()
		if n <= 0 {
			if open { // it lasts
				l.giveBackReady(s, senders)
			}
			return
		}
		m := l.ready[0]
		l.ready = l.ready[1:]
		wait := max(l.pace.waitFor(m.Conversation, now), l.leftAlone(m.Conversation, now))
		if wait > 0 || now.After(m.late) {
			senders.Go(func() { l.giveBack(s, m.Outbound, l.box.opt.Now().Add(wait)) })
			continue
		}
		l.pace.take(m.Conversation, now)
		l.mu.Lock()
		l.calling++
		l.breaker.begin(now)
		l.mu.Unlock()
		senders.Go(func() { l.deliver(s, m.Outbound) })
	}
}

// giveBackReady returns all messages that wait for a sender.
func (l *lane) giveBackReady(s stages, senders *sync.WaitGroup) {
	for _, m := range l.ready {
		senders.Go(func() { l.giveBack(s, m.Outbound, l.box.opt.Now()) })
	}
	l.ready = nil
}

// giveBack returns a message that was not tried, to be taken at a time.
func (l *lane) giveBack(s stages, m bot.Outbound, at time.Time) {
	at = roundUp(at)
	l.record(s, m, "given back", func(ctx context.Context) error { return l.box.store.ReturnOut(ctx, m, at) })
	l.mu.Lock()
	l.underway--
	l.mu.Unlock()
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

// end notes that a call has ended, how, how long it took, and whether the
// network answered it. Another may begin.
func (l *lane) end(class Class, ok bool, took time.Duration) {
	now := time.Now()
	l.mu.Lock()
	if ok {
		l.sending = smooth(l.sending, took)
	}
	n, _ := l.vacant(now)
	full := n <= 0
	l.calling--
	changed := l.breaker.end(now, ok)
	if class == Later {
		l.breaker.narrow()
	}
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

package trial_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"tilldesk/bot"
	"tilldesk/bot/channeltest"
	"tilldesk/bot/dialog"
	"tilldesk/bot/outbox"
	"tilldesk/bot/store"
	"tilldesk/bot/store/storetest"
	"tilldesk/bot/trial"
)

// atOnce is how many months pass beside each other in a full trial: most of one
// is spent waiting for the database.
const atOnce = 5

// TestMain lets each check of a property be one month: more would take longer
// than the property has, by the clock of its bubble. Failing cases are printed
// and not kept in the tree.
func TestMain(m *testing.M) {
	flag.Parse()
	for name, value := range map[string]string{"rapid.checks": "1", "rapid.nofailfile": "true", "test.parallel": fmt.Sprint(atOnce)} {
		if err := flag.Set(name, value); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

// onlyT hides that it is a *testing.T, whose deadline cannot be asked for in a
// bubble.
type onlyT struct{ testing.TB }

var errDead = errors.New("the process is dead")

// life is a process: an engine and an outbox on a store, with a network. When
// it dies, in the middle of a call to the store or between two, nothing that it
// does has an effect any more.
type life struct {
	db     *store.DB
	net    bot.Channel
	engine *bot.Engine
	stop   func()

	mu    sync.Mutex
	dead  bool
	calls int // left until it dies; -1: none
	after bool
}

// call makes one call to the store, if the process is alive, and tells of its
// result, if it is alive then.
func (l *life) call(f func() error) error {
	l.mu.Lock()
	if l.calls > 0 {
		l.calls--
	}
	now := l.calls == 0
	if now && !l.after {
		l.dead = true
	}
	dead := l.dead
	l.mu.Unlock()
	if dead {
		return errDead
	}
	err := f()
	l.mu.Lock()
	defer l.mu.Unlock()
	if now {
		l.dead = true
	}
	if l.dead {
		return errDead
	}
	return err
}

func (l *life) Accept(ctx context.Context, in []bot.Arrival) (r []bot.Receipt, err error) {
	err = l.call(func() (err error) { r, err = l.db.Accept(ctx, in); return err })
	return r, err
}

func (l *life) Claim(ctx context.Context, owner string, now time.Time, lease time.Duration, n int) (w []bot.Work, err error) {
	err = l.call(func() (err error) { w, err = l.db.Claim(ctx, owner, now, lease, n); return err })
	return w, err
}

func (l *life) Commit(ctx context.Context, t bot.Turn) (st dialog.State, err error) {
	err = l.call(func() (err error) { st, err = l.db.Commit(ctx, t); return err })
	return st, err
}

func (l *life) Retry(ctx context.Context, w bot.Work, at time.Time, why string) error {
	return l.call(func() error { return l.db.Retry(ctx, w, at, why) })
}

func (l *life) Replies(ctx context.Context, id bot.MessageID) (r bot.Answered, done bool, err error) {
	err = l.call(func() (err error) { r, done, err = l.db.Replies(ctx, id); return err })
	return r, done, err
}

func (l *life) ClaimOut(ctx context.Context, owner string, now time.Time, lease time.Duration, n int, channels ...string) (out []bot.Outbound, err error) {
	err = l.call(func() (err error) { out, err = l.db.ClaimOut(ctx, owner, now, lease, n, channels...); return err })
	return out, err
}

func (l *life) Sent(ctx context.Context, m bot.Outbound, remote bot.RemoteID, at time.Time) error {
	return l.call(func() error { return l.db.Sent(ctx, m, remote, at) })
}

func (l *life) RetryOut(ctx context.Context, m bot.Outbound, at time.Time, passable bool, why string) error {
	return l.call(func() error { return l.db.RetryOut(ctx, m, at, passable, why) })
}

func (l *life) ReturnOut(ctx context.Context, m bot.Outbound, at time.Time) error {
	return l.call(func() error { return l.db.ReturnOut(ctx, m, at) })
}

func (l *life) Hold(ctx context.Context, m bot.Outbound, why string) error {
	return l.call(func() error { return l.db.Hold(ctx, m, why) })
}

func (l *life) BuryOut(ctx context.Context, m bot.Outbound, why string) error {
	return l.call(func() error { return l.db.BuryOut(ctx, m, why) })
}

func (l *life) Recover(ctx context.Context, now time.Time, resend ...string) (held, again int, err error) {
	err = l.call(func() (err error) { held, again, err = l.db.Recover(ctx, now, resend...); return err })
	return held, again, err
}

func (l *life) Name() string       { return l.net.Name() }
func (l *life) Limits() bot.Limits { return l.net.Limits() }

// Send reaches the network if the process is alive. What the network says, a
// process that has died meanwhile does not hear.
func (l *life) Send(ctx context.Context, m bot.Outbound) (bot.RemoteID, error) {
	if l.isDead() {
		return "", errDead
	}
	return l.net.Send(ctx, m)
}

func (l *life) isDead() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.dead
}

// dieAt lets the process die at one of its next calls, before or after it took
// effect.
func (l *life) dieAt(calls int, after bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls, l.after = calls, after
}

// month is thirty days of some shops, with all that goes wrong.
type month struct {
	*rapid.T
	ctx    context.Context
	db     *store.DB
	net    *channeltest.Fake
	ledger *trial.Ledger
	k      *bot.Knowledge
	clock  *clock
	lives  []*life
	shops  []string
	open   map[string][]int // by shop, messages that nobody has acknowledged yet
	said   map[string]int   // by shop, messages so far
	plan   map[bot.ConversationID][]channeltest.Step
	alone  map[bot.ConversationID]time.Time // until when the network wants to be left alone
	early  int                              // calls before that
}

// clock is one that may be set.
type clock struct {
	mu  sync.Mutex
	off time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.off).Round(0)
}

func (c *clock) set(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.off += by
}

// networkFaults are what may happen to one reply.
var networkFaults = map[string]channeltest.Step{
	"slow":          {Delay: 3 * time.Second},
	"refused":       {Before: &bot.RetryError{Err: errors.New("refused")}},
	"flood":         {Before: &bot.RetryError{After: 40 * time.Second, Err: errors.New("429")}},
	"cut before":    {Before: errors.New("cut")},
	"cut after":     {After: errors.New("cut")},
	"too slow":      {Linger: time.Minute},
	"unreachable":   {Before: bot.ErrUnreachable},
	"never returns": {Linger: 20 * time.Second, Deaf: true},
}

// jumps are what may happen to a clock: summer time, a bad battery, a leap day
// and its correction.
var jumps = []time.Duration{time.Hour, -time.Hour, 24 * time.Hour, -24 * time.Hour, time.Second, -time.Second, 366 * 24 * time.Hour}

// TestFaultMonth lets thirty days pass, with merchants, a network that fails,
// processes that die in the middle of a call, and clocks that are set.
func TestFaultMonth(t *testing.T) {
	k := trial.LittleKnowledge(t)
	lanes, each := 1, 2
	if testing.Short() {
		each = 1
	} else if os.Getenv("TRIAL") == "full" {
		lanes, each = atOnce, 500/atOnce
	}
	for _, kind := range []struct {
		name     string
		database func(testing.TB) string
	}{{"sqlite", storetest.SQLite}, {"postgres", storetest.Postgres}} {
		t.Run(kind.name, func(t *testing.T) {
			var all trials
			t.Run("lanes", func(t *testing.T) { // ends when all of them have
				for lane := range lanes {
					t.Run(fmt.Sprint(lane), func(t *testing.T) {
						t.Parallel()
						dsn := kind.database(t)
						for n := range each {
							all.add(aMonth(t, dsn, k, n))
						}
					})
				}
			})
			t.Logf("%d months: %d messages, %d turns, %d replies arrived, %d held: nothing lost, doubled or out of order",
				all.months, all.Messages, all.Turns, all.Arrived, all.Held)
		})
	}
}

// trials are what some months came to together.
type trials struct {
	mu     sync.Mutex
	months int
	trial.Report
}

func (all *trials) add(r trial.Report) {
	all.mu.Lock()
	defer all.mu.Unlock()
	all.months++
	all.Messages += r.Messages
	all.Turns += r.Turns
	all.Arrived += r.Arrived
	all.Held += r.Held
}

// aMonth lets month n pass on a database that may have seen others.
func aMonth(t *testing.T, dsn string, k *bot.Knowledge, n int) (r trial.Report) {
	synctest.Test(t, func(t *testing.T) {
		c := new(clock)
		db := storetest.Open(t, dsn, store.Options{Now: c.now})
		rapid.Check(onlyT{t}, func(rt *rapid.T) {
			m := &month{
				T: rt, ctx: t.Context(), db: db, k: k, clock: c, ledger: new(trial.Ledger),
				net:  channeltest.NewFake(trial.NetworkName, bot.Limits{Timeout: 8 * time.Second}),
				open: map[string][]int{}, said: map[string]int{}, plan: map[bot.ConversationID][]channeltest.Step{},
			}
			for i := range 3 {
				m.shops = append(m.shops, fmt.Sprintf("%d-%d", n, i))
			}
			r = m.run()
		})
	})
	return r
}

func (m *month) run() trial.Report {
	defer func() {
		for _, l := range m.lives {
			l.stop()
		}
		pass(time.Minute) // for a network that does not return
	}()
	m.net.Script(func(o bot.Outbound) channeltest.Step {
		if time.Now().Before(m.alone[o.Conversation]) {
			m.early++
		}
		plan := m.plan[o.Conversation]
		if len(plan) == 0 {
			return channeltest.Step{}
		}
		m.plan[o.Conversation] = plan[1:]
		var retry *bot.RetryError
		if errors.As(plan[0].Before, &retry) && retry.After > 0 && len(m.lives) == 1 {
			m.alone[o.Conversation] = time.Now().Add(retry.After)
		}
		return plan[0]
	})
	for range 30 {
		m.start()
		for range rapid.IntRange(0, 6).Draw(m.T, "events") {
			m.event()
			pass(time.Duration(rapid.IntRange(0, 60).Draw(m.T, "seconds")) * time.Second)
		}
		for _, l := range m.lives {
			l.stop()
		}
		m.lives = nil
		pass(24 * time.Hour) // with nobody there: it would be spent looking for work
	}
	return m.finish()
}

func (m *month) event() {
	switch rapid.SampledFrom([]string{"say", "say", "say", "say", "again", "fault", "die", "stop", "start", "clock"}).Draw(m.T, "event") {
	case "say":
		shop := rapid.SampledFrom(m.shops).Draw(m.T, "shop")
		for range rapid.IntRange(1, 3).Draw(m.T, "messages") {
			m.open[shop] = append(m.open[shop], m.said[shop])
			m.said[shop]++
		}
		m.deliver(shop)
	case "again":
		shop := rapid.SampledFrom(m.shops).Draw(m.T, "shop")
		if n := m.said[shop] - len(m.open[shop]); n > 0 {
			m.post(shop, rapid.IntRange(0, n-1).Draw(m.T, "which"))
		}
	case "fault":
		a := bot.Address{Channel: trial.NetworkName, Remote: rapid.SampledFrom(m.shops).Draw(m.T, "shop")}
		c, known, err := m.db.ConversationOf(m.ctx, a.Channel, a.Remote)
		if err != nil {
			m.Fatal(err)
		}
		if known {
			name := rapid.SampledFrom(slices.Sorted(maps.Keys(networkFaults))).Draw(m.T, "fault")
			m.plan[c.ID] = append(m.plan[c.ID], networkFaults[name])
		}
	case "die":
		if len(m.lives) > 0 {
			m.lives[0].dieAt(rapid.IntRange(1, 12).Draw(m.T, "calls"), rapid.Bool().Draw(m.T, "after it took effect"))
		}
	case "stop":
		if len(m.lives) > 0 {
			m.lives[0].stop()
			m.lives = m.lives[1:]
		}
	case "start":
		if len(m.lives) < 2 {
			m.start()
		}
	case "clock":
		m.clock.set(rapid.SampledFrom(jumps).Draw(m.T, "by"))
	}
}

// start starts a process. It knows of the time that another one was to wait
// only by the clock, which may be set.
func (m *month) start() {
	m.alone = map[bot.ConversationID]time.Time{}
	l := &life{db: m.db, net: m.net, calls: -1}
	ctx, cancel := context.WithCancel(m.ctx)
	l.engine = bot.NewEngine(l, m.k, fmt.Sprint("process ", rand.Uint64()), bot.Options{Now: m.clock.now, Idle: 30 * time.Second})
	box := outbox.New(l, map[string]bot.Channel{trial.NetworkName: l}, outbox.Options{Owner: fmt.Sprint("process ", rand.Uint64()), Idle: 30 * time.Second, Now: m.clock.now})
	l.engine.Committed = func(bot.ConversationID) { box.Wake() }
	var running sync.WaitGroup
	running.Go(func() { l.engine.Run(ctx) })
	running.Go(func() { box.Run(ctx) })
	l.stop = sync.OnceFunc(func() { cancel(); running.Wait() })
	m.lives = append(m.lives, l)
}

// bury takes away processes that have died.
func (m *month) bury() {
	m.lives = slices.DeleteFunc(m.lives, func(l *life) bool {
		if l.isDead() {
			l.stop()
			return true
		}
		return false
	})
}

// post gives message n of a shop to a process, if there is one, and reports
// whether it was acknowledged.
func (m *month) post(shop string, n int) bool {
	m.bury()
	if len(m.lives) == 0 {
		return false
	}
	a, id := bot.Address{Channel: trial.NetworkName, Remote: shop}, bot.RemoteID(fmt.Sprint("m", n))
	m.ledger.Sent(a, id, trial.Line(n))
	ctx, cancel := context.WithTimeout(m.ctx, 5*time.Second)
	defer cancel()
	l := m.lives[len(m.lives)-1]
	if _, err := l.engine.Accept(ctx, bot.Inbound{Address: a, Remote: id, Text: trial.Line(n)}); err != nil {
		return false
	}
	m.ledger.Acknowledged(a, id)
	return true
}

// deliver delivers what a shop has sent, in order, as far as that succeeds.
func (m *month) deliver(shop string) {
	for len(m.open[shop]) > 0 && m.post(shop, m.open[shop][0]) {
		m.open[shop] = m.open[shop][1:]
	}
}

// finish lets a healthy process do what is left, and checks.
func (m *month) finish() trial.Report {
	for _, l := range m.lives {
		l.stop()
	}
	m.lives = nil
	m.start()
	for _, shop := range m.shops {
		m.deliver(shop)
		if len(m.open[shop]) > 0 {
			m.Errorf("%s: message %d is not taken by a healthy process", shop, m.open[shop][0])
		}
	}
	// After a clock was set back, a claim of one who died before lasts longer.
	for range 500 {
		q, err := m.db.Queue(m.ctx)
		if err != nil {
			m.Fatal(err)
		}
		if q.Waiting == 0 && q.Unsent == 0 {
			break
		}
		pass(time.Hour)
	}
	m.lives[0].stop()
	r, err := m.ledger.Check(m.ctx, m.db, trial.Expect{Arrived: m.net.Arrived(), Knowledge: m.k})
	if err != nil {
		m.Fatal(err)
	}
	for _, problem := range r.Problems {
		m.Error(problem)
	}
	if m.early > 0 {
		m.Errorf("%d calls to conversations that wanted to be left alone", m.early)
	}
	return r
}

// pass lets time pass, and what is due by then be done.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

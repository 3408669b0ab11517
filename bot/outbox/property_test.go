package outbox_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tilldesk/bot"
	"tilldesk/bot/channeltest"
)

// words is in every reply, and must be in no line of the log.
const words = "please press the green key"

// faults are what may happen to one call, by name.
var faults = map[string]channeltest.Step{
	"none":                    {},
	"slow":                    {Delay: 2 * time.Second},
	"refused":                 {Before: errRefused},
	"flood":                   {Before: flood(20 * time.Second)},
	"unreachable":             {Before: bot.ErrUnreachable},
	"refused for good":        {Before: refusal{}},
	"cut before":              {Before: errCut},
	"cut after":               {After: errCut},
	"too slow before":         {Delay: time.Minute},
	"too slow after":          {Linger: time.Minute},
	"does not return":         {Linger: 20 * time.Second, Deaf: true},
	"panics":                  {Panic: words},
	"refused after some time": {Delay: 3 * time.Second, Before: errRefused},
}

// onlyT hides that it is a *testing.T, whose deadline cannot be asked for in a
// bubble.
type onlyT struct{ testing.TB }

// TestNothingLostNothingTwice lets replies be said, networks fail, senders stop,
// start and die in random order, and then waits until all is settled.
func TestNothingLostNothingTwice(t *testing.T) {
	each(t, bot.Limits{PerConversation: 2, Overall: 50}, func(t *testing.T, w *world) {
		w.opt.Idle = 30 * time.Second // said replies are not announced here: the clock finds them
		w.opt.Grace = 5 * time.Second
		round := 0
		rapid.Check(onlyT{t}, func(rt *rapid.T) {
			round++
			newTrial(rt, w, round).run()
		})
	})
}

// trial is one sequence of events.
type trial struct {
	*rapid.T
	w       *world
	round   int
	plans   map[string][]channeltest.Step // by text, the next calls; guarded by the network
	said    map[bot.ConversationID][]string
	stops   []func()
	logged  bytes.Buffer
	replies int
}

func newTrial(rt *rapid.T, w *world, round int) *trial {
	tr := &trial{
		T: rt, w: &world{TB: onlyT{w.TB}, db: w.db, net: channeltest.NewFake("net", w.net.Limits()), opt: w.opt},
		round: round, plans: map[string][]channeltest.Step{}, said: map[bot.ConversationID][]string{},
	}
	tr.w.opt.Log = slog.New(slog.NewTextHandler(&tr.logged, nil))
	tr.w.net.Script(func(m bot.Outbound) channeltest.Step {
		plan := tr.plans[m.Reply.Text]
		if len(plan) == 0 {
			return channeltest.Step{}
		}
		tr.plans[m.Reply.Text] = plan[1:]
		return plan[0]
	})
	return tr
}

func (tr *trial) run() {
	defer func() {
		for _, stop := range tr.stops {
			stop()
		}
		pass(time.Minute) // for those that do not return
	}()
	tr.start()
	for range rapid.IntRange(1, 8).Draw(tr.T, "events") {
		switch rapid.SampledFrom([]string{"say", "say", "say", "start", "stop", "die"}).Draw(tr.T, "event") {
		case "say":
			tr.say()
		case "start":
			if len(tr.stops) < 2 {
				tr.start()
			}
		case "stop":
			if len(tr.stops) > 0 {
				tr.stops[0]()
				tr.stops = tr.stops[1:]
			}
		case "die":
			tr.die()
		}
		pass(time.Duration(rapid.IntRange(0, 8).Draw(tr.T, "half seconds")) * time.Second / 2)
	}
	if len(tr.stops) == 0 {
		tr.start()
	}
	for range 20 {
		if tr.w.queue().Unsent == 0 {
			break
		}
		pass(30 * time.Second)
	}
	tr.check()
}

func (tr *trial) start() {
	tr.w.opt.Owner = fmt.Sprint("sender ", len(tr.stops))
	tr.stops = append(tr.stops, tr.w.start())
}

func (tr *trial) say() {
	shop := fmt.Sprint(tr.round, "/", rapid.IntRange(1, 3).Draw(tr.T, "shop"))
	var texts []string
	for range rapid.IntRange(1, 3).Draw(tr.T, "replies") {
		text := fmt.Sprint(words, " ", tr.replies)
		tr.replies++
		texts = append(texts, text)
		for _, name := range rapid.SliceOfN(rapid.SampledFrom(slices.Sorted(maps.Keys(faults))), 0, 3).Draw(tr.T, "faults of "+text) {
			tr.plans[text] = append(tr.plans[text], faults[name])
		}
	}
	id := tr.w.say(shop, texts...)
	tr.said[id] = append(tr.said[id], texts...)
}

// die takes replies as a sender would that dies with them in its hands, before
// they took effect or after.
func (tr *trial) die() {
	claimed, err := tr.w.db.ClaimOut(tr.w.Context(), "dead", time.Now(), 30*time.Second, 2)
	tr.w.must(err)
	for _, m := range claimed {
		if rapid.Bool().Draw(tr.T, "took effect") {
			tr.plans[m.Reply.Text] = nil
			if _, err := tr.w.net.Send(tr.w.Context(), m); err != nil {
				tr.Fatal(err)
			}
		}
	}
}

func (tr *trial) check() {
	copies := map[string]int{}
	last := map[bot.ConversationID]int64{}
	for _, m := range tr.w.net.Arrived() {
		copies[m.Reply.Text]++
		if m.Seq <= last[m.Conversation] {
			tr.Errorf("%q came after a later one", m.Reply.Text)
		}
		last[m.Conversation] = m.Seq
	}
	for id, texts := range tr.said {
		entries, err := tr.w.db.History(tr.w.Context(), id, 0, 1000)
		tr.w.must(err)
		entries = slices.DeleteFunc(entries, func(e bot.Entry) bool { return e.Author == bot.Merchant })
		if len(entries) != len(texts) {
			tr.Errorf("%d replies are stored, %d were said", len(entries), len(texts))
		}
		for _, e := range entries {
			n := copies[e.Reply.Text]
			switch {
			case n > 1:
				tr.Errorf("%q arrived %d times", e.Reply.Text, n)
			case e.Delivery == bot.Sent && n == 1, e.Delivery == bot.Dead && n == 0, e.Delivery == bot.Held:
			default:
				tr.Errorf("%q is %s and arrived %d times", e.Reply.Text, e.Delivery, n)
			}
		}
	}
	if bytes.Contains(tr.logged.Bytes(), []byte(words)) {
		tr.Errorf("the log holds words of a reply:\n%s", tr.logged.Bytes())
	}
}

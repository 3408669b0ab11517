package desk_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tilldesk/bot"
	"tilldesk/bot/desk"
	"tilldesk/bot/dialog"
	"tilldesk/bot/store"
	"tilldesk/bot/store/storetest"
	"tilldesk/content"
	"tilldesk/intents"
)

var loaded = sync.OnceValues(func() (*content.Content, error) { return content.Load(content.BuiltIn()) })

// knowledge is what the bot knows, but for what it takes time to learn.
func knowledge(t testing.TB) *bot.Knowledge {
	t.Helper()
	c, err := loaded()
	if err != nil {
		t.Fatal(err)
	}
	return &bot.Knowledge{Base: c.Base, Script: c.Script}
}

// staff are who works here.
type staff []desk.Member

func (s staff) Members(context.Context) ([]desk.Member, error) { return s, nil }

var (
	lin = desk.Actor{ID: "lin", Name: "小林"}
	may = desk.Actor{ID: "may", Name: "May"}
	wu  = desk.Actor{ID: "wu", Name: "吴姐", Lead: true}

	everybody = staff{{ID: "lin", Name: "小林"}, {ID: "may", Name: "May"}, {ID: "wu", Name: "吴姐", Lead: true}}
)

// TestInterleavings lets merchant, staff and bot act in any order, with turns
// that take their time, and checks after each act what must always hold.
func TestInterleavings(t *testing.T) {
	k := knowledge(t)
	storetest.Each(t, func(t *testing.T, dsn string) {
		clock := &clock{now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}
		db := storetest.Open(t, dsn, store.Options{Now: clock.Now})
		shop := 0
		rapid.Check(t, func(t *rapid.T) {
			shop++
			w := newWorld(t, k, db, clock, fmt.Sprint("shop ", shop))
			t.Repeat(map[string]func(*rapid.T){
				"":               w.check,
				"merchant":       w.merchant,
				"bot begins":     w.begin,
				"bot ends":       w.end,
				"bot gives up":   w.giveUp,
				"take":           w.take,
				"reply":          w.reply,
				"give":           w.give,
				"put back":       w.putBack,
				"resolve":        w.resolve,
				"release":        w.release,
				"close":          w.close,
				"reopen":         w.reopen,
				"snooze":         w.snooze,
				"note":           w.note,
				"time passes":    w.pass,
				"a day passes":   w.passDay,
				"hand-over":      w.asksForPerson,
				"answers survey": w.answersSurvey,
			})
			w.drain(t)
		})
	})
}

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// world is one merchant with the desk, and what should be true of them.
type world struct {
	k     *bot.Knowledge
	db    *store.DB
	desk  *desk.Desk
	clock *clock
	shop  string
	id    bot.ConversationID
	n     int // messages written

	turns     []bot.Turn // begun, not ended
	handovers int        // committed
	heard     map[bot.MessageID]bool
	replies   map[string]bot.MessageID // by client id
}

func newWorld(t *rapid.T, k *bot.Knowledge, db *store.DB, clock *clock, shop string) *world {
	w := &world{k: k, db: db, clock: clock, shop: shop, heard: map[bot.MessageID]bool{}, replies: map[string]bot.MessageID{}}
	w.desk = desk.New(db, desk.Options{Knowledge: func() *bot.Knowledge { return k }, Roster: everybody, Now: clock.Now})
	w.write(t, "hello", "")
	return w
}

func (w *world) write(t *rapid.T, text, choice string) {
	w.n++
	r, err := w.db.Accept(context.Background(), []bot.Arrival{{Inbound: bot.Inbound{
		Address: bot.Address{Channel: "web", Remote: w.shop}, Remote: bot.RemoteID(fmt.Sprint(w.n)), Text: text, Choice: choice, At: w.clock.Now(),
	}}})
	if err != nil {
		t.Fatal(err)
	}
	w.id = r[0].Conversation
	w.clock.add(time.Second)
}

func (w *world) merchant(t *rapid.T) {
	w.write(t, rapid.SampledFrom([]string{"还是不行", "thanks", "5", "花呗扫不了", "what now"}).Draw(t, "text"), "")
}

func (w *world) asksForPerson(t *rapid.T) { w.write(t, "a person please", "") }

func (w *world) answersSurvey(t *rapid.T) {
	w.write(t, "", rapid.SampledFrom([]string{"solved_yes", "solved_no", "rate5"}).Draw(t, "choice"))
}

// begin claims the conversation and computes its turn, as a worker does that is
// then slow.
func (w *world) begin(t *rapid.T) {
	works, err := w.db.Claim(context.Background(), "worker", w.clock.Now(), time.Minute, 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, work := range works {
		if work.Conversation.ID != w.id {
			continue // of a merchant before, whose test failed
		}
		w.turns = append(w.turns, w.step(work))
	}
}

// step reads the messages as simply as can be, and steps.
func (w *world) step(work bot.Work) bot.Turn {
	last := work.Messages[len(work.Messages)-1]
	in := dialog.Input{Text: last.Text, Choice: last.Choice, Lang: "en", LangKnown: true, Decision: intents.Reject, Act: intents.ActTopic, ActScore: 0.9}
	understood := func(intent string) {
		in.Decision, in.Guesses = intents.Answer, []intents.Guess{{Intent: intent, Score: 0.97}}
	}
	switch last.Text {
	case "a person please":
		understood("service.human")
	case "花呗扫不了":
		understood("scan.huabei")
	case "thanks":
		understood("smalltalk.thanks")
	case "还是不行":
		in.Act = intents.ActNotFixed
	}
	out := w.k.Script.Step(work.Conversation.State, in)
	t := bot.Turn{
		Work: work, State: out.State, Reason: out.Reason, Replies: bot.Render(out.State, out.Say),
		Handoff: out.Handoff, Solved: out.Solved, Feedback: out.Feedback, At: w.clock.Now(),
	}
	if out.Handoff != nil {
		t.Card = bot.NewCard(w.k, out.State, *out.Handoff)
	}
	return t
}

func (w *world) end(t *rapid.T) {
	if len(w.turns) == 0 {
		t.Skip("no turn has begun")
	}
	turn := w.turns[0]
	w.turns = w.turns[1:]
	w.commit(t, turn)
}

func (w *world) giveUp(t *rapid.T) {
	if len(w.turns) == 0 {
		t.Skip("no turn has begun")
	}
	turn := w.turns[0]
	w.turns = w.turns[1:]
	out := w.k.Script.GiveUp(turn.Work.Conversation.State)
	gone := bot.Turn{Work: turn.Work, State: out.State, Reason: out.Reason, Replies: bot.Render(out.State, out.Say), Handoff: out.Handoff, Feedback: out.Feedback, Dead: "broken", At: w.clock.Now()}
	w.commit(t, gone)
}

func (w *world) commit(t *rapid.T, turn bot.Turn) {
	before := w.current(t)
	_, err := w.db.Commit(context.Background(), turn)
	if errors.Is(err, bot.ErrLost) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if before != nil && before.Open() && len(turn.Replies) > 0 {
		t.Fatalf("the bot said %q while case %s is %s", turn.Replies[0].Text, before.Ticket, before.State)
	}
	if turn.Handoff != nil {
		w.handovers++
	}
	if before != nil && before.Open() || turn.Feedback != nil && turn.Feedback.Reopen {
		for _, m := range turn.Work.Messages {
			w.heard[m.ID] = true
		}
	}
	w.clock.add(time.Second)
}

// current is the case that is not closed.
func (w *world) current(t *rapid.T) *desk.Case {
	cases := w.cases(t)
	for _, c := range cases {
		if c.State != desk.Closed {
			return &c
		}
	}
	return nil
}

func (w *world) cases(t *rapid.T) []desk.Case {
	cases, err := w.db.CasesOf(context.Background(), w.id, 1000)
	if err != nil {
		t.Fatal(err)
	}
	return cases
}

// some draws one of the cases, mostly the newest.
func (w *world) some(t *rapid.T) desk.Case {
	cases := w.cases(t)
	if len(cases) == 0 {
		t.Skip("there is no case")
	}
	return cases[rapid.SampledFrom([]int{0, 0, 0, len(cases) - 1}).Draw(t, "case")]
}

func (w *world) somebody(t *rapid.T) desk.Actor {
	return rapid.SampledFrom([]desk.Actor{lin, may, wu}).Draw(t, "who")
}

// allowed fails the test if err is not one of those that say why something
// cannot be done.
func allowed(t *rapid.T, c desk.Case, who desk.Actor, err error) {
	if taken := new(desk.TakenError); errors.As(err, &taken) {
		if taken.Owner == "" || taken.Owner == who.ID || taken.Owner != c.Owner || taken.Name == "" {
			t.Fatalf("%s is told %v, the case is with %q", who.ID, err, c.Owner)
		}
		return
	}
	if errors.As(err, new(*desk.StateError)) || err == nil {
		return
	}
	t.Fatal(err)
}

func (w *world) take(t *rapid.T) {
	c, who := w.some(t), w.somebody(t)
	got, err := w.desk.Take(context.Background(), c.Ticket, who)
	if err == nil && got.Owner != who.ID {
		t.Fatalf("%s took it, %q has it", who.ID, got.Owner)
	}
	allowed(t, c, who, err)
}

func (w *world) reply(t *rapid.T) {
	c, who := w.some(t), w.somebody(t)
	client := fmt.Sprint(rapid.IntRange(0, 5).Draw(t, "client"))
	_, id, err := w.desk.Reply(context.Background(), c.Ticket, who, desk.Message{Client: client, Text: "please try again"})
	allowed(t, c, who, err)
	if err != nil {
		return
	}
	if was, ok := w.replies[c.Ticket+client]; ok && was != id {
		t.Fatalf("the same reply is message %s and %s", was, id)
	}
	w.replies[c.Ticket+client] = id
}

func (w *world) give(t *rapid.T) {
	c, who := w.some(t), w.somebody(t)
	_, err := w.desk.Give(context.Background(), c.Ticket, who, w.somebody(t).ID, "")
	allowed(t, c, who, err)
}

func (w *world) putBack(t *rapid.T) {
	c, who := w.some(t), w.somebody(t)
	_, err := w.desk.PutBack(context.Background(), c.Ticket, who, "")
	allowed(t, c, who, err)
}

func (w *world) resolve(t *rapid.T) {
	c, who := w.some(t), w.somebody(t)
	_, err := w.desk.Resolve(context.Background(), c.Ticket, who, desk.Finding{Cause: "cable", Fix: "restart"})
	allowed(t, c, who, err)
}

func (w *world) release(t *rapid.T) {
	c, who := w.some(t), w.somebody(t)
	_, err := w.desk.Release(context.Background(), c.Ticket, who)
	allowed(t, c, who, err)
}

func (w *world) close(t *rapid.T) {
	c, who := w.some(t), w.somebody(t)
	_, err := w.desk.Close(context.Background(), c.Ticket, who, "")
	allowed(t, c, who, err)
}

func (w *world) reopen(t *rapid.T) {
	c, who := w.some(t), w.somebody(t)
	_, err := w.desk.Reopen(context.Background(), c.Ticket, who)
	allowed(t, c, who, err)
}

func (w *world) snooze(t *rapid.T) {
	c, who := w.some(t), w.somebody(t)
	_, err := w.desk.Snooze(context.Background(), c.Ticket, who, w.clock.Now().Add(time.Hour))
	allowed(t, c, who, err)
}

func (w *world) note(t *rapid.T) {
	c, who := w.some(t), w.somebody(t)
	_, err := w.desk.Note(context.Background(), c.Ticket, who, "look at the cable", []string{"may"})
	allowed(t, c, who, err)
}

func (w *world) pass(t *rapid.T) {
	w.clock.add(20 * time.Minute)
	if err := w.desk.Tend(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func (w *world) passDay(t *rapid.T) {
	w.clock.add(25 * time.Hour)
	if err := w.desk.Tend(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// drain answers all that waits and checks that nothing was lost.
func (w *world) drain(t *rapid.T) {
	for range 20 {
		w.clock.add(2 * time.Minute) // past every lease
		w.turns = nil
		w.begin(t)
		if len(w.turns) == 0 {
			break
		}
		w.end(t)
	}
	w.check(t)
	entries, err := w.db.History(context.Background(), w.id, 0, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, e := range entries {
		if e.Author == bot.Merchant {
			n++
		}
	}
	if n != w.n {
		t.Fatalf("%d of %d messages are left", n, w.n)
	}
}

// check holds after every act.
func (w *world) check(t *rapid.T) {
	cases := w.cases(t)
	slices.Reverse(cases)
	alive, alerts := 0, 0
	heard := map[bot.MessageID]bool{}
	for i, c := range cases {
		events, err := w.desk.Timeline(context.Background(), c.Ticket, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		alerts += replayed(t, c, events)
		for _, e := range events {
			if e.Kind != desk.EventMessage {
				continue
			}
			if heard[e.Message] {
				t.Fatalf("message %s is heard twice", e.Message)
			}
			heard[e.Message] = true
		}
		if c.State != desk.Closed {
			alive++
			if i != len(cases)-1 && alive > 1 {
				t.Fatalf("case %s is %s beside a newer one", c.Ticket, c.State)
			}
		}
	}
	if alive > 1 {
		t.Fatalf("%d cases of one merchant are not closed", alive)
	}
	if alerts != w.handovers {
		t.Fatalf("%d alerts for %d hand-overs", alerts, w.handovers)
	}
	for id := range w.heard {
		if !heard[id] {
			t.Fatalf("message %s never reached the case", id)
		}
	}
	conversation, err := w.db.Conversation(context.Background(), w.id)
	if err != nil {
		t.Fatal(err)
	}
	current := w.current(t)
	withPerson := current != nil && current.Open()
	if silent := conversation.State.Phase == dialog.WithHuman; silent != withPerson {
		t.Fatalf("the bot is silent: %v, somebody has the case: %v", silent, withPerson)
	}
	if survey := conversation.State.Survey; survey != nil && !survey.Rate && (current == nil || current.State != desk.Resolved || current.Ticket != survey.Ticket) {
		t.Fatalf("the merchant is asked about %s, and the case is %+v", survey.Ticket, current)
	}
}

// replayed checks that the events of a case lead to what it is, with one owner
// at a time, and returns how many alerts there are.
func replayed(t *rapid.T, c desk.Case, events []desk.Event) (alerts int) {
	state, owner, last := desk.State(""), "", int64(0)
	for i, e := range events {
		if e.ID <= last || e.Ticket != c.Ticket {
			t.Fatalf("event %d of %s follows %d", e.ID, e.Ticket, last)
		}
		if e.From != state && !(i == 0 && e.From == desk.Waiting) {
			t.Fatalf("case %s: %s goes from %s, but it was %s", c.Ticket, e.Kind, e.From, state)
		}
		if e.Kind == desk.EventTaken && owner != "" && owner != e.Owner {
			t.Fatalf("case %s is taken by %s from %s", c.Ticket, e.Owner, owner)
		}
		if e.Kind == desk.EventReply && e.Actor != e.Owner {
			t.Fatalf("case %s: %s replies, %s has it", c.Ticket, e.Actor, e.Owner)
		}
		if e.Kind == desk.EventBotMessage && e.To.WithPerson() {
			t.Fatalf("case %s: the bot speaks while it is %s", c.Ticket, e.To)
		}
		if e.Kind == desk.EventWaiting {
			alerts++
			if e.Owner != "" {
				t.Fatalf("case %s is handed over to %s", c.Ticket, e.Owner)
			}
		}
		state, owner, last = e.To, e.Owner, e.ID
	}
	if len(events) == 0 || state != c.State || owner != c.Owner {
		t.Fatalf("the events of case %s lead to %s with %q, it is %s with %q", c.Ticket, state, owner, c.State, c.Owner)
	}
	return alerts
}

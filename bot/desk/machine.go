package desk

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"tilldesk/bot"
	"tilldesk/bot/dialog"
	"tilldesk/content/source"
)

// A Situation is what a change of a case is decided from.
type Situation struct {
	Case  Case
	State dialog.State // of its conversation
	// Other is the ticket of another case of the conversation that is not
	// closed, or "".
	Other string
	// Doubles are other conversations of the merchant whose people are those of
	// this case.
	Doubles []bot.Conversation
}

// A Change is all that follows from a decision; it is stored whole or not at
// all. One without events changes nothing.
type Change struct {
	Case   Case // with the version that it was decided from
	Events []Event
	// Say is what the merchant is told; the n-th of them is the Message of the
	// n-th event of the kinds reply and bot_message.
	Say    []bot.Reply
	Author bot.Author
	To     bot.ConversationID // one of the doubles that it is said in; "" for that of the case
	Pull   bool               // the channel fetches its messages
	State  *dialog.State      // of the conversation from now on; nil leaves it
	Counts []dialog.Count     // what is learnt from it

	Join  bot.ConversationID                  // has the same merchant as the case, from now on
	Part  bool                                // the conversation of the case has a merchant of its own again
	Freed map[bot.ConversationID]dialog.State // of doubles, from now on
}

// move is a change being made. All rules of who may do what to a case in which
// state are methods of it.
type move struct {
	Change
	was    Case
	actor  Actor
	at     time.Time
	action string
}

func begin(c Case, actor Actor, action string, at time.Time) *move {
	m := &move{was: c, actor: actor, at: at, action: action}
	m.Case = c
	m.Case.Tags, m.Case.Escalated = slices.Clone(c.Tags), slices.Clone(c.Escalated)
	return m
}

// event adds what has happened; the case must be as it is after it.
func (m *move) event(kind EventKind, text string) *Event {
	m.Events = append(m.Events, Event{
		Ticket: m.Case.Ticket, Conversation: m.Case.Conversation, Kind: kind, From: m.was.State, To: m.Case.State,
		Actor: m.actor.ID, Owner: m.Case.Owner, Text: text, At: m.at,
	})
	m.was.State = m.Case.State
	m.Case.Updated = m.at
	return &m.Events[len(m.Events)-1]
}

func (m *move) refuse(why string) error {
	return &StateError{Ticket: m.was.Ticket, State: m.was.State, Action: m.action, Why: why}
}

// mine fails unless the actor may act on the case: as its owner, as a lead, or
// because nobody has it.
func (m *move) mine() error {
	if m.was.Owner == "" || m.was.Owner == m.actor.ID || m.actor.Lead {
		return nil
	}
	return &TakenError{Ticket: m.was.Ticket, Owner: m.was.Owner}
}

// open fails unless the case is with people.
func (m *move) open() error {
	switch {
	case m.was.Open():
		return nil
	case m.was.State == Closed:
		return m.refuse("reopen it first; a new trouble is a new case")
	}
	return m.refuse("reopen it first")
}

func (m *move) own(owner string, kind EventKind) {
	m.Case.Owner = owner
	if m.Case.State == Waiting || m.Case.State == Reopened {
		m.Case.State = Taken
	}
	if m.Case.Taken.IsZero() {
		m.Case.Taken = m.at
	}
	m.event(kind, "")
}

// take makes the actor the owner of a case that nobody has.
func take(s Situation, actor Actor, at time.Time) (Change, error) {
	m := begin(s.Case, actor, "take it", at)
	if err := m.open(); err != nil {
		return Change{}, err
	}
	switch {
	case m.was.Owner == actor.ID && m.was.State != Reopened:
		return m.Change, nil
	case m.was.Owner != "" && m.was.Owner != actor.ID:
		return Change{}, &TakenError{Ticket: m.was.Ticket, Owner: m.was.Owner}
	}
	m.own(actor.ID, EventTaken)
	return m.Change, nil
}

// give makes somebody else the owner.
func give(s Situation, actor Actor, to, why string, at time.Time) (Change, error) {
	m := begin(s.Case, actor, "give it to somebody", at)
	if err := m.open(); err != nil {
		return Change{}, err
	}
	if actor.ID == "" { // the desk itself gives only what nobody has
		if m.was.Owner != "" {
			return Change{}, &TakenError{Ticket: m.was.Ticket, Owner: m.was.Owner}
		}
	} else if err := m.mine(); err != nil {
		return Change{}, err
	}
	if m.was.Owner == to {
		return m.Change, nil
	}
	m.own(to, EventGiven)
	m.Events[len(m.Events)-1].Text = why
	return m.Change, nil
}

// putBack lets others take the case.
func putBack(s Situation, actor Actor, why string, at time.Time) (Change, error) {
	m := begin(s.Case, actor, "put it back", at)
	if err := m.open(); err != nil {
		return Change{}, err
	}
	if err := m.mine(); err != nil {
		return Change{}, err
	}
	if m.was.Owner == "" {
		return m.Change, nil
	}
	m.Case.Owner, m.Case.State = "", Waiting
	m.event(EventPutBack, why)
	return m.Change, nil
}

// reply answers the merchant, in one of their conversations, "" for that of the
// case. Who answers a case that nobody has takes it.
func reply(s Situation, actor Actor, to bot.ConversationID, r bot.Reply, at time.Time) (Change, error) {
	m := begin(s.Case, actor, "reply", at)
	if to == s.Case.Conversation {
		to = ""
	}
	if to != "" && !slices.ContainsFunc(s.Doubles, func(c bot.Conversation) bool { return c.ID == to }) {
		return Change{}, &InputError{"to", source.Text{Zh: "请选这位商户正在等这一单回复的对话", En: "a conversation in which the merchant waits for this case"}}
	}
	if err := m.open(); err != nil {
		return Change{}, err
	}
	if m.was.Owner != "" && m.was.Owner != actor.ID {
		return Change{}, &TakenError{Ticket: m.was.Ticket, Owner: m.was.Owner}
	}
	if m.was.Owner == "" {
		m.own(actor.ID, EventTaken)
	}
	m.Case.State = WaitingOnMerchant
	m.Case.Unanswered = time.Time{}
	m.Case.Snoozed = time.Time{}
	m.Case.Escalated = slices.DeleteFunc(m.Case.Escalated, func(k DueKind) bool { return k != Resolution })
	if m.Case.Answered.IsZero() {
		m.Case.Answered = at
	}
	m.Say, m.Author, m.To = []bot.Reply{r}, bot.Staff, to
	if e := m.event(EventReply, ""); to != "" {
		e.Conversation = to
	}
	return m.Change, nil
}

// note writes something down for staff.
func note(s Situation, actor Actor, text string, mentions []string, at time.Time) (Change, error) {
	m := begin(s.Case, actor, "note something", at)
	m.event(EventNote, text).Mentions = mentions
	return m.Change, nil
}

// resolve ends the work on a case: the merchant is asked whether it is solved.
func resolve(s Situation, actor Actor, f Finding, asks *dialog.Script, at time.Time) (Change, error) {
	m := begin(s.Case, actor, "resolve it", at)
	if m.was.State == Resolved {
		return m.Change, nil
	}
	if err := m.open(); err != nil {
		return Change{}, err
	}
	if err := m.mine(); err != nil {
		return Change{}, err
	}
	if m.was.Owner == "" {
		m.own(actor.ID, EventTaken)
	}
	m.Case.State, m.Case.Finding, m.Case.Resolved = Resolved, f, at
	m.settle()
	m.event(EventResolved, strings.Trim(f.Cause+" / "+f.Fix, " /"))
	st, lines := asks.AskSolved(s.State, m.was.Ticket)
	m.speak(st, lines)
	m.free(s.Doubles, asks.Release)
	m.Counts = learnt(m.Case)
	return m.Change, nil
}

// settle ends what waits.
func (m *move) settle() {
	m.Case.Unanswered, m.Case.Snoozed = time.Time{}, time.Time{}
	m.Case.Escalated = nil
	m.Case.Solved, m.Case.Rating = Unasked, 0
}

// speak gives the word to the bot, with something to say.
func (m *move) speak(st dialog.State, lines []dialog.Line) {
	m.State, m.Author = &st, bot.Bot
	m.Say = bot.Render(st, lines)
	for range m.Say {
		m.event(EventBotMessage, "")
	}
}

// learnt is what a resolved case teaches about its symptom.
func learnt(c Case) []dialog.Count {
	if c.Intent == "" {
		return nil
	}
	brand := c.Card.Facts["brand"]
	var counts []dialog.Count
	if c.Finding.Cause != "" {
		counts = append(counts, dialog.Count{Intent: c.Intent, Brand: brand, Step: c.Finding.Cause, Result: dialog.Found, N: 1})
	}
	if c.Finding.Fix != "" {
		counts = append(counts, dialog.Count{Intent: c.Intent, Brand: brand, Step: c.Finding.Fix, Result: dialog.Fixed, N: 1})
	}
	return counts
}

// release gives the case back to the bot.
func release(s Situation, actor Actor, script *dialog.Script, at time.Time) (Change, error) {
	m := begin(s.Case, actor, "give it back to the bot", at)
	if m.was.State == Released {
		return m.Change, nil
	}
	if err := m.open(); err != nil {
		return Change{}, err
	}
	if err := m.mine(); err != nil {
		return Change{}, err
	}
	m.Case.State, m.Case.Owner = Released, ""
	m.settle()
	m.event(EventReleased, "")
	st, lines := script.TakeBack(s.State)
	m.speak(st, lines)
	m.free(s.Doubles, script.Release)
	return m.Change, nil
}

// shut closes a case without asking the merchant.
func shut(s Situation, actor Actor, why string, script *dialog.Script, at time.Time) (Change, error) {
	m := begin(s.Case, actor, "close it", at)
	if m.was.State == Closed {
		return m.Change, nil
	}
	if err := m.mine(); err != nil && actor.ID != "" {
		return Change{}, err
	}
	m.Case.State, m.Case.Closed = Closed, at
	m.Case.Unanswered, m.Case.Snoozed, m.Case.Escalated = time.Time{}, time.Time{}, nil
	m.event(EventClosed, why)
	m.free(s.Doubles, script.Release)
	switch {
	case s.Case.Open():
		st := script.Release(s.State)
		m.State = &st
	case s.State.Survey != nil && s.State.Survey.Ticket == m.was.Ticket:
		st := s.State
		st.Survey, st.Offered = nil, nil
		m.State = &st
	}
	return m.Change, nil
}

// reopen takes up again what was thought to be done.
func reopen(s Situation, actor Actor, script *dialog.Script, at time.Time) (Change, error) {
	m := begin(s.Case, actor, "reopen it", at)
	if m.was.Open() {
		return m.Change, nil
	}
	if s.Other != "" {
		return Change{}, m.refuse("the merchant has case " + s.Other + " already; go on there")
	}
	if m.was.MergedInto != "" {
		return Change{}, m.refuse("it is a double of case " + m.was.MergedInto + "; go on there")
	}
	m.again(actor.ID)
	m.event(EventReopened, "")
	st := script.HandBack(s.State, m.was.Ticket)
	m.State = &st
	return m.Change, nil
}

// again makes the case one that somebody must look at.
func (m *move) again(owner string) {
	m.Case.State, m.Case.Owner = Reopened, owner
	m.Case.Resolved, m.Case.Closed, m.Case.Snoozed = time.Time{}, time.Time{}, time.Time{}
	m.Case.Unanswered, m.Case.Escalated = m.at, nil
}

// snooze takes the case out of the queue for a while.
func snooze(s Situation, actor Actor, until, at time.Time) (Change, error) {
	m := begin(s.Case, actor, "snooze it", at)
	if err := m.open(); err != nil {
		return Change{}, err
	}
	if err := m.mine(); err != nil {
		return Change{}, err
	}
	if until.Equal(m.was.Snoozed) || until.IsZero() && m.was.Snoozed.IsZero() {
		return m.Change, nil
	}
	m.Case.Snoozed = until
	if until.IsZero() {
		m.event(EventWoken, "")
	} else {
		m.event(EventSnoozed, until.UTC().Format(time.RFC3339))
	}
	return m.Change, nil
}

// wake ends a snooze that is over.
func wake(s Situation, at time.Time) (Change, error) {
	m := begin(s.Case, Actor{}, "wake it", at)
	if m.was.Snoozed.IsZero() || m.was.Snoozed.After(at) {
		return m.Change, nil
	}
	m.Case.Snoozed = time.Time{}
	m.event(EventWoken, "")
	return m.Change, nil
}

// overdue escalates what is due, once.
func overdue(s Situation, kind DueKind, at time.Time) (Change, error) {
	m := begin(s.Case, Actor{}, "escalate it", at)
	gone := !m.was.Open() || m.was.HasEscalated(kind) || kind != Resolution && m.was.Unanswered.IsZero()
	if gone {
		return m.Change, nil
	}
	m.Case.Escalated = append(m.Case.Escalated, kind)
	m.Case.Urgency = max(m.Case.Urgency, High)
	m.event(EventOverdue, string(kind))
	return m.Change, nil
}

const (
	maxTags = 20
	maxTag  = 40 // characters
)

// tag sets the tags of a case.
func tag(s Situation, actor Actor, tags []string, at time.Time) (Change, error) {
	m := begin(s.Case, actor, "tag it", at)
	var clean []string
	for _, t := range tags {
		if t = strings.Join(strings.Fields(strings.ReplaceAll(t, ",", " ")), " "); t == "" {
			continue
		}
		if utf8.RuneCountInString(t) > maxTag {
			return Change{}, &InputError{"tags", bounded("每个标签最多 %d 个字", "a tag has %d characters at most", maxTag)}
		}
		clean = append(clean, t)
	}
	slices.Sort(clean)
	clean = slices.Compact(clean)
	if len(clean) > maxTags {
		return Change{}, &InputError{"tags", bounded("一单最多 %d 个标签", "a case has %d tags at most", maxTags)}
	}
	if slices.Equal(clean, m.was.Tags) {
		return m.Change, nil
	}
	m.Case.Tags = clean
	m.event(EventTags, strings.Join(clean, ", "))
	return m.Change, nil
}

// urge sets the urgency of a case.
func urge(s Situation, actor Actor, u Urgency, at time.Time) (Change, error) {
	m := begin(s.Case, actor, "change its urgency", at)
	if u < Low || u > Urgent {
		return Change{}, &InputError{"urgency", source.Text{Zh: "0（不急）到 3（紧急）", En: "0 (low) to 3 (urgent)"}}
	}
	if u == m.was.Urgency {
		return m.Change, nil
	}
	m.Case.Urgency = u
	m.event(EventUrgency, strconv.Itoa(int(u)))
	return m.Change, nil
}

// merge closes a case as the double of another one.
func merge(s Situation, actor Actor, into Case, script *dialog.Script, at time.Time) (Change, error) {
	m := begin(s.Case, actor, "merge it", at)
	switch {
	case m.was.MergedInto == into.Ticket:
		return m.Change, nil
	case m.was.Ticket == into.Ticket:
		return Change{}, &InputError{"into", bounded("请填另一单，不能是 %s 自己", "another case than %s itself", into.Ticket)}
	case into.State == Closed:
		return Change{}, &StateError{Ticket: into.Ticket, State: into.State, Action: "merge into it", Why: "reopen it first"}
	}
	if err := m.open(); err != nil {
		return Change{}, err
	}
	if err := m.mine(); err != nil {
		return Change{}, err
	}
	m.Case.State, m.Case.Closed, m.Case.MergedInto = Closed, at, into.Ticket
	m.settle()
	m.event(EventMerged, into.Ticket)
	st, lines := script.Elsewhere(s.State, into.Ticket)
	there := script.Release
	if into.Open() { // its people hear what is said here, and answer here
		there = func(st dialog.State) dialog.State { return script.HandBack(st, into.Ticket) }
	}
	m.speak(there(st), lines)
	m.free(s.Doubles, there)
	if into.Conversation != m.was.Conversation {
		m.Join = into.Conversation
	}
	return m.Change, nil
}

// free lets the people of a case have the doubles no more.
func (m *move) free(doubles []bot.Conversation, next func(dialog.State) dialog.State) {
	for _, c := range doubles {
		if m.Freed == nil {
			m.Freed = map[bot.ConversationID]dialog.State{}
		}
		m.Freed[c.ID] = next(c.State)
	}
}

// split takes a merge back: the conversation has a merchant of its own again,
// and the case, unless there is another one by now, is the actor's.
func split(s Situation, actor Actor, script *dialog.Script, at time.Time) (Change, error) {
	m := begin(s.Case, actor, "take its merge back", at)
	into := m.was.MergedInto
	if into == "" {
		return m.Change, nil
	}
	m.Case.MergedInto, m.Part = "", true
	m.event(EventSplit, into)
	if s.Other == "" {
		m.again(actor.ID)
		m.event(EventReopened, "")
		st := script.HandBack(s.State, m.was.Ticket)
		m.State = &st
	}
	return m.Change, nil
}

package desk

import (
	"strconv"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/dialog"
)

// What the merchant and the bot do to a case. The store calls these while it
// commits a turn, in the same transaction.

// HandOver returns the case after a hand-over: a new one, unless open is the
// case of the conversation that is not closed. A hand-over has one alert, the
// event waiting; an open case that is with people needs none.
func HandOver(open *Case, t bot.Turn, at time.Time) Change {
	h := t.Handoff
	if open != nil && open.Open() {
		return begin(*open, Actor{}, "", at).Change
	}
	c := Case{State: Waiting, Opened: at}
	if open != nil {
		c = *open
	}
	m := begin(c, Actor{}, "hand it over", at)
	m.Case.State, m.Case.Owner = Waiting, ""
	m.Case.Cause, m.Case.Intent, m.Case.Card = h.Cause, h.Intent, t.Card
	m.Case.Lang, m.Case.Traditional = t.State.Lang, t.State.Traditional
	m.Case.Urgency = max(m.Case.Urgency, UrgencyOf(h.Cause))
	m.Case.Handed, m.Case.Unanswered = at, at
	m.Case.Resolved, m.Case.Snoozed, m.Case.Escalated = time.Time{}, time.Time{}, nil
	m.event(EventWaiting, string(h.Cause))
	if open == nil {
		for _, tried := range h.Tried {
			m.Counts = append(m.Counts, dialog.Count{Intent: tried.Intent, Brand: h.Facts["brand"], Step: tried.Step, Result: tried.Result, N: 1})
		}
	}
	return m.Change
}

// Inherits reports whether a hand-over belongs to a case that is not closed:
// one with people always, a released one if the trouble is the same, a
// resolved one never, as it would have been reopened.
func Inherits(open Case, h dialog.Handoff) bool {
	switch open.State {
	case Released:
		return open.Intent == h.Intent || h.Intent == "" || open.Intent == ""
	case Resolved, Closed:
		return false
	}
	return true
}

// Superseded closes a case that a new trouble follows.
func Superseded(c Case, at time.Time) Change {
	m := begin(c, Actor{}, "close it", at)
	m.Case.State, m.Case.Closed = Closed, at
	m.settle()
	m.Case.Solved, m.Case.Rating = c.Solved, c.Rating
	m.event(EventClosed, "new_case")
	return m.Change
}

// Heard returns the case after messages of the merchant that the bot is silent
// about. It is the merchant's turn no more, and nobody sleeps through it. Words
// of anger make it as urgent as a case that began with them.
func Heard(c Case, messages []bot.MessageID, angry bool, at time.Time) Change {
	m := begin(c, Actor{}, "hear the merchant", at)
	if !m.was.Open() {
		return m.Change
	}
	if m.Case.State == WaitingOnMerchant {
		m.Case.State = Taken
	}
	if m.Case.Unanswered.IsZero() {
		m.Case.Unanswered = at
	}
	for _, id := range messages {
		m.event(EventMessage, "").Message = id
	}
	if !m.Case.Snoozed.IsZero() {
		m.Case.Snoozed = time.Time{}
		m.event(EventWoken, "")
	}
	m.mood(angry)
	return m.Change
}

// mood raises the urgency of the case of an angry merchant.
func (m *move) mood(angry bool) {
	if u := UrgencyOf(dialog.CauseAnger); angry && m.Case.Urgency < u {
		m.Case.Urgency = u
		m.event(EventUrgency, strconv.Itoa(int(u)))
	}
}

// Lost returns the case after another conversation of its merchant was erased.
func Lost(c Case, at time.Time) Change {
	m := begin(c, Actor{}, "say what was erased", at)
	m.event(EventErased, "")
	return m.Change
}

// Orphaned returns the case of a merchant whose people had them in a case of
// another conversation, which is erased: it waits for somebody again, unless
// somebody has it.
func Orphaned(c Case, at time.Time) Change {
	m := begin(c, Actor{}, "take it up again", at)
	m.Case.MergedInto = ""
	m.event(EventErased, "")
	if m.was.Open() {
		return m.Change
	}
	m.again("")
	m.Case.State, m.Case.Handed = Waiting, at
	m.event(EventWaiting, string(c.Cause))
	return m.Change
}

// Answered returns the case after what the merchant said to "is it solved?".
// messages are what reopened it, if it was.
func Answered(c Case, f dialog.Feedback, messages []bot.MessageID, angry bool, at time.Time) Change {
	m := begin(c, Actor{}, "hear the merchant", at)
	if f.Rating > 0 && m.was.Rating != f.Rating && !m.was.Open() {
		m.Case.Rating = f.Rating
		m.event(EventRated, strconv.Itoa(f.Rating))
	}
	if m.was.State != Resolved {
		return m.Change
	}
	switch {
	case f.Reopen:
		m.again(m.was.Owner)
		if f.Solved == dialog.No {
			m.Case.Solved = SolvedN
		}
		m.event(EventReopened, "")
		for _, id := range messages {
			m.event(EventMessage, "").Message = id
		}
		m.mood(angry)
	case f.Solved == dialog.Yes:
		m.Case.Solved = SolvedY
		m.event(EventConfirmed, "")
		m.Case.State, m.Case.Closed = Closed, at
		m.event(EventClosed, "confirmed")
	}
	return m.Change
}

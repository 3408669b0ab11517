package desk

import (
	"slices"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/dialog"
	"tilldesk/content/source"
)

// State is how far a case has come.
type State string

// The states of a case.
const (
	Waiting           State = "waiting"             // for somebody to take it
	Taken             State = "taken"               // its owner has the word
	WaitingOnMerchant State = "waiting_on_merchant" // its owner has answered
	Resolved          State = "resolved"            // the merchant is asked whether it is; reopened by a message within [ReopenWithin]
	Closed            State = "closed"              // for good, unless a person reopens it
	Released          State = "released"            // the bot has the word again
	Reopened          State = "reopened"            // the merchant says that it is not solved
)

// States lists the states in the order of a case's life.
var States = []State{Waiting, Taken, WaitingOnMerchant, Resolved, Closed, Released, Reopened}

// WithPerson reports whether the bot is silent in this state.
func (s State) WithPerson() bool {
	return s == Waiting || s == Taken || s == WaitingOnMerchant || s == Reopened
}

// ReopenWithin is how long after it was resolved a case is reopened by what
// the merchant writes, and how long a released one may come back.
const ReopenWithin = 24 * time.Hour

// Urgency orders the queue. The higher one goes first.
type Urgency int

// The urgencies.
const (
	Low    Urgency = 0
	Normal Urgency = 1
	High   Urgency = 2 // shorter due times; an angry merchant, an outage, a long wait
	Urgent Urgency = 3 // money or an account at risk, signs of fraud
)

// UrgencyOf is the urgency that a case begins with.
func UrgencyOf(cause dialog.Cause) Urgency {
	switch cause {
	case dialog.CauseMoney, dialog.CauseFraud, dialog.CauseRestricted:
		return Urgent
	case dialog.CauseAnger, dialog.CauseOutage:
		return High
	case dialog.CauseCashout:
		return Low
	}
	return Normal
}

// A Case is a hand-over of a conversation to people.
type Case struct {
	Number       int64  // counts up; the newer case has the higher one
	Ticket       string // names the case, for people and in URLs
	Conversation bot.ConversationID
	Address      bot.Address
	Merchant     string // what staff call the merchant, or ""
	State        State
	Version      int64  // counts the changes
	Owner        string // id of the person who has it, or ""
	Urgency      Urgency
	Cause        dialog.Cause
	Intent       string // of the symptom, or ""
	Lang         source.Lang
	Traditional  bool
	Tags         []string // sorted
	Card         bot.Card // as it was at the hand-over; see Desk.Card for the rest

	Opened   time.Time
	Handed   time.Time // the latest hand-over
	Taken    time.Time // first taken; zero if it never was
	Answered time.Time // first answer of a person; zero if there was none
	Resolved time.Time // the latest; zero if it is not
	Closed   time.Time // zero while it is open, resolved or released
	Updated  time.Time
	Snoozed  time.Time // until then it is out of the queue; zero if it is not snoozed
	// Unanswered is since when the merchant waits for a person: the hand-over,
	// then the oldest message without an answer. Zero if nothing waits.
	Unanswered time.Time
	Escalated  []DueKind // what was due and has been escalated
	Due        Due       // when it is due, by the opening hours of now

	Finding    Finding
	Solved     Answer    // what the merchant says
	Rating     int       // 1 to 5, 0 if not rated
	MergedInto string    // ticket of the case that this one is a double of
	Blocked    time.Time // since when the merchant is kept out; zero if they are not
	Viewers    []Presence
}

// Open reports whether somebody still has to do something about the case.
func (c Case) Open() bool { return c.State.WithPerson() }

// HasEscalated reports whether a due time has been escalated already.
func (c Case) HasEscalated(k DueKind) bool { return slices.Contains(c.Escalated, k) }

// Finding is what was wrong and what helped, as staff name it when they
// resolve a case.
type Finding struct {
	Cause string // id of a cause of the playbook, or words
	Fix   string // id of a step of the playbook, or words
}

// Answer is yes, no or nothing.
type Answer string

// The answers to "is it solved?".
const (
	Unasked Answer = ""
	SolvedY Answer = "yes"
	SolvedN Answer = "no"
)

// DueKind is what is due.
type DueKind string

// What is due.
const (
	FirstAnswer DueKind = "first_answer"
	NextAnswer  DueKind = "next_answer"
	Resolution  DueKind = "resolution"
)

// Due is when a case needs something; zero where nothing is due.
type Due struct {
	Answer     time.Time // the first or the next answer
	Kind       DueKind   // which of the two
	Resolution time.Time
}

// Presence is somebody who has a case open.
type Presence struct {
	Ticket string
	Staff  string // id
	Typing bool
	Gone   bool // has left it
	At     time.Time
}

// An Actor is who does something: a member of staff.
type Actor struct {
	ID   string // as cases are owned by; never empty for a person
	Name string // as merchants may see it
	Lead bool
}

// A Member is somebody of the staff, as far as the desk needs to know.
type Member struct {
	ID    string
	Name  string
	Lead  bool
	Away  bool          // gets no case by itself
	Langs []source.Lang // none given: all
}

// speaks reports whether a member answers in a language.
func (m Member) speaks(lang source.Lang) bool {
	return len(m.Langs) == 0 || lang == "" || slices.Contains(m.Langs, lang)
}

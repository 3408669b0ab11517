package desk

import (
	"errors"
	"fmt"

	"tilldesk/content/source"
)

// ErrNotFound says that there is no such case, canned reply or conversation.
var ErrNotFound = errors.New("not found")

// ErrNotSame says that conversations are not of one merchant, as far as staff
// know: perhaps a merge has been taken back meanwhile.
var ErrNotSame = errors.New("the conversations are not of one merchant")

// ErrNotReady says that the bot has not learnt yet what this needs; it will
// have in a moment.
var ErrNotReady = errors.New("the service is starting; try again in a moment")

// A TakenError says that a case is with somebody else. Nothing was changed.
type TakenError struct {
	Ticket string
	Owner  string // id of who has it
	Name   string // of who has it, if it is known
}

func (e *TakenError) Error() string {
	who := e.Name
	if who == "" {
		who = e.Owner
	}
	return fmt.Sprintf("case %s is with %s; ask them to hand it over, or a lead to give it to you", e.Ticket, who)
}

// A StateError says that a case is not in a state in which this can be done,
// or was changed since it was looked at. Nothing was changed.
type StateError struct {
	Ticket string
	State  State
	Action string // what was to be done: "reply", "resolve"
	Why    string // what to do first
}

func (e *StateError) Error() string {
	return fmt.Sprintf("case %s is %s, so it is too late or too early to %s: %s", e.Ticket, e.State, e.Action, e.Why)
}

// An InputError says that what staff entered cannot be taken.
type InputError struct {
	Field string      // "text", "tags"
	Why   source.Text // what is allowed
}

// bounded is a text with numbers in it.
func bounded(zh, en string, n ...any) source.Text {
	return source.Text{Zh: fmt.Sprintf(zh, n...), En: fmt.Sprintf(en, n...)}
}

func (e *InputError) Error() string { return e.Field + ": " + e.Why.En }

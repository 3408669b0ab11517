package outbox

import (
	"errors"

	"tilldesk/bot"
)

// A Class is what the error of a Send says about its message.
type Class string

// The classes.
const (
	Delivered Class = "delivered"
	Later     Class = "later"   // not delivered, may be sent again
	Never     Class = "never"   // not delivered, and cannot be
	Unknown   Class = "unknown" // delivered or not
)

// Classify returns the class of what Send returned: Delivered for nil, Never
// for [bot.ErrUnreachable] and for an error with a method Permanent() bool that
// returns true, Later for a [*bot.RetryError], Unknown for all others. Errors
// are looked for in the whole chain, in this order.
//
// An adapter gives its error a Permanent method when the network refused the
// message for good and will refuse it again: it is malformed, or too large.
func Classify(err error) Class {
	var permanent interface{ Permanent() bool }
	var retry *bot.RetryError
	switch {
	case err == nil:
		return Delivered
	case errors.Is(err, bot.ErrUnreachable):
		return Never
	case errors.As(err, &permanent) && permanent.Permanent():
		return Never
	case errors.As(err, &retry):
		return Later
	}
	return Unknown
}

package desk

import (
	"time"

	"tilldesk/bot"
)

// EventKind says what happened to a case.
type EventKind string

// The kinds of event. From and To of an event are the states before and after
// it, also where they are the same.
const (
	EventWaiting    EventKind = "waiting"     // handed over: the one alert of this hand-over
	EventTaken      EventKind = "taken"       // Owner has it now
	EventPutBack    EventKind = "put_back"    // into the queue
	EventGiven      EventKind = "given"       // to Owner, by Actor, or by the desk itself if Actor is ""
	EventMessage    EventKind = "message"     // Message came from the merchant
	EventReply      EventKind = "reply"       // Message went to the merchant, by Actor
	EventNote       EventKind = "note"        // Text, for staff only; Mentions
	EventUrgency    EventKind = "urgency"     // Text is the new one, as a number; by words of anger if Actor is ""
	EventTags       EventKind = "tags"        // Text is the new tags, with commas
	EventSnoozed    EventKind = "snoozed"     // Text is until when, RFC 3339
	EventWoken      EventKind = "woken"       // the snooze has ended
	EventOverdue    EventKind = "overdue"     // Text is the DueKind: a lead should look
	EventResolved   EventKind = "resolved"    // Text is cause and fix
	EventConfirmed  EventKind = "confirmed"   // the merchant says that it is solved
	EventRated      EventKind = "rated"       // Text is 1 to 5
	EventReopened   EventKind = "reopened"    // by the merchant if Actor is "", with Message if one did
	EventReleased   EventKind = "released"    // to the bot
	EventClosed     EventKind = "closed"      // Text says why
	EventMerged     EventKind = "merged"      // Text is the ticket of the other case
	EventSplit      EventKind = "split"       // that was taken back
	EventErased     EventKind = "erased"      // another conversation of the merchant is gone
	EventRenamed    EventKind = "renamed"     // Text is what the merchant is called now
	EventBlocked    EventKind = "blocked"     // the merchant is kept out; Text says why
	EventUnblocked  EventKind = "unblocked"   // and let in again
	EventDelivery   EventKind = "delivery"    // how far Message has come: Text is the bot.Delivery
	EventFile       EventKind = "file"        // a file of Message, which came before it, has been fetched
	EventBotMessage EventKind = "bot_message" // Message is a line of the bot in this case
)

// An Event is something that happened to a case. Its ID counts up in the order
// in which events become visible, over all cases and replicas: who has seen one
// has missed none before it.
type Event struct {
	ID           int64
	Ticket       string
	Conversation bot.ConversationID
	Kind         EventKind
	From, To     State
	Actor        string // id of the member of staff; "" for merchant, bot and desk
	Owner        string // of the case, after it
	Text         string
	Mentions     []string // ids of the staff that a note is for
	Message      bot.MessageID
	Version      int64 // of the case, after it
	At           time.Time
}

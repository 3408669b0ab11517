package desk

import (
	"time"

	"tilldesk/content/source"
)

// A Filter says which cases are listed. Zero fields leave all.
type Filter struct {
	States  []State // none given: all that are open
	Any     bool    // with no States: closed ones too
	Owner   string  // of this person
	Unowned bool    // of nobody
	Channel string
	Lang    source.Lang
	Intent  string
	Tag     string
	Urgency Urgency // at least
	Snoozed bool    // only snoozed ones; else they are left out of the queue
	Overdue bool    // only those whose answer is due
	// Search holds words or pieces of Chinese words that the case, its
	// merchant or its messages must have, all of them.
	Search string
	Order  Order
	After  string // Page.Next of the page before
	Limit  int    // 50 if 0, 200 at most
}

// Order is how cases are listed.
type Order string

// The orders of a list.
const (
	ByUrgency Order = ""       // the most urgent first, of these who waits longest
	ByNewest  Order = "newest" // the newest first; the order of a search
)

// A Page is a piece of a list.
type Page struct {
	Cases []Case
	Next  string // Filter.After of the next page; "" if this is the last one
}

// Counts are the numbers over the queue.
type Counts struct {
	Waiting  int // nobody has them: waiting, or reopened without an owner
	Mine     int // of the person who asks, open
	All      int // open
	Snoozed  int
	Overdue  int       // an answer is due
	Resolved int       // the merchant has not confirmed yet
	Oldest   time.Time // since when the merchant waits that waits longest; zero if none does
}

// An Extent is how much there is of a conversation.
type Extent struct {
	Messages    int       // of both sides
	First, Last time.Time // the oldest and the newest message; zero without any
	Tickets     []string  // of its cases, oldest first
}

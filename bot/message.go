package bot

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"tilldesk/bot/dialog"
	"tilldesk/content/source"
)

// A ConversationID names a conversation for good. It is ours; what the network
// calls it is in Address.
type ConversationID string

// A MessageID names a message of either side for good.
type MessageID string

// A RemoteID is what a network calls a message. It is opaque outside its
// channel.
type RemoteID string

// An Address is where a conversation lives on its network.
type Address struct {
	Channel string // the channel's name
	Remote  string // the network's id of the chat or user; opaque outside its channel
}

// An Inbound is what a channel received: authentic, bounded, and in no way
// understood yet.
type Inbound struct {
	Address Address
	// Remote names the message within its conversation. The same one accepted
	// again is the same message: networks deliver more than once.
	Remote RemoteID
	Text   string
	Choice string // the id of a choice that was pressed, or a command of dialog, or ""
	// Offer is the Seq of the reply that the pressed choice belongs to; 0 if the
	// network does not tell. A choice of a reply that others have followed is
	// answered as one that is gone.
	Offer int64
	Media []Media
	Lang  source.Lang // what the channel knows of the merchant's language, or ""
	// Traditional says that the merchant reads traditional characters.
	Traditional bool
	At          time.Time // when the network says it was sent; zero if it does not say
	// Settle is how long to wait for what belongs to it and comes apart from
	// it, such as the other pictures of an album; all is answered as one then.
	Settle time.Duration
}

// Media is a file that came with a message or goes out with one.
type Media struct {
	Kind   string `json:"kind"`             // image, voice, video, file
	Type   string `json:"type"`             // MIME type
	Remote string `json:"remote,omitempty"` // the network's handle, if it is not here yet
	Path   string `json:"path,omitempty"`   // below the data folder, once it is here
	Bytes  int64  `json:"bytes,omitempty"`
}

// Bounds on what Accept takes; a channel cuts or refuses before that.
const (
	MaxTextRunes = 20_000
	MaxIDBytes   = 512 // of a channel's name and of each id that a network makes
	maxMedia     = 20
	maxChoice    = 200 // bytes
)

// Check says why a message cannot be told from others and therefore not be
// accepted: its ids must be given, valid UTF-8 without NUL, and short.
// They are never cleaned, as two of them could become the same.
func (in Inbound) Check() error {
	for _, id := range []struct{ name, value string }{
		{"channel", in.Address.Channel}, {"conversation", in.Address.Remote}, {"message id", string(in.Remote)},
	} {
		if id.value == "" || len(id.value) > MaxIDBytes || !utf8.ValidString(id.value) || strings.ContainsRune(id.value, 0) {
			return fmt.Errorf("the %s %.40q must be 1 to %d bytes of UTF-8 without NUL", id.name, id.value, MaxIDBytes)
		}
	}
	return nil
}

// An Outbound is a reply on its way to the merchant.
type Outbound struct {
	ID           MessageID
	Conversation ConversationID
	Address      Address
	Seq          int64 // order within the conversation
	Author       Author
	Reply        Reply
	At           time.Time // when it was said
	Attempts     int       // times it was tried before
	Pieces       int       // pieces of a long one that are delivered already
	Lease        string    // proves to the store that the claim on it still holds
}

// Delivery is how far a reply has come.
type Delivery string

// The deliveries.
const (
	Unsent  Delivery = "new"
	Sending Delivery = "sending" // a request may be under way
	Sent    Delivery = "sent"
	Held    Delivery = "held" // it may have arrived or not; a person decides
	Dead    Delivery = "dead" // it will not be sent unless a person says so
)

// Parked is a message to a merchant that waits for a person: held or dead.
type Parked struct {
	Outbound
	Delivery Delivery
	Why      string
	Since    time.Time // when it was said
}

// PutAside is a merchant's message that could not be answered.
type PutAside struct {
	ID           MessageID
	Conversation ConversationID
	Address      Address
	Why          string
	Received     time.Time
}

// An Entry is a message of a conversation's transcript, of either side.
type Entry struct {
	ID           MessageID
	Conversation ConversationID
	Seq          int64 // order within the conversation; ascending, with gaps
	Author       Author
	Reply        Reply    // of a merchant only the text
	Choice       string   // the id of the choice that the merchant pressed, or ""
	Media        []Media  // what the merchant sent with it
	Secrets      []string // kinds of numbers that were masked
	At           time.Time
	Delivery     Delivery // of what was said to the merchant
	Remote       RemoteID // what the network calls it, once it is known
}

// Author is who said something.
type Author string

// The authors.
const (
	Merchant Author = "merchant"
	Bot      Author = "bot"
	Staff    Author = "staff"
)

// A Channel delivers messages to one network and is safe for concurrent use.
type Channel interface {
	// Name is stable: it is stored with every conversation.
	Name() string
	Limits() Limits
	// Send delivers one message and returns what the network calls it. Its error
	// says what became of the message, anywhere in its chain:
	//
	//   - ErrUnreachable: this conversation cannot be reached any more; the
	//     message is dead.
	//   - an error with a method Permanent() bool that returns true: the network
	//     refused the message for good and will refuse it again, as it is
	//     malformed or too large; the message is dead.
	//   - *RetryError: nothing was delivered; it is sent again, not before the
	//     time that the error gives.
	//   - any other: it may have been delivered or not. It is held until a
	//     person decides.
	//
	// The text of the error is stored and shown to staff: it must not hold a
	// secret, nor what the message says. A message that was sent before is
	// passed with the same ID.
	Send(ctx context.Context, m Outbound) (RemoteID, error)
}

// Limits are what a network can take, as data, so that the core can ask
// without knowing which network it is.
type Limits struct {
	// Pull is set for a channel whose client fetches its messages; nothing is
	// sent then, a stored message is a delivered one.
	Pull bool
	// Messages per second to one conversation and to all together; 0: no limit.
	PerConversation float64
	Overall         float64
	// Burst is how many messages to one conversation may go out at once before
	// its rate holds; 1 if 0.
	Burst int
	// Timeout of one Send; it ends before the lease of the message does.
	Timeout time.Duration
}

// ErrUnreachable says that a conversation cannot be reached any more: blocked,
// unsubscribed, deleted.
var ErrUnreachable = errors.New("the merchant cannot be reached on this channel any more")

// LongWait is the longest that a message can be put off and still keep back the
// ones after it.
const LongWait = 24 * time.Hour

// A RetryError is a failure after which nothing was delivered and the message
// may be sent again.
type RetryError struct {
	// After is for how long the message must not be sent; 0 leaves it to the
	// sender. One put off for more than [LongWait] does not keep back those after
	// it: it waits for something else than a better moment.
	After time.Duration
	Err   error
	// Reached says that the network answered: the failure is about this message
	// or its merchant alone, and others can be sent.
	Reached bool
}

func (e *RetryError) Error() string {
	if e.After > 0 {
		return fmt.Sprintf("not sent, again after %v: %v", e.After, e.Err)
	}
	return fmt.Sprintf("not sent: %v", e.Err)
}

// Unwrap returns the cause.
func (e *RetryError) Unwrap() error { return e.Err }

// A Conversation is what is stored of one, without its messages.
type Conversation struct {
	ID      ConversationID
	Address Address
	State   dialog.State
}

// A Work is a conversation that has something to be answered, claimed by one
// worker. Its messages are in order, and a message with a choice is alone.
type Work struct {
	Conversation Conversation
	Lease        string // proves at Commit that the claim still holds
	Attempts     int    // times it was tried before
	Messages     []Pending
}

// A Pending is a stored message of a merchant that waits for its turn.
type Pending struct {
	ID      MessageID
	Text    string // masked
	Choice  string
	Media   []Media
	Secrets []string // kinds of numbers that were masked
	Lang    source.Lang
	At      time.Time

	Traditional bool
	Stale       bool // the choice belongs to a reply that others have followed
}

// A Turn is all that follows from a Work. It is committed whole or not at all.
type Turn struct {
	Work    Work
	State   dialog.State
	Reason  dialog.Reason
	Replies []Reply
	Pull    bool // the channel fetches its messages
	// Hold keeps the replies from being sent for so long after the message was
	// received: the request that brought it can carry them.
	Hold    time.Duration
	Handoff *dialog.Handoff
	Card    Card
	Solved  *dialog.Solved
	// Feedback is what the merchant says to the question whether a person has
	// solved their case.
	Feedback *dialog.Feedback
	Angry    bool   // the merchant is, in a message that is for a person
	Dead     string // why the messages were put aside; "" if they were answered
	At       time.Time
}

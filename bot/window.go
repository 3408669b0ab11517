package bot

import "time"

// A Window is what a network grants after a merchant did something: so many
// messages until some time. The zero Window grants nothing.
type Window struct {
	Kind    WindowKind
	Opened  time.Time
	Until   time.Time
	Allowed int
	Used    int
}

// WindowKind is what a merchant did that opened a window.
type WindowKind string

// The kinds of windows, from the one that grants most.
const (
	WindowMessage WindowKind = "message"
	WindowClick   WindowKind = "click" // on a menu
	WindowFollow  WindowKind = "follow"
	WindowScan    WindowKind = "scan" // of a QR code
)

// Left returns how many messages may be sent at a time.
func (w Window) Left(now time.Time) int {
	if !now.Before(w.Until) {
		return 0
	}
	return max(0, w.Allowed-w.Used)
}

// A Windowed channel can send only within windows. Staff are shown what is left
// before they type.
type Windowed interface {
	// Window returns the window of a conversation as it is at now; the zero
	// Window if nothing can be sent. What is said then goes out when the
	// merchant writes next.
	Window(conversation Conversation, now time.Time) (Window, error)
}

// A Call is a request of a network whose answer can carry replies.
type Call struct {
	Conversation ConversationID
	Remote       RemoteID // what makes it the same when it is repeated
	Window       Window   // what it opens; none if its Kind is ""
	At           time.Time
}

// Carried is what the answer to a Call carries.
type Carried struct {
	Body    string // "" if there is nothing to say
	Whole   int    // replies that are in it to their end, oldest first
	Pieces  int    // pieces of the next reply that are in it as well
	Invites bool   // it tells the merchant how to get the rest
	At      time.Time
}

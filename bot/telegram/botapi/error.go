package botapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"

	tg "github.com/go-telegram/bot"
)

// A Kind says what became of a call that failed.
type Kind string

// The kinds.
const (
	NotSent      Kind = "not_sent"     // it did not reach Telegram
	Unknown      Kind = "unknown"      // it may have been done or not
	Flood        Kind = "flood"        // 429: not done, again after a while
	Unreachable  Kind = "unreachable"  // 403: the user has blocked the bot, or is gone
	Forbidden    Kind = "forbidden"    // 403 otherwise: not a member, not allowed
	Migrated     Kind = "migrated"     // 400: the group has another id now
	NotModified  Kind = "not_modified" // 400: it is so already
	NoTopic      Kind = "no_topic"     // 400: the topic is not there
	TopicClosed  Kind = "topic_closed" // 400
	NoChat       Kind = "no_chat"      // 400: there is no such chat for this bot
	NoMessage    Kind = "no_message"   // 400: the message is not there
	NoRights     Kind = "no_rights"    // 400: an administrator's right is missing
	BadEntities  Kind = "bad_entities" // 400: the formatting is wrong
	TooLate      Kind = "too_late"     // 400: the press is too old to be answered
	Rejected     Kind = "rejected"     // 400 and others: it will not be done
	Unauthorized Kind = "unauthorized" // 401 or 404: the token is not valid
	Conflict     Kind = "conflict"     // 409: somebody else polls, or a webhook is set
)

// An Error is a call that failed. It can be logged: it says what Telegram said,
// and nothing of the token or of what was sent.
type Error struct {
	Method string
	Kind   Kind
	Text   string        // what Telegram said, or what went wrong
	After  time.Duration // of Flood: not before
	To     int64         // of Migrated: the group's new id
}

func (e *Error) Error() string { return fmt.Sprintf("Telegram %s: %s: %s", e.Method, e.Kind, e.Text) }

// Permanent reports whether the same call would fail again.
func (e *Error) Permanent() bool {
	switch e.Kind {
	case NotSent, Unknown, Flood, Unauthorized, Conflict, Migrated:
		return false
	}
	return true
}

// KindOf returns the kind of an error, "" if it is none of a call.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return ""
}

// defaultFlood is the wait where Telegram names none.
const defaultFlood = time.Second

// explain makes an [Error] of one of the library.
func explain(method string, err error, a *attempt) *Error {
	e := &Error{Method: method, Kind: Unknown}
	var flood *tg.TooManyRequestsError
	var moved *tg.MigrateError
	switch {
	case errors.As(err, &flood):
		e.Kind, e.After = Flood, max(defaultFlood, time.Duration(flood.RetryAfter)*time.Second)
		e.Text = fmt.Sprintf("too many requests, again after %v", e.After)
	case errors.As(err, &moved):
		e.Kind, e.To, e.Text = Migrated, int64(moved.MigrateToChatID), fmt.Sprintf("the group is now %d", moved.MigrateToChatID)
	case errors.Is(err, tg.ErrorForbidden):
		e.refused(http.StatusForbidden, description(err))
	case errors.Is(err, tg.ErrorBadRequest):
		e.refused(http.StatusBadRequest, description(err))
	case errors.Is(err, tg.ErrorUnauthorized):
		e.refused(http.StatusUnauthorized, description(err))
	case errors.Is(err, tg.ErrorNotFound):
		e.refused(http.StatusNotFound, description(err))
	case errors.Is(err, tg.ErrorConflict):
		e.refused(http.StatusConflict, description(err))
	case a.status.Load() == http.StatusTooManyRequests: // without the words of the Bot API: a proxy
		e.Kind, e.After = Flood, max(defaultFlood, time.Duration(a.after.Load())*time.Second)
		e.Text = fmt.Sprintf("too many requests, again after %v", e.After)
	case a.status.Load() != 0:
		e.Text = fmt.Sprintf("the answer, status %d, cannot be read", a.status.Load())
		if refused, code := otherRefusal(err, method); refused {
			e.Text = fmt.Sprintf("Telegram failed with error %d", code)
		}
	case !a.connected.Load():
		e.Kind, e.Text = NotSent, cause(err)
	default:
		e.Text = cause(err)
	}
	return e
}

// otherRefusal reads the code out of the library's error for codes that it has
// no type for.
func otherRefusal(err error, method string) (ok bool, code int) {
	n, _ := fmt.Sscanf(err.Error(), "error response from telegram for method "+method+", %d", &code)
	return n == 1, code
}

// description is what Telegram said, which stands after the library's words.
func description(err error) string {
	_, text, _ := strings.Cut(err.Error(), ", ")
	return text
}

// refused takes a code and description of the Bot API. The descriptions are not
// promised by its documentation; those not known stay Rejected.
func (e *Error) refused(code int, text string) {
	e.Kind, e.Text = Rejected, clip(text)
	said := strings.ToLower(text)
	has := func(parts ...string) bool {
		for _, p := range parts {
			if strings.Contains(said, p) {
				return true
			}
		}
		return false
	}
	switch code {
	case http.StatusUnauthorized, http.StatusNotFound:
		e.Kind = Unauthorized
		e.Text = "the token is not valid any more; get one from BotFather"
	case http.StatusConflict:
		e.Kind = Conflict
	case http.StatusForbidden:
		e.Kind = Forbidden
		if has("blocked by the user", "user is deactivated", "can't initiate conversation", "can't send messages to bots") {
			e.Kind = Unreachable
		}
	case http.StatusBadRequest:
		for _, k := range badRequests {
			if has(k.words...) {
				e.Kind = k.kind
				return
			}
		}
	}
}

var badRequests = []struct {
	kind  Kind
	words []string
}{
	{NotModified, []string{"message is not modified", "topic_not_modified", "chat_not_modified"}},
	{NoTopic, []string{"message thread not found", "topic_deleted", "topic_id_invalid", "thread not found"}},
	{TopicClosed, []string{"topic_closed"}},
	{BadEntities, []string{"can't parse entities", "entity_bounds_invalid"}},
	{TooLate, []string{"query is too old", "query id is invalid"}},
	{NoMessage, []string{"message to edit not found", "message to copy not found", "message to be replied not found", "message to react not found",
		"message to pin not found", "message can't be edited", "message_id_invalid"}},
	{NoChat, []string{"chat not found", "peer_id_invalid", "user_id_invalid"}},
	{NoRights, []string{"not enough rights", "chat_admin_required", "need administrator rights", "administrator rights"}},
}

// cause says why a request failed, without its URL, which holds the token.
func cause(err error) string {
	var broken *url.Error
	if errors.As(err, &broken) {
		err = broken.Err
	}
	var dns *net.DNSError
	var network *net.OpError
	var syntax *json.SyntaxError
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "there was no answer in time"
	case errors.Is(err, context.Canceled):
		return "it was cancelled"
	case errors.As(err, &dns):
		return "the name of the server cannot be resolved"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "the connection was refused"
	case errors.As(err, &network):
		return "the network failed: " + network.Op
	case errors.As(err, &syntax):
		return "the answer is not JSON"
	case strings.Contains(err.Error(), "tls:"), strings.Contains(err.Error(), "x509:"):
		return "the server's certificate is not good"
	}
	return "the connection ended early"
}

// maxText bounds what is kept of a description.
const maxText = 200

func clip(text string) string {
	if len(text) > maxText {
		text = text[:maxText]
		for !utf8.ValidString(text) {
			text = text[:len(text)-1]
		}
	}
	return text
}

package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"tilldesk/bot"
	"tilldesk/bot/dialog"
)

const (
	maxBody   = 64 << 10
	maxChoice = 200 // bytes of a choice's id
	pageSize  = 200 // messages read from the store at once
	maxRead   = 1000
	// bodyWithin is the time to send a body of that size.
	bodyWithin = 10 * time.Second
)

var (
	conversationID = regexp.MustCompile(`^[A-Za-z0-9_-]{16,64}$`)
	messageID      = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
)

// A said is the body of POST /api/chat. After, which is ours, asks for all
// messages of the conversation that follow this sequence number.
type said struct {
	Conversation string  `json:"conversation"`
	MessageID    string  `json:"message_id"`
	Text         *string `json:"text"`
	Choice       *string `json:"choice"`
	After        *int64  `json:"after"`
}

// An answer is what POST /api/chat answers.
type answer struct {
	Replies []bot.Reply `json:"replies"`
	State   bot.Status  `json:"state"`
	// If after was given: what follows it, and where the conversation stands
	// now, which differs from State when the message is an old one sent again.
	Messages *[]message  `json:"messages,omitempty"`
	Now      *bot.Status `json:"now,omitempty"`
}

// A transcript is what GET /api/chat answers.
type transcript struct {
	Messages []message  `json:"messages"`
	State    bot.Status `json:"state"`
	More     bool       `json:"more"` // there are more after these
}

// A message is a message of either side, as the page shows it.
type message struct {
	bot.Reply
	Seq       int64        `json:"seq"`
	Author    bot.Author   `json:"author"`
	MessageID bot.RemoteID `json:"message_id,omitempty"` // the client's own id of what it sent
	Photo     bool         `json:"photo,omitempty"`      // GET /api/photo has the photo of this message
	Masked    bool         `json:"masked,omitempty"`     // numbers were hidden in it
	Media     []picture    `json:"media,omitempty"`      // what staff sent with it
	At        time.Time    `json:"at"`
}

// A picture is one that staff sent.
type picture struct {
	Kind string `json:"kind"` // image
	Type string `json:"type"` // image/jpeg
	URL  string `json:"url"`  // below the address of the service
}

// newMessage shows an entry to the client that the conversation belongs to.
func newMessage(conversation string, e bot.Entry) message {
	m := message{Reply: e.Reply, Seq: e.Seq, Author: e.Author, Masked: len(e.Secrets) > 0, At: e.At}
	if m.Choices == nil {
		m.Choices = []bot.Choice{}
	}
	if e.Author == bot.Merchant {
		m.MessageID = e.Remote
		for _, media := range e.Media {
			m.Photo = m.Photo || media.Path != ""
		}
		return m
	}
	for n, media := range e.Reply.Media {
		if isPicture(media) {
			m.Media = append(m.Media, picture{media.Kind, "image/jpeg", fmt.Sprintf("/api/media?conversation=%s&seq=%d&n=%d", conversation, e.Seq, n)})
		}
	}
	return m
}

// errTooLarge is an error that the status code 413 stands for.
var errTooLarge = fmt.Errorf("the body is larger than %d KiB", maxBody>>10)

// parse reads and checks the body of POST /api/chat.
func parse(body io.Reader) (in said, err error) {
	dec := json.NewDecoder(body)
	if err := dec.Decode(&in); err != nil {
		return said{}, explain(err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return said{}, errTooLarge
		}
		return said{}, errors.New("the body must be one JSON object and nothing after it")
	}
	return in, in.check()
}

// explain puts an error of decoding into words.
func explain(err error) error {
	var large *http.MaxBytesError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &large):
		return errTooLarge
	case errors.As(err, &kind) && kind.Field != "":
		return fmt.Errorf("%s must be a %s, not a JSON %s", kind.Field, strings.TrimLeft(kind.Type.String(), "*"), kind.Value)
	case errors.As(err, &kind):
		return fmt.Errorf("the body must be a JSON object, not a JSON %s", kind.Value)
	case errors.Is(err, io.EOF):
		return errors.New("the body is empty; send a JSON object")
	default:
		return fmt.Errorf("the body is not a JSON object: %w", err)
	}
}

func (in said) check() error {
	if err := checkIDs(in.Conversation, in.MessageID); err != nil {
		return err
	}
	switch {
	case in.Text == nil && in.Choice == nil:
		return errors.New("text is missing; give text, choice or both")
	case in.Text != nil && utf8.RuneCountInString(*in.Text) > bot.MaxTextRunes:
		return fmt.Errorf("text has more than %d characters; send it in parts", bot.MaxTextRunes)
	case in.Choice != nil && len(*in.Choice) > maxChoice:
		return fmt.Errorf("choice has more than %d bytes; send the id of a choice that was offered", maxChoice)
	case in.After != nil && *in.After < 0:
		return errors.New("after must be 0 or the seq of a message")
	}
	return nil
}

func checkIDs(conversation, message string) error {
	if !conversationID.MatchString(conversation) {
		return errors.New("conversation must be 16 to 64 characters of A-Z a-z 0-9 _ -, made by the client")
	}
	if !messageID.MatchString(message) {
		return errors.New("message_id must be 1 to 64 characters of A-Z a-z 0-9 _ -, made by the client")
	}
	return nil
}

// say takes a message and answers with what the bot says to it.
func (h *Handler) say(w http.ResponseWriter, r *http.Request) {
	allow(w, r, bodyWithin, h.opt.Wait+writeWithin)
	in, err := parse(http.MaxBytesReader(w, r.Body, maxBody))
	switch {
	case errors.Is(err, errTooLarge):
		refuse(w, http.StatusRequestEntityTooLarge, err.Error())
		return
	case err != nil:
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	if wait, ok := h.rules.Load().talks.take(in.Conversation); !ok {
		tooMany(w, r, wait)
		return
	}
	m := h.inbound(r, in.Conversation, in.MessageID)
	if in.Text != nil {
		m.Text = *in.Text
	}
	if in.Choice != nil {
		m.Choice = *in.Choice
	}
	h.answer(w, r, m, in.After)
}

// allow gives a request so long for its body and, from now, for its answer,
// whatever the server allows. A server without a WriteTimeout would not lift
// the second one for the next request of the connection; it is left alone.
func allow(w http.ResponseWriter, r *http.Request, body, answer time.Duration) {
	control, now := http.NewResponseController(w), time.Now()
	_ = control.SetReadDeadline(now.Add(body)) // fails where there is no connection, as in tests
	if s, ok := r.Context().Value(http.ServerContextKey).(*http.Server); ok && s.WriteTimeout > 0 {
		_ = control.SetWriteDeadline(now.Add(answer))
	}
}

func (h *Handler) inbound(r *http.Request, conversation, id string) bot.Inbound {
	return bot.Inbound{
		Address: bot.Address{Channel: Name, Remote: conversation},
		Remote:  bot.RemoteID(id),
		Lang:    acceptedLang(r),
		At:      h.opt.Now(),
	}
}

// crowded is when to come back who was refused because too many wait: some
// seconds pass before they have their answers.
const crowded = 3 * time.Second

// answer passes a message to the engine and waits for its answer. Whatever goes
// wrong, the sender may send the same message again: it is taken once.
func (h *Handler) answer(w http.ResponseWriter, r *http.Request, m bot.Inbound, after *int64) {
	// Each one that waits takes memory, and when answers are late they would come
	// faster than they go. Who is refused has the message still.
	select {
	case h.waiting <- struct{}{}:
		defer func() { <-h.waiting }()
	default:
		h.opt.Observe(bot.Event{Channel: Name, Refused: bot.RefusedFull})
		w.Header().Set("Connection", "close") // kept open, it would take half as much
		busy(w, r, crowded)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), h.opt.Wait)
	defer cancel()
	receipt, err := h.engine.Accept(ctx, m)
	if err != nil {
		h.unavailable(w, r, "a message could not be taken", err)
		return
	}
	h.followers.wake(m.Address.Remote)
	h.Notify(receipt.Conversation)
	said, err := h.engine.Replies(ctx, receipt.Message)
	if err != nil {
		h.unavailable(w, r, "the answer to a message could not be had", err, "conversation", receipt.Conversation, "message", receipt.Message)
		return
	}
	a := answer{Replies: []bot.Reply{}, State: bot.StatusOf(said.State)}
	for _, reply := range said.Replies {
		if reply.Choices == nil {
			reply.Choices = []bot.Choice{}
		}
		a.Replies = append(a.Replies, reply)
	}
	if after != nil {
		c, _, err := h.store.ConversationOf(ctx, Name, m.Address.Remote)
		if err != nil {
			h.unavailable(w, r, "the conversation could not be looked up", err, "conversation", receipt.Conversation)
			return
		}
		messages, _, err := h.history(ctx, m.Address.Remote, receipt.Conversation, *after)
		if err != nil {
			h.unavailable(w, r, "the history could not be read", err, "conversation", receipt.Conversation)
			return
		}
		now := bot.StatusOf(c.State)
		a.Messages, a.Now = &messages, &now
	}
	writeJSON(w, http.StatusOK, a)
}

// unavailable says that the service cannot at the moment.
func (h *Handler) unavailable(w http.ResponseWriter, r *http.Request, what string, err error, keys ...any) {
	if r.Context().Err() != nil {
		return // nobody listens any more
	}
	level := slog.LevelWarn
	if errors.Is(err, bot.ErrFull) || errors.Is(err, bot.ErrNoRoom) {
		level = slog.LevelDebug // it happens to all, and is said and counted elsewhere
	}
	h.opt.Log.With(keys...).Log(r.Context(), level, "web chat: not answered", "problem", what, "error", err)
	busy(w, r, time.Second)
}

// history returns what follows the sequence number, and whether there is more.
func (h *Handler) history(ctx context.Context, conversation string, id bot.ConversationID, after int64) (messages []message, more bool, err error) {
	messages = []message{}
	for len(messages) < maxRead {
		entries, err := h.store.History(ctx, id, after, pageSize)
		if err != nil {
			return nil, false, fmt.Errorf("reading the history of conversation %s: %w", id, err)
		}
		for _, e := range entries {
			messages = append(messages, newMessage(conversation, e))
			after = e.Seq
		}
		if len(entries) < pageSize {
			return messages, false, nil
		}
	}
	return messages, true, nil
}

// read answers with the history, or streams it.
func (h *Handler) read(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	conversation := query.Get("conversation")
	if !conversationID.MatchString(conversation) {
		refuse(w, http.StatusBadRequest, "conversation must be 16 to 64 characters of A-Z a-z 0-9 _ -")
		return
	}
	after, given, err := afterOf(query)
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	if strings.Contains(r.Header.Get("Accept"), "text/event-stream") {
		h.stream(w, r, conversation, after, given)
		return
	}
	c, known, err := h.store.ConversationOf(r.Context(), Name, conversation)
	if err != nil {
		h.unavailable(w, r, "the conversation could not be looked up", err)
		return
	}
	if !known {
		state := dialog.State{Lang: pageLang(r)}
		writeJSON(w, http.StatusOK, transcript{Messages: []message{}, State: bot.StatusOf(state)})
		return
	}
	messages, more, err := h.history(r.Context(), conversation, c.ID, after)
	if err != nil {
		h.unavailable(w, r, "the history could not be read", err, "conversation", c.ID)
		return
	}
	writeJSON(w, http.StatusOK, transcript{messages, bot.StatusOf(c.State), more})
}

// afterOf reads the sequence number that a request has everything up to.
func afterOf(query url.Values) (after int64, given bool, err error) {
	text := query.Get("after")
	if text == "" {
		return 0, false, nil
	}
	after, err = strconv.ParseInt(text, 10, 64)
	if err != nil || after < 0 {
		return 0, false, fmt.Errorf("after %.20q must be 0 or the seq of a message", text)
	}
	return after, true, nil
}

package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"tilldesk/bot"
)

// writeWithin is how long a client may take to receive one piece of a stream.
// A connection that is dead without knowing it ends with that.
const writeWithin = 10 * time.Second

// stream sends what is said from now on, or since the sequence number that the
// client has. Its events are replies. A client that asks with after gets the
// whole transcript: its own messages (event "mine"), the state when it changes
// (event "state"), and a sign of life that scripts can see (event "beat").
func (h *Handler) stream(w http.ResponseWriter, r *http.Request, conversation string, after int64, whole bool) {
	if !h.followers.enter() {
		busy(w, r, 10*time.Second)
		return
	}
	defer h.followers.leave()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(h.stopping, cancel)()

	s := &stream{h: h, w: w, control: http.NewResponseController(w), remote: conversation, after: after, whole: whole,
		news: make(chan struct{}, 1)}
	if last, err := strconv.ParseInt(r.Header.Get("Last-Event-ID"), 10, 64); err == nil && last >= 0 {
		s.after, s.placed = last, true
	}
	s.placed = s.placed || whole
	h.followers.follow(conversation, s.news)
	defer h.followers.unfollow(conversation, s.news)
	defer s.leave()
	if err := s.start(ctx); err != nil {
		h.unavailable(w, r, "a stream could not be started", err)
		return
	}
	s.run(ctx)
}

// A stream is one open page's.
type stream struct {
	h       *Handler
	w       http.ResponseWriter
	control *http.ResponseController
	remote  string
	whole   bool
	news    chan struct{}

	id     bot.ConversationID // "" until the conversation exists
	after  int64              // sent up to here
	placed bool               // after is set
	state  string             // sent last
}

// start finds the place to start from and opens the stream.
func (s *stream) start(ctx context.Context) error {
	if _, err := s.known(ctx); err != nil {
		return err
	}
	for !s.placed && s.id != "" {
		entries, err := s.h.store.History(ctx, s.id, s.after, pageSize)
		if err != nil {
			return fmt.Errorf("reading the history of conversation %s: %w", s.id, err)
		}
		if len(entries) > 0 {
			s.after = entries[len(entries)-1].Seq
		}
		s.placed = len(entries) < pageSize
	}
	s.placed = true
	head := s.w.Header()
	head.Set("Content-Type", "text/event-stream; charset=utf-8")
	head.Set("X-Accel-Buffering", "no") // of proxies that would wait for more
	head.Set("Connection", "close")     // no later request inherits the write deadline
	s.w.WriteHeader(http.StatusOK)
	return s.write("retry: 2000\n\n")
}

// known looks the conversation up and follows it once it exists.
func (s *stream) known(ctx context.Context) (bot.Conversation, error) {
	c, known, err := s.h.store.ConversationOf(ctx, Name, s.remote)
	if err != nil {
		return c, fmt.Errorf("looking up a conversation: %w", err)
	}
	if known && s.id == "" {
		s.id = c.ID
		s.h.followers.follow(string(s.id), s.news)
	}
	return c, nil
}

func (s *stream) leave() {
	if s.id != "" {
		s.h.followers.unfollow(string(s.id), s.news)
	}
}

// run sends what there is and waits for more, until the client or the service
// goes away.
func (s *stream) run(ctx context.Context) {
	poll := time.NewTicker(s.h.opt.Poll)
	defer poll.Stop()
	beat := time.NewTicker(s.h.opt.Heartbeat)
	defer beat.Stop()
	for {
		if err := s.catchUp(ctx); err != nil {
			return
		}
		select {
		case <-s.news:
		case <-poll.C:
		case <-beat.C:
			piece := ": beat\n\n"
			if s.whole {
				piece = "event: beat\ndata: {}\n\n"
			}
			if s.write(piece) != nil {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

// catchUp sends what is new. A failure of the store is waited out; the error
// is one of the client's connection.
func (s *stream) catchUp(ctx context.Context) error {
	c, err := s.known(ctx)
	if err != nil {
		return s.waitOut(ctx, err)
	}
	if s.id == "" {
		return nil
	}
	for {
		entries, err := s.h.store.History(ctx, s.id, s.after, pageSize)
		if err != nil {
			return s.waitOut(ctx, err)
		}
		for _, e := range entries {
			if err := s.sendEntry(e); err != nil {
				return err
			}
			s.after = e.Seq
		}
		if len(entries) < pageSize {
			break
		}
	}
	return s.sendState(bot.StatusOf(c.State))
}

func (s *stream) waitOut(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	s.h.opt.Log.Warn("web chat: a stream waits for the store", "conversation", s.id, "error", err)
	return nil
}

func (s *stream) sendEntry(e bot.Entry) error {
	if e.Author == bot.Merchant {
		if !s.whole {
			return nil
		}
		return s.send(e.Seq, "mine", newMessage(s.remote, e))
	}
	return s.send(e.Seq, "", newMessage(s.remote, e))
}

// sendState sends the state if it is not what was sent last.
func (s *stream) sendState(status bot.Status) error {
	if !s.whole {
		return nil
	}
	body, err := json.Marshal(status)
	if err != nil {
		return fmt.Errorf("encoding a state: %w", err)
	}
	if string(body) == s.state {
		return nil
	}
	s.state = string(body)
	return s.write("event: state\ndata: " + s.state + "\n\n")
}

func (s *stream) send(seq int64, event string, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encoding message %d: %w", seq, err)
	}
	if event != "" {
		event = "event: " + event + "\n"
	}
	return s.write(fmt.Sprintf("id: %d\n%sdata: %s\n\n", seq, event, body))
}

// write sends a piece at once and gives the client only so long for it.
func (s *stream) write(piece string) error {
	if err := s.control.SetWriteDeadline(time.Now().Add(writeWithin)); err != nil {
		return fmt.Errorf("setting a write deadline: %w", err)
	}
	if _, err := s.w.Write([]byte(piece)); err != nil {
		return err
	}
	return s.control.Flush()
}

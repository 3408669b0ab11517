package console

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"tilldesk/bot/desk"
	"tilldesk/bot/signin"
)

// writeWithin is how long a browser may take to receive one piece of a stream.
// A connection that is dead without knowing it ends with that.
const writeWithin = 10 * time.Second

// news is an event as the script gets it.
type news struct {
	ID     int64          `json:"id"`
	Kind   desk.EventKind `json:"kind"`
	Ticket string         `json:"ticket"`
	Alert  string         `json:"alert,omitempty"` // what to call this person with
}

// seen is a presence as the script gets it.
type seen struct {
	Ticket string `json:"ticket"`
}

// events streams what happens on the desk from now on, or after the event that
// the browser has seen last: each event once, in order, none left out.
func (c *Console) events(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(c.stopping, cancel)()
	newest, err := c.desk.LastEvent(ctx)
	if err != nil {
		c.fail(w, r, err)
		return
	}
	after, known := newest, false
	for _, text := range []string{r.Header.Get("Last-Event-ID"), r.URL.Query().Get("after")} {
		if id, err := strconv.ParseInt(text, 10, 64); err == nil && id >= 0 {
			after, known = id, true
			break
		}
	}
	s := &stream{w: w, control: http.NewResponseController(w), viewer: signin.From(ctx), desk: c.desk}
	head := w.Header()
	head.Set("Content-Type", "text/event-stream; charset=utf-8")
	head.Set("X-Accel-Buffering", "no") // of proxies that would wait for more
	head.Set("Connection", "close")     // no later request inherits the write deadline
	w.WriteHeader(http.StatusOK)
	opening := "retry: 2000\n\n"
	if known && after > newest {
		// The events were put back to an earlier time: nothing that the browser
		// shows is sure.
		opening += "event: again\ndata: {}\n\n"
		after = newest
	}
	if s.write(opening) != nil {
		return
	}
	s.run(ctx, c.desk.Subscribe(ctx, after), c.desk.Presences(ctx), c.opt.Heartbeat)
}

// A stream is one browser's.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	viewer  signin.Viewer
	desk    Desk
}

// run passes on what happens until the browser, the desk or the service goes
// away.
func (s *stream) run(ctx context.Context, events <-chan desk.Event, presences <-chan desk.Presence, heartbeat time.Duration) {
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		var piece string
		var err error
		select {
		case e, ok := <-events:
			if !ok {
				return
			}
			piece, err = s.event(ctx, e)
			for more := true; more && err == nil && len(piece) < 16<<10; {
				select {
				case e, ok := <-events:
					if !ok {
						_ = s.write(piece)
						return
					}
					var next string
					next, err = s.event(ctx, e)
					piece += next
				default:
					more = false
				}
			}
		case p, ok := <-presences:
			if !ok {
				return
			}
			if p.Staff == string(s.viewer.ID) {
				continue
			}
			piece, err = format("presence", 0, seen{p.Ticket})
		case <-beat.C:
			piece = ": beat\n\n"
		case <-ctx.Done():
			return
		}
		if err != nil || s.write(piece) != nil {
			return
		}
	}
}

// event is a desk event as a piece of the stream.
func (s *stream) event(ctx context.Context, e desk.Event) (string, error) {
	n := news{ID: e.ID, Kind: e.Kind, Ticket: e.Ticket}
	if key := s.alert(e); key != "" {
		k, err := s.desk.Case(ctx, e.Ticket)
		if err == nil { // one that was erased since calls for nobody
			n.Alert = say(s.viewer.Lang, key, e.Ticket, titleOf(s.viewer.Lang, k))
		}
	}
	return format("desk", e.ID, n)
}

// alert returns the words to call this person with, "" if the event needs
// nobody or somebody else.
func (s *stream) alert(e desk.Event) string {
	me := string(s.viewer.ID)
	switch {
	case e.Actor == me:
		return ""
	case e.Kind == desk.EventWaiting:
		return "alert.waiting"
	case e.Kind == desk.EventGiven && e.Owner == me:
		return "alert.given"
	case e.Kind == desk.EventNote && slices.Contains(e.Mentions, me):
		return "alert.mentioned"
	case e.Kind == desk.EventReopened && (e.Owner == me || e.Owner == ""):
		return "alert.reopened"
	}
	return ""
}

// format returns a piece of a stream; id 0 has none.
func format(event string, id int64, v any) (string, error) {
	body, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("encoding an event of the desk: %w", err)
	}
	piece := "event: " + event + "\ndata: " + string(body) + "\n\n"
	if id > 0 {
		piece = "id: " + strconv.FormatInt(id, 10) + "\n" + piece
	}
	return piece, nil
}

// write sends a piece at once and gives the browser only so long for it.
func (s *stream) write(piece string) error {
	if err := s.control.SetWriteDeadline(time.Now().Add(writeWithin)); err != nil {
		return fmt.Errorf("setting a write deadline: %w", err)
	}
	if _, err := s.w.Write([]byte(piece)); err != nil {
		return err
	}
	return s.control.Flush()
}

package telegramtest

import (
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// BotName is the username of the bot.
const BotName = "TillDeskBot"

// Server is a Bot API for one bot.
type Server struct {
	URL   string
	Token string
	ID    int64 // of the bot

	t    testing.TB
	http *httptest.Server

	mu        sync.Mutex
	changed   chan struct{} // closed, and another one made, with each change
	ended     chan struct{}
	chats     map[int64]*chat
	files     map[string]file
	queue     []queued
	nextID    int64 // of updates
	polls     int   // how many have begun
	polling   int   // how many are under way
	confirmed map[int64]bool
	webhook   webhook
	allowed   []string
	menus     []Call
	pressed   map[string]string // presses that were answered, and the notice
	presses   int
	calls     []Call
	intercept func(Call) http.HandlerFunc
	latency   time.Duration
}

// A Call is one that was made, with its parameters as texts.
type Call struct {
	Method string
	Params map[string]string
	Files  map[string][]byte
	At     time.Time
}

// Chat returns the chat_id of a call, 0 if it has none.
func (c Call) Chat() int64 {
	id, _ := strconv.ParseInt(c.Params["chat_id"], 10, 64)
	return id
}

type queued struct {
	id  int64
	raw json.RawMessage
}

type file struct {
	path string
	body []byte
	size int64 // as it is said to be
}

type webhook struct{ url, secret string }

// New starts a server that ends with the test. A call that the documentation
// does not allow is an error of the test.
func New(t testing.TB) *Server {
	s := &Server{
		Token: "710000001:AAE-secret_Token_of-the_bot_123456789", ID: 710000001, t: t,
		changed: make(chan struct{}), ended: make(chan struct{}),
		chats: map[int64]*chat{}, files: map[string]file{}, confirmed: map[int64]bool{}, pressed: map[string]string{},
		nextID: 500_000_001,
	}
	s.http = httptest.NewServer(http.HandlerFunc(s.serve))
	s.URL = s.http.URL
	t.Cleanup(func() {
		close(s.ended)
		s.http.CloseClientConnections()
		s.http.Close()
	})
	return s
}

// Handler returns what the server answers calls with, to put something else in
// front of it.
func (s *Server) Handler() http.Handler { return http.HandlerFunc(s.serve) }

// Intercept lets f answer calls instead; nil from f, and nil as f, leaves them
// to the server. f is called by one goroutine at a time.
func (s *Server) Intercept(f func(Call) http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.intercept = f
}

// Slow makes each call but getUpdates take at least so long.
func (s *Server) Slow(latency time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.latency = latency
}

// Calls returns the calls of the methods, all without any, oldest first.
func (s *Server) Calls(methods ...string) []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []Call
	for _, c := range s.calls {
		if len(methods) == 0 || slices.Contains(methods, c.Method) {
			found = append(found, c)
		}
	}
	return found
}

// Waiting returns the ids of updates that are not confirmed.
func (s *Server) Waiting() []int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ids []int64
	for _, q := range s.queue {
		ids = append(ids, q.id)
	}
	return ids
}

// RestartIDs lets the ids of updates go on from another number, as they do
// after a week without any.
func (s *Server) RestartIDs(from int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.nextID = from
}

// Update queues an update of the test's own: fields without the update_id.
func (s *Server) Update(fields string) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.push(fields)
}

// push queues an update. s.mu is held.
func (s *Server) push(fields string) int64 {
	id := s.nextID
	s.nextID++
	raw := json.RawMessage(fmt.Sprintf(`{"update_id":%d,%s`, id, strings.TrimPrefix(fields, "{")))
	s.queue = append(s.queue, queued{id, raw})
	s.change()
	return id
}

// Again queues the update once more, as Telegram does when it is not sure.
func (s *Server) Again(raw json.RawMessage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var u struct {
		ID int64 `json:"update_id"`
	}
	_ = json.Unmarshal(raw, &u)
	s.queue = append(s.queue, queued{u.ID, raw})
	s.change()
}

// Raw returns the updates that wait, as they are sent.
func (s *Server) Raw() []json.RawMessage {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []json.RawMessage
	for _, q := range s.queue {
		all = append(all, q.raw)
	}
	return all
}

// change tells all who wait. s.mu is held.
func (s *Server) change() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// patience is how long a test waits for what must come.
const patience = 3 * time.Minute

// Wait waits until done returns true; it is called after each change, and must
// not call the server's own methods that wait. The test ends if it never is.
func (s *Server) Wait(what string, done func() bool) {
	s.t.Helper()
	s.WaitFor(patience, what, done)
}

// WaitFor waits so long.
func (s *Server) WaitFor(d time.Duration, what string, done func() bool) {
	s.t.Helper()
	late := time.After(d)
	again := time.NewTicker(20 * time.Millisecond) // for what changes outside of the server
	defer again.Stop()
	for {
		s.mu.Lock()
		changed := s.changed
		s.mu.Unlock()
		if done() {
			return
		}
		select {
		case <-changed:
		case <-again.C:
		case <-late:
			s.t.Fatalf("waited for %s in vain", what)
		}
	}
}

// violation is what a call does wrong by the documentation.
func (s *Server) violation(format string, args ...any) {
	s.t.Errorf("Bot API: "+format, args...)
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	if name, ok := strings.CutPrefix(r.URL.Path, "/file/bot"+s.Token+"/"); ok {
		s.serveFile(w, name)
		return
	}
	method, ok := strings.CutPrefix(r.URL.Path, "/bot"+s.Token+"/")
	if !ok {
		refuse(w, http.StatusUnauthorized, "Unauthorized")
		return
	}
	call, err := read(r)
	call.Method, call.At = method, time.Now()
	if err != nil {
		s.violation("%s: %v", method, err)
		refuse(w, http.StatusBadRequest, "Bad Request: "+err.Error())
		return
	}
	if err := check(call); err != nil {
		s.violation("%s: %v", method, err)
		refuse(w, http.StatusBadRequest, "Bad Request: "+err.Error())
		return
	}
	s.mu.Lock()
	s.calls = append(s.calls, call)
	latency := s.latency
	var instead http.HandlerFunc
	if s.intercept != nil {
		instead = s.intercept(call)
	}
	s.change()
	s.mu.Unlock()
	if latency > 0 && method != "getUpdates" {
		timer := time.NewTimer(latency)
		select {
		case <-timer.C:
		case <-r.Context().Done():
			timer.Stop()
			return
		}
	}
	if instead != nil {
		instead(w, r)
		return
	}
	s.Answer(w, r, call)
}

// Answer does what a call asks for, for faults that come after it took effect.
func (s *Server) Answer(w http.ResponseWriter, r *http.Request, call Call) {
	if call.Method == "getUpdates" {
		s.getUpdates(w, r, call)
		return
	}
	s.mu.Lock()
	result, bad := s.perform(call)
	s.change()
	s.mu.Unlock()
	if bad != nil {
		bad.write(w)
		return
	}
	grant(w, result)
}

// read reads the parameters of a call, in any of the forms that the API takes.
func read(r *http.Request) (Call, error) {
	call := Call{Params: map[string]string{}, Files: map[string][]byte{}}
	for name, values := range r.URL.Query() {
		call.Params[name] = values[0]
	}
	kind, params, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch kind {
	case "application/json":
		var fields map[string]json.RawMessage
		if err := json.NewDecoder(r.Body).Decode(&fields); err != nil {
			return call, fmt.Errorf("the body is no JSON object: %w", err)
		}
		for name, raw := range fields {
			var text string
			if json.Unmarshal(raw, &text) != nil {
				text = string(raw)
			}
			call.Params[name] = text
		}
	case "multipart/form-data":
		reader := multipart.NewReader(r.Body, params["boundary"])
		for {
			part, err := reader.NextPart()
			if err == io.EOF || err != nil && len(call.Params)+len(call.Files) == 0 && r.ContentLength == 0 {
				return call, nil // a form without any part is no form
			}
			if err != nil {
				return call, fmt.Errorf("the form is broken: %w", err)
			}
			body, err := io.ReadAll(part)
			if err != nil {
				return call, fmt.Errorf("the form is broken: %w", err)
			}
			if part.FileName() != "" {
				call.Files[part.FormName()] = body
			} else {
				call.Params[part.FormName()] = string(body)
			}
		}
	}
	return call, nil
}

// A refusal is an answer that is not ok.
type refusal struct {
	code  int
	text  string
	more  map[string]any
	after int // seconds
}

func (f *refusal) write(w http.ResponseWriter) {
	body := map[string]any{"ok": false, "error_code": f.code, "description": f.text}
	if f.more != nil {
		body["parameters"] = f.more
	}
	if f.after > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(f.after))
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(f.code)
	_ = json.NewEncoder(w).Encode(body) // who has hung up does not read it
}

func refuse(w http.ResponseWriter, code int, text string) {
	(&refusal{code: code, text: text}).write(w)
}

func grant(w http.ResponseWriter, result any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"ok": true, "result": result})
}

package web_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"tilldesk/bot"
	"tilldesk/bot/dialog"
	"tilldesk/bot/web"
)

// An event is one of a stream's.
type event struct{ id, name, data string }

// follow opens a stream and returns its events, one at a time; the channel is
// closed when the stream ends.
func follow(t *testing.T, url string, headers ...string) <-chan event {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, "GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "text/event-stream")
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if kind := res.Header.Get("Content-Type"); res.StatusCode != http.StatusOK || !strings.HasPrefix(kind, "text/event-stream") {
		t.Fatalf("status %d, %s", res.StatusCode, kind)
	}
	events := make(chan event, 100)
	go func() {
		defer close(events)
		defer res.Body.Close()
		var e event
		lines := bufio.NewScanner(res.Body)
		for lines.Scan() {
			name, value, _ := strings.Cut(lines.Text(), ": ")
			switch name {
			case "id":
				e.id = value
			case "event":
				e.name = value
			case "data":
				e.data = value
			case "":
				if e.data != "" {
					events <- e
				}
				e = event{}
			}
		}
	}()
	return events
}

// next waits for an event.
func next(t *testing.T, events <-chan event) event {
	t.Helper()
	select {
	case e, ok := <-events:
		if !ok {
			t.Fatal("the stream ended")
		}
		return e
	case <-time.After(2 * time.Minute):
		t.Fatal("no event within two minutes")
	}
	panic("unreachable")
}

func (s *service) conversation(t *testing.T, remote string) bot.ConversationID {
	t.Helper()
	c, known, err := s.db.ConversationOf(t.Context(), web.Name, remote)
	if err != nil || !known {
		t.Fatalf("conversation %s: known %v, %v", remote, known, err)
	}
	return c.ID
}

// staff says something in a conversation.
func (s *service) staff(t *testing.T, remote, text string) {
	t.Helper()
	id := s.conversation(t, remote)
	reply := bot.Reply{Text: text, Kind: dialog.KindAgent, Choices: []bot.Choice{}}
	entries, err := s.db.Say(t.Context(), id, bot.Staff, []bot.Reply{reply}, true, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.web.Send(t.Context(), bot.Outbound{ID: entries[0].ID, Conversation: id}); err != nil {
		t.Fatal(err)
	}
}

func TestStream(t *testing.T) {
	s := start(t, web.Options{Poll: time.Hour}) // news come by notification alone
	t.Run("what a person says, later", func(t *testing.T) {
		post(t, s.URL, talk(1), "m1", "找人工")
		events := follow(t, s.URL+"/api/chat?conversation="+talk(1))
		s.staff(t, talk(1), "您好\n我来看一下")
		e := next(t, events)
		var got struct {
			Text, Kind, Author string
			Choices            []any
			Intent             *string
		}
		if err := json.Unmarshal([]byte(e.data), &got); err != nil {
			t.Fatal(err)
		}
		if e.name != "" || e.id == "" || got.Text != "您好\n我来看一下" || got.Kind != "agent" || got.Author != "staff" || got.Choices == nil {
			t.Errorf("event %+v", e)
		}
	})
	t.Run("from where it broke off", func(t *testing.T) {
		post(t, s.URL, talk(2), "m1", "找人工")
		url := s.URL + "/api/chat?conversation=" + talk(2)
		s.staff(t, talk(2), "one")
		s.staff(t, talk(2), "two")
		events := follow(t, url, "Last-Event-ID", "0")
		var ids, texts []string
		for range 3 { // the hand-over, one, two
			e := next(t, events)
			ids = append(ids, e.id)
			var m line
			if err := json.Unmarshal([]byte(e.data), &m); err != nil {
				t.Fatal(err)
			}
			texts = append(texts, m.Text)
		}
		if diff := cmp.Diff([]string{"one", "two"}, texts[1:]); diff != "" {
			t.Errorf("replayed (-want +got):\n%s", diff)
		}
		s.staff(t, talk(2), "three")
		if e := next(t, follow(t, url, "Last-Event-ID", ids[1])); e.id != ids[2] {
			t.Errorf("after %s came %s, want %s", ids[1], e.id, ids[2])
		}
	})
	t.Run("of a conversation that begins later", func(t *testing.T) {
		events := follow(t, s.URL+"/api/chat?conversation="+talk(3))
		a := decode[answered](t, post(t, s.URL, talk(3), "m1", "花呗扫不了"))
		for _, r := range a.Replies {
			var m line
			if err := json.Unmarshal([]byte(next(t, events).data), &m); err != nil || m.Text != r.Text {
				t.Errorf("streamed %q (%v), want %q", m.Text, err, r.Text)
			}
		}
	})
	t.Run("the whole transcript", func(t *testing.T) {
		events := follow(t, s.URL+"/api/chat?conversation="+talk(4)+"&after=0")
		post(t, s.URL, talk(4), "m1", "找人工")
		seen := map[string]int{}
		for seen["state"] == 0 || seen["mine"] == 0 || seen[""] == 0 {
			e := next(t, events)
			if e.name == "state" && !strings.Contains(e.data, `"with_human"`) {
				continue // as it was before the answer
			}
			seen[e.name]++
		}
	})
	t.Run("two at once", func(t *testing.T) {
		post(t, s.URL, talk(5), "m1", "找人工")
		url := s.URL + "/api/chat?conversation=" + talk(5)
		a, b := follow(t, url), follow(t, url)
		s.staff(t, talk(5), "both")
		if ea, eb := next(t, a), next(t, b); ea != eb {
			t.Errorf("one got %+v, the other %+v", ea, eb)
		}
	})
}

// TestStreamsEndAtShutdown shows that open streams do not hold a server up.
func TestStreamsEndAtShutdown(t *testing.T) {
	h := web.New(&fakeEngine{}, &fakeStore{}, web.Options{})
	s := httptest.NewUnstartedServer(h)
	s.Config.RegisterOnShutdown(h.Close)
	s.Start()
	var streams []<-chan event
	for i := range 20 {
		streams = append(streams, follow(t, s.URL+"/api/chat?conversation="+talk(i)))
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := s.Config.Shutdown(ctx); err != nil {
		t.Fatalf("shutting down with streams open: %v", err)
	}
	for _, events := range streams {
		if e, open := <-events; open {
			t.Errorf("event %+v of a stream that should have ended", e)
		}
	}
}

func TestTooManyStreams(t *testing.T) {
	h := web.New(&fakeEngine{}, &fakeStore{}, web.Options{Streams: 2})
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	t.Cleanup(h.Close)
	for i := range 2 {
		follow(t, s.URL+"/api/chat?conversation="+talk(i))
	}
	r := do(t, "GET", s.URL+"/api/chat?conversation="+talk(3), "", "Accept", "text/event-stream")
	if r.status != http.StatusServiceUnavailable || r.header.Get("Retry-After") == "" {
		t.Errorf("a third stream: %d, Retry-After %q", r.status, r.header.Get("Retry-After"))
	}
}

// TestStreamInTime runs a stream in fake time: its sign of life, the look for
// what nobody announced, a store that fails for a while, a deadline per write.
func TestStreamInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		st := &fakeStore{}
		st.add(bot.Merchant, "hello")
		h := web.New(&fakeEngine{}, st, web.Options{})
		ctx, cancel := context.WithCancel(t.Context())
		w := &watched{began: began, head: http.Header{}}
		done := make(chan struct{})
		go func() {
			defer close(done)
			r := httptest.NewRequest("GET", "/api/chat?conversation=conversation-0001", nil).WithContext(ctx)
			r.Header.Set("Accept", "text/event-stream")
			h.ServeHTTP(w, r)
		}()
		time.Sleep(4 * time.Second)
		st.add(bot.Staff, "one") // by another replica: found by looking
		time.Sleep(6 * time.Second)
		st.fail(fmt.Errorf("the database is away"))
		time.Sleep(6 * time.Second)
		st.fail(nil)
		st.add(bot.Staff, "two")
		time.Sleep(16 * time.Second)
		cancel()
		<-done
		want := []string{"0s retry: 2000", "6s id: 2", "15s : beat", "18s id: 3", "30s : beat"}
		if diff := cmp.Diff(want, w.pieces); diff != "" {
			t.Errorf("written (-want +got):\n%s", diff)
		}
		if w.unflushed || w.late {
			t.Errorf("pieces left unflushed: %v; written without a deadline of their own: %v", w.unflushed, w.late)
		}
	})
}

// TestDeadlines shows that what comes and goes slowly has an end, on a server
// that has none and on one whose own is too short.
func TestDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		root, err := os.OpenRoot(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		defer root.Close()
		h := web.New(&fakeEngine{}, &fakeStore{}, web.Options{Data: root})
		for _, tt := range []struct {
			url         string
			server      *http.Server
			read, write time.Duration // 0: not set
		}{
			{"/api/chat", &http.Server{}, 10 * time.Second, 0},
			{"/api/chat", &http.Server{WriteTimeout: time.Second}, 10 * time.Second, 30 * time.Second},
			{photoURL("", 1, "x"), &http.Server{}, 3 * time.Minute, 0},
			{photoURL("", 1, "x"), &http.Server{WriteTimeout: time.Second}, 3 * time.Minute, 3*time.Minute + 30*time.Second},
		} {
			r := httptest.NewRequest("POST", tt.url, strings.NewReader("{}"))
			r = r.WithContext(context.WithValue(r.Context(), http.ServerContextKey, tt.server))
			w := &watched{began: time.Now(), head: http.Header{}}
			h.ServeHTTP(w, r)
			if got := w.readDeadline.Sub(w.began); got != tt.read {
				t.Errorf("%s: %v to read, want %v", tt.url, got, tt.read)
			}
			if tt.write == 0 != w.deadline.IsZero() || tt.write != 0 && w.deadline.Sub(w.began) != tt.write {
				t.Errorf("%s: to be written by %v, want %v", tt.url, w.deadline, tt.write)
			}
		}
	})
}

// watched is a response that notes when what was written.
type watched struct {
	began    time.Time
	head     http.Header
	deadline time.Time

	readDeadline time.Time
	pieces       []string

	unflushed, late bool
}

func (w *watched) Header() http.Header { return w.head }
func (w *watched) WriteHeader(int)     {}
func (w *watched) Flush()              { w.unflushed = false }

func (w *watched) SetWriteDeadline(at time.Time) error {
	w.deadline = at
	return nil
}

func (w *watched) SetReadDeadline(at time.Time) error {
	w.readDeadline = at
	return nil
}

func (w *watched) Write(b []byte) (int, error) {
	first, _, _ := strings.Cut(string(b), "\n")
	w.pieces = append(w.pieces, fmt.Sprintf("%v %s", time.Since(w.began), first))
	w.late = w.late || !w.deadline.Equal(time.Now().Add(10*time.Second))
	w.unflushed = true
	return len(b), nil
}

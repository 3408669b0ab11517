package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tilldesk/config"
)

// TestStopInTime holds the steps of a stop to what CONTRACT.md promises.
func TestStopInTime(t *testing.T) {
	if all := hearingOut + 3*answering + sendingOut + settling; all > 9500*time.Millisecond {
		t.Errorf("a stop may take %v; ten seconds are promised, with the store to close", all)
	}
}

// TestHandlerPanics lets a route panic, before and after it began to answer:
// the sender is told politely if that is still possible, nothing of what the
// panic says is logged, and the service goes on.
func TestHandlerPanics(t *testing.T) {
	a := littleApp(t.TempDir())
	a.parts = append(a.parts, part{name: "shaky", open: func(context.Context, *service) (plug, error) {
		return plug{routes: func(mux *http.ServeMux) {
			mux.HandleFunc("GET /shaky/early", func(http.ResponseWriter, *http.Request) { panic("the merchant's words") })
			mux.HandleFunc("GET /shaky/late", func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusAccepted)
				var nothing []int
				_ = nothing[len(w.Header())]
			})
		}}, nil
	}})
	s := startHere(t, a)
	s.learnt(t)
	for range 3 {
		resp, err := http.Get(s.url + "shaky/early")
		must(t, err)
		body, err := io.ReadAll(resp.Body)
		must(t, err)
		must(t, resp.Body.Close())
		var said struct{ Error string }
		if err := json.Unmarshal(body, &said); err != nil || resp.StatusCode != http.StatusInternalServerError || !strings.Contains(said.Error, "抱歉") || !strings.Contains(said.Error, "Sorry") {
			t.Errorf("answered %d %s", resp.StatusCode, body)
		}
		line, _ := s.log.await(t, 0, "a handler panicked", "request="+resp.Header.Get(requestHeader))
		if strings.Contains(line, "words") {
			t.Errorf("the log says %s", line)
		}
		if got := status(t, s.url+"shaky/late"); got != http.StatusAccepted {
			t.Errorf("answered %d", got)
		}
		s.log.await(t, 0, "a handler panicked", "index out of range")
		if _, raw, ok := say(s.url, "merchant-number-0001", "message-1", "你好"); !ok {
			t.Errorf("not answered after a panic: %s", raw)
		}
	}
	t.Log("6 panics of a handler, 3 before and 3 after it began to answer; a message was answered after each pair")
}

// TestRequestIDs gives each request an id that the log has as well, and logs a
// route without what people put into its path.
func TestRequestIDs(t *testing.T) {
	var logged bytes.Buffer
	log := newLogger(&logged, slog.LevelDebug, config.JSON)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /photo/{secret}", func(w http.ResponseWriter, r *http.Request) {
		log.With("a", 1).WithGroup("g").InfoContext(r.Context(), "inside")
		_, _ = io.WriteString(w, "four")
	})
	handler := identified(mux, log)
	ids := map[string]bool{}
	for range 3 {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/photo/secret?token=secret", nil))
		id := w.Header().Get(requestHeader)
		ids[id] = true
		if n := strings.Count(logged.String(), id); n != 2 {
			t.Errorf("the id %q is in %d lines, want 2:\n%s", id, n, logged.String())
		}
	}
	if len(ids) != 3 {
		t.Errorf("three requests have the ids %v", ids)
	}
	if text := logged.String(); strings.Contains(text, "/secret") || strings.Contains(text, "token") || !strings.Contains(text, `"status":200,"bytes":4`) {
		t.Errorf("the log says %s", text)
	}
}

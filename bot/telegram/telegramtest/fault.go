package telegramtest

import (
	"net/http"
)

// Refuse answers a call with an error of the API.
func Refuse(code int, description string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { refuse(w, code, description) }
}

// Flood answers 429, and when to come again.
func Flood(seconds int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		(&refusal{code: http.StatusTooManyRequests, text: "Too Many Requests: retry later", more: map[string]any{"retry_after": seconds}, after: seconds}).write(w)
	}
}

// Moved answers that the group has another id now.
func Moved(to int64) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		(&refusal{code: http.StatusBadRequest, text: "Bad Request: group chat was upgraded to a supergroup chat", more: map[string]any{"migrate_to_chat_id": to}}).write(w)
	}
}

// Page answers with a page, as proxies do.
func Page(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte("<html>Bad gateway</html>"))
	}
}

// Cut closes the connection without a word.
func Cut() http.HandlerFunc {
	return func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
}

// CutAfter does what the call asks for, and closes the connection without a
// word.
func (s *Server) CutAfter(call Call) http.HandlerFunc {
	return func(_ http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		_, _ = s.perform(call)
		s.change()
		s.mu.Unlock()
		panic(http.ErrAbortHandler)
	}
}

// Hang takes the call and does not answer while the caller waits.
func (s *Server) Hang() http.HandlerFunc {
	return func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-s.ended:
		}
	}
}

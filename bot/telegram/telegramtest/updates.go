package telegramtest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// getUpdates answers as documented: an offset confirms all before it, a second
// poll ends the first one, and there is none while a webhook is set.
func (s *Server) getUpdates(w http.ResponseWriter, r *http.Request, call Call) {
	number := func(name string, otherwise int) int {
		if n, err := strconv.Atoi(call.Params[name]); err == nil {
			return n
		}
		return otherwise
	}
	offset, limit := int64(number("offset", 0)), number("limit", 100)
	late := time.After(time.Duration(number("timeout", 0)) * time.Second)
	s.mu.Lock()
	s.polls++
	mine := s.polls
	s.polling++
	s.change()
	s.confirm(offset)
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.polling--
		s.mu.Unlock()
	}()
	for {
		s.mu.Lock()
		changed, overtaken, hooked := s.changed, s.polls != mine, s.webhook.url != ""
		batch := []json.RawMessage{}
		for _, q := range s.queue {
			if len(batch) < limit {
				batch = append(batch, q.raw)
			}
		}
		s.mu.Unlock()
		switch {
		case hooked:
			refuse(w, http.StatusConflict, "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first")
			return
		case overtaken:
			refuse(w, http.StatusConflict, "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running")
			return
		case len(batch) > 0:
			grant(w, batch)
			return
		}
		select {
		case <-changed:
		case <-late:
			grant(w, batch)
			return
		case <-r.Context().Done():
			return
		case <-s.ended:
			return
		}
	}
}

// confirm forgets the updates before the offset. One far beyond the newest
// confirms nothing. s.mu is held.
func (s *Server) confirm(offset int64) {
	if len(s.queue) == 0 || offset <= 0 || offset > s.queue[len(s.queue)-1].id+1 {
		return
	}
	var rest []queued
	for _, q := range s.queue {
		if q.id >= offset {
			rest = append(rest, q)
		} else {
			s.confirmed[q.id] = true
		}
	}
	s.queue = rest
}

// Confirmed reports whether the bot has said that it has an update.
func (s *Server) Confirmed(id int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.confirmed[id]
}

// Webhook returns where updates are to be sent, and with which secret.
func (s *Server) Webhook() (url, secret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.webhook.url, s.webhook.secret
}

// Deliver sends the oldest update to the webhook, handled by h if it is not nil
// instead of the URL, and confirms it if the answer is 2xx. It returns the
// status; 0 if nothing waits.
func (s *Server) Deliver(h http.Handler) int {
	s.mu.Lock()
	if len(s.queue) == 0 {
		s.mu.Unlock()
		return 0
	}
	next, hook := s.queue[0], s.webhook
	s.mu.Unlock()
	req, err := http.NewRequest(http.MethodPost, hook.url, bytes.NewReader(next.raw))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Telegram-Bot-Api-Secret-Token", hook.secret)
	status := 0
	if h != nil {
		w := &statusWriter{header: http.Header{}}
		h.ServeHTTP(w, req)
		status = w.status
	} else if resp, err := http.DefaultClient.Do(req); err == nil {
		resp.Body.Close()
		status = resp.StatusCode
	} else {
		s.t.Fatal(err)
	}
	if status/100 == 2 {
		s.mu.Lock()
		defer s.mu.Unlock()
		for i, q := range s.queue {
			if q.id == next.id {
				s.queue = append(s.queue[:i:i], s.queue[i+1:]...)
				s.confirmed[q.id] = true
				break
			}
		}
	}
	return status
}

type statusWriter struct {
	header http.Header
	status int
}

func (w *statusWriter) Header() http.Header { return w.header }

func (w *statusWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return len(b), nil
}

func (w *statusWriter) WriteHeader(status int) { w.status = status }

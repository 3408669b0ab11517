package channeltest

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
)

// connection is how the network can be reached.
type connection int

const (
	reachable connection = iota
	refused
	nowhere
	impostor
)

// open returns the URL of a network; end shuts it down.
func (c connection) open(handler http.Handler) (url string, end func()) {
	switch c {
	case refused:
		server := httptest.NewServer(handler)
		server.Close()
		return server.URL, func() {}
	case nowhere:
		return "http://two..dots", func() {} // no resolver is asked for a name like this
	case impostor:
		server := httptest.NewUnstartedServer(handler)
		server.Config.ErrorLog = log.New(io.Discard, "", 0)
		server.StartTLS()
		return server.URL, server.Close
	}
	server := httptest.NewServer(handler)
	return server.URL, server.Close
}

// stage is what the network of one part has at hand.
type stage struct {
	cancel   context.CancelFunc // ends the context of the Send
	released chan struct{}      // closed when the part is over
	overread atomic.Bool
}

// swallow reads a request to its end, so that its sender knows that it went out.
func swallow(r *http.Request) {
	io.Copy(io.Discard, r.Body) //nolint:errcheck // a request that ends early is as good
}

func says(status int, body string) func(*stage) http.HandlerFunc {
	return func(*stage) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			swallow(r)
			w.WriteHeader(status)
			io.WriteString(w, body) //nolint:errcheck // the channel may have hung up
		}
	}
}

// silence takes the request and does not answer before the context has ended.
func silence(st *stage) http.HandlerFunc {
	return func(_ http.ResponseWriter, r *http.Request) {
		swallow(r)
		st.cancel()
		<-st.released
	}
}

// drip does so after it began to answer.
func drip(st *stage) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		swallow(r)
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, "{") //nolint:errcheck // the channel may have hung up
		w.(http.Flusher).Flush()
		st.cancel()
		<-st.released
	}
}

// cutOff takes the request and closes the connection.
func cutOff(*stage) http.HandlerFunc {
	return func(_ http.ResponseWriter, r *http.Request) {
		swallow(r)
		panic(http.ErrAbortHandler)
	}
}

// cutAnswer closes it half-way through the answer of the network, which has
// delivered the message by then.
func (s Subject) cutAnswer(*stage) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		whole := httptest.NewRecorder()
		s.Network.ServeHTTP(whole, r)
		body := whole.Body.Bytes()
		for name, values := range whole.Header() {
			w.Header()[name] = values
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.WriteHeader(whole.Code)
		w.Write(body[:len(body)/2]) //nolint:errcheck // the channel may have hung up
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
}

// maxAnswer is more than any network answers to a message.
const maxAnswer = 16 << 20

// endless answers until the channel hangs up or has read too much. White space
// may stand before JSON, as much as one likes.
func endless(st *stage) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		swallow(r)
		w.Header().Set("Content-Type", "application/json")
		blank := bytes.Repeat([]byte(" "), 1<<16)
		for range maxAnswer / len(blank) {
			if _, err := w.Write(blank); err != nil {
				return
			}
		}
		st.overread.Store(true)
	}
}

// spellings are the forms in which a text may stand in an error.
func spellings(text string) []string {
	quoted, _ := json.Marshal(text)
	return []string{
		text, url.QueryEscape(text), url.PathEscape(text), strings.Trim(string(quoted), `"`),
		base64.StdEncoding.EncodeToString([]byte(text)), base64.URLEncoding.EncodeToString([]byte(text)),
	}
}

package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"net/http"
	"time"
)

// requestID is the key of a request's id in its context.
type requestID struct{}

// requestHeader carries the id of a request to its sender, who can name it when
// asking what went wrong.
const requestHeader = "X-Request-Id"

// identified gives every request an id that all lines logged with its context have,
// says in the log how it was answered, and answers those whose handler
// panicked. Paths are logged as patterns: those of people hold what only they
// should know.
func identified(next http.Handler, log *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		var random [8]byte
		_, _ = rand.Read(random[:]) // never fails
		id := hex.EncodeToString(random[:])
		r = r.WithContext(context.WithValue(r.Context(), requestID{}, id))
		w.Header().Set(requestHeader, id)
		a := &answered{ResponseWriter: w}
		defer func() {
			if p := recover(); p != nil {
				if p == http.ErrAbortHandler { //nolint:errorlint // the server compares it like this
					panic(p)
				}
				fault := newFault(p)
				log.ErrorContext(r.Context(), "a handler panicked", "error", fault.say, "stack", fault.stack)
				if a.status == 0 {
					sorry(a)
				}
			}
			level := slog.LevelDebug
			if a.status >= 500 && a.status != http.StatusServiceUnavailable {
				level = slog.LevelError
			}
			log.Log(r.Context(), level, "request", "method", r.Method, "route", r.Pattern, "status", a.status, "bytes", a.bytes, "took", time.Since(began))
		}()
		next.ServeHTTP(a, r)
	})
}

// sorry says that it is our fault, in both languages, as nothing that could
// tell which one is wanted can be relied on now.
func sorry(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusInternalServerError)
	_, _ = w.Write([]byte(`{"error":"抱歉，我们这边出了点问题，请再试一次。/ Sorry, something went wrong on our side. Please try again."}` + "\n"))
}

// answered notes how a request was answered.
type answered struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (a *answered) WriteHeader(status int) {
	if a.status == 0 && status >= 200 {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answered) Write(p []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	n, err := a.ResponseWriter.Write(p)
	a.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (a *answered) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// withRequest is a log whose lines have the id of the request in their context.
type withRequest struct{ slog.Handler }

func (h withRequest) Handle(ctx context.Context, r slog.Record) error {
	if id, ok := ctx.Value(requestID{}).(string); ok {
		r.AddAttrs(slog.String("request", id))
	}
	return h.Handler.Handle(ctx, r)
}

func (h withRequest) WithAttrs(attrs []slog.Attr) slog.Handler {
	return withRequest{h.Handler.WithAttrs(attrs)}
}

func (h withRequest) WithGroup(name string) slog.Handler {
	return withRequest{h.Handler.WithGroup(name)}
}

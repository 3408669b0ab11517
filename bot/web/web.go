// Package web is the merchant's web chat: its page, the JSON interface behind
// it, and the widget that puts it into a shop's own site. Its client fetches
// what was said, so nothing is ever sent: a stored message is a delivered one.
package web

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/peer"
)

// Name is the channel's name in stored conversations.
const Name = "web"

// An Engine takes messages in and answers them.
type Engine interface {
	Accept(ctx context.Context, in bot.Inbound) (bot.Receipt, error)
	Replies(ctx context.Context, id bot.MessageID) (bot.Answered, error)
}

// A Store knows what was said.
type Store interface {
	ConversationOf(ctx context.Context, channel, remote string) (c bot.Conversation, known bool, err error)
	// History returns up to limit messages that follow the sequence number, in order.
	History(ctx context.Context, conversation bot.ConversationID, after int64, limit int) ([]bot.Entry, error)
}

// Options of a Handler; zero values are good, except that they set no limits.
type Options struct {
	AddressPerSecond      float64 // requests to the interface from one address; 0: no limit
	ConversationPerMinute float64 // messages in one conversation; 0: no limit
	// TrustedProxies are the addresses whose X-Forwarded-For is believed. None
	// by default: anybody can write that header.
	TrustedProxies []netip.Prefix
	// EmbedOrigins are the sites that may show the chat in a frame, such as
	// "https://shop.example".
	EmbedOrigins []string
	// HTTPS says that the page is only ever reached over https; browsers are
	// told to insist on it.
	HTTPS bool
	// Data is the data folder, for photos; nil refuses photos.
	Data *os.Root
	// Room returns an error while there is no room for more photos; there always
	// is if nil.
	Room func() error

	Wait      time.Duration // how long a request waits for its answer; 20 s if 0
	Waiting   int           // requests that wait for answers at once; 1024 if 0
	Heartbeat time.Duration // of a stream; 15 s if 0
	Poll      time.Duration // how often a stream looks for what nobody announced; 3 s if 0
	Streams   int           // open at once; 2048 if 0
	Log       *slog.Logger
	Now       func() time.Time
	// Observe is told of messages that are refused because too many wait for
	// answers; nobody is if nil. It must not block.
	Observe func(bot.Event)
}

// Handler serves the web chat: /, /assets/, /api/ and /widget.js. It is a
// [bot.Channel] as well.
type Handler struct {
	engine Engine
	store  Store
	opt    Options
	serve  http.Handler

	followers followers
	rules     atomic.Pointer[rules]
	decoding  chan struct{}
	waiting   chan struct{} // as many as wait for answers

	stopping context.Context
	stop     context.CancelFunc
}

var _ bot.Channel = (*Handler)(nil)

// New returns a handler that is ready to serve. Close ends its streams; call it
// when the server starts to shut down (http.Server.RegisterOnShutdown), as
// Shutdown waits for them. Notify is to be called after each committed turn.
//
// The server should have a ReadHeaderTimeout, a ReadTimeout, a WriteTimeout and
// an IdleTimeout; what takes longer here, such as streams and photos, sets
// deadlines of its own.
func New(engine Engine, store Store, opt Options) *Handler {
	if opt.Wait == 0 {
		opt.Wait = 20 * time.Second
	}
	if opt.Waiting == 0 {
		opt.Waiting = 1024
	}
	if opt.Observe == nil {
		opt.Observe = func(bot.Event) {}
	}
	if opt.Heartbeat == 0 {
		opt.Heartbeat = 15 * time.Second
	}
	if opt.Poll == 0 {
		opt.Poll = 3 * time.Second
	}
	if opt.Streams == 0 {
		opt.Streams = 2048
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if opt.Room == nil {
		opt.Room = func() error { return nil }
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	h := &Handler{engine: engine, store: store, opt: opt, decoding: make(chan struct{}, 1), waiting: make(chan struct{}, opt.Waiting)}
	h.stopping, h.stop = context.WithCancel(context.Background())
	h.followers.limit = opt.Streams
	h.Change(opt)

	mux := http.NewServeMux()
	pages := newPages(opt.Data != nil)
	mux.HandleFunc("GET /{$}", pages.serve)
	mux.Handle("GET /assets/{name}", assets)
	mux.HandleFunc("GET /favicon.ico", favicon)
	mux.HandleFunc("GET /widget.js", serveWidget)
	api := http.NewServeMux()
	api.HandleFunc("POST /api/chat", h.say)
	api.HandleFunc("GET /api/chat", h.read)
	api.HandleFunc("POST /api/photo", h.takePhoto)
	api.HandleFunc("GET /api/photo", h.showPhoto)
	api.HandleFunc("GET /api/media", h.showMedia)
	mux.Handle("/api/", h.guard(http.NewCrossOriginProtection().Handler(api)))
	h.serve = h.secure(mux)
	return h
}

// rules are what may change while the handler serves.
type rules struct {
	addresses *limiter // nil: no limit
	talks     *limiter // nil: no limit
	trusted   []netip.Prefix
	origins   []string
}

// Change takes over the limits, the TrustedProxies and the EmbedOrigins of opt
// from the next request on; whoever had used up a limit starts afresh. All else
// stays as it is.
func (h *Handler) Change(opt Options) {
	h.rules.Store(&rules{
		addresses: newLimiter(opt.AddressPerSecond, opt.AddressPerSecond, h.opt.Now),
		talks:     newLimiter(opt.ConversationPerMinute/60, opt.ConversationPerMinute, h.opt.Now),
		trusted:   opt.TrustedProxies,
		origins:   opt.EmbedOrigins,
	})
}

// ServeHTTP serves a request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.serve.ServeHTTP(w, r) }

// Close ends all open streams. Requests that wait for an answer go on.
func (h *Handler) Close() { h.stop() }

// Notify makes open pages look for what is new in the conversation. It does
// not block; bot.Engine.Committed may call it.
func (h *Handler) Notify(id bot.ConversationID) { h.followers.wake(string(id)) }

// Name returns the channel's name.
func (h *Handler) Name() string { return Name }

// Limits says that the client fetches its messages.
func (h *Handler) Limits() bot.Limits { return bot.Limits{Pull: true} }

// Send has nothing to send: it wakes the page, which fetches the message.
func (h *Handler) Send(_ context.Context, m bot.Outbound) (bot.RemoteID, error) {
	h.Notify(m.Conversation)
	return bot.RemoteID(m.ID), nil
}

// policy allows what the page is made of and nothing else: its own script,
// style and pictures, and the pictures that it is about to send.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; frame-ancestors "

// secure puts the security headers on every response.
func (h *Handler) secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		head := w.Header()
		if origins := h.rules.Load().origins; len(origins) > 0 {
			head.Set("Content-Security-Policy", policy+strings.Join(origins, " "))
		} else {
			head.Set("Content-Security-Policy", policy+"'none'")
			head.Set("X-Frame-Options", "DENY")
		}
		head.Set("X-Content-Type-Options", "nosniff")
		head.Set("Referrer-Policy", "no-referrer")
		head.Set("Cross-Origin-Resource-Policy", "same-origin")
		head.Set("Cross-Origin-Opener-Policy", "same-origin")
		head.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
		if h.opt.HTTPS {
			head.Set("Strict-Transport-Security", "max-age=63072000")
		}
		next.ServeHTTP(w, r)
	})
}

// guard keeps the interface out of caches and within the limit per address.
func (h *Handler) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		rules := h.rules.Load()
		if wait, ok := rules.addresses.take(peer.Of(r, rules.trusted)); !ok {
			tooMany(w, r, wait)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// writeJSON answers with v. An error of writing is the client's: it is gone.
func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		http.Error(w, "encoding the answer failed", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
}

// refuse answers with an error in words.
func refuse(w http.ResponseWriter, status int, words string) {
	writeJSON(w, status, map[string]string{"error": words})
}

// followers are those who wait for news, by what they follow.
type followers struct {
	mu    sync.Mutex
	of    map[string]map[chan struct{}]bool
	open  int
	limit int
}

// wake tells those who follow key that there may be news.
func (f *followers) wake(key string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for c := range f.of[key] {
		select {
		case c <- struct{}{}:
		default: // it has been told and has not looked yet
		}
	}
}

func (f *followers) follow(key string, c chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.of == nil {
		f.of = map[string]map[chan struct{}]bool{}
	}
	if f.of[key] == nil {
		f.of[key] = map[chan struct{}]bool{}
	}
	f.of[key][c] = true
}

func (f *followers) unfollow(key string, c chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.of[key], c)
	if len(f.of[key]) == 0 {
		delete(f.of, key)
	}
}

// enter reserves a stream and reports false if there are too many.
func (f *followers) enter() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.open >= f.limit {
		return false
	}
	f.open++
	return true
}

func (f *followers) leave() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.open--
}

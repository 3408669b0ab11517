// Package signin is the one way into the desk: every request to a page of the
// desk passes a [Gate], which knows who sends it and what they may do.
//
// A gate has a table of routes, each with the role that it needs; what is not
// in the table does not exist. Whoever adds a page adds a line:
//
//	gate.HandleFunc("GET /desk/cases/{ticket}", staff.Agent, c.showCase)
//	gate.HandleFunc("POST /desk/cases/{ticket}/take", staff.Agent, c.take)
//	gate.HandleFunc("POST /desk/staff/{id}/disable", staff.Lead, c.disable)
//
// and finds in the handler, with [From], who is asking and in which language.
// What the gate does for all of them:
//
//   - The sessions are in the store, so that ending one ends it in all replicas.
//     A request that is still being answered when its session ends, such as a
//     stream, has its context cancelled within a second or two.
//   - A request that changes something (all methods but GET, HEAD and OPTIONS)
//     is refused if another site sent it (Sec-Fetch-Site, else Origin), so forms
//     need no token. Nothing may therefore be changed by a GET.
//   - Such a request is in the audit log before it is carried out, and again if
//     it was answered with an error.
//   - Headers: a content security policy without inline scripts and styles, no
//     frames, no caching, and what else keeps a page to itself.
package signin

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"tilldesk/bot/peer"
	"tilldesk/bot/staff"
)

// A Store keeps sessions, browsers and failed tries. Errors wrap
// [staff.ErrUnknown].
type Store interface {
	AddSession(ctx context.Context, s staff.Session, old []byte, e staff.Entry) (staff.SessionID, error)
	Session(ctx context.Context, hash []byte, now, idle time.Time) (staff.Session, staff.Account, error)
	SeeSession(ctx context.Context, id staff.SessionID, at time.Time) error
	Sessions(ctx context.Context, of staff.ID, now, idle time.Time) ([]staff.Session, error)
	EndSession(ctx context.Context, of staff.ID, id staff.SessionID, e staff.Entry) error
	EndSessions(ctx context.Context, of staff.ID, but staff.SessionID, e staff.Entry) error
	AddBrowser(ctx context.Context, hash []byte, of staff.ID, until time.Time) error
	KnowsBrowser(ctx context.Context, hash []byte, of staff.ID, now time.Time) (bool, error)
	Try(ctx context.Context, now time.Time, by ...staff.Try) (wait time.Duration, err error)
	Succeed(ctx context.Context, forget, takeBack []staff.Try) error
	AccountNamed(ctx context.Context, name string) (staff.Account, error)
}

// Options of a Gate; zero values are good.
type Options struct {
	// PublicURL is how browsers reach the service, such as
	// https://help.example. With https the cookies are for https alone.
	PublicURL string
	// TrustedProxies are the addresses whose X-Forwarded-For is believed.
	TrustedProxies []netip.Prefix
	OpenID         *OpenID        // nil for passwords alone; it needs PublicURL
	Idle           time.Duration  // a session ends when nobody did anything in it for so long; 2 h if 0
	Absolute       time.Duration  // and so long after it began; 12 h if 0
	Watch          time.Duration  // how often a request that takes long looks whether its session has ended; 1 s if 0
	Zone           *time.Location // of the times on pages; the machine's if nil
	Log            *slog.Logger
	Now            func() time.Time
}

// Gate serves the desk. Add its routes before it serves.
type Gate struct {
	accounts *staff.Accounts
	hasher   *staff.Hasher
	store    Store
	opt      Options
	https    bool

	mux    *http.ServeMux
	routes []Route
	origin *http.CrossOriginProtection
	openid *openid // nil if there is no provider
}

// New returns a gate with the routes of signing in and out, the password and
// the sessions of whoever is signed in.
func New(accounts *staff.Accounts, hasher *staff.Hasher, store Store, opt Options) (*Gate, error) {
	if opt.Idle == 0 {
		opt.Idle = 2 * time.Hour
	}
	if opt.Absolute == 0 {
		opt.Absolute = 12 * time.Hour
	}
	if opt.Watch == 0 {
		opt.Watch = time.Second
	}
	if opt.Zone == nil {
		opt.Zone = time.Local
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	g := &Gate{accounts: accounts, hasher: hasher, store: store, opt: opt, mux: http.NewServeMux(), origin: http.NewCrossOriginProtection()}
	if opt.PublicURL != "" {
		u, err := url.Parse(opt.PublicURL)
		if err != nil {
			return nil, err
		}
		g.https = u.Scheme == "https"
		// Behind a proxy the Host may be another than the browser's.
		if err := g.origin.AddTrustedOrigin(u.Scheme + "://" + u.Host); err != nil {
			return nil, err
		}
	}
	if opt.OpenID != nil {
		if opt.PublicURL == "" {
			return nil, errors.New("signing in with OpenID Connect needs the public URL, as the provider sends people back there")
		}
		g.openid = newOpenID(*opt.OpenID, opt.PublicURL)
	}
	g.handleOwn()
	return g, nil
}

// address returns whom a request counts against.
func (g *Gate) address(r *http.Request) string { return peer.Of(r, g.opt.TrustedProxies) }

// Public is the role that a route for everybody needs.
const Public staff.Role = ""

// A Route is a line of the table.
type Route struct {
	Pattern string     // as [http.ServeMux] has it, with its method
	Needs   staff.Role // Public, staff.Agent or staff.Lead

	maxBody  int64
	unlogged bool // not in the audit log
	personal bool // something that somebody does, though it is not logged by the gate
	logged   bool // in the audit log though it changes nothing
	early    bool // for those too who must change their password first
	handler  http.Handler
}

// An Option says what is special about a route.
type Option func(*Route)

// MaxBody lets requests have a body of so many bytes, instead of 64 KiB.
func MaxBody(bytes int64) Option { return func(r *Route) { r.maxBody = bytes } }

// Unlogged keeps a route that changes nothing of importance, such as "is
// typing", out of the audit log.
func Unlogged() Option { return func(r *Route) { r.unlogged = true } }

// Logged puts a route that only reads into the audit log, such as an export.
func Logged() Option { return func(r *Route) { r.logged = true } }

// own is for routes of the gate, which write entries of their own.
func own() Option { return func(r *Route) { r.unlogged, r.personal = true, true } }

func early() Option { return func(r *Route) { r.early = true } }

// Handle adds a route for those with the role. The pattern begins with a
// method and /desk/; it panics for others, as [http.ServeMux] does.
func (g *Gate) Handle(pattern string, needs staff.Role, h http.Handler, options ...Option) {
	method, path, ok := strings.Cut(pattern, " ")
	if !ok || method == "" || !strings.HasPrefix(path, "/desk/") {
		panic("signin: the pattern " + pattern + " does not begin with a method and /desk/")
	}
	if needs != Public && !staff.Lead.Includes(needs) {
		panic("signin: the route " + pattern + " needs the role " + string(needs) + ", which does not exist")
	}
	r := Route{Pattern: pattern, Needs: needs, handler: h, maxBody: 64 << 10}
	for _, option := range options {
		option(&r)
	}
	g.routes = append(g.routes, r)
	g.mux.Handle(pattern, g.guard(r))
}

// HandleFunc is Handle for a function.
func (g *Gate) HandleFunc(pattern string, needs staff.Role, h http.HandlerFunc, options ...Option) {
	g.Handle(pattern, needs, h, options...)
}

// Routes returns the table, in the order in which it was made.
func (g *Gate) Routes() []Route { return g.routes }

// Viewer is who looks at a page, and how.
type Viewer struct {
	staff.Staff // the zero value on a public page
	Lang        Lang
	Theme       staff.Theme
	Session     staff.SessionID
	Address     string // where the request came from
}

// By returns the viewer as the one who does something.
func (v Viewer) By() staff.By { return staff.By{ID: v.ID, Name: v.Name, Address: v.Address} }

type viewerKey struct{}

// From returns who sent the request with this context. In a handler of a route
// that needs a role it is always somebody who has it.
func From(ctx context.Context) Viewer {
	v, _ := ctx.Value(viewerKey{}).(Viewer)
	return v
}

// ServeHTTP serves a request to the desk.
func (g *Gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.secure(w)
	if err := g.origin.Check(r); err != nil {
		g.opt.Log.Warn("a request from another site was refused", "method", r.Method, "site", r.Header.Get("Sec-Fetch-Site"))
		g.refuse(w, r, http.StatusForbidden, "foreign")
		return
	}
	if _, pattern := g.mux.Handler(r); pattern == "" {
		g.guard(Route{Needs: staff.Agent, early: true, unlogged: true, handler: http.HandlerFunc(g.notFound)}).ServeHTTP(w, r)
		return
	}
	g.mux.ServeHTTP(w, r)
}

func (g *Gate) notFound(w http.ResponseWriter, r *http.Request) {
	g.refuse(w, r, http.StatusNotFound, "not_found")
}

// policy allows what pages are made of and nothing else: scripts, styles and
// pictures of our own, and pictures that are about to be sent.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src 'self'; connect-src 'self'; " +
	"manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"

// secure puts the security headers on the response.
func (g *Gate) secure(w http.ResponseWriter) {
	head := w.Header()
	head.Set("Content-Security-Policy", policy)
	head.Set("X-Frame-Options", "DENY")
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Referrer-Policy", "same-origin")
	head.Set("Cross-Origin-Resource-Policy", "same-origin")
	head.Set("Cross-Origin-Opener-Policy", "same-origin")
	head.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
	head.Set("Cache-Control", "no-store")
	if g.https {
		head.Set("Strict-Transport-Security", "max-age=63072000")
	}
}

// safe reports whether a request with the method changes nothing.
func safe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

// guard lets those through to a route who may use it.
func (g *Gate) guard(route Route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, route.maxBody)
		v := Viewer{Address: g.address(r)}
		account, session, err := g.session(r)
		switch {
		case err == nil:
			v.Staff, v.Session, v.Theme = account.Staff, session.ID, account.Theme
		case !errors.Is(err, staff.ErrUnknown):
			g.fail(w, r, err)
			return
		}
		v.Lang = langOf(r, account.Lang)
		r = r.WithContext(context.WithValue(r.Context(), viewerKey{}, v))
		switch {
		case route.Needs == Public:
			route.handler.ServeHTTP(w, r)
		case v.ID == "":
			g.askToSignIn(w, r)
		case account.Password.Once && session.Method == staff.ByPassword && !route.early:
			g.sendTo(w, r, "/desk/password")
		case !v.Role.Includes(route.Needs):
			g.refuse(w, r, http.StatusForbidden, "role")
		default:
			if err := g.see(r, route, session); err != nil {
				g.fail(w, r, err)
				return
			}
			ctx, stop := g.watch(r)
			defer stop()
			g.serve(w, r.WithContext(ctx), route, v)
		}
	})
}

// serve carries out a request that is allowed.
func (g *Gate) serve(w http.ResponseWriter, r *http.Request, route Route, v Viewer) {
	if (safe(r.Method) || route.unlogged) && !route.logged {
		route.handler.ServeHTTP(w, r)
		return
	}
	entry := v.By().Entry(route.Pattern, objectOf(route.Pattern, r), "")
	if err := g.accounts.Record(r.Context(), entry); err != nil {
		g.fail(w, r, err) // nothing is done without a trace
		return
	}
	seen := &statusWriter{ResponseWriter: w}
	route.handler.ServeHTTP(seen, r)
	if seen.status >= 400 {
		entry.Details = "answered with " + http.StatusText(seen.status)
		if err := g.accounts.Record(context.WithoutCancel(r.Context()), entry); err != nil {
			g.opt.Log.Error("the audit log lacks that an action failed", "action", route.Pattern, "error", err)
		}
	}
}

// objectOf returns what the wildcards of a pattern stand for in a request.
func objectOf(pattern string, r *http.Request) string {
	var values []string
	for rest := pattern; ; {
		_, after, ok := strings.Cut(rest, "{")
		if !ok {
			return strings.Join(values, " ")
		}
		name, more, _ := strings.Cut(after, "}")
		if value := r.PathValue(strings.TrimSuffix(name, "...")); value != "" {
			values = append(values, shorten(value, 80))
		}
		rest = more
	}
}

// statusWriter remembers the status of a response.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets [http.ResponseController] reach the connection.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// watch returns a context that ends with the request's session.
func (g *Gate) watch(r *http.Request) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(r.Context())
	hash := g.tokenHash(r)
	var look func()
	var timer *time.Timer
	look = func() {
		if _, _, err := g.store.Session(ctx, hash, g.opt.Now(), g.idleSince()); errors.Is(err, staff.ErrUnknown) {
			cancel(errEnded)
			return
		}
		if ctx.Err() == nil {
			timer.Reset(g.opt.Watch)
		}
	}
	ready := make(chan struct{})
	timer = time.AfterFunc(g.opt.Watch, func() { <-ready; look() })
	close(ready)
	return ctx, func() { timer.Stop(); cancel(nil) }
}

// errEnded is why a request was cut off.
var errEnded = errors.New("the session has ended")

// fail answers a request that met an error which is not its sender's.
func (g *Gate) fail(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() == nil {
		g.opt.Log.Error("a request to the desk failed", "error", err)
	}
	w.Header().Set("Retry-After", "5")
	g.refuse(w, r, http.StatusServiceUnavailable, "broken")
}

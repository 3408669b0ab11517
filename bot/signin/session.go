package signin

import (
	"context"
	"net/http"
	"time"

	"tilldesk/bot/staff"
)

// The cookies. With https their names have the prefix __Host-, which makes
// browsers refuse them from other hosts and over http.
const (
	sessionCookie = "tilldesk_session"
	browserCookie = "tilldesk_browser"
	langCookie    = "tilldesk_lang"
)

func (g *Gate) cookieName(name string) string {
	if g.https {
		return "__Host-" + name
	}
	return name
}

// setCookie sets a cookie that scripts cannot read; until is the zero time for
// one that the browser forgets when it is closed, and in the past to remove it.
func (g *Gate) setCookie(w http.ResponseWriter, name, value string, until time.Time) {
	c := &http.Cookie{Name: g.cookieName(name), Value: value, Path: "/", HttpOnly: true, Secure: g.https, SameSite: http.SameSiteLaxMode}
	if !until.IsZero() {
		c.Expires = until
		c.MaxAge = int(until.Sub(g.opt.Now()).Seconds())
		if c.MaxAge <= 0 {
			c.MaxAge = -1
		}
	}
	http.SetCookie(w, c)
}

func (g *Gate) cookie(r *http.Request, name string) string {
	c, err := r.Cookie(g.cookieName(name))
	if err != nil {
		return ""
	}
	return c.Value
}

// tokenHash returns the hash of the token of a request, nil if it has none.
func (g *Gate) tokenHash(r *http.Request) []byte {
	token := g.cookie(r, sessionCookie)
	if token == "" || len(token) > 64 {
		return nil
	}
	return staff.TokenHash(token)
}

func (g *Gate) idleSince() time.Time { return g.opt.Now().Add(-g.opt.Idle) }

// session returns who sent a request, and in which session, or
// staff.ErrUnknown.
func (g *Gate) session(r *http.Request) (staff.Account, staff.Session, error) {
	hash := g.tokenHash(r)
	if hash == nil {
		return staff.Account{}, staff.Session{}, staff.ErrUnknown
	}
	s, account, err := g.store.Session(r.Context(), hash, g.opt.Now(), g.idleSince())
	if err != nil {
		return staff.Account{}, staff.Session{}, err
	}
	return account, s, nil
}

// see notes that a session is used by somebody. To the minute is enough, and
// spares the database.
func (g *Gate) see(r *http.Request, route Route, s staff.Session) error {
	now := g.opt.Now()
	if now.Sub(s.Seen) < time.Minute || !byPerson(r, route) {
		return nil
	}
	return g.store.SeeSession(r.Context(), s.ID, now)
}

// byPerson reports whether a request comes of something that somebody did. A
// page that was left open asks for news by itself, and must not keep its session
// from ending: what counts is a page that was gone to, and what is recorded.
func byPerson(r *http.Request, route Route) bool {
	if !safe(r.Method) {
		return !route.unlogged || route.personal
	}
	dest := r.Header.Get("Sec-Fetch-Dest")
	return dest == "document" || dest == "" && r.Header.Get("Accept") != "text/event-stream"
}

// begin signs somebody in, in the browser that sent the request. Whatever
// session it had before ends, so that nobody can have planted it.
func (g *Gate) begin(ctx context.Context, w http.ResponseWriter, r *http.Request, s staff.Staff, method string, action string) error {
	now := g.opt.Now()
	token := staff.NewToken()
	by := staff.By{ID: s.ID, Name: s.Name, Address: g.address(r)}
	session := staff.Session{
		Staff: s.ID, Hash: staff.TokenHash(token), Method: method, Address: by.Address, Browser: shorten(r.UserAgent(), 200),
		Created: now, Seen: now, Ends: now.Add(g.opt.Absolute),
	}
	if _, err := g.store.AddSession(ctx, session, g.tokenHash(r), by.Entry(action, s.Name, method)); err != nil {
		return err
	}
	g.setCookie(w, sessionCookie, token, session.Ends)
	return nil
}

// shorten cuts a text to so many bytes, at a character.
func shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	cut := 0
	for i := range s {
		if i > n {
			break
		}
		cut = i
	}
	return s[:cut]
}

package signin

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"tilldesk/bot/staff"
)

// OpenID says how staff sign in with an OpenID Connect provider: by the
// authorization code flow with PKCE (OpenID Connect Core 1.0, 3.1; RFC 7636).
// Who they are is the issuer and the subject, never a name or an address.
type OpenID struct {
	Issuer       string // as the provider's discovery document has it
	ClientID     string
	ClientSecret string // empty for a public client
	Name         string // of the provider, for people
	Scopes       []string
	GroupsClaim  string
	Agents       []string // groups
	Leads        []string // groups
	// Client sends the requests to the provider; one with a timeout if nil.
	Client *http.Client
}

// providerTimeout bounds each request to the provider: somebody is waiting.
const providerTimeout = 10 * time.Second

// callbackPath is where the provider sends people back to.
const callbackPath = "/desk/signin/openid/callback"

// flowFor is how long somebody may take to sign in at the provider.
const flowFor = 10 * time.Minute

const flowCookie = "tilldesk_openid"

// openid is what is known of the provider.
type openid struct {
	OpenID
	redirect string
	provider atomic.Pointer[oidc.Provider] // nil until it was found
}

func newOpenID(o OpenID, publicURL string) *openid {
	if o.Client == nil {
		o.Client = &http.Client{
			Timeout: providerTimeout,
			// What the discovery document names is where it is.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
	}
	return &openid{OpenID: o, redirect: strings.TrimSuffix(publicURL, "/") + callbackPath}
}

// found returns the provider, looking for it if it was not found before: it
// may be down when the service starts.
func (o *openid) found(ctx context.Context) (*oidc.Provider, error) {
	if p := o.provider.Load(); p != nil {
		return p, nil
	}
	p, err := oidc.NewProvider(oidc.ClientContext(ctx, o.Client), o.Issuer)
	if err != nil {
		return nil, fmt.Errorf("asking the provider %s how to sign in: %w", o.Issuer, err)
	}
	o.provider.Store(p)
	return p, nil
}

// Reach fails if the provider cannot be asked how to sign in.
func (o OpenID) Reach(ctx context.Context) error {
	_, err := newOpenID(o, "").found(ctx)
	return err
}

func (o *openid) config(p *oidc.Provider) oauth2.Config {
	return oauth2.Config{
		ClientID: o.ClientID, ClientSecret: o.ClientSecret, Endpoint: p.Endpoint(), RedirectURL: o.redirect,
		Scopes: slices.Concat([]string{oidc.ScopeOpenID}, o.Scopes),
	}
}

// A flow is a sign-in that was begun. It is kept in a cookie of the browser
// that began it, and no other can end it.
type flow struct {
	State    string    `json:"s"`
	Nonce    string    `json:"n"`
	Verifier string    `json:"v"`
	Next     string    `json:"to"`
	Until    time.Time `json:"until"`
}

// startOpenID sends the browser to the provider.
func (g *Gate) startOpenID(w http.ResponseWriter, r *http.Request) {
	p, err := g.openid.found(r.Context())
	if err != nil {
		g.openIDFailed(w, r, err)
		return
	}
	f := flow{rand.Text(), rand.Text(), oauth2.GenerateVerifier(), next(r.FormValue("next")), g.opt.Now().Add(flowFor)}
	data, err := json.Marshal(f)
	if err != nil {
		g.fail(w, r, err)
		return
	}
	g.setCookie(w, flowCookie, base64.RawURLEncoding.EncodeToString(data), f.Until)
	cfg := g.openid.config(p)
	http.Redirect(w, r, cfg.AuthCodeURL(f.State, oidc.Nonce(f.Nonce), oauth2.S256ChallengeOption(f.Verifier)), http.StatusSeeOther)
}

// flow returns the sign-in that this browser began and that the provider
// answers, if there is one.
func (g *Gate) flow(r *http.Request) (f flow, ok bool) {
	data, err := base64.RawURLEncoding.DecodeString(g.cookie(r, flowCookie))
	if err != nil || json.Unmarshal(data, &f) != nil {
		return flow{}, false
	}
	given := r.URL.Query()
	issuer := given.Get("iss") // RFC 9207; not all providers send it
	return f, f.State != "" && f.Nonce != "" && f.Verifier != "" && g.opt.Now().Before(f.Until) &&
		subtle.ConstantTimeCompare([]byte(f.State), []byte(given.Get("state"))) == 1 &&
		(issuer == "" || issuer == g.openid.Issuer)
}

// endOpenID takes what the provider says of somebody.
func (g *Gate) endOpenID(w http.ResponseWriter, r *http.Request) {
	f, ok := g.flow(r)
	g.setCookie(w, flowCookie, "", time.Unix(1, 0)) // it serves once
	if !ok {
		g.refuseOpenID(w, r, http.StatusBadRequest, "openid_stale")
		return
	}
	if r.URL.Query().Get("error") != "" || r.URL.Query().Get("code") == "" {
		g.refuseOpenID(w, r, http.StatusForbidden, "openid_denied")
		return
	}
	who, err := g.openid.identify(r.Context(), r.URL.Query().Get("code"), f)
	if err != nil {
		g.openIDFailed(w, r, err)
		return
	}
	account, err := g.accounts.Identify(r.Context(), who, staff.By{Name: "openid", Address: g.address(r)})
	switch {
	case errors.Is(err, staff.ErrNotStaff):
		g.opt.Log.Warn("a sign-in was refused: no group of this person may use the desk", "address", g.address(r))
		g.refuseOpenID(w, r, http.StatusForbidden, "openid_group")
		return
	case errors.Is(err, staff.ErrDisabled):
		g.refuseOpenID(w, r, http.StatusForbidden, "openid_disabled")
		return
	case err != nil:
		g.fail(w, r, err)
		return
	}
	if err := g.begin(r.Context(), w, r, account, staff.ByOpenID, "signin"); err != nil {
		g.fail(w, r, err)
		return
	}
	g.sendTo(w, r, f.Next)
}

// identify exchanges the code for what the provider says of whoever signed in.
func (o *openid) identify(ctx context.Context, code string, f flow) (staff.Identity, error) {
	p, err := o.found(ctx)
	if err != nil {
		return staff.Identity{}, err
	}
	ctx = oidc.ClientContext(ctx, o.Client)
	cfg := o.config(p)
	token, err := cfg.Exchange(ctx, code, oauth2.VerifierOption(f.Verifier))
	if err != nil {
		return staff.Identity{}, fmt.Errorf("exchanging the code: %w", withoutBody(err))
	}
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return staff.Identity{}, errors.New("the provider gave no id_token")
	}
	id, err := p.VerifierContext(ctx, &oidc.Config{ClientID: o.ClientID}).Verify(ctx, raw)
	if err != nil {
		return staff.Identity{}, fmt.Errorf("checking the id_token: %w", err)
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(f.Nonce)) != 1 {
		return staff.Identity{}, errors.New("the id_token was made for another sign-in: its nonce differs")
	}
	claims := map[string]any{}
	if err := id.Claims(&claims); err != nil {
		return staff.Identity{}, fmt.Errorf("reading the id_token: %w", err)
	}
	// With an access token, a provider may keep all but the subject for the
	// UserInfo endpoint (OpenID Connect Core 1.0, 5.4).
	if _, ok := claims[o.GroupsClaim]; (!ok || nameOf(claims) == "") && p.UserInfoEndpoint() != "" {
		info, err := p.UserInfo(ctx, oauth2.StaticTokenSource(token))
		if err != nil {
			return staff.Identity{}, fmt.Errorf("asking for the groups: %w", withoutBody(err))
		}
		if info.Subject != id.Subject {
			return staff.Identity{}, errors.New("the UserInfo endpoint speaks of somebody else than the id_token")
		}
		more := map[string]any{}
		if err := info.Claims(&more); err != nil {
			return staff.Identity{}, fmt.Errorf("reading the user info: %w", err)
		}
		for name, value := range more {
			if _, ok := claims[name]; !ok {
				claims[name] = value
			}
		}
	}
	return staff.Identity{Issuer: id.Issuer, Subject: id.Subject, Name: nameOf(claims), Role: o.roleOf(groupsIn(claims[o.GroupsClaim]))}, nil
}

// withoutBody is an error of the provider without what it answered, which may
// repeat what it was sent.
func withoutBody(err error) error {
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) {
		return fmt.Errorf("the provider answers %q (%s)", shorten(refused.ErrorCode, 60), refused.Response.Status)
	}
	return err
}

// nameOf returns what somebody is called, or "".
func nameOf(claims map[string]any) string {
	for _, claim := range []string{"preferred_username", "name", "email"} {
		if name, ok := claims[claim].(string); ok && strings.TrimSpace(name) != "" {
			return name
		}
	}
	return ""
}

// groupsIn reads a claim that is a list of names or one name.
func groupsIn(claim any) []string {
	switch v := claim.(type) {
	case string:
		return []string{v}
	case []any:
		var groups []string
		for _, one := range v {
			if name, ok := one.(string); ok {
				groups = append(groups, name)
			}
		}
		return groups
	}
	return nil
}

// roleOf returns the highest role of the groups, or none.
func (o *openid) roleOf(groups []string) staff.Role {
	in := func(named []string) bool {
		return slices.ContainsFunc(groups, func(g string) bool { return slices.Contains(named, g) })
	}
	switch {
	case in(o.Leads):
		return staff.Lead
	case in(o.Agents):
		return staff.Agent
	}
	return ""
}

func (g *Gate) openIDFailed(w http.ResponseWriter, r *http.Request, err error) {
	g.opt.Log.Error("a sign-in with OpenID Connect failed", "error", err)
	g.refuseOpenID(w, r, http.StatusBadGateway, "openid_down")
}

// refuseOpenID says why somebody was not signed in, under one title.
func (g *Gate) refuseOpenID(w http.ResponseWriter, r *http.Request, status int, key string) {
	v := From(r.Context())
	g.show(w, status, "refusal", v.Lang, struct {
		page
		SignIn bool
	}{page{View: v, Title: "openid_title", Narrow: true, Message: say(v.Lang, key)}, true})
}

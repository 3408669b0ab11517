package wechattest

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// ExpireToken makes the present token one that is not taken any more.
func (a *API) ExpireToken(code int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.refused[a.token] = code
	a.token = ""
}

func (a *API) checkSecret(id, secret string) int {
	switch {
	case id != a.Account.AppID:
		return 40013
	case secret != a.Account.Secret:
		return 40125
	case a.Strange.Load():
		return 40164
	}
	return 0
}

func (a *API) stableToken(w http.ResponseWriter, r *http.Request, body []byte) {
	var in struct {
		Grant  string `json:"grant_type"`
		AppID  string `json:"appid"`
		Secret string `json:"secret"`
		Force  bool   `json:"force_refresh"`
	}
	if code := a.read(r, body, &in); code != 0 {
		a.fail(w, code)
		return
	}
	if in.Grant != "client_credential" {
		a.mistake("grant_type %q", in.Grant)
	}
	if in.Force {
		a.mistake("a token was refreshed by force")
	}
	if code := a.checkSecret(in.AppID, in.Secret); code != 0 {
		a.fail(w, code)
		return
	}
	a.giveToken(w)
}

func (a *API) classicToken(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if code := a.checkSecret(q.Get("appid"), q.Get("secret")); code != 0 {
		a.fail(w, code)
		return
	}
	a.giveToken(w)
}

func (a *API) giveToken(w http.ResponseWriter) {
	now := time.Now()
	if a.token == "" || a.expires.Sub(now) < 5*time.Minute {
		a.tokens++
		a.token, a.expires = fmt.Sprintf("70_access-token_%d_%s", a.tokens, strings.Repeat("x", 100)), now.Add(2*time.Hour)
	}
	a.answer(w, map[string]any{"access_token": a.token, "expires_in": int(a.expires.Sub(now).Seconds())})
}

func (a *API) checkToken(token string) int {
	switch {
	case a.refused[token] != 0:
		return a.refused[token]
	case token == "" || token != a.token:
		return BadToken
	case !time.Now().Before(a.expires):
		return ExpiredToken
	}
	return 0
}

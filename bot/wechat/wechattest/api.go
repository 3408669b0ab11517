package wechattest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"
)

// Error codes that tests name.
const (
	BadToken     = 40001
	ExpiredToken = 42001
	TooLong      = 45002
	WindowClosed = 45015
	UsedUp       = 45047
	NotGranted   = 48001
)

// API plays api.weixin.qq.com for one account. It is safe for concurrent use.
type API struct {
	Account Account

	// What the account may not do.
	NoMessages bool // customer-service messages: 48001
	NoMenus    bool // menu messages: 40200
	// Strange is set while the list of allowed addresses has not that of the
	// callers, which is 203.0.113.9: 40164.
	Strange atomic.Bool

	mu       sync.Mutex
	token    string
	expires  time.Time
	tokens   int
	refused  map[string]int // tokens that are not taken, and the code
	users    map[string]*user
	calls    map[string]int
	codes    map[string][]int
	sent     []Sent
	mistakes []string
	media    map[string][]byte
	menu     json.RawMessage
	online   []string // accounts at the own desk
}

// NewAPI returns an API for an account with all rights.
func NewAPI(a Account) *API {
	return &API{
		Account: a, refused: map[string]int{}, users: map[string]*user{}, calls: map[string]int{},
		codes: map[string][]int{}, media: map[string][]byte{},
	}
}

// Next lets the next calls of a path fail with codes; 0 succeeds.
func (a *API) Next(path string, codes ...int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.codes[path] = append(a.codes[path], codes...)
}

// Calls returns how often a path was called.
func (a *API) Calls(path string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.calls[path]
}

// Mistakes returns what no account should have sent.
func (a *API) Mistakes() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.mistakes)
}

// RoundTrip answers a call without a network.
func (a *API) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	return w.Result(), nil
}

// The paths of the API.
const (
	StableToken = "/cgi-bin/stable_token"
	Token       = "/cgi-bin/token"
	Send        = "/cgi-bin/message/custom/send"
	Typing      = "/cgi-bin/message/custom/typing"
	MenuCreate  = "/cgi-bin/menu/create"
	MenuGet     = "/cgi-bin/menu/get"
	MenuDelete  = "/cgi-bin/menu/delete"
	MediaGet    = "/cgi-bin/media/get"
	MediaUpload = "/cgi-bin/media/upload"
	KfList      = "/cgi-bin/customservice/getkflist"
	KfOnline    = "/cgi-bin/customservice/getonlinekflist"
	CallbackIP  = "/cgi-bin/getcallbackip"
)

const callerIP = "203.0.113.9"

// ServeHTTP answers a call. Its status is always 200, as that of the real one.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := readBody(r)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls[r.URL.Path]++
	if err != nil {
		a.mistake("%s: the body ends too early", r.URL.Path)
	}
	w.Header().Set("Content-Type", "application/json; encoding=utf-8")
	if next := a.codes[r.URL.Path]; len(next) > 0 {
		a.codes[r.URL.Path] = next[1:]
		if next[0] != 0 {
			a.fail(w, next[0])
			return
		}
	}
	switch r.URL.Path {
	case StableToken:
		a.stableToken(w, r, body)
		return
	case Token:
		a.classicToken(w, r)
		return
	}
	if code := a.checkToken(r.URL.Query().Get("access_token")); code != 0 {
		a.fail(w, code)
		return
	}
	switch r.URL.Path {
	case Send:
		a.fail(w, a.send(r, body))
	case Typing:
		a.fail(w, a.showTyping(r, body))
	case MenuCreate:
		a.fail(w, a.createMenu(r, body))
	case MenuGet:
		if a.menu == nil {
			a.fail(w, 46003)
			return
		}
		a.answer(w, map[string]any{"menu": a.menu})
	case MenuDelete:
		a.menu = nil
		a.fail(w, 0)
	case MediaGet:
		a.getMedia(w, r)
	case MediaUpload:
		a.uploadMedia(w, r, body)
	case KfList:
		a.listAgents(w, "kf_list", nil)
	case KfOnline:
		a.listAgents(w, "kf_online_list", a.online)
	case CallbackIP:
		a.answer(w, map[string]any{"ip_list": []string{"101.226.103.0"}})
	default:
		a.mistake("there is no %s", r.URL.Path)
		a.fail(w, 40066)
	}
}

func (a *API) mistake(format string, args ...any) {
	a.mistakes = append(a.mistakes, fmt.Sprintf(format, args...))
}

// fail answers with a code; 0 is success.
func (a *API) fail(w http.ResponseWriter, code int) {
	message := "ok"
	if code != 0 {
		message = fmt.Sprintf("error of a test rid: 6650-%d", code)
	}
	if code == 40164 {
		message = "invalid ip " + callerIP + " ipv6 ::ffff:" + callerIP + ", not in whitelist rid: 6650-40164"
	}
	a.answer(w, map[string]any{"errcode": code, "errmsg": message})
}

func (a *API) answer(w http.ResponseWriter, v any) {
	body, err := json.Marshal(v) // without a line feed, which some clients do not take
	if err != nil {
		panic(err)
	}
	_, _ = w.Write(body) // the caller may have gone
}

// read reads a JSON body as strictly as WeChat does, and more.
func (a *API) read(r *http.Request, body []byte, into any) int {
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); r.Method != http.MethodPost || kind != "application/json" {
		a.mistake("%s: %s with the type %q", r.URL.Path, r.Method, kind)
	}
	if !utf8.Valid(body) {
		a.mistake("%s: the body is not UTF-8", r.URL.Path)
		return 40033
	}
	for _, escape := range []string{`\u0`, `\u1`, `\u2`, `\u4`, `\u5`, `\u9`} {
		if bytes.Contains(body, []byte(escape)) {
			a.mistake("%s: the body has the escape %sxxx", r.URL.Path, escape)
			return 40033
		}
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		a.mistake("%s: %v", r.URL.Path, err)
		return 47001
	}
	return 0
}

func readBody(r *http.Request) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	return io.ReadAll(io.LimitReader(r.Body, 12<<20))
}

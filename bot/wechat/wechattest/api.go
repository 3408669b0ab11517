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
	"strconv"
	"strings"
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

// Sent is a message that the API took.
type Sent struct {
	To      string
	Kind    string // msgtype
	Text    string // of a menu: head and labels, a line each
	MediaID string
	At      time.Time
}

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
}

// user is what WeChat grants for a follower.
type user struct {
	until   time.Time
	left    int
	spoke   time.Time // the last exchange
	typing  time.Time
	refuses int // a code, if no message is taken at all
}

// NewAPI returns an API for an account with all rights.
func NewAPI(a Account) *API {
	return &API{
		Account: a, refused: map[string]int{}, users: map[string]*user{}, calls: map[string]int{},
		codes: map[string][]int{}, media: map[string][]byte{},
	}
}

// Grants of WeChat.
const (
	ByMessage = "message"
	ByClick   = "click"
)

// Heard notes that a follower did something, which grants messages.
func (a *API) Heard(openID, kind string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	u := a.users[openID]
	if u == nil {
		u = &user{}
		a.users[openID] = u
	}
	now := time.Now()
	u.spoke = now
	if kind == ByMessage {
		u.left, u.until = 5, now.Add(48*time.Hour)
	} else if !now.Before(u.until) || u.left == 0 {
		u.left, u.until = 3, now.Add(time.Minute)
	}
}

// Refuse lets all messages to a follower fail with a code.
func (a *API) Refuse(openID string, code int) {
	a.Heard(openID, ByMessage)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.users[openID].refuses = code
}

// Forget makes WeChat count as if the follower's grant were used up or over.
func (a *API) Forget(openID string, over bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if u := a.users[openID]; over {
		u.until = time.Time{}
	} else {
		u.left = 0
	}
}

// Next lets the next calls of a path fail with codes; 0 succeeds.
func (a *API) Next(path string, codes ...int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.codes[path] = append(a.codes[path], codes...)
}

// ExpireToken makes the present token one that is not taken any more.
func (a *API) ExpireToken(code int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.refused[a.token] = code
	a.token = ""
}

// Sent returns what was sent, oldest first.
func (a *API) Sent() []Sent {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.sent)
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

// Menu returns the menu of the account as it was created; "" if there is none.
func (a *API) Menu() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return string(a.menu)
}

// SetMenu gives the account a menu.
func (a *API) SetMenu(menu string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.menu = json.RawMessage(menu)
}

// SetMedia stores a file that can be downloaded.
func (a *API) SetMedia(id string, file []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.media[id] = file
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
		if a.NoMessages {
			a.fail(w, NotGranted)
			return
		}
		a.answer(w, map[string]any{"kf_list": []any{}})
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

// custom is a customer-service message (发送客服消息).
type custom struct {
	To   string `json:"touser"`
	Kind string `json:"msgtype"`
	Text *struct {
		Content string `json:"content"`
	} `json:"text"`
	Image *struct {
		MediaID string `json:"media_id"`
	} `json:"image"`
	Menu *struct {
		Head string `json:"head_content"`
		Tail string `json:"tail_content"`
		List []struct {
			ID      string `json:"id"`
			Content string `json:"content"`
		} `json:"list"`
	} `json:"msgmenu"`
	Agent *struct {
		Account string `json:"kf_account"`
	} `json:"customservice"`
	AI *struct {
		Is int `json:"is_ai_msg"`
	} `json:"aimsgcontext"`
}

func (a *API) send(r *http.Request, body []byte) int {
	var m custom
	if code := a.read(r, body, &m); code != 0 {
		return code
	}
	if m.AI != nil {
		a.mistake("what no model wrote is marked as written by one")
	}
	sent := Sent{To: m.To, Kind: m.Kind, At: time.Now()}
	switch {
	case m.Kind == "text" && m.Text != nil && m.Image == nil && m.Menu == nil:
		sent.Text = m.Text.Content
		if strings.TrimSpace(sent.Text) == "" {
			a.mistake("an empty text")
			return 44004
		}
		if len(sent.Text) > maxText {
			a.mistake("a text of %d bytes", len(sent.Text))
			return TooLong
		}
		if err := checkText(sent.Text); err != nil {
			a.mistake("%v", err)
		}
	case m.Kind == "image" && m.Image != nil && m.Text == nil && m.Menu == nil:
		if sent.MediaID = m.Image.MediaID; a.media[sent.MediaID] == nil {
			return 40007
		}
	case m.Kind == "msgmenu" && m.Menu != nil && m.Text == nil && m.Image == nil:
		if a.NoMenus {
			return 40200
		}
		lines := []string{m.Menu.Head}
		for _, item := range m.Menu.List {
			if _, err := strconv.Atoi(item.ID); err != nil || item.Content == "" {
				a.mistake("a menu with the item %q %q", item.ID, item.Content)
			}
			lines = append(lines, item.Content)
		}
		if len(m.Menu.List) == 0 {
			a.mistake("a menu without items")
		}
		sent.Text = strings.Join(append(lines, m.Menu.Tail), "\n")
	default:
		a.mistake("a message of the type %q with other contents", m.Kind)
		return 40008
	}
	if a.NoMessages {
		return NotGranted
	}
	u := a.users[m.To]
	switch {
	case u == nil:
		return 40003
	case u.refuses != 0:
		return u.refuses
	case !time.Now().Before(u.until):
		return WindowClosed
	case u.left == 0:
		return UsedUp
	}
	u.left--
	u.spoke, u.typing = time.Now(), time.Time{}
	a.sent = append(a.sent, sent)
	return 0
}

func (a *API) showTyping(r *http.Request, body []byte) int {
	var in struct {
		To      string `json:"touser"`
		Command string `json:"command"`
	}
	if code := a.read(r, body, &in); code != 0 {
		return code
	}
	u, now := a.users[in.To], time.Now()
	switch {
	case a.NoMessages:
		return NotGranted
	case in.Command != "Typing" && in.Command != "CancelTyping":
		return 45072
	case u == nil || now.Sub(u.spoke) > 30*time.Second:
		return 45080
	case now.Sub(u.typing) < 15*time.Second:
		return 45081
	}
	u.typing = now
	return 0
}

type button struct {
	Type string   `json:"type"`
	Name string   `json:"name"`
	Key  string   `json:"key"`
	URL  string   `json:"url"`
	Sub  []button `json:"sub_button"`
}

func (a *API) createMenu(r *http.Request, body []byte) int {
	var in struct {
		Buttons []button `json:"button"`
	}
	if code := a.read(r, body, &in); code != 0 {
		return code
	}
	if n := len(in.Buttons); n < 1 || n > 3 {
		return 40017
	}
	for _, b := range in.Buttons {
		if code := checkButton(b, 16, 5); code != 0 {
			return code
		}
	}
	a.menu = slices.Clone(body)
	return 0
}

// checkButton checks the limits of a menu (创建自定义菜单).
func checkButton(b button, name, subs int) int {
	switch {
	case b.Name == "" || len(b.Name) > name:
		return 40018
	case len(b.Sub) > subs:
		return 40023
	case len(b.Sub) == 0 && b.Type != "click" && b.Type != "view":
		return 40016
	case len(b.Key) > 128 || b.Type == "click" && b.Key == "":
		return 40019
	}
	for _, sub := range b.Sub {
		if code := checkButton(sub, 60, 0); code != 0 {
			return code
		}
	}
	return 0
}

func (a *API) getMedia(w http.ResponseWriter, r *http.Request) {
	file, ok := a.media[r.URL.Query().Get("media_id")]
	if !ok {
		a.fail(w, 40007)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", `attachment; filename="file"`)
	if _, err := w.Write(file); err != nil {
		panic(err)
	}
}

func (a *API) uploadMedia(w http.ResponseWriter, r *http.Request, body []byte) {
	r.Body = io.NopCloser(bytes.NewReader(body))
	file, head, err := r.FormFile("media")
	if err != nil || r.URL.Query().Get("type") != "image" {
		a.mistake("an upload without a picture: %v", err)
		a.fail(w, 41005)
		return
	}
	defer file.Close()
	content, err := io.ReadAll(file)
	switch {
	case err != nil || len(content) == 0:
		a.fail(w, 44001)
		return
	case len(content) > 2<<20:
		a.mistake("a picture of %d bytes", len(content))
		a.fail(w, 40009)
		return
	case !strings.Contains(head.Filename, "."):
		a.mistake("a picture with the name %q", head.Filename)
	}
	id := fmt.Sprintf("media-%d", len(a.media)+1)
	a.media[id] = content
	a.answer(w, map[string]any{"type": "image", "media_id": id, "created_at": time.Now().Unix()})
}

func readBody(r *http.Request) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	return io.ReadAll(io.LimitReader(r.Body, 12<<20))
}

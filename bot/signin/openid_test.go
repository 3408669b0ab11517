package signin_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tilldesk/bot/signin"
	"tilldesk/bot/staff"
	"tilldesk/bot/store/storetest"
)

// builtProvider is the program in testdata/provider, which all tests share.
var builtProvider = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "provider")
	if err != nil {
		return "", err
	}
	program := filepath.Join(dir, "provider")
	cmd := exec.Command("go", "build", "-o", program, ".")
	cmd.Dir = "testdata/provider"
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return program, nil
})

// provider is a process that is an OpenID Connect provider.
type provider struct {
	*testing.T
	issuer string
	file   string
	kill   func()
}

type providerUser struct {
	Password string   `json:"password"`
	Name     string   `json:"name"`
	Groups   []string `json:"groups"`
}

func startProvider(t *testing.T, redirect string) *provider {
	t.Helper()
	program, err := builtProvider()
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skipf("the provider cannot be built: %v", err)
	}
	p := &provider{T: t, file: filepath.Join(t.TempDir(), "users.json")}
	cmd := exec.CommandContext(t.Context(), program, p.file, redirect)
	in, err := cmd.StdinPipe() // its end ends the process
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var once sync.Once
	p.kill = func() { once.Do(func() { in.Close(); _ = cmd.Wait() }) }
	t.Cleanup(p.kill)
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	p.issuer = strings.TrimSpace(line)
	return p
}

// knows sets the users that can sign in, all with the same password.
func (p *provider) knows(users map[string]providerUser) {
	p.Helper()
	for id, u := range users {
		u.Password = "provider password"
		users[id] = u
	}
	data, err := json.Marshal(users)
	if err == nil {
		err = os.WriteFile(p.file, data, 0o600)
	}
	if err != nil {
		p.Fatal(err)
	}
}

// transport lets a test change what the provider answers.
type transport struct {
	mu     sync.Mutex
	change func(r *http.Request, body []byte) []byte
}

func (tr *transport) set(change func(*http.Request, []byte) []byte) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.change = change
}

func (tr *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(r)
	tr.mu.Lock()
	defer tr.mu.Unlock()
	if err != nil || tr.change == nil {
		return resp, err
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	body = tr.change(r, body)
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	resp.Header.Del("Content-Length")
	return resp, err
}

// openDesk is a desk with a provider.
func openDesk(t *testing.T) (*desk, *provider, *transport) {
	t.Helper()
	tr := &transport{}
	var p *provider
	d := newDesk(t, storetest.SQLite(t), func(d *desk, opt *signin.Options) {
		p = startProvider(t, d.server.URL+"/desk/signin/openid/callback")
		d.setNow(time.Now())
		opt.PublicURL = d.server.URL
		opt.OpenID = &signin.OpenID{
			Issuer: p.issuer, ClientID: "tilldesk", ClientSecret: "a secret of the provider", Name: "Keys & Co", Scopes: []string{"profile"},
			GroupsClaim: "groups", Agents: []string{"support", "night shift"}, Leads: []string{"support-leads"},
			Client: &http.Client{Transport: tr, Timeout: 10 * time.Second},
		}
	})
	return d, p, tr
}

// atProvider begins to sign in and does so at the provider; it returns the
// address that the provider sends the browser back to.
func (d *desk) atProvider(c *http.Client, user string) string {
	d.Helper()
	a := d.get(c, "/desk/signin/openid?next=/desk/settings")
	if a.status != http.StatusSeeOther {
		d.Fatalf("the sign-in does not begin: %d %s", a.status, a.body)
	}
	asked, err := url.Parse(a.location)
	if err != nil {
		d.Fatal(err)
	}
	q := asked.Query()
	if q.Get("code_challenge_method") != "S256" || len(q.Get("code_challenge")) != 43 || len(q.Get("state")) < 22 || len(q.Get("nonce")) < 22 || q.Get("response_type") != "code" {
		d.Fatalf("the provider is asked with %s", a.location)
	}
	follow := &http.Client{Jar: c.Jar}
	resp, err := follow.Get(a.location)
	if err != nil {
		d.Fatal(err)
	}
	resp.Body.Close()
	form := url.Values{"username": {user}, "password": {"provider password"}, "id": {resp.Request.URL.Query().Get("authRequestID")}}
	back := ""
	follow.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.String(), d.server.URL) {
			back = r.URL.RequestURI()
			return http.ErrUseLastResponse
		}
		return nil
	}
	if resp, err = follow.PostForm(resp.Request.URL.Scheme+"://"+resp.Request.URL.Host+"/login/username", form); err != nil {
		d.Fatal(err)
	}
	resp.Body.Close()
	if back == "" {
		d.Fatalf("the provider does not send %s back: %s", user, resp.Status)
	}
	return back
}

// openSignIn signs in with the provider.
func (d *desk) openSignIn(c *http.Client, user string) answer {
	d.Helper()
	return d.get(c, d.atProvider(c, user))
}

func TestOpenID(t *testing.T) {
	d, p, tr := openDesk(t)
	p.knows(map[string]providerUser{
		"u-agent": {Name: "mei", Groups: []string{"everybody", "support"}},
		"u-lead":  {Name: "li", Groups: []string{"support", "support-leads"}},
		"u-other": {Name: "otto", Groups: []string{"sales"}},
		"u-none":  {Name: "nora"},
		"u-anna":  {Name: "Anna", Groups: []string{"support"}},
		"u-evil":  {Name: "<script>alert(1)</script>\u202e", Groups: []string{"support"}},
	})
	local := d.add("anna", staff.Lead, good)

	if a := d.get(d.browser(), "/desk/signin"); !strings.Contains(a.body, "用 Keys &amp; Co 登录") {
		t.Errorf("there is no button: %s", a.body)
	}
	agent, lead := d.browser(), d.browser()
	if a := d.openSignIn(agent, "u-agent"); a.status != 303 || a.location != "/desk/settings" {
		t.Fatalf("%d %s %s", a.status, a.location, d.log.String())
	}
	if a := d.get(agent, "/desk/"); a.body != "hello mei agent zh" {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := d.openSignIn(lead, "u-lead"); a.status != 303 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if a := d.get(lead, "/desk/settings"); a.body != "hello li lead zh" {
		t.Errorf("%d %s", a.status, a.body)
	}
	for _, user := range []string{"u-other", "u-none"} {
		c := d.browser()
		if a := d.openSignIn(c, user); a.status != 403 || !strings.Contains(a.body, "还没有开通") {
			t.Errorf("%s: %d %s", user, a.status, a.body)
		}
		if a := d.get(c, "/desk/"); a.status != 303 {
			t.Errorf("%s is in: %d", user, a.status)
		}
	}

	// A name is no proof: whoever is called as somebody here is another one.
	c := d.browser()
	if a := d.openSignIn(c, "u-anna"); a.status != 303 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if a := d.get(c, "/desk/"); a.body != "hello Anna 2 agent zh" {
		t.Errorf("%d %s", a.status, a.body)
	}
	if s, err := d.accounts.Get(t.Context(), local.ID); err != nil || !s.SignedIn.IsZero() {
		t.Errorf("the account with a password was used: %+v, %v", s, err)
	}
	if a := d.openSignIn(c, "u-evil"); a.status != 303 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if a := d.get(c, "/desk/me"); a.status != 200 || strings.Contains(a.body, "<script>") || !strings.Contains(a.body, "&lt;script&gt;") {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := d.get(c, "/desk/password"); a.status != 403 {
		t.Errorf("somebody without a password may set one: %d", a.status)
	}

	// The groups of now decide, and what they take away ends at once.
	p.knows(map[string]providerUser{"u-agent": {Name: "mei", Groups: []string{"support-leads"}}, "u-lead": {Name: "li"}})
	again := d.browser()
	if a := d.openSignIn(again, "u-agent"); a.status != 303 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if a := d.get(again, "/desk/settings"); a.body != "hello mei lead zh" {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := d.get(agent, "/desk/"); a.status != 303 {
		t.Errorf("a session from before the change of role goes on: %d", a.status)
	}
	if a := d.openSignIn(d.browser(), "u-lead"); a.status != 403 {
		t.Errorf("without a group: %d", a.status)
	}
	if a := d.get(lead, "/desk/"); a.status != 303 {
		t.Errorf("the session of somebody who lost the groups goes on: %d", a.status)
	}
	mei, err := d.accounts.Named(t.Context(), "mei")
	if err == nil {
		err = d.accounts.Disable(t.Context(), mei.ID, staff.ByCommand)
	}
	if err != nil {
		t.Fatal(err)
	}
	if a := d.openSignIn(d.browser(), "u-agent"); a.status != 403 || !strings.Contains(a.body, "已停用") {
		t.Errorf("disabled: %d %s", a.status, a.body)
	}

	// The provider is down: passwords still work.
	p.kill()
	tr.set(nil)
	if a := d.get(d.openCallback(d.browser())); a.status == 303 {
		t.Errorf("signed in without a provider: %d", a.status)
	}
	if a := d.signIn(d.browser(), "anna", good); a.status != 303 {
		t.Errorf("with a password: %d", a.status)
	}
	for _, secret := range []string{"a secret of the provider", "provider password", good, "code="} {
		if strings.Contains(d.log.String(), secret) {
			t.Errorf("%q is in the log: %s", secret, d.log.String())
		}
	}
	if err := d.db.CheckAudit(t.Context()); err != nil {
		t.Error(err)
	}
}

// openCallback begins a sign-in and makes up an answer to it.
func (d *desk) openCallback(c *http.Client) (*http.Client, string) {
	d.Helper()
	f := d.flowOf(c, d.get(c, "/desk/signin/openid"))
	return c, "/desk/signin/openid/callback?code=made-up&state=" + url.QueryEscape(f["s"].(string))
}

// flowOf is what the cookie of a sign-in holds.
func (d *desk) flowOf(c *http.Client, a answer) map[string]any {
	d.Helper()
	data, err := base64.RawURLEncoding.DecodeString(d.cookie(c, "tilldesk_openid"))
	var f map[string]any
	if err == nil {
		err = json.Unmarshal(data, &f)
	}
	if err != nil {
		d.Fatalf("%v; %d %s", err, a.status, a.body)
	}
	return f
}

func (d *desk) cookie(c *http.Client, name string) string {
	at, err := url.Parse(d.server.URL)
	if err != nil {
		d.Fatal(err)
	}
	for _, cookie := range c.Jar.Cookies(at) {
		if cookie.Name == name {
			return cookie.Value
		}
	}
	return ""
}

func (d *desk) setCookie(c *http.Client, name, value string) {
	at, err := url.Parse(d.server.URL)
	if err != nil {
		d.Fatal(err)
	}
	c.Jar.SetCookies(at, []*http.Cookie{{Name: name, Value: value, Path: "/"}})
}

// TestOpenIDAttacks changes one thing of a sign-in that would be good.
func TestOpenIDAttacks(t *testing.T) {
	d, p, tr := openDesk(t)
	p.knows(map[string]providerUser{"u-agent": {Name: "mei", Groups: []string{"support"}}, "u-lead": {Name: "li", Groups: []string{"support-leads"}}})
	edit := func(key string, value any) func(*http.Client, string) (*http.Client, string) {
		return func(c *http.Client, back string) (*http.Client, string) {
			f := d.flowOf(c, answer{})
			f[key] = value
			data, err := json.Marshal(f)
			if err != nil {
				t.Fatal(err)
			}
			d.setCookie(c, "tilldesk_openid", base64.RawURLEncoding.EncodeToString(data))
			return c, back
		}
	}
	answers := func(path, from, to string) func(*http.Client, string) (*http.Client, string) {
		return func(c *http.Client, back string) (*http.Client, string) {
			tr.set(func(r *http.Request, body []byte) []byte {
				if !strings.HasSuffix(r.URL.Path, path) {
					return body
				}
				if !bytes.Contains(body, []byte(from)) {
					t.Errorf("%s does not answer with %q: %s", path, from, body)
				}
				return bytes.Replace(body, []byte(from), []byte(to), 1)
			})
			return c, back
		}
	}
	for _, tt := range []struct {
		name   string
		change func(c *http.Client, back string) (*http.Client, string)
		status int
	}{
		{"nothing", func(c *http.Client, back string) (*http.Client, string) { return c, back }, 303},
		{"a browser that did not begin it", func(_ *http.Client, back string) (*http.Client, string) { return d.browser(), back }, 400},
		{"the answer to another sign-in", func(c *http.Client, back string) (*http.Client, string) {
			other := d.browser()
			d.get(other, "/desk/signin/openid")
			return other, back
		}, 400},
		{"another state", func(c *http.Client, back string) (*http.Client, string) {
			return c, strings.Replace(back, "state=", "state=x", 1)
		}, 400},
		{"no state", func(c *http.Client, back string) (*http.Client, string) {
			return c, strings.Replace(back, "state=", "stat=", 1)
		}, 400},
		{"an empty state on both sides", func(c *http.Client, _ string) (*http.Client, string) {
			edit("s", "")(c, "")
			return c, "/desk/signin/openid/callback?code=x&state="
		}, 400},
		{"the answer of another provider", func(c *http.Client, back string) (*http.Client, string) {
			return c, back + "&iss=" + url.QueryEscape("https://evil.example/")
		}, 400},
		{"a broken cookie", func(c *http.Client, back string) (*http.Client, string) {
			d.setCookie(c, "tilldesk_openid", "%%%")
			return c, back
		}, 400},
		{"too late", func(c *http.Client, back string) (*http.Client, string) {
			d.pass(11 * time.Minute)
			return c, back
		}, 400},
		{"an error of the provider", func(c *http.Client, back string) (*http.Client, string) {
			_, state, _ := strings.Cut(back, "state=")
			return c, "/desk/signin/openid/callback?error=access_denied&state=" + state
		}, 403},
		{"another code", func(c *http.Client, back string) (*http.Client, string) {
			return c, strings.Replace(back, "code=", "code=x", 1)
		}, 502},
		{"another verifier", edit("v", strings.Repeat("v", 43)), 502},
		{"another nonce", edit("n", "another nonce that is long"), 502},
		{"a nonce that is not there", edit("n", ""), 400},
		{"user info of somebody else", answers("/userinfo", `"sub":"u-agent"`, `"sub":"u-lead"`), 502},
		{"a changed id_token", answers("/token", `"id_token":"eyJ`, `"id_token":"eyK`), 502},
		{"no id_token", answers("/token", `"id_token"`, `"idtoken"`), 502},
		{"keys of somebody else", answers("/keys", `"kty":"RSA"`, `"kty":"oct"`), 502},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d.T = t
			d.setNow(time.Now())
			c := d.browser()
			use, back := tt.change(c, d.atProvider(c, "u-agent"))
			a := d.get(use, back)
			tr.set(nil)
			if a.status != tt.status {
				t.Errorf("status %d, want %d: %s", a.status, tt.status, a.body)
			}
			for _, browser := range []*http.Client{use, c} {
				in := d.get(browser, "/desk/").status == 200
				if in != (tt.status == 303) {
					t.Errorf("signed in: %t", in)
				}
			}
			if used := d.get(use, back); used.status == 303 {
				t.Error("the same answer signs in twice")
			}
		})
	}
}

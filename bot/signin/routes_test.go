package signin_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"tilldesk/bot/signin"
	"tilldesk/bot/staff"
	"tilldesk/bot/store/storetest"
)

// pathOf is a path that a pattern matches, with its method.
func pathOf(pattern string) (method, path string) {
	method, path, _ = strings.Cut(pattern, " ")
	path = strings.TrimSuffix(path, "{$}")
	for {
		before, rest, ok := strings.Cut(path, "{")
		if !ok {
			return method, path
		}
		_, after, _ := strings.Cut(rest, "}")
		path = before + "x" + after
	}
}

// reached reports whether a request came through to the handler of a route:
// whatever it answers, it is not one of the gate's refusals.
func reached(a answer) bool {
	return a.status != http.StatusUnauthorized && a.status != http.StatusForbidden && !strings.HasPrefix(a.location, "/desk/signin?next=") &&
		a.location != "/desk/signin" && a.location != "/desk/password"
}

// TestRoutes walks the table: each route as nobody, as somebody who must first
// change the password, as an agent and as a lead.
func TestRoutes(t *testing.T) {
	d := newDesk(t, storetest.SQLite(t), nil)
	d.add("agent", staff.Agent, good)
	d.add("lead", staff.Lead, good)
	_, once, err := d.accounts.Add(t.Context(), staff.New{Name: "fresh", Role: staff.Lead}, staff.ByCommand)
	if err != nil {
		t.Fatal(err)
	}
	early := map[string]bool{"POST /desk/signout": true, "GET /desk/password": true, "POST /desk/password": true}
	routes := d.gate.Routes()
	if len(routes) < 15 {
		t.Fatalf("only %d routes", len(routes))
	}
	for _, route := range routes {
		method, path := pathOf(route.Pattern)
		for _, who := range []struct {
			name, password string
			role           staff.Role
		}{{}, {"fresh", once.Password, ""}, {"agent", good, staff.Agent}, {"lead", good, staff.Lead}} {
			c := d.browser()
			if who.name != "" {
				if a := d.signIn(c, who.name, who.password); a.status != 303 {
					t.Fatalf("%s cannot sign in: %d %s", who.name, a.status, a.body)
				}
			}
			var form url.Values
			if method == "POST" {
				form = url.Values{}
			}
			a := d.send(c, method, path, form, nil)
			want := route.Needs == signin.Public || who.role.Includes(route.Needs) || who.name == "fresh" && early[route.Pattern]
			got := reached(a)
			if strings.HasPrefix(path, "/desk/signin") { // these pages send on or refuse by themselves
				got = a.status != http.StatusForbidden
			}
			if path == "/desk/signout" && want {
				got = a.location == "/desk/signin?ended=1"
			}
			if got != want {
				t.Errorf("%s as %q: %d to %q; reached %t, want %t", route.Pattern, who.name, a.status, a.location, got, want)
			}
			if a.status == http.StatusInternalServerError {
				t.Errorf("%s as %q: %d", route.Pattern, who.name, a.status)
			}
			// What the table does not have is not there, for whom ever.
			for _, wrong := range []string{"PUT", "DELETE", "TRACE", "PATCH"} {
				if a := d.send(c, wrong, path, nil, nil); a.status < 400 {
					t.Errorf("%s %s as %q: %d", wrong, path, who.name, a.status)
				}
			}
		}
	}
	for _, path := range []string{"/desk/nothing", "/desk/staff/../settings/x", "/desk/%2e%2e/settings", "/desk/signin/assets/page.html", "/desk/signin/assets/"} {
		if a := d.get(d.browser(), path); a.status == 200 {
			t.Errorf("%s is there for everybody: %d", path, a.status)
		}
	}
	if err := d.db.CheckAudit(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestForeignRequests sends each unsafe route what another site would make a
// browser send, signed in as a lead: nothing comes through.
func TestForeignRequests(t *testing.T) {
	d := newDesk(t, storetest.SQLite(t), nil)
	d.add("lead", staff.Lead, good)
	c := d.browser()
	d.signIn(c, "lead", good)
	before := len(d.entries())
	for _, route := range d.gate.Routes() {
		method, path := pathOf(route.Pattern)
		if method == "GET" {
			continue
		}
		for name, header := range map[string]http.Header{
			"cross-site form":          {"Sec-Fetch-Site": {"cross-site"}, "Sec-Fetch-Mode": {"navigate"}, "Origin": {"https://evil.example"}},
			"cross-site fetch":         {"Sec-Fetch-Site": {"cross-site"}, "Sec-Fetch-Mode": {"no-cors"}},
			"same-site, another host":  {"Sec-Fetch-Site": {"same-site"}, "Origin": {"https://shop.evil.example"}},
			"an old browser":           {"Origin": {"https://evil.example"}},
			"an old browser, sandbox":  {"Origin": {"null"}},
			"another port":             {"Origin": {"http://127.0.0.1:1"}},
			"a Sec-Fetch-Site unknown": {"Sec-Fetch-Site": {"else"}, "Origin": {d.server.URL}},
		} {
			for _, kind := range []string{"application/x-www-form-urlencoded", "text/plain", "application/json"} {
				header.Set("Content-Type", kind)
				if a := d.send(c, method, path, url.Values{"name": {"lead"}, "password": {good}}, header); a.status != http.StatusForbidden {
					t.Errorf("%s, %s, %s: %d", route.Pattern, name, kind, a.status)
				}
			}
		}
		for name, header := range map[string]http.Header{
			"a form of ours":  {"Sec-Fetch-Site": {"same-origin"}, "Origin": {d.server.URL}},
			"an old browser":  {"Origin": {d.server.URL}},
			"typed or script": {"Sec-Fetch-Site": {"none"}},
		} {
			if path == "/desk/signout" {
				continue
			}
			if a := d.send(c, method, path, url.Values{}, header); a.status == http.StatusForbidden {
				t.Errorf("%s, %s: %d %s", route.Pattern, name, a.status, a.body)
			}
		}
	}
	if a := d.get(c, "/desk/"); a.status != 200 {
		t.Errorf("the session is gone: %d", a.status)
	}
	for _, e := range d.entries()[before:] {
		if e.Action == "signout" {
			t.Errorf("another site has done %+v", e)
		}
	}
}

// entries are all entries of the audit log, oldest first.
func (d *desk) entries() []staff.Entry {
	d.Helper()
	all, err := d.accounts.Entries(d.Context(), 0, 100_000)
	if err != nil {
		d.Fatal(err)
	}
	for i, j := 0, len(all)-1; i < j; i, j = i+1, j-1 {
		all[i], all[j] = all[j], all[i]
	}
	return all
}

// TestAudited looks for what was done in the audit log: before it is done, and
// again if it failed.
func TestAudited(t *testing.T) {
	d := newDesk(t, storetest.SQLite(t), nil)
	d.gate.HandleFunc("POST /desk/fails/{a}/{b}", staff.Agent, func(w http.ResponseWriter, r *http.Request) {
		if last := d.entries(); last[len(last)-1].Object != "one two" {
			t.Errorf("not in the log yet: %+v", last[len(last)-1])
		}
		w.WriteHeader(http.StatusConflict)
	})
	d.gate.HandleFunc("GET /desk/export/{id}", staff.Agent, func(http.ResponseWriter, *http.Request) {}, signin.Logged())
	d.gate.HandleFunc("POST /desk/typing", staff.Agent, func(http.ResponseWriter, *http.Request) {}, signin.Unlogged())
	anna := d.add("anna", staff.Agent, good)
	c := d.browser()
	d.signIn(c, "anna", good)
	before := len(d.entries())
	d.post(c, "/desk/cases/T12/take", "text", "secret words")
	d.post(c, "/desk/fails/one/two")
	d.get(c, "/desk/export/77")
	d.post(c, "/desk/typing")
	d.get(c, "/desk/")
	d.post(c, "/desk/me/away", "away", "1")
	var got []string
	for _, e := range d.entries()[before:] {
		if e.Actor != anna.ID || e.Name != "anna" || e.Address != "127.0.0.1" || strings.Contains(e.Object+e.Details, "secret") {
			t.Errorf("%+v", e)
		}
		got = append(got, strings.Join([]string{e.Action, e.Object, e.Details}, "|"))
	}
	want := []string{
		"POST /desk/cases/{ticket}/take|T12|", "POST /desk/fails/{a}/{b}|one two|", "POST /desk/fails/{a}/{b}|one two|answered with Conflict",
		"GET /desk/export/{id}|77|", "staff.away|" + string(anna.ID) + "|away",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("the log has\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestHeaders looks at every page as a browser does.
func TestHeaders(t *testing.T) {
	for _, https := range []bool{false, true} {
		d := newDesk(t, storetest.SQLite(t), func(_ *desk, opt *signin.Options) {
			if https {
				opt.PublicURL = "https://help.example"
			}
		})
		d.add("lead", staff.Lead, good)
		a := d.signIn(d.browser(), "lead", good)
		prefix := ""
		if https {
			prefix = "__Host-"
		}
		cookies := map[string]*http.Cookie{}
		for _, line := range a.header.Values("Set-Cookie") {
			c, err := http.ParseSetCookie(line)
			if err != nil {
				t.Fatal(err)
			}
			cookies[c.Name] = c
		}
		for _, name := range []string{"tilldesk_session", "tilldesk_browser"} {
			c := cookies[prefix+name]
			if c == nil || !c.HttpOnly || c.Secure != https || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || len(c.Value) < 22 {
				t.Errorf("the cookie %s is %+v of %v", name, c, a.header.Values("Set-Cookie"))
			}
		}
		as := http.Header{"Cookie": {prefix + "tilldesk_session=" + cookies[prefix+"tilldesk_session"].Value}}
		for _, page := range []struct {
			path   string
			header http.Header
			status int
		}{
			{"/desk/signin", nil, 200}, {"/desk/", nil, 303}, {"/desk/", as, 200}, {"/desk/me", as, 200}, {"/desk/password", as, 200},
			{"/desk/nothing", as, 404}, {"/desk/nothing", nil, 303},
		} {
			a := d.send(d.browser(), "GET", page.path, nil, page.header)
			if a.status != page.status {
				t.Errorf("%s: %d, want %d", page.path, a.status, page.status)
			}
			for name, want := range map[string]string{
				"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin",
				"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
			} {
				if got := a.header.Get(name); got != want {
					t.Errorf("%s: %s is %q, want %q", page.path, name, got, want)
				}
			}
			policy := a.header.Get("Content-Security-Policy")
			for _, want := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "base-uri 'none'", "frame-ancestors 'none'", "form-action 'self'"} {
				if !strings.Contains(policy, want) {
					t.Errorf("%s: the policy %q lacks %q", page.path, policy, want)
				}
			}
			if strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") {
				t.Errorf("%s: the policy %q allows too much", page.path, policy)
			}
			if got := a.header.Get("Strict-Transport-Security") != ""; got != https {
				t.Errorf("%s: Strict-Transport-Security is there: %t", page.path, got)
			}
			for _, inline := range []string{"<style", "style=", "onclick", "onload", "javascript:"} {
				if strings.Contains(a.body, inline) {
					t.Errorf("%s has %s", page.path, inline)
				}
			}
		}
	}
}

// TestHandleRefuses does not let a route be added that nothing would guard.
func TestHandleRefuses(t *testing.T) {
	d := newDesk(t, storetest.SQLite(t), nil)
	for _, tt := range []struct {
		pattern string
		needs   staff.Role
	}{{"/desk/x", staff.Agent}, {"GET /x", staff.Agent}, {"GET /desk", staff.Agent}, {"GET /desk/x", "admin"}, {"GET /desk/me", staff.Agent}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s for %q was added", tt.pattern, tt.needs)
				}
			}()
			d.gate.HandleFunc(tt.pattern, tt.needs, func(http.ResponseWriter, *http.Request) {})
		}()
	}
}

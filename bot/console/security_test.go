package console_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/browsertest"
	"tilldesk/bot/desk"
	"tilldesk/bot/signin"
	"tilldesk/bot/staff"
	"tilldesk/bot/store/storetest"
	"tilldesk/content/source"
)

// TestRoles asks for every route as nobody, as an agent and as a lead: only
// who has the role gets past the gate, and no form from another site does.
func TestRoles(t *testing.T) {
	s := start(t, storetest.SQLite(t))
	s.hire("Li Na", staff.Lead, "en")
	s.hire("Sam", staff.Agent, "en")
	clients := map[staff.Role]*client{staff.Agent: s.signIn("Sam"), staff.Lead: s.signIn("Li Na"), signin.Public: {http.DefaultClient, s}}
	wildcard := regexp.MustCompile(`\{[^}]*\}`)
	routes := s.gate.Routes()
	if len(routes) < 40 {
		t.Fatalf("only %d routes", len(routes))
	}
	for _, route := range routes {
		method, pattern, _ := strings.Cut(route.Pattern, " ")
		path := wildcard.ReplaceAllString(strings.TrimSuffix(pattern, "{$}"), "none")
		if strings.Contains(path, "/signout") || strings.Contains(path, "/events") || strings.HasSuffix(path, "/end") {
			continue // they end the session, or do not end
		}
		for role, c := range clients {
			status, foreign := c.ask(t, method, path, ""), 0
			if method != http.MethodGet {
				foreign = c.ask(t, method, path, "cross-site")
			}
			allowed := route.Needs == signin.Public || role != signin.Public && role.Includes(route.Needs)
			switch {
			case role == signin.Public && !allowed && status != http.StatusUnauthorized:
				t.Errorf("%s for nobody: status %d, want 401", route.Pattern, status)
			case role != signin.Public && !allowed && status != http.StatusForbidden:
				t.Errorf("%s for %s: status %d, want 403", route.Pattern, role, status)
			case allowed && (status == http.StatusForbidden || route.Needs != signin.Public && status == http.StatusUnauthorized || status >= 500):
				t.Errorf("%s for %s: status %d", route.Pattern, role, status)
			}
			if method != http.MethodGet && foreign != http.StatusForbidden {
				t.Errorf("%s for %s from another site: status %d, want 403", route.Pattern, role, foreign)
			}
		}
	}
}

// ask sends an empty request, as a page of our own or of another site, and
// returns the status of the answer.
func (c *client) ask(t *testing.T, method, path, site string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, c.s.URL+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "application/json")
	if site != "" {
		req.Header.Set("Sec-Fetch-Site", site)
	}
	one := *c.Client
	one.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err := one.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return res.StatusCode
}

// attacks are texts that run a script, or load something, where they are not
// escaped for their place.
func attacks() []string {
	var all []string
	for _, before := range []string{"", `"`, `'`, `">`, `'>`, "</textarea>", "</title>", "</script>", "-->", "\u2028`"} {
		for _, attack := range []string{
			`<script>pwned=1</script>`, `<img src=x onerror=pwned=1>`, `<svg onload=pwned=1>`, `<svg><script>pwned=1</script></svg>`,
			`<iframe srcdoc="<script>parent.pwned=1</script>"></iframe>`, `<a href="javascript:pwned=1">x</a>`, `<details open ontoggle=pwned=1>`,
			`<input autofocus onfocus=pwned=1>`, `<form action="javascript:pwned=1"><button>x</button></form>`, `<object data="javascript:pwned=1">`,
			`<math><mtext><img src=x onerror=pwned=1></mtext></math>`, `<style>*{background:url(//evil.example)}</style>`,
			`<base href=//evil.example>`, `<meta http-equiv=refresh content="0;url=javascript:pwned=1">`, `<link rel=stylesheet href=//evil.example>`,
			` onmouseover=pwned=1 autofocus onfocus=pwned=1 x=`, `javascript:pwned=1`, `{{printf "%s" .}}`, `${pwned=1}`, `&lt;script&gt;pwned=1&lt;/script&gt;`,
			`<template><script>pwned=1</script></template>`,
		} {
			all = append(all, before+attack)
		}
	}
	return all
}

// TestStrangersText puts texts that would run a script into every field that
// somebody else can fill, and looks at every page with a browser: nothing runs,
// nothing is loaded, and the content policy had nothing to forbid.
func TestStrangersText(t *testing.T) {
	if testing.Short() {
		t.Skip("takes long, and looks at pages, not at races")
	}
	s := start(t, storetest.SQLite(t))
	ctx, evil := t.Context(), attacks()
	if len(evil) < 200 {
		t.Fatalf("only %d texts", len(evil))
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	short := `"><img src=x onerror=pwned=1>`
	lead := s.hire(`<svg onload=pwned=1>'"`, staff.Lead, "en")
	s.hire("Sam", staff.Lead, "en")
	who := desk.Actor{ID: string(lead.ID), Name: lead.Name, Lead: true}
	remote := short + "-merchant"
	s.hears("wechat", remote, "花呗扫不了")
	id := s.hears("wechat", remote, "找人工")
	ticket := s.ticketOf(id)
	s.n++
	_, err := s.engine.Accept(ctx, bot.Inbound{
		Address: bot.Address{Channel: "wechat", Remote: remote}, Remote: bot.RemoteID(short), Text: strings.Join(evil, "\n"),
		Media: []bot.Media{{Kind: short, Type: "text/html;" + short, Remote: short}},
	})
	must(err)
	_, _, err = s.desk.Reply(ctx, ticket, who, desk.Message{Text: strings.Join(evil[:80], "\n")})
	must(err)
	_, err = s.desk.Note(ctx, ticket, who, strings.Join(evil[80:], "\n"), nil)
	must(err)
	_, err = s.desk.Tag(ctx, ticket, who, []string{short, `'-pwned-'`})
	must(err)
	_, err = s.desk.Rename(ctx, ticket, who, short)
	must(err)
	_, err = s.desk.Give(ctx, ticket, who, who.ID, short)
	must(err)
	_, err = s.desk.SaveCanned(ctx, who, desk.Canned{Name: "/" + short, Text: source.Text{Zh: evil[0], En: evil[1] + "{merchant}{staff}"}})
	must(err)
	must(s.desk.SetHours(ctx, desk.Hours{Zone: "Asia/Shanghai", Holidays: []desk.Holiday{{Date: "2027-01-01", Name: short + "</textarea>" + short}}}))
	out, err := s.db.ClaimOut(ctx, "test", time.Now(), time.Minute, 1, "wechat")
	must(err)
	for _, m := range out {
		must(s.db.Hold(ctx, m, short))
	}
	second := s.ticketOf(s.hears("wechat", short+"-second", "找人工"))
	_, err = s.desk.Resolve(ctx, second, who, desk.Finding{Cause: short, Fix: short})
	must(err)

	browsertest.Visit(t, desktop, s.URL) // skips the test without a browser
	p := s.enter(desktop, "Sam", "/desk/")
	p.Expected = append(p.Expected, "status of 404")
	clean := func(where string) {
		t.Helper()
		var problems []string
		must(json.Unmarshal([]byte(browsertest.Eval[string](p, `JSON.stringify((() => {
			const found = [];
			if (window.pwned !== undefined) found.push("a script ran");
			for (const e of document.querySelectorAll("*")) {
				for (const a of e.attributes) {
					if (/^on/i.test(a.name)) found.push(e.tagName + " has " + a.name);
					if (/^\s*javascript:/i.test(a.value) && ["href", "src", "action", "formaction", "data"].includes(a.name)) found.push(e.tagName + " leads to " + a.value);
				}
				if (["IFRAME", "OBJECT", "EMBED", "BASE", "MATH", "STYLE", "TEMPLATE"].includes(e.tagName)) found.push("there is a " + e.tagName);
				if (e.tagName === "SCRIPT" && !e.src.startsWith(location.origin + "/desk/static/")) found.push("there is a script " + e.outerHTML);
			}
			return found;
		})())`)), &problems))
		for _, problem := range problems {
			t.Errorf("%s: %s", where, problem)
		}
	}
	for _, path := range []string{
		"/desk/?view=open", "/desk/?view=closed&tag=" + url.QueryEscape(short), "/desk/case/" + ticket, "/desk/merchant/" + string(id),
		"/desk/search?q=" + url.QueryEscape(short), "/desk/undelivered", "/desk/canned", "/desk/team", "/desk/hours", "/desk/content",
		"/desk/figures", "/desk/case/" + url.PathEscape(short), "/desk/me",
	} {
		p.Go(s.URL + path)
		p.Until("document.readyState === 'complete'")
		clean(path)
	}
	// What comes while the page is open takes another way into it.
	p.Go(s.URL + "/desk/case/" + ticket)
	s.hears("wechat", remote, "live: "+strings.Join(evil[:60], "\n"))
	p.Says("live: ")
	clean("a message that came live")
	p.Type("#say", "/")
	p.Until("document.querySelectorAll('#picker [role=option]').length > 0")
	clean("the list of canned replies")
}

// TestHeaders makes sure that every answer is kept to its page, and that a
// page is not kept by anybody.
func TestHeaders(t *testing.T) {
	s := start(t, storetest.SQLite(t))
	s.hire("Sam", staff.Agent, "en")
	c := s.signIn("Sam")
	for _, path := range []string{"/desk/", "/desk/figures", "/desk/case/T999", "/desk/rail"} {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+path, nil)
		req.RequestURI = ""
		res, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		var body bytes.Buffer
		_, _ = body.ReadFrom(res.Body)
		res.Body.Close()
		policy := res.Header.Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") || !strings.Contains(policy, "frame-ancestors 'none'") {
			t.Errorf("%s: the policy is %q", path, policy)
		}
		if cache := res.Header.Get("Cache-Control"); cache != "no-store" {
			t.Errorf("%s: Cache-Control is %q", path, cache)
		}
	}
}

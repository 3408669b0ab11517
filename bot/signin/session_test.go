package signin_test

import (
	"bufio"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tilldesk/bot/signin"
	"tilldesk/bot/staff"
	"tilldesk/bot/store"
	"tilldesk/bot/store/storetest"
)

// TestSessionFixation plants a token before somebody signs in: it is worth
// nothing afterwards, and each sign-in gives another.
func TestSessionFixation(t *testing.T) {
	d := newDesk(t, storetest.SQLite(t), nil)
	d.add("anna", staff.Agent, good)
	victim, attacker := d.browser(), d.browser()
	planted := strings.Repeat("A", 26)
	d.setCookie(victim, "tilldesk_session", planted)
	d.signIn(victim, "anna", good)
	first := d.cookie(victim, "tilldesk_session")
	d.setCookie(attacker, "tilldesk_session", planted)
	if first == planted || d.get(attacker, "/desk/").status == 200 {
		t.Error("a token from before the sign-in is good after it")
	}
	// The attacker's own session, planted, is not the victim's either.
	d.add("mallory", staff.Agent, good)
	d.signIn(attacker, "mallory", good)
	d.setCookie(victim, "tilldesk_session", d.cookie(attacker, "tilldesk_session"))
	d.signIn(victim, "anna", good)
	second := d.cookie(victim, "tilldesk_session")
	if second == first || second == d.cookie(attacker, "tilldesk_session") {
		t.Error("a sign-in keeps a token")
	}
	if a := d.get(attacker, "/desk/"); a.status == 200 {
		t.Errorf("the session that was in the browser goes on: %s", a.body)
	}
	if d.get(victim, "/desk/").body != "hello anna agent zh" {
		t.Error("the victim is not signed in")
	}
	// A token counts as a cookie only, and under its name only.
	other := d.browser()
	for _, path := range []string{"/desk/?tilldesk_session=" + second, "/desk/?token=" + second} {
		if a := d.get(other, path); a.status == 200 {
			t.Errorf("%s signs in", path)
		}
	}
	if a := d.send(other, "GET", "/desk/", nil, http.Header{"Authorization": {"Bearer " + second}}); a.status == 200 {
		t.Error("a header signs in")
	}
	d.setCookie(other, "__Host-tilldesk_session", second)
	if a := d.get(other, "/desk/"); a.status == 200 {
		t.Error("a cookie of another name signs in")
	}
}

// TestSessionsEndEverywhere ends sessions in all ways on one replica and uses
// them on another.
func TestSessionsEndEverywhere(t *testing.T) {
	dsn := storetest.Postgres(t)
	d := newDesk(t, dsn, nil)
	// The other replica: the same database, nothing else shared.
	clock := d.time
	db := storetest.Open(t, dsn, store.Options{Now: clock})
	accounts := staff.NewAccounts(db, d.hasher, clock)
	gate, err := signin.New(accounts, d.hasher, db, signin.Options{Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	gate.HandleFunc("GET /desk/{$}", staff.Agent, func(w http.ResponseWriter, r *http.Request) {})
	other := httptest.NewServer(gate)
	t.Cleanup(other.Close)
	there := func(c *http.Client) int {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), "GET", other.URL+"/desk/", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.AddCookie(&http.Cookie{Name: "tilldesk_session", Value: d.cookie(c, "tilldesk_session")})
		resp, err := c.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	anna := d.add("anna", staff.Agent, good)
	d.add("lead", staff.Lead, good)
	const next = "nine small paper boats"
	for _, tt := range []struct {
		name string
		end  func(t *testing.T, c *http.Client, password string) error
		back bool // somebody else has to let them in again
	}{
		{"sign-out", func(t *testing.T, c *http.Client, _ string) error { d.post(c, "/desk/signout"); return nil }, false},
		{"password", func(t *testing.T, c *http.Client, old string) error {
			a := d.post(c, "/desk/password", "now", old, "new", next+old[:4], "again", next+old[:4])
			if a.status != 303 {
				t.Errorf("%d %s", a.status, a.body)
			}
			if s := d.get(c, "/desk/").status; s != 200 {
				t.Errorf("whoever changes the password is signed out: %d", s)
			}
			return d.accounts.SetPassword(t.Context(), anna.ID, old, staff.ByCommand)
		}, false},
		{"all others", func(t *testing.T, c *http.Client, old string) error {
			b := d.browser()
			d.signIn(b, "anna", old)
			d.post(b, "/desk/me/sessions/end")
			if s := d.get(b, "/desk/").status; s != 200 {
				t.Errorf("the session itself: %d", s)
			}
			return nil
		}, false},
		{"one of the others", func(t *testing.T, c *http.Client, old string) error {
			b := d.browser()
			d.signIn(b, "anna", old)
			for rest := d.get(b, "/desk/me").body; ; {
				_, after, ok := strings.Cut(rest, `action="/desk/me/sessions/`)
				if !ok {
					return nil
				}
				id, more, _ := strings.Cut(after, "/")
				if id != "end\">" {
					d.post(b, "/desk/me/sessions/"+id+"/end")
				}
				rest = more
			}
		}, false},
		{"one-time password", func(t *testing.T, _ *http.Client, _ string) error {
			_, err := d.accounts.Reset(t.Context(), anna.ID, staff.ByCommand)
			return err
		}, true},
		{"role", func(t *testing.T, _ *http.Client, _ string) error {
			return d.accounts.SetRole(t.Context(), anna.ID, staff.Lead, staff.ByCommand)
		}, true},
		{"disabled", func(t *testing.T, _ *http.Client, _ string) error {
			return d.accounts.Disable(t.Context(), anna.ID, staff.ByCommand)
		}, true},
		{"idle", func(*testing.T, *http.Client, string) error { d.pass(121 * time.Minute); return nil }, false},
		{"twelve hours", func(t *testing.T, c *http.Client, _ string) error {
			for range 23 { // busy all day
				d.pass(31 * time.Minute)
				if s := d.get(c, "/desk/").status; s != 200 {
					t.Errorf("signed out at %v: %d", d.time(), s)
				}
			}
			d.pass(20 * time.Minute)
			return nil
		}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d.T = t
			c := d.browser()
			if a := d.signIn(c, "anna", good); a.status != 303 {
				t.Fatalf("%d %s", a.status, a.body)
			}
			token := d.cookie(c, "tilldesk_session")
			if s := there(c); s != 200 {
				t.Fatalf("on the other replica: %d", s)
			}
			if err := tt.end(t, c, good); err != nil {
				t.Fatal(err)
			}
			d.setCookie(c, "tilldesk_session", token)
			if here, there := d.get(c, "/desk/").status, there(c); here == 200 || there == 200 {
				t.Errorf("the session goes on: %d here, %d there", here, there)
			}
			if tt.back {
				if err := d.accounts.Enable(t.Context(), anna.ID, staff.ByCommand); err != nil {
					t.Fatal(err)
				}
				if err := d.accounts.SetPassword(t.Context(), anna.ID, good, staff.ByCommand); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// TestStreamEnds keeps a request open: it ends with its session, and does not
// keep it from being idle.
func TestStreamEnds(t *testing.T) {
	for name, end := range map[string]func(d *desk, id staff.ID) error{
		"disabled": func(d *desk, id staff.ID) error { return d.accounts.Disable(d.Context(), id, staff.ByCommand) },
		"idle":     func(d *desk, _ staff.ID) error { d.pass(121 * time.Minute); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, storetest.SQLite(t), nil)
			ended := make(chan error, 1)
			open := make(chan struct{})
			d.gate.HandleFunc("GET /desk/events", staff.Agent, func(w http.ResponseWriter, r *http.Request) {
				_, _ = w.Write([]byte("open\n"))
				_ = http.NewResponseController(w).Flush()
				<-open
				<-r.Context().Done()
				ended <- r.Context().Err()
			})
			anna := d.add("anna", staff.Agent, good)
			c := d.browser()
			d.signIn(c, "anna", good)
			r, err := http.NewRequestWithContext(t.Context(), "GET", d.server.URL+"/desk/events", nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Accept", "text/event-stream")
			resp, err := c.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			lines := bufio.NewReader(resp.Body)
			if line, err := lines.ReadString('\n'); line != "open\n" {
				t.Fatal(line, err)
			}
			if err := end(d, anna.ID); err != nil {
				t.Fatal(err)
			}
			close(open)
			<-ended
			if _, err := lines.ReadString('\n'); err == nil {
				t.Error("the stream goes on")
			}
		})
	}
}

// TestIdle sends what a page sends by itself, and what somebody does, each
// half an hour: the first does not keep the session.
func TestIdle(t *testing.T) {
	d := newDesk(t, storetest.SQLite(t), nil)
	nothing := func(http.ResponseWriter, *http.Request) {}
	d.gate.HandleFunc("POST /desk/here", staff.Agent, nothing, signin.Unlogged())
	d.add("anna", staff.Agent, good)
	fetched := http.Header{"Sec-Fetch-Dest": {"empty"}, "Sec-Fetch-Site": {"same-origin"}}
	for _, tt := range []struct {
		name   string
		send   func(c *http.Client)
		person bool
	}{
		{"a page fetches news", func(c *http.Client) { d.send(c, "GET", "/desk/", nil, fetched) }, false},
		{"a page follows", func(c *http.Client) { d.send(c, "GET", "/desk/", nil, http.Header{"Accept": {"text/event-stream"}}) }, false},
		{"a page says that it is open", func(c *http.Client) { d.send(c, "POST", "/desk/here", nil, fetched) }, false},
		{"somebody goes to a page", func(c *http.Client) { d.send(c, "GET", "/desk/", nil, http.Header{"Sec-Fetch-Dest": {"document"}}) }, true},
		{"somebody takes a case", func(c *http.Client) { d.send(c, "POST", "/desk/cases/T1/take", nil, fetched) }, true},
		{"somebody goes away", func(c *http.Client) { d.post(c, "/desk/me/away", "away", "1") }, true},
		{"a client that says nothing of itself", func(c *http.Client) { d.get(c, "/desk/") }, true},
	} {
		c := d.browser()
		d.signIn(c, "anna", good)
		for range 5 {
			d.pass(30 * time.Minute)
			tt.send(c)
		}
		if in := d.get(c, "/desk/").status == http.StatusOK; in != tt.person {
			t.Errorf("%s: signed in after 150 minutes: %t", tt.name, in)
		}
	}
}

// TestPassword walks the first sign-in and the ways to get it wrong.
func TestPassword(t *testing.T) {
	d := newDesk(t, storetest.SQLite(t), nil)
	_, once, err := d.accounts.Add(t.Context(), staff.New{Name: "anna", Lang: "en"}, staff.ByCommand)
	if err != nil {
		t.Fatal(err)
	}
	c := d.browser()
	if a := d.signIn(c, "anna", once.Password); a.location != "/desk/password" {
		t.Fatalf("%d to %q", a.status, a.location)
	}
	for _, path := range []string{"/desk/", "/desk/me"} {
		if a := d.get(c, path); a.location != "/desk/password" {
			t.Errorf("%s with a one-time password: %d to %q", path, a.status, a.location)
		}
	}
	if a := d.post(c, "/desk/cases/T1/take"); a.status == 200 {
		t.Error("with a one-time password cases can be taken")
	}
	token := d.cookie(c, "tilldesk_session")
	for _, tt := range []struct{ new, again, want string }{
		{"short", "short", "too short: at least 10"},
		{"password123", "password123", "easily guessed"},
		{once.Password, once.Password, "looks like a one-time password"},
		{good, good + "x", "not the same"},
		{"", "", "too short"},
	} {
		if a := d.post(c, "/desk/password", "new", tt.new, "again", tt.again); a.status != 422 || !strings.Contains(a.body, tt.want) {
			t.Errorf("%q: %d %s", tt.new, a.status, a.body)
		}
	}
	if a := d.post(c, "/desk/password", "new", good, "again", good); a.location != "/desk/" {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if d.cookie(c, "tilldesk_session") == token {
		t.Error("the session is the one from before")
	}
	if a := d.get(c, "/desk/"); a.body != "hello anna agent en" {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := d.signIn(d.browser(), "anna", once.Password); a.status != 401 {
		t.Errorf("the one-time password again: %d", a.status)
	}
	if a := d.post(c, "/desk/password", "now", "wrong", "new", "nine small boats", "again", "nine small boats"); a.status != 422 || !strings.Contains(a.body, "current password is not right") {
		t.Errorf("without the old password: %d %s", a.status, a.body)
	}
	if a := d.post(c, "/desk/password", "now", good, "new", "nine small boats", "again", "nine small boats"); a.status != 303 {
		t.Errorf("with it: %d %s", a.status, a.body)
	}

	const boats = "nine small boats"
	if a := d.post(c, "/desk/password", "now", boats, "new", boats, "again", boats); a.status != 422 || !strings.Contains(a.body, "is the password you have now") {
		t.Errorf("the same one: %d %s", a.status, a.body)
	}

	// A one-time password has its time.
	_, late, err := d.accounts.Add(t.Context(), staff.New{Name: "late"}, staff.ByCommand)
	if err != nil {
		t.Fatal(err)
	}
	d.setNow(late.Until)
	if a := d.signIn(d.browser(), "late", late.Password); a.status != 401 {
		t.Errorf("a one-time password from a week ago: %d", a.status)
	}
	// It can be typed as people type.
	if a := d.signIn(d.browser(), "anna", "nine small boats"); a.status != 303 {
		t.Errorf("%d", a.status)
	}
}

// TestRehash signs in with a password that was hashed at another cost.
func TestRehash(t *testing.T) {
	d := newDesk(t, storetest.SQLite(t), nil)
	anna := d.add("anna", staff.Agent, good)
	before, err := d.db.Account(t.Context(), anna.ID)
	if err != nil {
		t.Fatal(err)
	}
	dearer := staff.NewHasher(staff.Cost{Memory: 16, Passes: 2, Threads: 1})
	gate, err := signin.New(staff.NewAccounts(d.db, dearer, nil), dearer, d.db, signin.Options{Now: d.time})
	if err != nil {
		t.Fatal(err)
	}
	d.gate = gate
	for range 2 {
		if a := d.signIn(d.browser(), "anna", good); a.status != 303 {
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
	after, err := d.db.Account(t.Context(), anna.ID)
	if err != nil || after.Password.Hash == before.Password.Hash || !strings.Contains(after.Password.Hash, "m=16,t=2") {
		t.Errorf("the hash is %s, %v", after.Password.Hash, err)
	}
	if again, _ := d.db.Account(t.Context(), anna.ID); again.Password != after.Password {
		t.Error("it is hashed anew at each sign-in")
	}
}

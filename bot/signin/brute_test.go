package signin_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"tilldesk/bot/signin"
	"tilldesk/bot/staff"
	"tilldesk/bot/store/storetest"
)

// behindProxy lets a test say from which address a request comes.
func behindProxy(_ *desk, opt *signin.Options) {
	opt.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
}

func (d *desk) guess(c *http.Client, address, name, password string) answer {
	form := map[string][]string{"name": {name}, "password": {password}}
	return d.send(c, "POST", "/desk/signin", form, http.Header{"X-Forwarded-For": {address}, "Accept-Language": {"en"}})
}

// TestGuessing guesses the password of one account without a pause for two
// hours, from many addresses: at most ten tries in any quarter of an hour are
// looked at. The owner signs in all the while, with a browser that is known.
func TestGuessing(t *testing.T) {
	for _, name := range []string{"anna", "nobody"} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, storetest.SQLite(t), behindProxy)
			d.add("anna", staff.Agent, good)
			owner := d.browser()
			if a := d.guess(owner, "192.0.2.1", "anna", good); a.status != 303 {
				t.Fatalf("%d %s", a.status, a.body)
			}
			var tried []time.Time
			attacker := d.browser()
			for i := range 720 { // each ten seconds
				d.pass(10 * time.Second)
				a := d.guess(attacker, fmt.Sprint("198.51.100.", i%250), name, fmt.Sprint("guess ", i))
				switch a.status {
				case http.StatusUnauthorized:
					tried = append(tried, d.time())
				case http.StatusTooManyRequests:
					if a.header.Get("Retry-After") == "" || !strings.Contains(a.body, "Please try again in ") {
						t.Errorf("refused without saying for how long: %s", a.body)
					}
				default:
					t.Fatalf("%d %s", a.status, a.body)
				}
				if i%60 == 59 {
					if a := d.guess(owner, "192.0.2.1", "anna", good); a.status != 303 {
						t.Fatalf("the owner is kept out after %d guesses: %d", i+1, a.status)
					}
				}
			}
			for i := range tried {
				n := 0
				for _, other := range tried[i:] {
					if other.Sub(tried[i]) < 15*time.Minute {
						n++
					}
				}
				if n > 10 {
					t.Errorf("%d tries within 15 minutes of %v", n, tried[i])
				}
			}
			if len(tried) < 10 {
				t.Errorf("only %d tries were looked at: the delay never ends", len(tried))
			}
			// Even a known browser is not let guess without end.
			n := 0
			for i := range 100 {
				if a := d.guess(owner, "192.0.2.1", "anna", fmt.Sprint("guess ", i)); a.status == http.StatusUnauthorized {
					n++
				}
			}
			if n > 10 {
				t.Errorf("a known browser has %d tries at once", n)
			}
		})
	}
}

// TestOwnerUnderAttack keeps an account busy all the time. Its owner, with a
// new browser and so behind the strangers, gets in with a one-time password.
func TestOwnerUnderAttack(t *testing.T) {
	d := newDesk(t, storetest.SQLite(t), behindProxy)
	anna := d.add("anna", staff.Agent, good)
	attack := func() {
		for i := range 8 {
			d.guess(d.browser(), fmt.Sprint("198.51.100.", i), "anna", fmt.Sprint("guess ", i))
		}
	}
	attack()
	if a := d.guess(d.browser(), "192.0.2.1", "anna", good); a.status != http.StatusTooManyRequests {
		t.Fatalf("the password: %d", a.status)
	}
	once, err := d.accounts.Reset(t.Context(), anna.ID, staff.ByCommand)
	if err != nil {
		t.Fatal(err)
	}
	owner := d.browser()
	if a := d.guess(owner, "192.0.2.1", "anna", once.Password); a.location != "/desk/password" {
		t.Fatalf("the one-time password: %d to %q", a.status, a.location)
	}
	if a := d.post(owner, "/desk/password", "new", good, "again", good); a.status != 303 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	attack()
	if a := d.guess(owner, "192.0.2.1", "anna", good); a.status != 303 {
		t.Errorf("from then on, with the password: %d", a.status)
	}
	// It is no way to guess: such a password is not compared with a chosen one,
	// and an address has its delay all the same.
	n := 0
	for range 100 {
		if a := d.guess(d.browser(), "203.0.113.1", "anna", staff.NewOnce()); a.status == http.StatusUnauthorized {
			n++
		}
	}
	if n != 20 {
		t.Errorf("%d one-time passwords from one address were looked at, want 20", n)
	}
}

// TestSpraying tries one password on many accounts: from one address only so
// many are looked at, and another address is free.
func TestSpraying(t *testing.T) {
	d := newDesk(t, storetest.SQLite(t), behindProxy)
	d.add("anna", staff.Agent, good)
	n := 0
	for i := range 300 {
		if a := d.guess(d.browser(), "198.51.100.7", fmt.Sprint("name ", i), "Summer2026"); a.status == http.StatusUnauthorized {
			n++
		}
	}
	if n != 20 {
		t.Errorf("%d tries from one address were looked at, want 20", n)
	}
	if a := d.guess(d.browser(), "198.51.100.7", "anna", good); a.status != http.StatusTooManyRequests {
		t.Errorf("the right password from there: %d", a.status)
	}
	if a := d.guess(d.browser(), "2001:db8::1", "anna", good); a.status != 303 {
		t.Errorf("from elsewhere: %d", a.status)
	}
	// One's own account does not buy more guesses: each failure has its delay.
	d.add("mallory", staff.Agent, good)
	n = 0
	for i := range 100 {
		d.guess(d.browser(), "203.0.113.5", "mallory", good)
		if a := d.guess(d.browser(), "203.0.113.5", fmt.Sprint("victim ", i), "Summer2026"); a.status == http.StatusUnauthorized {
			n++
		}
	}
	if n > 21 {
		t.Errorf("%d guesses between one's own sign-ins", n)
	}
}

// TestSameAnswer compares, byte by byte, what is answered for an account and
// for a name that is nobody's, and for one that is disabled or has no password.
func TestSameAnswer(t *testing.T) {
	d := newDesk(t, storetest.SQLite(t), behindProxy)
	d.add("anna", staff.Agent, good)
	gone := d.add("gone", staff.Agent, good)
	if err := d.accounts.Disable(t.Context(), gone.ID, staff.ByCommand); err != nil {
		t.Fatal(err)
	}
	if _, err := d.accounts.Identify(t.Context(), staff.Identity{Issuer: "https://login.example", Subject: "1", Name: "open", Role: staff.Agent}, staff.ByCommand); err != nil {
		t.Fatal(err)
	}
	answers := map[string]string{}
	for _, tt := range []struct{ name, password string }{{"anna", "wrong"}, {"nobody", "wrong"}, {"gone", good}, {"open", ""}, {"nobody", ""}} {
		a := d.guess(d.browser(), "192.0.2.1", tt.name, tt.password)
		a.header.Del("Date")
		a.header.Del("Content-Length") // the name comes back in its field
		answers[fmt.Sprintf("%q %q", tt.name, tt.password)] = fmt.Sprint(a.status, a.header, strings.ReplaceAll(a.body, `value="`+tt.name+`"`, ""))
	}
	first := ""
	for who, answer := range answers {
		if first == "" {
			first = answer
		}
		if answer != first || !strings.Contains(answer, "not right") {
			t.Errorf("%s: %s\nand another one: %s", who, answer, first)
		}
	}
}

// TestStrangersInput sends what strangers can fill in: it comes back as text,
// or not at all, and never leads away.
func TestStrangersInput(t *testing.T) {
	d := newDesk(t, storetest.SQLite(t), nil)
	payloads := []string{
		`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' autofocus onfocus=alert(1) x='`, `</title><svg onload=alert(1)>`, `{{.}}`,
		`javascript:alert(1)`, "\x00<b>", "\u202e<i>", `<a href="javascript:alert(1)">x</a>`, strings.Repeat("<", 5000),
	}
	for i, payload := range payloads {
		if name, err := staff.CheckName(payload); err == nil {
			d.add(name, staff.Lead, good)
			c := d.browser()
			d.signIn(c, name, good)
			for _, path := range []string{"/desk/me", "/desk/password", "/desk/nothing"} {
				wantHarmless(t, path, payload, d.get(c, path).body)
			}
		}
		wantHarmless(t, "the name", payload, d.guess(d.browser(), "", payload, "x").body)
		wantHarmless(t, "next", payload, d.send(d.browser(), "GET", "/desk/signin?next="+fmt.Sprintf("%%2Fdesk%%2F%s", url.QueryEscape(payload)), nil, nil).body)
		agent := d.add(fmt.Sprint("agent ", i), staff.Agent, good)
		c := d.browser()
		if a := d.send(c, "POST", "/desk/signin", map[string][]string{"name": {agent.Name}, "password": {good}}, http.Header{"User-Agent": {strings.NewReplacer("\x00", "", "\n", "").Replace(payload)}}); a.status != 303 {
			t.Fatalf("%d %s", a.status, a.body)
		}
		wantHarmless(t, "the browser", payload, d.get(c, "/desk/me").body)
	}
	for i, to := range []string{"https://evil.example/", "//evil.example/", "/\\evil.example", "/desk/../../evil", "/desk//evil.example", "/evil", "/desk/\r\nLocation: x", "/desk/\\x", "desk/", "javascript:alert(1)"} {
		anna := d.add(fmt.Sprint("anna ", i), staff.Agent, good)
		a := d.post(d.browser(), "/desk/signin", "name", anna.Name, "password", good, "next", to)
		if a.status != 303 || !strings.HasPrefix(a.location, "/desk/") || strings.Contains(a.location, "evil.example") {
			t.Errorf("next %q leads to %q (%d)", to, a.location, a.status)
		}
	}
	bob := d.add("bob", staff.Agent, good)
	if a := d.post(d.browser(), "/desk/signin", "name", bob.Name, "password", good, "next", "/desk/search?q=http://x"); a.location != "/desk/search?q=http://x" {
		t.Errorf("led to %q", a.location)
	}
}

func wantHarmless(t *testing.T, where, payload, body string) {
	t.Helper()
	for _, bad := range []string{"<script>alert", "<img src=x", "<svg onload", `x='`, "<a href=\"javascript", "<b>", "<i>"} {
		if strings.Contains(payload, bad) && strings.Contains(body, bad) {
			t.Errorf("%s: %q comes back as it is", where, payload)
		}
	}
}

package signin_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"tilldesk/bot/signin"
	"tilldesk/bot/staff"
	"tilldesk/bot/store"
	"tilldesk/bot/store/storetest"
)

// cheap hashes in no time.
var cheap = staff.Cost{Memory: 8, Passes: 1, Threads: 1}

// desk is a gate on a real store, with a clock that stands still.
type desk struct {
	*testing.T
	dsn      string
	db       *store.DB
	accounts *staff.Accounts
	hasher   *staff.Hasher
	gate     *signin.Gate
	server   *httptest.Server
	log      lockedBuffer

	mu  sync.Mutex
	now time.Time
}

// time is what the clock says; it stands still until it is set.
func (d *desk) time() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.now
}

func (d *desk) setNow(now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.now = now
}

func (d *desk) pass(by time.Duration) { d.setNow(d.time().Add(by)) }

// lockedBuffer is what the gate has logged.
type lockedBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func newDesk(t *testing.T, dsn string, change func(*desk, *signin.Options)) *desk {
	t.Helper()
	d := &desk{T: t, dsn: dsn, now: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)}
	d.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/favicon.ico" { // browsers ask for it when a page names none
			return
		}
		d.gate.ServeHTTP(w, r)
	}))
	t.Cleanup(d.server.Close)
	clock := d.time
	d.db = storetest.Open(t, dsn, store.Options{Now: clock})
	d.hasher = staff.NewHasher(cheap)
	d.accounts = staff.NewAccounts(d.db, d.hasher, clock)
	opt := signin.Options{Now: clock, Watch: time.Millisecond, Log: slog.New(slog.NewTextHandler(&d.log, nil))}
	if change != nil {
		change(d, &opt)
	}
	gate, err := signin.New(d.accounts, d.hasher, d.db, opt)
	if err != nil {
		t.Fatal(err)
	}
	d.gate = gate
	show := func(w http.ResponseWriter, r *http.Request) {
		v := signin.From(r.Context())
		_, _ = w.Write([]byte("hello " + v.Name + " " + string(v.Role) + " " + string(v.Lang)))
	}
	gate.HandleFunc("GET /desk/{$}", staff.Agent, show)
	gate.HandleFunc("GET /desk/settings", staff.Lead, show)
	gate.HandleFunc("POST /desk/cases/{ticket}/take", staff.Agent, show)
	return d
}

// add makes somebody with a password of their own.
func (d *desk) add(name string, role staff.Role, password string) staff.Staff {
	d.Helper()
	if _, _, err := d.accounts.Add(d.Context(), staff.New{Name: name, Role: role}, staff.ByCommand); err != nil {
		d.Fatal(err)
	}
	s, err := d.accounts.Named(d.Context(), name)
	if err == nil {
		err = d.accounts.SetPassword(d.Context(), s.ID, password, staff.ByCommand)
	}
	if err != nil {
		d.Fatal(err)
	}
	return s
}

// browser is a client with its own cookies that shows pages and does not
// follow where it is sent.
func (d *desk) browser() *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		d.Fatal(err)
	}
	return &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

type answer struct {
	status   int
	location string
	body     string
	header   http.Header
}

func (d *desk) send(c *http.Client, method, path string, form url.Values, header http.Header) answer {
	d.Helper()
	r, err := http.NewRequestWithContext(d.Context(), method, d.server.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		d.Fatal(err)
	}
	r.Header.Set("Accept", "text/html")
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, values := range header {
		r.Header[name] = values
	}
	resp, err := c.Do(r)
	if err != nil {
		d.Fatal(err)
	}
	defer resp.Body.Close()
	var body strings.Builder
	if _, err := io.Copy(&body, resp.Body); err != nil {
		d.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header.Get("Location"), body.String(), resp.Header}
}

func (d *desk) get(c *http.Client, path string) answer { return d.send(c, "GET", path, nil, nil) }

func (d *desk) post(c *http.Client, path string, pairs ...string) answer {
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	return d.send(c, "POST", path, form, nil)
}

func (d *desk) signIn(c *http.Client, name, password string) answer {
	return d.post(c, "/desk/signin", "name", name, "password", password)
}

const good = "blue tram over 7 hills"

func TestSignIn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, dsn string) {
		d := newDesk(t, dsn, nil)
		d.add("Anna", staff.Agent, good)
		c := d.browser()
		if a := d.get(c, "/desk/"); a.status != 303 || a.location != "/desk/signin" {
			t.Fatalf("without a session: %+v", a)
		}
		if a := d.get(c, "/desk/settings"); a.location != "/desk/signin?next=%2fdesk%2fsettings" && a.location != "/desk/signin?next=%2Fdesk%2Fsettings" {
			t.Errorf("sent to %s", a.location)
		}
		if a := d.signIn(c, "anna", "wrong"); a.status != 401 || !strings.Contains(a.body, "用户名或密码不对") {
			t.Errorf("a wrong password: %d %s", a.status, a.body)
		}
		if a := d.signIn(c, "ANNA", good); a.status != 303 || a.location != "/desk/" {
			t.Fatalf("the right one: %d %s", a.status, a.body)
		}
		if a := d.get(c, "/desk/"); a.status != 200 || a.body != "hello Anna agent zh" {
			t.Errorf("%d %s", a.status, a.body)
		}
		if a := d.get(c, "/desk/me"); a.status != 200 || !strings.Contains(a.body, "Anna") {
			t.Errorf("%d %s", a.status, a.body)
		}
		if a := d.get(c, "/desk/settings"); a.status != 403 {
			t.Errorf("an agent in the settings: %d", a.status)
		}
		if a := d.post(c, "/desk/signout"); a.status != 303 {
			t.Errorf("%+v", a)
		}
		if a := d.get(c, "/desk/"); a.status != 303 {
			t.Errorf("after signing out: %d", a.status)
		}
		if err := d.db.CheckAudit(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

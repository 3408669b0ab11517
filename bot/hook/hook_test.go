package hook_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tilldesk/bot"
	"tilldesk/bot/desk"
	"tilldesk/bot/dialog"
	"tilldesk/bot/hook"
	"tilldesk/bot/store"
	"tilldesk/bot/store/storetest"
)

var secret = []byte("a secret that nobody knows")

// receiver is a team's own tool.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	status int
	got    []hook.Body
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{status: 200}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil || !hook.Verify(secret, req.Header.Get("Tilldesk-Signature"), body, time.Now(), time.Minute) {
			t.Errorf("signature %q, %v", req.Header.Get("Tilldesk-Signature"), err)
		}
		var b hook.Body
		if err := json.Unmarshal(body, &b); err != nil {
			t.Error(err)
		}
		if string(b.Event) != req.Header.Get("Tilldesk-Event") || b.ID != req.Header.Get("Tilldesk-Delivery") {
			t.Errorf("headers: %v", req.Header)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.got = append(r.got, b)
		w.WriteHeader(r.status)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) answers(status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status = status
}

// names returns what has come since the last call.
func (r *receiver) names() (names []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, b := range r.got {
		names = append(names, string(b.Event)+" "+b.Ticket)
	}
	r.got = nil
	return names
}

func post(t testing.TB, url string, private bool) *hook.Post {
	t.Helper()
	p, err := hook.NewPost(url, secret, private)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestTold follows a case, with a receiver that is down for a while and a
// service that starts anew.
func TestTold(t *testing.T) {
	storetest.Each(t, func(t *testing.T, dsn string) {
		ctx := t.Context()
		now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
		clock := func() time.Time { return now }
		db := storetest.Open(t, dsn, store.Options{Now: clock})
		d := desk.New(db, desk.Options{Now: clock, Knowledge: func() *bot.Knowledge { return &bot.Knowledge{Script: &dialog.Script{}} }})
		tool := newReceiver(t)
		round := func() {
			t.Helper()
			h := hook.New(db, []hook.Target{post(t, tool.URL, true)}, nil, clock) // a new one each time: nothing is in memory
			for more := true; more; {
				var err error
				if more, err = h.Round(ctx); err != nil {
					t.Fatal(err)
				}
			}
		}
		n := 0
		says := func(shop, text string, phase dialog.Phase) {
			t.Helper()
			n++
			if _, err := db.Accept(ctx, []bot.Arrival{{Inbound: bot.Inbound{Address: bot.Address{Channel: "web", Remote: shop}, Remote: bot.RemoteID(fmt.Sprint(n)), Text: text}}}); err != nil {
				t.Fatal(err)
			}
			works, err := db.Claim(ctx, "worker", now, time.Minute, 1)
			if err != nil || len(works) != 1 {
				t.Fatal(len(works), err)
			}
			turn := bot.Turn{Work: works[0], State: works[0].Conversation.State, At: now}
			if phase != turn.State.Phase {
				turn.Handoff = &dialog.Handoff{Cause: dialog.CauseMoney}
			}
			turn.State.Phase = phase
			if _, err := db.Commit(ctx, turn); err != nil {
				t.Fatal(err)
			}
		}
		same := func(what string, want ...string) {
			t.Helper()
			if diff := cmp.Diff(want, tool.names()); diff != "" {
				t.Errorf("%s (-want +got):\n%s", what, diff)
			}
		}

		says("before", "x", dialog.WithHuman)
		round()
		same("what was before the first start")

		says("shop", "钱没到账", dialog.WithHuman)
		says("shop", "急急急", dialog.WithHuman)
		round()
		round()
		got := tool.names()
		if len(got) != 2 || !strings.Contains(strings.Join(got, " "), "case.waiting T2") || !strings.Contains(strings.Join(got, " "), "message.received T2") {
			t.Errorf("told %v", got)
		}

		tool.answers(503)
		if _, err := d.Take(ctx, "T2", desk.Actor{ID: "lin"}); err != nil {
			t.Fatal(err)
		}
		round()
		same("tried once", "case.taken T2")
		round()
		same("not again at once")
		now = now.Add(15 * time.Second)
		tool.answers(204)
		round()
		same("tried again", "case.taken T2")
		now = now.Add(time.Hour)
		round()
		same("and then no more")

		tool.answers(410)
		if _, err := d.PutBack(ctx, "T2", desk.Actor{ID: "lin"}, ""); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Take(ctx, "T2", desk.Actor{ID: "may"}); err != nil {
			t.Fatal(err)
		}
		round()
		same("not wanted", "case.taken T2")
		now = now.Add(time.Hour)
		round()
		same("never again")
	})
}

func TestWhereHooksMayGo(t *testing.T) {
	tool := newReceiver(t)
	if err := post(t, tool.URL, true).Test(t.Context()); err != nil {
		t.Errorf("where it is allowed: %v", err)
	}
	if diff := cmp.Diff([]string{"test "}, tool.names()); diff != "" {
		t.Error(diff)
	}
	port := tool.URL[strings.LastIndex(tool.URL, ":"):]
	for _, host := range []string{"127.0.0.1", "localhost", "[::1]", "0.0.0.0", "[::ffff:127.0.0.1]", "10.0.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "[fd00::1]", "[fe80::1]"} {
		err := post(t, "http://"+host+port+"/token-in-url", false).Test(t.Context())
		if err == nil || strings.Contains(err.Error(), "token-in-url") {
			t.Errorf("%s: %v", host, err)
		}
	}
	if got := tool.names(); got != nil {
		t.Errorf("it was told %v from outside", got)
	}
	for _, bad := range []string{"", "ftp://tool.example", "//tool.example", "http://", "tool.example"} {
		if _, err := hook.NewPost(bad, secret, false); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	tool := newReceiver(t)
	elsewhere := httptest.NewServer(http.RedirectHandler(tool.URL, http.StatusTemporaryRedirect))
	defer elsewhere.Close()
	if err := post(t, elsewhere.URL, true).Test(t.Context()); err == nil || !strings.Contains(err.Error(), "307") {
		t.Errorf("a redirect: %v", err)
	}
	if got := tool.names(); got != nil {
		t.Errorf("followed with %v", got)
	}
}

func TestVerify(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	body := []byte(`{"event":"test"}`)
	good := hook.Sign(secret, now, body)
	// Computed by hand: printf '1700000000.{"event":"test"}' | openssl dgst -sha256 -hmac 'a secret that nobody knows'
	const known = "t=1700000000,v1=60ae187bc92e2d65e4a8ea144f867c7217eaa7ebc0e3131796155a17cb8102a2"
	if known != good {
		t.Errorf("signed %s", good)
	}
	for name, tt := range map[string]struct {
		secret    string
		signature string
		body      string
		now       time.Time
		want      bool
	}{
		"right":           {string(secret), good, string(body), now, true},
		"a minute later":  {string(secret), good, string(body), now.Add(time.Minute), true},
		"an hour later":   {string(secret), good, string(body), now.Add(time.Hour), false},
		"an hour before":  {string(secret), good, string(body), now.Add(-time.Hour), false},
		"another body":    {string(secret), good, `{"event":"Test"}`, now, false},
		"another secret":  {"x", good, string(body), now, false},
		"another time":    {string(secret), strings.Replace(good, "1700000000", "1700000001", 1), string(body), now, false},
		"no signature":    {string(secret), "", string(body), now, false},
		"no sum":          {string(secret), "t=1700000000", string(body), now, false},
		"sum is no bytes": {string(secret), "t=1700000000,v1=zz", string(body), now, false},
	} {
		if got := hook.Verify([]byte(tt.secret), tt.signature, []byte(tt.body), tt.now, 5*time.Minute); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// failing is a target that cannot be told.
type failing struct{ err error }

func (f failing) Name() string                          { return "failing" }
func (f failing) Kinds() []desk.EventKind               { return []desk.EventKind{desk.EventWaiting} }
func (f failing) Tell(context.Context, hook.Body) error { return f.err }

// queue is a store with one delivery.
type queue struct {
	hook.Store
	created time.Time
	said    string
}

func (q *queue) Spread(context.Context, string, []desk.EventKind, int) (int, error) { return 0, nil }
func (q *queue) ClaimHooks(context.Context, []string, time.Time, time.Time, int) ([]hook.Delivery, error) {
	return []hook.Delivery{{ID: "1", Target: "failing", Created: q.created}}, nil
}
func (q *queue) HookAgain(context.Context, string, time.Time, string) error {
	q.said = "again"
	return nil
}
func (q *queue) HookDead(context.Context, string, string) error { q.said = "dead"; return nil }

func TestGivenUpAfterADay(t *testing.T) {
	now := time.Now()
	for _, tt := range []struct {
		age  time.Duration
		err  error
		want string
	}{
		{time.Hour, errors.New("down"), "again"}, {25 * time.Hour, errors.New("down"), "dead"}, {time.Second, hook.ErrGone, "dead"},
	} {
		q := &queue{created: now.Add(-tt.age)}
		if _, err := hook.New(q, []hook.Target{failing{tt.err}}, nil, func() time.Time { return now }).Round(t.Context()); err != nil || q.said != tt.want {
			t.Errorf("after %v: %q, %v", tt.age, q.said, err)
		}
	}
}

// TestUntold: why a web-hook cannot be told is said in both languages, and
// without its URL.
func TestUntold(t *testing.T) {
	refuses := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	defer refuses.Close()
	unknown := httptest.NewTLSServer(http.NotFoundHandler())
	defer unknown.Close()
	for _, tt := range []struct {
		url     string
		private bool
		zh, en  string
	}{
		{refuses.URL + "/token", true, "418", "418"},
		{refuses.URL + "/token", false, "内网", "webhooks.private_networks"},
		{unknown.URL + "/token", true, "证书", "certificate"},
		{"http://nowhere.invalid/token", true, "域名", "name"},
	} {
		post, err := hook.NewPost(tt.url, []byte("s"), tt.private)
		if err != nil {
			t.Fatal(err)
		}
		var why *hook.TellError
		if err := post.Test(t.Context()); !errors.As(err, &why) || !strings.Contains(why.Why().Zh, tt.zh) || !strings.Contains(err.Error(), tt.en) || strings.Contains(err.Error(), "token") {
			t.Errorf("%s: %v; %+v", tt.url, err, why)
		}
	}
}

package console_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/console"
	"tilldesk/bot/desk"
	"tilldesk/bot/dialog"
	"tilldesk/bot/signin"
	"tilldesk/bot/staff"
	"tilldesk/bot/store"
	"tilldesk/bot/store/storetest"
	"tilldesk/bot/trial"
	"tilldesk/bot/web"
	"tilldesk/content/source"
)

// roster are the accounts as the desk sees them.
type roster struct{ accounts *staff.Accounts }

func (r roster) Members(ctx context.Context) ([]desk.Member, error) {
	all, err := r.accounts.All(ctx)
	var members []desk.Member
	for _, s := range all {
		members = append(members, desk.Member{ID: string(s.ID), Name: s.Name, Lead: s.Role == staff.Lead, Away: s.Away, Langs: s.Speaks})
	}
	return members, err
}

// tool is a team's own tool that answers as it is told to.
type tool struct {
	name   string
	answer error
}

func (t tool) Name() string               { return t.name }
func (t tool) Test(context.Context) error { return t.answer }

// gone says in both languages why a tool was not told.
type gone struct{}

func (gone) Error() string    { return "for the log" }
func (gone) Why() source.Text { return source.Text{Zh: "对方回答了 410", En: "it answered 410"} }

// service is the desk as it runs: the real engine, content, desk, sign-in and
// database behind a real server.
type service struct {
	*httptest.Server
	t        testing.TB
	db       *store.DB
	engine   *bot.Engine
	desk     *desk.Desk
	accounts *staff.Accounts
	console  *console.Console
	gate     *signin.Gate
	media    *os.Root
	n        int // names messages
	// behind is by how much the clock of the bot and the desk is behind, to let
	// things have happened a while ago.
	behind *atomic.Int64
	// shown are tickets that fill made: one with much on its card, one that is
	// taken, one that another was merged into, that other one.
	shown [4]string
}

// start runs a service until the test ends. Its one outgoing channel besides
// the web chat is named wechat, and sends nothing. change alters the options of
// the console.
func start(t testing.TB, dsn string, change ...func(*console.Options)) *service {
	t.Helper()
	k := trial.Knowledge(t)
	var err error
	s := &service{t: t, behind: new(atomic.Int64)}
	now := func() time.Time { return time.Now().Add(-time.Duration(s.behind.Load())) }
	s.db = storetest.Open(t, dsn, store.Options{})
	if s.media, err = os.OpenRoot(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	hasher := staff.NewHasher(staff.Cost{Memory: 8, Passes: 1, Threads: 1})
	s.accounts = staff.NewAccounts(s.db, hasher, nil)
	pull := func(channel string) bool { return channel == web.Name }
	var chat *web.Handler
	announce := func(id bot.ConversationID) { chat.Notify(id); s.desk.Wake() }
	s.desk = desk.New(s.db, desk.Options{
		Knowledge: func() *bot.Knowledge { return k }, Roster: roster{s.accounts}, Pull: pull, Log: log, Said: announce, Now: now,
		Poll: 50 * time.Millisecond,
	})
	s.engine = bot.NewEngine(s.db, k, "test", bot.Options{Pull: pull, Log: log, Now: now, HandedOver: func(st dialog.State, h dialog.Handoff) []bot.Reply {
		return s.desk.Promise(st, h)
	}})
	chat = web.New(s.engine, s.db, web.Options{Data: s.media, Log: log})
	s.engine.Committed = announce
	if s.gate, err = signin.New(s.accounts, hasher, s.db, signin.Options{Log: log}); err != nil {
		t.Fatal(err)
	}
	opt := console.Options{
		Accounts: s.accounts, Knowledge: func() *bot.Knowledge { return k }, Media: s.media, Log: log,
		Tools: []console.Tool{tool{"crm.example", nil}, tool{"old.example", gone{}}},
		Editions: func() (content, configuration console.Edition) {
			return console.Edition{Name: "8d1f2c", Since: time.Now()}, console.Edition{
				Name: "/etc/tilldesk/tilldesk.yaml", Since: time.Now(), RefusedAt: time.Now(),
				Refused: "tilldesk.yaml:12: desk.hours: 9am <script>alert(1)</script>; allowed: 09:00-18:00",
			}
		},
	}
	for _, f := range change {
		f(&opt)
	}
	if s.console, err = console.New(s.desk, s.db, opt); err != nil {
		t.Fatal(err)
	}
	s.console.Routes(s.gate)
	mux := http.NewServeMux()
	mux.Handle("/", chat)
	mux.Handle("/desk/", s.gate)
	s.Server = httptest.NewServer(mux)
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { s.engine.Run(ctx) })
	running.Go(func() { s.desk.Run(ctx) })
	t.Cleanup(func() {
		chat.Close()
		s.console.HangUp()
		s.Close()
		stop()
		running.Wait()
		s.media.Close()
	})
	return s
}

const password = "a longer password, chosen for tests"

// hire makes an account that has chosen its password.
func (s *service) hire(name string, role staff.Role, lang signin.Lang) staff.Staff {
	s.t.Helper()
	one, _, err := s.accounts.Add(s.t.Context(), staff.New{Name: name, Role: role, Lang: lang}, staff.ByCommand)
	if err == nil {
		err = s.accounts.SetPassword(s.t.Context(), one.ID, password, staff.ByCommand)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return one
}

// A client is a browser without a screen.
type client struct {
	*http.Client
	s *service
}

// signIn returns a client of somebody who is signed in.
func (s *service) signIn(name string) *client {
	s.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	c := &client{&http.Client{Jar: jar}, s}
	if status, body := c.post("/desk/signin", "name", name, "password", password); status != http.StatusOK {
		s.t.Fatalf("signing in as %s: %d %s", name, status, body)
	}
	return c
}

func (c *client) do(req *http.Request) (int, string) {
	c.s.t.Helper()
	res, err := c.Do(req)
	if err != nil {
		c.s.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		c.s.t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

func (c *client) get(path string) (int, string) {
	c.s.t.Helper()
	req, err := http.NewRequestWithContext(c.s.t.Context(), http.MethodGet, c.s.URL+path, nil)
	if err != nil {
		c.s.t.Fatal(err)
	}
	req.Header.Set("Accept", "text/html")
	return c.do(req)
}

// post sends a form; its fields are given as name, value, ...
func (c *client) post(path string, fields ...string) (int, string) {
	c.s.t.Helper()
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	req, err := http.NewRequestWithContext(c.s.t.Context(), http.MethodPost, c.s.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		c.s.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "text/html")
	return c.do(req)
}

// hears lets the bot answer a message of a merchant.
func (s *service) hears(channel, remote, text string) bot.ConversationID {
	s.t.Helper()
	s.n++
	receipt, err := s.engine.Accept(s.t.Context(), bot.Inbound{
		Address: bot.Address{Channel: channel, Remote: remote}, Remote: bot.RemoteID(fmt.Sprintf("in%d", s.n)), Text: text,
	})
	if err == nil {
		_, err = s.engine.Replies(s.t.Context(), receipt.Message)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	c, known, err := s.db.ConversationOf(s.t.Context(), channel, remote)
	if err != nil || !known {
		s.t.Fatal(known, err)
	}
	return c.ID
}

// ticketOf is the ticket of the newest case of a conversation.
func (s *service) ticketOf(id bot.ConversationID) string {
	s.t.Helper()
	cases, err := s.desk.CasesOf(s.t.Context(), id, 1)
	if err == nil && len(cases) == 0 {
		err = errors.New("it has none")
	}
	if err != nil {
		s.t.Fatalf("the case of conversation %s: %v", id, err)
	}
	return cases[0].Ticket
}

package telegram_test

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/outbox"
	"tilldesk/bot/store"
	"tilldesk/bot/store/storetest"
	"tilldesk/bot/telegram"
	"tilldesk/bot/telegram/telegramtest"
	"tilldesk/bot/trial"
)

// journal keeps what is logged, to be searched.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// service is the channel as it runs: the real engine, outbox, content and
// database in front of a Bot API.
type service struct {
	*testing.T
	api     *telegramtest.Server
	dsn     string
	db      *store.DB
	channel *telegram.Channel
	log     *journal
	data    string
	stop    func()
	engine  *bot.Engine
}

// A setup is how a service differs from the usual one.
type setup struct {
	api    *telegramtest.Server // a new one if nil
	dsn    string               // a new SQLite database if ""
	data   string
	opt    telegram.Options
	resend bool
	owner  string
	idle   bool // nothing runs: neither engine nor outbox nor receiver
	engine func(*bot.Engine) telegram.Engine
	apiURL string
	store  func(*store.DB) telegram.Store
}

// start runs a service until stop, or until the test ends.
func start(t *testing.T, with setup) *service {
	t.Helper()
	k := trial.Knowledge(t)
	var err error
	s := &service{T: t, api: with.api, dsn: with.dsn, data: with.data, log: new(journal)}
	if s.api == nil {
		s.api = telegramtest.New(t)
	}
	if s.dsn == "" {
		s.dsn = storetest.SQLite(t)
	}
	if s.data == "" {
		s.data = t.TempDir()
	}
	if s.db, err = store.Open(context.Background(), s.dsn, store.Options{}); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(s.data)
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	owner := with.owner
	if owner == "" {
		owner = "test"
	}
	s.engine = bot.NewEngine(s.db, k, owner, bot.Options{Log: log, Idle: 50 * time.Millisecond})
	opt := with.opt
	opt.Token, opt.APIURL, opt.Owner, opt.Data, opt.Log = s.api.Token, s.api.URL, owner, root, log
	if with.apiURL != "" {
		opt.APIURL = with.apiURL
	}
	var engine telegram.Engine = s.engine
	if with.engine != nil {
		engine = with.engine(s.engine)
	}
	var db telegram.Store = s.db
	if with.store != nil {
		db = with.store(s.db)
	}
	if s.channel, err = telegram.New(engine, db, opt); err != nil {
		t.Fatal(err)
	}
	boxed := outbox.Options{Owner: owner, Log: log, Idle: 50 * time.Millisecond, Grace: time.Second}
	if with.resend {
		boxed.Resend = []string{telegram.Name}
	}
	box := outbox.New(s.db, map[string]bot.Channel{telegram.Name: s.channel}, boxed)
	s.engine.Committed = func(id bot.ConversationID) { s.channel.Settled(id); box.Wake() }

	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { s.engine.Run(ctx) })
	if !with.idle {
		running.Go(func() { s.channel.Receive(ctx) })
	}
	running.Go(func() { s.channel.Work(ctx) })
	running.Go(func() { box.Run(ctx) })
	var once sync.Once
	s.stop = func() {
		once.Do(func() {
			cancel()
			running.Wait()
			root.Close()
			if err := s.db.Close(); err != nil {
				t.Error(err)
			}
			if t.Failed() {
				t.Log(s.log.String())
			}
		})
	}
	t.Cleanup(s.stop)
	return s
}

// hears waits until the bot has said n messages to a user, and returns them.
func (s *service) hears(u *telegramtest.User, n int) []telegramtest.Message {
	s.Helper()
	s.api.Wait("what the bot says", func() bool { return len(u.Heard()) >= n })
	return u.Heard()
}

// history returns what is stored of a user's conversation.
func (s *service) history(u *telegramtest.User) []bot.Entry {
	s.Helper()
	ctx := context.Background()
	c, known, err := s.db.ConversationOf(ctx, telegram.Name, remote(u))
	if err != nil {
		s.Fatal(err)
	}
	if !known {
		return nil
	}
	entries, err := s.db.History(ctx, c.ID, 0, 1000)
	if err != nil {
		s.Fatal(err)
	}
	return entries
}

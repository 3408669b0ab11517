package web_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"

	"tilldesk/bot"
	"tilldesk/bot/store"
	"tilldesk/bot/store/storetest"
	"tilldesk/bot/trial"
	"tilldesk/bot/web"
)

// service is the web chat as it runs: the real engine, content and database
// behind a real server.
type service struct {
	*httptest.Server
	db     *store.DB
	engine *bot.Engine
	web    *web.Handler
	data   string // the data folder
}

// start runs a service until the test ends.
func start(t testing.TB, opt web.Options) *service {
	t.Helper()
	k := trial.Knowledge(t)
	var err error
	s := &service{data: t.TempDir()}
	if s.db, err = store.Open(t.Context(), storetest.SQLite(t), store.Options{}); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(s.data)
	if err != nil {
		t.Fatal(err)
	}
	opt.Data = root
	if opt.Log == nil {
		opt.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	s.engine = bot.NewEngine(s.db, k, "test", bot.Options{Pull: func(channel string) bool { return channel == web.Name }})
	s.web = web.New(s.engine, s.db, opt)
	s.engine.Committed = s.web.Notify
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { s.engine.Run(ctx) })
	s.Server = httptest.NewServer(s.web)
	t.Cleanup(func() {
		s.web.Close()
		s.Server.Close()
		stop()
		running.Wait()
		root.Close()
		if err := s.db.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// A reply is an answer to a request, read whole.
type reply struct {
	status int
	header http.Header
	body   string
}

// do sends a request; headers are given as name, value, ...
func do(t testing.TB, method, url, body string, headers ...string) reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{res.StatusCode, res.Header, string(b)}
}

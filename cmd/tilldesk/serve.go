package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"tilldesk/bot"
	"tilldesk/bot/store"
	"tilldesk/bot/web"
	"tilldesk/config"
	"tilldesk/content"
)

func (a *app) serve() *cobra.Command {
	return &cobra.Command{
		Use:   "serve",
		Short: "Run the service (also without a command)",
		Long: "serve runs the service: the web chat for merchants, and behind it everything that is\n" +
			"stored and answered. With no configuration it keeps its data in ./data and listens on\n" +
			"http://127.0.0.1:8080/. SIGTERM and Ctrl-C stop it; what is under way is finished first.\n" +
			"SIGHUP reads the content again.",
		Example: "  tilldesk serve\n  TILLDESK_HTTP_ADDR=:8080 tilldesk serve --config tilldesk.yaml",
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.runService(cmd) },
	}
}

func (a *app) runService(cmd *cobra.Command) error {
	cfg, err := config.Load(a.configFile, a.env)
	if err != nil {
		return err
	}
	s := &service{app: a, cfg: cfg, log: newLogger(cmd.ErrOrStderr(), cfg.Log), out: cmd.OutOrStdout()}
	return s.run(cmd.Context())
}

func newLogger(w io.Writer, cfg config.Log) *slog.Logger {
	opt := &slog.HandlerOptions{Level: cfg.Level}
	if cfg.Format == config.JSON {
		return slog.New(slog.NewJSONHandler(w, opt))
	}
	return slog.New(slog.NewTextHandler(w, opt))
}

// service is the running service: where all packages meet.
type service struct {
	app *app
	cfg config.Config
	log *slog.Logger
	out io.Writer

	db      *store.DB
	engine  *bot.Engine
	chat    *web.Handler
	metrics *metrics
}

// stopWithin bounds a graceful stop; the contract promises ten seconds.
const stopWithin = 8 * time.Second

// run starts everything in order, serves until ctx ends, and stops in the
// opposite order: first the listeners, then the turns in hand, then the store.
func (s *service) run(ctx context.Context) (err error) {
	k, digest, err := s.knowledge(ctx)
	if err != nil {
		return err
	}
	s.db, err = store.Open(ctx, s.cfg.Store.DSN.Reveal(), store.Options{})
	if err != nil {
		return fmt.Errorf("store.dsn: %w", err)
	}
	defer func() { err = errors.Join(err, failed(s.db.Close())) }()
	media, err := openMedia(s.cfg.Store.Media)
	if err != nil {
		return err
	}
	defer media.Close()

	proxies, err := s.cfg.HTTP.Proxies()
	if err != nil {
		return fmt.Errorf("http.trusted_proxies: %w", err)
	}
	s.metrics = newMetrics(s.db, s.log)
	s.engine = bot.NewEngine(s.db, k, owner(), bot.Options{
		Pull: func(channel string) bool { return channel == web.Name },
		Log:  s.log, Observe: s.metrics.observe,
	})
	s.chat = web.New(s.engine, s.db, web.Options{
		AddressPerSecond:      s.cfg.Limits.AddressPerSecond,
		ConversationPerMinute: s.cfg.Limits.ConversationPerMinute,
		TrustedProxies:        proxies,
		EmbedOrigins:          s.cfg.HTTP.Origins(),
		HTTPS:                 strings.HasPrefix(s.cfg.HTTP.PublicURL, "https:"),
		Data:                  media,
		Log:                   s.log,
	})
	s.engine.Committed = s.chat.Notify

	// The engine stops after the listeners: a request that was accepted is
	// answered.
	answering, stopAnswering := context.WithCancel(context.WithoutCancel(ctx))
	var background sync.WaitGroup
	background.Go(func() { s.engine.Run(answering) })
	reloading, stopReloading := context.WithCancel(ctx)
	background.Go(func() { s.reload(reloading, digest) })
	defer background.Wait()
	defer stopAnswering()
	defer stopReloading()
	return s.listen(ctx)
}

func owner() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%s/%d", host, os.Getpid())
}

func openMedia(dir string) (*os.Root, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("store.media: making the folder for photos: %w; give a folder that can be written", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("store.media: opening the folder for photos: %w", err)
	}
	return root, nil
}

func (s *service) knowledge(ctx context.Context) (*bot.Knowledge, string, error) {
	fsys, err := content.Open(s.cfg.Content.Dir)
	if err != nil {
		return nil, "", err
	}
	c, err := content.Load(fsys)
	if err != nil {
		return nil, "", err
	}
	k, err := s.app.learn(ctx, c)
	if err != nil {
		return nil, "", failedError{err}
	}
	return k, c.Digest, nil
}

// oldKnowledge is kept so long after a reload: a turn that began before it is
// over by then.
const oldKnowledge = time.Minute

// reload reads the content again on SIGHUP. Content that does not check clean
// is refused, and the old stays.
func (s *service) reload(ctx context.Context, digest string) {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	for {
		select {
		case <-ctx.Done():
			return
		case <-hup:
		}
		k, next, err := s.knowledge(ctx)
		switch {
		case err != nil:
			s.log.Error("the content was not taken; the old one stays", "error", oneLine(err))
			continue
		case next == digest:
			s.log.Info("the content has not changed", "content", digest)
			s.closeKnowledge(k)
			continue
		}
		old := s.engine.Swap(k)
		s.log.Info("new content is used from now on", "content", next, "before", digest)
		digest = next
		time.AfterFunc(oldKnowledge, func() { s.closeKnowledge(old) })
	}
}

func (s *service) closeKnowledge(k *bot.Knowledge) {
	if err := k.Close(); err != nil {
		s.log.Warn("an index could not be closed", "error", err)
	}
}

// listen serves the two listeners until ctx ends, then shuts them down.
func (s *service) listen(ctx context.Context) error {
	public := s.server(s.routes())
	public.RegisterOnShutdown(s.chat.Close)
	servers := map[string]*http.Server{s.cfg.HTTP.Addr: public}
	if s.cfg.Metrics.Addr != config.Off {
		servers[s.cfg.Metrics.Addr] = s.server(s.privateRoutes())
	}
	ended := make(chan error, len(servers))
	started := 0
	for addr, server := range servers {
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
		if err != nil {
			s.shutdown(servers)
			return fmt.Errorf("listening on %s: %w; choose another http.addr or metrics.addr, or stop what listens there", addr, err)
		}
		started++
		if server == public {
			fmt.Fprintf(s.out, "tilldesk is ready: http://%s/\n", l.Addr())
		}
		s.log.Info("listening", "address", l.Addr().String())
		go func() { ended <- server.Serve(l) }()
	}
	select {
	case <-ctx.Done():
		s.log.Info("stopping")
	case err := <-ended:
		s.shutdown(servers)
		return failedError{fmt.Errorf("serving: %w", err)}
	}
	s.shutdown(servers)
	for range started {
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			return failedError{fmt.Errorf("serving: %w", err)}
		}
	}
	return nil
}

func (s *service) shutdown(servers map[string]*http.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), stopWithin)
	defer cancel()
	var all sync.WaitGroup
	for _, server := range servers {
		all.Go(func() {
			if err := server.Shutdown(ctx); err != nil {
				s.log.Warn("some requests were cut off", "error", err)
				_ = server.Close() // they had their time
			}
		})
	}
	all.Wait()
}

func (s *service) server(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       2 * time.Minute, // a photo over a slow line
		WriteTimeout:      time.Minute,     // streams set deadlines of their own
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
}

func (s *service) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", alive)
	mux.HandleFunc("GET /readyz", s.ready)
	mux.Handle("/", s.chat)
	return mux
}

func (s *service) privateRoutes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", alive)
	mux.HandleFunc("GET /readyz", s.ready)
	mux.Handle("GET /metrics", s.metrics.handler())
	return mux
}

func alive(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, "ok") }

// ready answers 200 when the store can be reached; the content is loaded
// before anything listens.
func (s *service) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	if err := s.db.Ping(ctx); err != nil {
		s.log.Error("the store cannot be reached", "error", err)
		answer(w, http.StatusServiceUnavailable, "the store cannot be reached")
		return
	}
	answer(w, http.StatusOK, "ready")
}

func answer(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	fmt.Fprintln(w, text)
}

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"tilldesk/config"
)

// listeners are the addresses that the service listens on, with their servers.
type listeners struct {
	servers []*http.Server
	ended   chan error
}

// listen opens the two listeners and begins to serve once it has both. The
// address of the public one is printed, as its port may be any that is free.
func (s *service) listen(ctx context.Context) (*listeners, error) {
	open, err := bind(ctx, "http.addr", s.cfg.HTTP.Addr)
	if err != nil {
		return nil, err
	}
	var private net.Listener
	if s.cfg.Metrics.Addr != config.Off {
		if private, err = bind(ctx, "metrics.addr", s.cfg.Metrics.Addr); err != nil {
			return nil, errors.Join(err, open.Close())
		}
	}
	public := s.server(identified(s.routes(), s.log))
	for _, p := range s.plugs {
		if p.hangUp != nil {
			public.RegisterOnShutdown(p.hangUp)
		}
	}
	crowd := newCrowd(open, roomFor(openFiles()))
	crowd.serve(public)
	l := &listeners{ended: make(chan error, 2)}
	fmt.Fprintf(s.out, "tilldesk is ready: http://%s/\n", crowd.Addr())
	l.serve(public, crowd, s.log)
	if private != nil {
		l.serve(s.server(s.privateRoutes()), private, s.log)
	}
	return l, nil
}

// bind listens on the address that stands under a key of the settings.
func bind(ctx context.Context, key, addr string) (net.Listener, error) {
	open, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; choose another address, or stop what listens there", key, err)
	}
	return open, nil
}

// serve begins to serve on a listener.
func (l *listeners) serve(server *http.Server, open net.Listener, log *slog.Logger) {
	l.servers = append(l.servers, server)
	log.Info("listening", "address", open.Addr().String())
	go func() { l.ended <- server.Serve(open) }()
}

// shutdown closes the listeners and waits for the requests under way, so long
// at most; then it cuts them off.
func (l *listeners) shutdown(log *slog.Logger, within time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	var all sync.WaitGroup
	for _, server := range l.servers {
		all.Go(func() {
			if err := server.Shutdown(ctx); err != nil {
				log.Warn("some requests were cut off", "error", err)
				_ = server.Close() // they had their time
			}
		})
	}
	all.Wait()
}

// wait returns why serving failed or what is fatal, or nil when ctx ends first.
func (l *listeners) wait(ctx context.Context, fatal <-chan error) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-fatal:
		return err
	case err := <-l.ended:
		if errors.Is(err, http.ErrServerClosed) {
			return nil
		}
		return failedError{fmt.Errorf("serving: %w", err)}
	}
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
	for _, p := range s.plugs {
		if p.routes != nil {
			p.routes(mux)
		}
	}
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

// ready answers 200 when the store can be reached, the content is learnt and
// every part can do its work.
func (s *service) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	if err := s.db.Ping(ctx); err != nil {
		s.log.Error("the store cannot be reached", "error", err)
		answer(w, http.StatusServiceUnavailable, "the store cannot be reached")
		return
	}
	select {
	case <-s.engine.Learnt():
	default:
		answer(w, http.StatusServiceUnavailable, "the content is being learnt; messages are taken and answered after that")
		return
	}
	for _, p := range s.plugs {
		if p.ready == nil {
			continue
		}
		if err := p.ready(ctx); err != nil {
			s.log.Error("a part is not ready", "part", p.name, "error", err)
			answer(w, http.StatusServiceUnavailable, p.name+" is not ready")
			return
		}
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

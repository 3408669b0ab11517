package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"tilldesk/bot"
	"tilldesk/bot/desk"
	"tilldesk/bot/dialog"
	"tilldesk/bot/outbox"
	"tilldesk/bot/signin"
	"tilldesk/bot/staff"
	"tilldesk/bot/store"
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
			"SIGHUP reads configuration and content again.",
		Example: "  tilldesk serve\n  TILLDESK_HTTP_ADDR=:8080 tilldesk serve --config tilldesk.yaml",
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.runService(cmd) },
	}
}

func (a *app) runService(cmd *cobra.Command) error {
	file := config.Present(a.configFile)
	cfg, err := config.Load(file, a.env)
	if err != nil {
		return err
	}
	s := &service{app: a, file: file, cfg: cfg, out: cmd.OutOrStdout(),
		otherSettings: make(chan struct{}, 1), otherContent: make(chan struct{}, 1)}
	s.settings.Store(&cfg)
	s.level.Set(cfg.Log.Level)
	s.log = newLogger(cmd.ErrOrStderr(), &s.level, cfg.Log.Format)
	return s.run(cmd.Context())
}

func newLogger(w io.Writer, level slog.Leveler, format config.Format) *slog.Logger {
	opt := &slog.HandlerOptions{Level: level}
	if format == config.JSON {
		return slog.New(withRequest{slog.NewJSONHandler(w, opt)})
	}
	return slog.New(withRequest{slog.NewTextHandler(w, opt)})
}

// service is the running service: where all packages meet.
type service struct {
	app   *app
	file  string        // of the configuration, "" if there is none
	cfg   config.Config // at the start
	log   *slog.Logger
	level slog.LevelVar
	out   io.Writer // for people who start it: the address, a first password

	settings atomic.Pointer[config.Config] // now; what is not live may differ from how the service runs
	editions editions
	// What is to be read again although it may not have changed.
	otherSettings, otherContent chan struct{}

	db      *store.DB
	media   *os.Root // photos; what is stored of them are paths below it
	engine  *bot.Engine
	outbox  *outbox.Outbox
	room    func() error // whether there is room for more messages and photos
	metrics *metrics
	plugs   []namedPlug
	// channels are those of the parts, by name; complete once all are open.
	channels map[string]bot.Channel
	holds    map[string]time.Duration // for how long the outbox leaves their replies alone

	staff *staff.Accounts // set by the part signin
	gate  *signin.Gate    // likewise; a part adds its pages to it when it is opened
	desk  *desk.Desk      // set by the part desk
}

// namedPlug is what a part gave.
type namedPlug struct {
	name string
	plug
}

// Bounds on the steps of a graceful stop. Together they stay below the ten
// seconds that CONTRACT.md promises.
const (
	hearingOut = 4 * time.Second         // requests
	answering  = 600 * time.Millisecond  // each of: receivers, turns in hand, the work of parts
	sendingOut = 2 * time.Second         // messages under way
	settling   = 1500 * time.Millisecond // what became of them is stored
)

// databaseUp is for how long a database server may take to start up beside us,
// or the replicas that stop to free their connections.
const databaseUp = time.Minute

// run starts everything in order, serves until ctx ends, and stops in the
// order of a message: first what receives, then the engine, then the outbox,
// then the store. What is not done by then is on disk.
func (s *service) run(ctx context.Context) (err error) {
	defer frugal()() // until it has learnt
	if _, err := content.Open(s.cfg.Content.Dir); err != nil {
		return err
	}
	s.db, err = store.Open(ctx, s.cfg.Store.DSN.Reveal(), store.Options{Wait: databaseUp, Log: s.log})
	if err != nil {
		return fmt.Errorf("store.dsn: %w", err)
	}
	defer func() { err = errors.Join(err, failed(s.db.Close())) }()
	s.media, err = openMedia(s.cfg.Store.Media)
	if err != nil {
		return err
	}
	defer s.media.Close()

	s.channels, s.holds = map[string]bot.Channel{}, map[string]time.Duration{}
	s.metrics = newMetrics(s.db, dataFolders(s.cfg.Store), s.log)
	s.room = newDisk(s.cfg.Store, s.log).room
	s.engine = bot.NewEngine(s.db, nil, owner(), bot.Options{
		Pull: s.pulls,
		Hold: func(channel string) time.Duration { return s.holds[channel] },
		HandedOver: func(st dialog.State, h dialog.Handoff) []bot.Reply {
			if s.desk == nil {
				return nil
			}
			return s.desk.Promise(st, h)
		},
		Lease: s.app.lease, Log: s.log, Room: s.room, Observe: s.metrics.observe,
	})
	defer func() { err = errors.Join(err, s.closeParts()) }()
	if err := s.openParts(ctx); err != nil {
		return err
	}
	var resend []string
	for _, p := range s.plugs {
		if p.channel == nil {
			continue
		}
		s.channels[p.channel.Name()], s.holds[p.channel.Name()] = p.channel, p.hold
		if p.resend {
			resend = append(resend, p.channel.Name())
		}
	}
	s.outbox = outbox.New(s.db, s.channels, outbox.Options{Owner: owner(), Lease: s.app.lease, Grace: sendingOut, Resend: resend, Observe: s.metrics.sent, Log: s.log})
	s.engine.Committed = s.announce
	return s.serve(ctx)
}

// pulls reports whether the client of a channel fetches its messages.
func (s *service) pulls(name string) bool {
	channel := s.channels[name]
	return channel != nil && channel.Limits().Pull
}

// serve runs what was opened until ctx ends, a listener fails, or there is
// nothing to learn from. It listens before it learns: what comes until then is
// stored, and answered after.
func (s *service) serve(ctx context.Context) error {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	fatal := make(chan error, 1)
	receiving, thinking, working, sending := newBackground(ctx, s.log), newBackground(ctx, s.log), newBackground(ctx, s.log), newBackground(ctx, s.log)
	// Nothing here is left running, whichever way this function is left.
	defer sending.stopAll(sendingOut + settling)
	defer working.stop()
	defer thinking.stop()
	defer receiving.stop()

	public, err := s.listen(ctx)
	if err != nil {
		return err
	}
	sending.run("outbox", s.outbox.Run)
	thinking.run("engine", s.engine.Run)
	working.run("signals", func(ctx context.Context) { s.rereadOn(ctx, hup) })
	working.run("configuration", s.followConfiguration)
	working.run("ballast", s.keepBallast)
	working.run("content", func(ctx context.Context) {
		if err := s.followContent(ctx); err != nil {
			fatal <- err
		}
	})
	for _, p := range s.plugs {
		working.run(p.name, p.work)
		receiving.run(p.name, p.receive)
	}

	err = public.wait(ctx, fatal)
	s.log.Info("stopping")
	receiving.stop() // while the requests are finished
	public.shutdown(s.log, hearingOut)
	for _, stage := range []struct {
		what   string
		jobs   *background
		within time.Duration
	}{{"receivers", receiving, answering}, {"the engine", thinking, answering}, {"the work of parts", working, answering}} {
		if !stage.jobs.stopAll(stage.within) {
			s.log.Warn("not all has ended in its time; what is stored stays stored", "what", stage.what)
		}
	}
	return err
}

// openParts opens all parts, in their order.
func (s *service) openParts(ctx context.Context) error {
	for _, p := range s.app.parts {
		given, err := p.open(ctx, s)
		if err != nil {
			return err
		}
		s.plugs = append(s.plugs, namedPlug{p.name, given})
	}
	return nil
}

// closeParts closes what was opened, the last first.
func (s *service) closeParts() error {
	var problems []error
	for i := len(s.plugs) - 1; i >= 0; i-- {
		p := s.plugs[i]
		if p.close == nil {
			continue
		}
		if err := p.close(); err != nil {
			problems = append(problems, failed(fmt.Errorf("closing %s: %w", p.name, err)))
		}
	}
	return errors.Join(problems...)
}

// announce tells everybody that something was stored in a conversation: the
// outbox, which may have to send it, and the parts. It does not block.
func (s *service) announce(id bot.ConversationID) {
	s.outbox.Wake()
	for _, p := range s.plugs {
		if p.committed != nil {
			p.committed(id)
		}
	}
}

// typing tells the parts that somebody types at a case. It does not block.
func (s *service) typing(who desk.Presence) {
	for _, p := range s.plugs {
		if p.typing != nil {
			p.typing(who)
		}
	}
}

// owner names this process among those that share the store.
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

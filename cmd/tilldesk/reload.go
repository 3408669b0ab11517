package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"tilldesk/bot"
	"tilldesk/config"
	"tilldesk/config/watch"
	"tilldesk/content"
)

// An edition is which content or configuration is used, and which one was not
// taken because something is wrong with it.
type edition struct {
	Name      string    // of content its digest, of configuration its file
	Since     time.Time // when it was taken
	Refused   string    // what is wrong with what was found last; "" if it was taken
	RefusedAt time.Time
}

// editions are those in use. They are safe for concurrent use.
type editions struct {
	mu            sync.Mutex
	content       edition
	configuration edition
}

func (e *editions) read() (content, configuration edition) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.content, e.configuration
}

func (e *editions) taken(of *edition, name string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	*of = edition{Name: name, Since: time.Now()}
}

func (e *editions) refused(of *edition, why error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	of.Refused, of.RefusedAt = oneLine(why), time.Now()
}

// rereadOn lets configuration and content be read again on each signal.
func (s *service) rereadOn(ctx context.Context, signals <-chan os.Signal) {
	for {
		select {
		case <-signals:
			s.log.Info("configuration and content are read again")
			nudge(s.otherSettings)
			nudge(s.otherContent)
		case <-ctx.Done():
			return
		}
	}
}

// nudge sends without waiting: one that is not received yet is enough.
func nudge(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// followConfiguration takes over what changes in the configuration file and
// can change while the service runs. A file that is not sound is refused as a
// whole, and the old settings stay.
func (s *service) followConfiguration(ctx context.Context) {
	files := func() []string { return config.Files(s.file) }
	watch.Run(ctx, files, watch.Options{Nudge: s.otherSettings, Log: s.log}, s.reloadConfiguration)
}

func (s *service) reloadConfiguration() {
	before := *s.settings.Load()
	after, err := config.Load(s.file, s.app.env)
	if err != nil {
		s.editions.refused(&s.editions.configuration, err)
		s.metrics.reloaded("configuration", false)
		s.log.Error("the configuration was not taken; the old one stays", "error", oneLine(err))
		return
	}
	if s.file == "" { // from here on it must not vanish again
		s.file = config.Present("")
	}
	s.editions.taken(&s.editions.configuration, s.file)
	live, restart := config.Changes(before, after)
	if len(live)+len(restart) == 0 {
		return
	}
	s.metrics.reloaded("configuration", true)
	s.settings.Store(&after)
	if len(live) > 0 {
		s.log.Info("settings have changed", "keys", live)
		s.level.Set(after.Log.Level)
		for _, p := range s.plugs {
			if p.reconfigured != nil {
				p.reconfigured(after)
			}
		}
		if after.Content.Dir != before.Content.Dir {
			nudge(s.otherContent)
		}
	}
	if len(restart) > 0 {
		s.log.Warn("settings have changed that are taken over by a restart only", "keys", restart)
	}
}

// followContent learns from the content, and again when it changes. Content
// that does not check clean is refused, and the old stays; if there is no old
// one, it returns what is wrong.
func (s *service) followContent(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var failure error
	folders := func() []string {
		if dir := s.settings.Load().Content.Dir; dir != "" {
			return []string{dir}
		}
		return nil
	}
	watch.Run(ctx, folders, watch.Options{Nudge: s.otherContent, Log: s.log}, func() {
		if failure = s.reloadContent(ctx); failure != nil {
			stop()
		}
	})
	return failure
}

// reloadContent returns an error if there is no content at all.
func (s *service) reloadContent(ctx context.Context) error {
	began := time.Now()
	present, _ := s.editions.read()
	k, digest, err := s.learn(ctx, present.Name)
	first := present.Name == ""
	switch {
	case ctx.Err() != nil:
		return nil
	case err != nil && first:
		return err
	case err != nil:
		s.editions.refused(&s.editions.content, err)
		s.metrics.reloaded("content", false)
		s.log.Error("the content was not taken; the old one stays", "content", present.Name, "error", oneLine(err))
		return nil
	case k == nil:
		if present.Refused != "" { // what was wrong has been taken back
			s.log.Info("the content is again what it was", "content", digest)
			s.editions.taken(&s.editions.content, digest)
		}
		return nil
	}
	old, unused := s.engine.Swap(k)
	s.editions.taken(&s.editions.content, digest)
	s.metrics.reloaded("content", true)
	s.log.Info("this content is used from now on", "content", digest, "before", present.Name, "took", time.Since(began).Round(time.Millisecond))
	for _, p := range s.plugs {
		if p.learnt != nil {
			p.learnt()
		}
	}
	if old != nil {
		go closeUnused(old, unused, s.log)
	}
	tidyUp()
	return nil
}

// lookedAt is how long after it was replaced somebody may still look something
// up in what s.knowledge has returned.
const lookedAt = time.Minute

// knowledge returns what the bot knows at present, nil until it has learnt.
// Who uses it for longer than a moment borrows it from the engine instead.
func (s *service) knowledge() *bot.Knowledge {
	k, done, _ := s.engine.Knowledge()
	done()
	return k
}

// closeUnused frees knowledge when its last reader is done.
func closeUnused(k *bot.Knowledge, unused <-chan struct{}, log *slog.Logger) {
	<-unused
	time.AfterFunc(lookedAt, func() {
		if err := k.Close(); err != nil {
			log.Warn("an index could not be closed", "error", err)
		}
	})
}

// learn reads the content and learns from it. It returns no knowledge if the
// content is what is known already.
func (s *service) learn(ctx context.Context, known string) (*bot.Knowledge, string, error) {
	defer frugal()()
	cfg := s.settings.Load().Content
	fsys, err := content.Open(cfg.Dir)
	if err != nil {
		return nil, "", err
	}
	c, err := content.Load(fsys)
	if err != nil {
		if cfg.Dir != "" {
			err = fmt.Errorf("content.dir %q: %w", cfg.Dir, err)
		}
		return nil, "", err
	}
	if c.Digest == known {
		return nil, known, nil
	}
	k, err := s.app.learn(ctx, cfg, c)
	if err != nil {
		return nil, "", failedError{err}
	}
	return k, c.Digest, nil
}

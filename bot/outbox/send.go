package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
	"time"

	"tilldesk/bot"
)

// errPanic and errStuck say that the channel misbehaved. The message may have
// been delivered.
var (
	errPanic = errors.New("the channel panicked")
	errStuck = errors.New("the channel did not return when its time was over")
)

// deliver sends a message and stores what became of it.
func (l *lane) deliver(s stages, m bot.Outbound) {
	defer l.free()
	began := time.Now()
	remote, err := l.send(s.sending, m)
	class := Classify(err)
	took := time.Since(began)
	l.box.opt.Observe(l.name, class, took)
	l.end(class, class == Delivered || class == Never || reached(err), took)

	about := []any{"message", m.ID, "conversation", m.Conversation, "attempt", m.Attempts + 1}
	now := l.box.opt.Now()
	store := l.box.store
	switch {
	case class == Delivered:
		if l.record(s, m, "sent", func(ctx context.Context) error { return store.Sent(ctx, m, remote, now) }) {
			l.log.Info("sent", about...)
		}
	case class == Never:
		if l.record(s, m, "dead", func(ctx context.Context) error { return store.BuryOut(ctx, m, err.Error()) }) {
			l.log.With(about...).Error("the message cannot be delivered; staff can see it", "error", err)
		}
	case class == Later:
		var retry *bot.RetryError
		errors.As(err, &retry)
		long := retry.After > bot.LongWait
		if !long {
			l.leaveAlone(m.Conversation, retry.After)
		}
		l.retry(s, m, retryAt(now, m.At, retry.After), long, err)
	case l.resend && !errors.Is(err, errPanic) && m.Attempts+1 < MaxCopies:
		l.retry(s, m, retryAt(now, m.At, 0), false, err)
	default:
		if l.record(s, m, "held", func(ctx context.Context) error { return store.Hold(ctx, m, err.Error()) }) {
			l.log.With(about...).Error("the message may have been delivered or not; staff decide", "error", err)
		}
	}
}

// reached reports whether the network answered, though not as we wished.
func reached(err error) bool {
	var retry *bot.RetryError
	return errors.As(err, &retry) && retry.Reached
}

func (l *lane) retry(s stages, m bot.Outbound, at time.Time, passable bool, why error) {
	if l.record(s, m, "put off", func(ctx context.Context) error { return l.box.store.RetryOut(ctx, m, at, passable, why.Error()) }) {
		l.log.Warn("the message will be sent again", "message", m.ID, "conversation", m.Conversation,
			"attempt", m.Attempts+1, "at", at, "error", why)
		l.wakeAt(at)
	}
}

// send asks the channel to send a message. It returns when the channel does, or
// soon after the channel should have.
func (l *lane) send(ctx context.Context, m bot.Outbound) (bot.RemoteID, error) {
	ctx, cancel := context.WithTimeout(ctx, l.timeout)
	type result struct {
		remote bot.RemoteID
		err    error
	}
	done := make(chan result, 1)
	go func() {
		defer cancel()
		remote, err := l.call(ctx, m)
		done <- result{remote, err}
	}()
	select {
	case r := <-done:
		return r.remote, r.err
	case <-ctx.Done():
	}
	timer := time.NewTimer(overtime)
	defer timer.Stop()
	select {
	case r := <-done:
		return r.remote, r.err
	case <-timer.C:
		return "", errStuck
	}
}

// call is Send with a panic made an error. What a panic says may hold a part of
// the message and is left out, unless it comes from the runtime.
func (l *lane) call(ctx context.Context, m bot.Outbound) (remote bot.RemoteID, err error) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		if fault, ok := p.(runtime.Error); ok {
			err = fmt.Errorf("%w: %w", errPanic, fault)
		} else {
			err = fmt.Errorf("%w with a %T", errPanic, p)
		}
		l.log.Error("the channel panicked", "message", m.ID, "conversation", m.Conversation, "error", err, "stack", string(debug.Stack()))
	}()
	return l.channel.Send(ctx, m)
}

// Bounds on storing what became of a message.
const (
	recordTime = 5 * time.Second // one try
	minPause   = 100 * time.Millisecond
	maxPause   = 5 * time.Second
)

// record stores what became of a message and reports whether it is stored. It
// does not give up before the service stops: while the store is away, what was
// delivered must not come to be held, and no more should be sent.
func (l *lane) record(s stages, m bot.Outbound, what string, write func(context.Context) error) bool {
	log := func() *slog.Logger { // most have nothing to say
		return l.log.With("message", m.ID, "conversation", m.Conversation, "outcome", what)
	}
	for pause := minPause; ; pause = min(2*pause, maxPause) {
		ctx, cancel := context.WithTimeout(s.storing, recordTime)
		err := write(ctx)
		cancel()
		switch {
		case err == nil:
			return true
		case errors.Is(err, bot.ErrLost):
			log().Warn("the claim on the message had ended; what became of it is not stored")
			return false
		}
		log().Error("what became of the message could not be stored", "error", err)
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-s.storing.Done():
			timer.Stop()
			return false
		}
	}
}

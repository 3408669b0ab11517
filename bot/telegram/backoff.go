package telegram

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"sync"
	"time"

	"tilldesk/bot/telegram/botapi"
)

// backoff is the pause between tries: longer each time, and never shorter than
// Telegram asks for. Its zero value is ready.
type backoff struct{ last time.Duration }

const (
	firstPause = 500 * time.Millisecond
	maxPause   = 30 * time.Second
	// stuckPause is for what no waiting mends: a token that is not valid, or
	// somebody else who polls.
	stuckPause = time.Minute
)

func (b *backoff) reset() { b.last = 0 }

// next returns the pause after an error.
func (b *backoff) next(err error) time.Duration {
	b.last = min(max(firstPause, 2*b.last), maxPause)
	wait := b.last/2 + rand.N(b.last/2+1) // so that replicas do not come together
	var e *botapi.Error
	if errors.As(err, &e) {
		switch e.Kind {
		case botapi.Flood:
			return max(wait, e.After)
		case botapi.Unauthorized, botapi.Conflict:
			return stuckPause
		}
	}
	return wait
}

// pause waits after an error and reports whether ctx is still going on.
func (b *backoff) pause(ctx context.Context, err error) bool { return sleep(ctx, b.next(err)) }

// sleep waits and reports whether ctx is still going on.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// pause keeps calls to a chat back until the time that Telegram has named, and
// all calls after it has complained about two chats within a short time: then
// the bot as a whole is too fast.
type pause struct {
	mu    sync.Mutex
	chats map[int64]time.Time // until when each is left alone
	chat  int64               // that was complained about last
	at    time.Time
	after time.Duration
	until time.Time
}

const (
	together = 5 * time.Second
	// maxPaused is how many chats are remembered before those whose time is over
	// are forgotten.
	maxPaused = 1000
)

// left returns for how long nothing may be sent to a chat.
func (p *pause) left(chat int64, now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return max(0, p.until.Sub(now), p.chats[chat].Sub(now))
}

// flooded notes a complaint.
func (p *pause) flooded(chat int64, after time.Duration, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.chat != 0 && p.chat != chat && now.Sub(p.at) < together {
		if until := now.Add(max(after, p.after)); until.After(p.until) {
			p.until = until
		}
	}
	p.chat, p.at, p.after = chat, now, after
	if len(p.chats) >= maxPaused {
		maps.DeleteFunc(p.chats, func(_ int64, until time.Time) bool { return !until.After(now) })
	}
	if p.chats == nil {
		p.chats = map[int64]time.Time{}
	}
	if until := now.Add(after); until.After(p.chats[chat]) {
		p.chats[chat] = until
	}
}

// asFlood reports whether an error says that it was too much.
func asFlood(err error, e **botapi.Error) bool {
	return errors.As(err, e) && (*e).Kind == botapi.Flood
}

// asMoved reports whether an error says that a group has another id now.
func asMoved(err error, e **botapi.Error) bool {
	return errors.As(err, e) && (*e).Kind == botapi.Migrated
}

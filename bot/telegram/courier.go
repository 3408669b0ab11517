package telegram

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"tilldesk/bot/telegram/botapi"
)

// courier makes calls that belong to no conversation and are soon of no use:
// the notice after a press, the button that goes away, a menu. They are tried a
// few times and then forgotten; what is lost the merchant can ask for again.
type courier struct {
	errands chan errand
	pause   *pause
	now     func() time.Time
	log     *slog.Logger
}

type errand struct {
	what string
	chat int64 // that the call is about; 0: none
	do   func(context.Context) error
}

const (
	maxErrands   = 1000
	messengers   = 8
	errandTries  = 4
	errandWithin = time.Minute // after it nobody waits for it any more
)

func newCourier(p *pause, now func() time.Time, log *slog.Logger) *courier {
	return &courier{errands: make(chan errand, maxErrands), pause: p, now: now, log: log}
}

// send lets a call about a chat, 0 for none, be made soon. It does not block.
func (c *courier) send(what string, chat int64, do func(context.Context) error) {
	select {
	case c.errands <- errand{what, chat, do}:
	default:
		c.log.Warn("too much to do at once; left out", "what", what)
	}
}

func (c *courier) run(ctx context.Context) {
	var all sync.WaitGroup
	for range messengers {
		all.Go(func() {
			for {
				select {
				case e := <-c.errands:
					c.do(ctx, e)
				case <-ctx.Done():
					return
				}
			}
		})
	}
	all.Wait()
}

func (c *courier) do(ctx context.Context, e errand) {
	ctx, cancel := context.WithTimeout(ctx, errandWithin)
	defer cancel()
	wait := backoff{}
	for try := 1; ; try++ {
		// A chat that Telegram wants left alone for long is left alone: nobody
		// waits any more by then, nor may others wait behind it.
		if left := c.pause.left(e.chat, c.now()); left > 0 && e.chat != 0 && (left > maxPause/2 || !sleep(ctx, left)) {
			c.log.Warn("left undone", "what", e.what, "error", "Telegram wants the chat to be left alone")
			return
		}
		call, end := context.WithTimeout(ctx, callTime)
		err := e.do(call)
		end()
		switch botapi.KindOf(err) {
		case "":
			if err == nil {
				return
			}
		case botapi.NotModified, botapi.TooLate, botapi.NoMessage, botapi.Unreachable:
			c.log.Debug("too late", "what", e.what, "error", err)
			return
		case botapi.NotSent, botapi.Unknown, botapi.Flood:
			if f := new(botapi.Error); e.chat != 0 && asFlood(err, &f) {
				c.pause.flooded(e.chat, f.After, c.now())
				if try < errandTries {
					continue
				}
			}
			if try < errandTries && wait.pause(ctx, err) {
				continue
			}
		}
		c.log.Warn("left undone", "what", e.what, "error", err)
		return
	}
}

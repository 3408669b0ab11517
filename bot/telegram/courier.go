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
	log     *slog.Logger
}

type errand struct {
	what string
	do   func(context.Context) error
}

const (
	maxErrands   = 1000
	messengers   = 8
	errandTries  = 4
	errandWithin = time.Minute // after it nobody waits for it any more
)

func newCourier(log *slog.Logger) *courier {
	return &courier{errands: make(chan errand, maxErrands), log: log}
}

// send lets a call be made soon. It does not block.
func (c *courier) send(what string, do func(context.Context) error) {
	select {
	case c.errands <- errand{what, do}:
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
			if try < errandTries && wait.pause(ctx, err) {
				continue
			}
		}
		c.log.Warn("left undone", "what", e.what, "error", err)
		return
	}
}

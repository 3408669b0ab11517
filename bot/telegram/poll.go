package telegram

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/store"
	"tilldesk/bot/telegram/botapi"
)

// Times of polling. A process that dies is replaced when its lease has ended.
const (
	pollWait    = 50 * time.Second // Telegram waits no longer
	pollBatch   = 100
	pollLease   = 25 * time.Second // of Options.Lease; it is renewed three times in between
	pollRetake  = 2 * time.Second
	lanesAtOnce = 32
)

// poll fetches updates while this process has the lease on them.
func (c *Channel) poll(ctx context.Context) {
	if !c.greet(ctx) {
		return
	}
	for ctx.Err() == nil {
		l, ok, err := c.store.LeasePoll(ctx, c.api.ID(), c.opt.Owner, c.opt.Now(), c.opt.Lease)
		if err != nil && ctx.Err() == nil {
			c.log.Error("the lease on Telegram's updates could not be taken", "error", err)
		}
		if ok {
			c.log.Info("this process fetches the updates of Telegram")
			c.pollLeased(ctx, l)
		}
		sleep(ctx, pollRetake)
	}
}

// pollLeased fetches updates until ctx or the lease ends.
func (c *Channel) pollLeased(ctx context.Context, l store.PollLease) {
	polling, lost := context.WithCancel(ctx)
	defer lost()
	var renewing sync.WaitGroup
	renewing.Go(func() { c.renew(polling, lost, l) })
	c.fetch(polling, l)
	lost()
	renewing.Wait()
	giveUp, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if err := c.store.EndPoll(giveUp, l); err != nil && !errors.Is(err, bot.ErrLost) {
		c.log.Warn("the lease on Telegram's updates ends by itself", "error", err)
	}
}

// renew keeps the lease until ctx ends, and calls lost when it cannot.
func (c *Channel) renew(ctx context.Context, lost context.CancelFunc, l store.PollLease) {
	every := c.opt.Lease / 3
	again := time.NewTicker(every)
	defer again.Stop()
	held := c.opt.Now().Add(c.opt.Lease)
	for {
		select {
		case <-again.C:
		case <-ctx.Done():
			return
		}
		until := c.opt.Now().Add(c.opt.Lease)
		err := c.store.RenewPoll(ctx, l, until)
		switch {
		case err == nil:
			held = until
			continue
		case ctx.Err() != nil:
			return
		}
		c.log.Error("the lease on Telegram's updates could not be renewed", "error", err)
		if errors.Is(err, bot.ErrLost) || c.opt.Now().Add(every).After(held) {
			lost()
			return
		}
	}
}

// fetch polls until ctx ends.
func (c *Channel) fetch(ctx context.Context, l store.PollLease) {
	if !c.insist(ctx, "making sure that updates can be fetched", c.noWebhook) {
		return
	}
	offset := l.Offset
	var wait backoff
	for ctx.Err() == nil {
		batch, err := c.api.GetUpdates(ctx, botapi.Poll{Offset: offset, Wait: pollWait, Limit: pollBatch, Allowed: allowed})
		if err == nil {
			var next int64
			if next, err = c.takeAll(ctx, batch); next != 0 {
				if saved := c.store.SavePoll(context.WithoutCancel(ctx), l, next); errors.Is(saved, bot.ErrLost) {
					return
				} else if saved != nil {
					err = saved // they are known when they come again
				} else {
					offset = next
				}
			}
		}
		switch {
		case err == nil:
			wait.reset()
		case ctx.Err() != nil:
			return
		default:
			c.log.Error("updates of Telegram could not be taken; it is tried again", "error", err, "remedy", remedy(err))
			wait.pause(ctx, err)
		}
	}
}

// remedy says what a person can do about an error of polling.
func remedy(err error) string {
	switch botapi.KindOf(err) {
	case botapi.Conflict:
		return "another program fetches the updates of this bot, or has set a webhook: stop it, or give tilldesk a bot of its own"
	case botapi.Unauthorized:
		return "get a valid token from BotFather and set telegram.token"
	}
	return ""
}

// noWebhook takes away a webhook, which keeps updates from being fetched.
func (c *Channel) noWebhook(ctx context.Context) error {
	info, err := c.api.GetWebhookInfo(ctx)
	if err != nil || info.URL == "" {
		return err
	}
	c.log.Warn("the bot had a webhook; it is taken away, as updates are fetched")
	return c.api.DeleteWebhook(ctx)
}

// takeAll handles a batch: the updates of a chat in order, those of different
// chats at once. It returns the id of the first update that is to come again,
// or that will be next; 0 if there is none to go by. Ids that are lower than
// ever before are good: after a quiet week they start anew.
func (c *Channel) takeAll(ctx context.Context, batch []json.RawMessage) (next int64, err error) {
	var order []string
	ids := make([]int64, len(batch))
	lanes := map[string][]int{}
	for i, raw := range batch {
		var u rawUpdate
		if json.Unmarshal(raw, &u) != nil {
			// Its id may still be there to be read, or nothing could ever follow it.
			var least struct {
				ID int64 `json:"update_id"`
			}
			_ = json.Unmarshal(raw, &least)
			u = rawUpdate{ID: least.ID}
		}
		ids[i] = u.ID
		key := lane(u)
		if _, known := lanes[key]; !known {
			order = append(order, key)
		}
		lanes[key] = append(lanes[key], i)
	}
	failed := make([]error, len(batch))
	room := make(chan struct{}, lanesAtOnce)
	var all sync.WaitGroup
	for _, key := range order {
		room <- struct{}{}
		all.Go(func() {
			defer func() { <-room }()
			for n, i := range lanes[key] {
				if failed[i] = c.take(ctx, batch[i]); failed[i] != nil {
					for _, rest := range lanes[key][n+1:] { // in order, or not at all
						failed[rest] = failed[i]
					}
					return
				}
			}
		})
	}
	all.Wait()
	for i, id := range ids {
		if failed[i] != nil {
			return id, failed[i] // confirms those before it
		}
		if id != 0 {
			next = id + 1
		}
	}
	return next, nil
}

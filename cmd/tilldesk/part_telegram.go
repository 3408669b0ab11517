package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"tilldesk/bot/desk"
	"tilldesk/bot/telegram"
	"tilldesk/bot/telegram/staffgroup"
	"tilldesk/config"
	"tilldesk/content/source"
)

// telegramPart is the Telegram channel, if there is a token for it, and the
// staff group. It comes after the desk and the staff accounts.
func telegramPart() part { return part{name: "telegram", open: openTelegram, examine: examineTelegram} }

// telegramPath is where Telegram sends updates, a promise to those who set webhooks.
const telegramPath = "/telegram/webhook"

func openTelegram(_ context.Context, s *service) (plug, error) {
	cfg := s.cfg.Telegram
	if !cfg.On() {
		return plug{}, nil
	}
	opt := telegram.Options{Token: cfg.Token.Reveal(), APIURL: cfg.APIURL, Owner: owner(), Lease: s.app.lease, Data: s.media, Log: s.log,
		Shared: !strings.HasPrefix(s.cfg.Store.DSN.Reveal(), "sqlite:")}
	if cfg.Mode == config.Webhook {
		opt.Secret = cfg.WebhookSecret.Reveal()
		opt.WebhookURL = telegramWebhook(s.cfg)
	}
	channel, err := telegram.New(s.engine, s.db, opt)
	if err != nil {
		return plug{}, fmt.Errorf("telegram.token: %w", err)
	}
	work, typing := channel.Work, make(chan desk.Presence, 100)
	if cfg.StaffChatID != 0 {
		group := staffgroup.New(channel.API(), s.desk, s.staff, s.db, staffgroup.Options{
			Chat: cfg.StaffChatID, Lang: source.Lang(cfg.StaffLang), Owner: owner(), Data: s.media, Log: s.log,
		})
		channel.SetGroup(group)
		work = func(ctx context.Context) {
			done := make(chan struct{})
			go func() {
				defer close(done)
				group.Run(ctx)
			}()
			channel.Work(ctx)
			<-done
		}
	}
	return plug{
		channel: channel,
		resend:  cfg.Policy == config.Resend,
		routes:  func(mux *http.ServeMux) { mux.Handle(telegramPath, channel) },
		receive: channel.Receive,
		work: func(ctx context.Context) {
			var staff sync.WaitGroup
			staff.Go(func() { showTyping(ctx, s, typing, channel) })
			work(ctx)
			staff.Wait()
		},
		committed: channel.Settled,
		typing: func(who desk.Presence) {
			select {
			case typing <- who:
			default: // it is a courtesy
			}
		},
	}, nil
}

// showTyping shows merchants that staff write to them, until ctx ends.
func showTyping(ctx context.Context, s *service, typing <-chan desk.Presence, channel *telegram.Channel) {
	for {
		select {
		case who := <-typing:
			// What others than its owner type at a case is a note.
			if c, err := s.desk.Case(ctx, who.Ticket); err == nil && c.Owner == who.Staff && c.Open() {
				channel.ShowTyping(c.Address)
			}
		case <-ctx.Done():
			return
		}
	}
}

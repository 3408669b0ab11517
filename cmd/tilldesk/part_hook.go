package main

import (
	"context"
	"fmt"
	"net/mail"
	"strings"

	"tilldesk/bot"
	"tilldesk/bot/hook"
	"tilldesk/config"
)

// hookPart tells a team's own tools, and people by mail, what happens at the
// desk.
func hookPart() part { return part{name: "hook", open: openHook} }

func openHook(_ context.Context, s *service) (plug, error) {
	targets, err := targetsOf(s.cfg)
	if err != nil || len(targets) == 0 {
		return plug{}, err
	}
	hooks := hook.New(s.db, targets, s.log, nil)
	return plug{work: hooks.Run, committed: func(bot.ConversationID) { hooks.Wake() }}, nil
}

func targetsOf(cfg config.Config) ([]hook.Target, error) {
	var targets []hook.Target
	for _, url := range cfg.Webhooks.List() {
		post, err := hook.NewPost(url, []byte(cfg.Webhooks.Secret.Reveal()), cfg.Webhooks.PrivateNetworks)
		if err != nil {
			return nil, fmt.Errorf("webhooks.urls: %w", err)
		}
		targets = append(targets, post)
	}
	if cfg.SMTP.Addr == "" {
		return targets, nil
	}
	from, err := mail.ParseAddress(cfg.SMTP.Sender)
	if err != nil {
		return nil, fmt.Errorf("smtp.sender: %w", err)
	}
	to, err := mail.ParseAddressList(cfg.SMTP.Recipients)
	if err != nil {
		return nil, fmt.Errorf("smtp.recipients: %w", err)
	}
	m := &hook.Mail{Addr: cfg.SMTP.Addr, TLS: hook.TLS(cfg.SMTP.TLS), User: cfg.SMTP.User, Password: cfg.SMTP.Password.Reveal(), From: *from}
	for _, address := range to {
		m.To = append(m.To, *address)
	}
	if cfg.HTTP.PublicURL != "" {
		m.Desk = strings.TrimRight(cfg.HTTP.PublicURL, "/") + "/desk/"
	}
	return append(targets, m), nil
}

package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"tilldesk/bot/web"
	"tilldesk/config"
)

// webPart is the merchant's web chat.
func webPart() part { return part{name: "web", open: openWeb} }

func openWeb(_ context.Context, s *service) (plug, error) {
	opt, err := webRules(s.cfg)
	if err != nil {
		return plug{}, err
	}
	opt.HTTPS = strings.HasPrefix(s.cfg.HTTP.PublicURL, "https:")
	opt.Data = s.media
	opt.Room = s.room
	opt.Log = s.log
	opt.Observe = s.metrics.observe
	chat := web.New(s.engine, s.db, opt)
	return plug{
		channel:   chat,
		routes:    func(mux *http.ServeMux) { mux.Handle("/", chat) },
		hangUp:    chat.Close,
		committed: chat.Notify,
		reconfigured: func(cfg config.Config) {
			// It was read before, and would have been refused.
			if opt, err := webRules(cfg); err == nil {
				chat.Change(opt)
			}
		},
	}, nil
}

// webRules are the settings of the web chat that can change while it serves.
func webRules(cfg config.Config) (web.Options, error) {
	proxies, err := cfg.HTTP.Proxies()
	if err != nil {
		return web.Options{}, fmt.Errorf("http.trusted_proxies: %w", err)
	}
	return web.Options{
		AddressPerSecond:      cfg.Limits.AddressPerSecond,
		ConversationPerMinute: cfg.Limits.ConversationPerMinute,
		TrustedProxies:        proxies,
		EmbedOrigins:          cfg.HTTP.Origins(),
	}, nil
}

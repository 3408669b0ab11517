package main

import (
	"context"
	"net/http"

	"tilldesk/bot"
	"tilldesk/bot/console"
)

// consolePart is the desk in the browser.
func consolePart() part { return part{name: "console", open: openConsole} }

func openConsole(_ context.Context, s *service) (plug, error) {
	targets, err := targetsOf(s.cfg)
	if err != nil {
		return plug{}, err
	}
	var tools []console.Tool
	for _, target := range targets {
		if tool, ok := target.(console.Tool); ok {
			tools = append(tools, tool)
		}
	}
	pages, err := console.New(s.desk, s.db, console.Options{
		Accounts:  s.staff,
		Knowledge: s.knowledge,
		Editions: func() (content, configuration console.Edition) {
			of, by := s.editions.read()
			return console.Edition(of), console.Edition(by)
		},
		Media:   s.media,
		Channel: func(name string) bot.Channel { return s.channels[name] },
		Room:    s.room,
		Tools:   tools,
		Sent:    func() { s.outbox.Wake() },
		Log:     s.log,
	})
	if err != nil {
		return plug{}, err
	}
	pages.Routes(s.gate)
	return plug{
		routes: func(mux *http.ServeMux) {
			mux.Handle("GET /desk", http.RedirectHandler("/desk/", http.StatusMovedPermanently))
		},
		hangUp: pages.HangUp,
	}, nil
}

package main

import (
	"context"
	"net/http"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/desk"
	"tilldesk/bot/store"
	"tilldesk/config"
)

// parts returns what the service is made of besides its core, in the order in
// which it is opened; a part may use those above it. A new part is a file
// part_NAME.go and one line here.
func parts() []part {
	return []part{
		webPart(),
		signinPart(),
		deskPart(),
		consolePart(),
		hookPart(),
		wechatPart(),
		telegramPart(),
		retentionPart(),
	}
}

// A part is one thing that the service can do: a channel, the desk, its pages.
type part struct {
	name string // in logs, and in doctor's list
	// open makes the part ready when the service starts. Nothing listens yet,
	// and no turn has been made; s has its configuration, log, store, media
	// folder, engine and the fields that parts above have set; the engine has
	// not learnt anything yet. What the part stores in a conversation later, such
	// as a person's reply, it tells the others with s.announce. A part that is
	// switched off returns the zero plug.
	open func(ctx context.Context, s *service) (plug, error)
	// examine is what doctor says of the part; nil if there is nothing to say.
	// It changes nothing. db is nil if the store
	// is not there or cannot be opened, which has been said then.
	examine func(ctx context.Context, cfg config.Config, db *store.DB) []finding
}

// A plug is what an open part gives to the service. Each field may be left
// out.
type plug struct {
	// channel is where replies go. The outbox sends to it, unless its Limits say
	// that its client fetches them.
	channel bot.Channel
	// resend lets the outbox send again what may have been delivered already,
	// instead of holding it for a person.
	resend bool
	// hold is for how long after a message was received the replies to it are
	// left to the request that brought it; the outbox sends what it did not carry.
	hold time.Duration
	// routes adds the public routes, by patterns with their method.
	routes func(mux *http.ServeMux)
	// hangUp ends streams that stay open; it is called when the listeners begin
	// to shut down, as they wait for all requests.
	hangUp func()
	// receive fetches messages from a network until ctx ends. It is the first
	// that is stopped: what it has accepted by then is answered.
	receive func(ctx context.Context)
	// work is everything else that goes on in the background until ctx ends. It
	// is stopped after the engine.
	work func(ctx context.Context)
	// committed is called with a conversation after each turn and whatever else
	// was stored in it, to let open pages follow. It must not block.
	committed func(bot.ConversationID)
	// typing is called while somebody of the staff types at a case, every few
	// seconds. It must not block.
	typing func(desk.Presence)
	// learnt is called when the bot knows something new, once soon after the
	// start and after each change of the content. s.knowledge
	// returns it.
	learnt func()
	// reconfigured is called with the settings after one that is live has
	// changed.
	reconfigured func(config.Config)
	// ready says why the part cannot do its work now; /readyz answers with 503
	// then.
	ready func(ctx context.Context) error
	// close frees what open has taken, after all else has stopped.
	close func() error
}

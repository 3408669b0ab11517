package console

import (
	"context"
	"errors"
	"net/http"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/desk"
	"tilldesk/bot/signin"
	"tilldesk/content/source"
)

// undeliveredBody is the page of the messages that need a decision.
type undeliveredBody struct{ Held, Failed, Aside []parked }

type parked struct {
	ID                           bot.MessageID
	Conversation                 bot.ConversationID
	Merchant, Channel, Text, Why string
	At                           time.Time
	Held, Aside                  bool
}

// parkedAtOnce is how many messages of each kind are shown; there are few, or
// something is very wrong.
const parkedAtOnce = 100

func (c *Console) undelivered(w http.ResponseWriter, r *http.Request) {
	ctx, v := r.Context(), signin.From(r.Context())
	p, err := c.begin(r, "undelivered", "undelivered.title")
	if err != nil {
		c.fail(w, r, err)
		return
	}
	p.Follows = "all"
	held, err := c.store.Held(ctx, parkedAtOnce)
	if err != nil {
		c.fail(w, r, err)
		return
	}
	failed, err := c.store.DeadOut(ctx, parkedAtOnce)
	if err != nil {
		c.fail(w, r, err)
		return
	}
	aside, err := c.store.Dead(ctx, parkedAtOnce)
	if err != nil {
		c.fail(w, r, err)
		return
	}
	var body undeliveredBody
	for _, m := range held {
		body.Held = append(body.Held, parkedOf(v.Lang, m))
	}
	for _, m := range failed {
		body.Failed = append(body.Failed, parkedOf(v.Lang, m))
	}
	for _, m := range aside {
		body.Aside = append(body.Aside, parked{
			ID: m.ID, Conversation: m.Conversation, Merchant: unnamed(v.Lang, m.Address.Remote),
			Channel: sayOr(v.Lang, "channel."+m.Address.Channel, m.Address.Channel), Why: m.Why, At: m.Received, Aside: true,
		})
	}
	p.Body = body
	c.show(w, r, http.StatusOK, "undelivered", p)
}

func parkedOf(lang source.Lang, m bot.Parked) parked {
	return parked{
		ID: m.ID, Conversation: m.Conversation, Merchant: unnamed(lang, m.Address.Remote),
		Channel: sayOr(lang, "channel."+m.Address.Channel, m.Address.Channel),
		Text:    m.Reply.Text, Why: m.Why, At: m.Since, Held: m.Delivery == bot.Held,
	}
}

// decide does with a message what somebody has decided.
func (c *Console) decide(w http.ResponseWriter, r *http.Request) {
	id := bot.MessageID(r.PathValue("message"))
	actions := map[string]func(context.Context, bot.MessageID) error{
		"resend":  c.store.Resend,
		"settle":  func(ctx context.Context, id bot.MessageID) error { return c.store.Settle(ctx, id, c.now()) },
		"requeue": c.store.Requeue,
		"drop":    c.store.Drop,
	}
	do, ok := actions[r.PathValue("action")]
	if !ok {
		c.fail(w, r, desk.ErrNotFound)
		return
	}
	err := do(r.Context(), id)
	switch {
	case errors.Is(err, desk.ErrNotFound):
		c.fail(w, r, &inputError{"undelivered.gone"})
		return
	case err != nil:
		c.fail(w, r, err)
		return
	}
	c.opt.Sent()
	c.done(w, r, "/desk/undelivered", told{Told: say(signin.From(r.Context()).Lang, "undelivered.done")})
}

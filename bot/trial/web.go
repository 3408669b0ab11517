package trial

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/web"
)

// Web is where merchants write in their browsers.
type Web struct {
	ledger *Ledger
	client *http.Client
}

// NewWeb returns merchants that wait so long for an answer.
func NewWeb(l *Ledger, patience time.Duration) *Web { return &Web{l, newClient(patience)} }

// Say sends a message to the service at base once and notes the answer. It
// fails if there is none.
func (w *Web) Say(ctx context.Context, base, conversation string, id bot.RemoteID, text string) error {
	a := bot.Address{Channel: web.Name, Remote: conversation}
	w.ledger.Sent(a, id, text)
	body, err := json.Marshal(map[string]string{"conversation": conversation, "message_id": string(id), "text": text})
	if err != nil {
		return err
	}
	status, answer, err := post(ctx, w.client, base+"/api/chat", body)
	w.ledger.said(status)
	if err != nil {
		return err
	}
	w.ledger.Answered(a, id, string(answer))
	return nil
}

// Ask sends a message again and again until it is answered or ctx ends, which
// it reports. base is asked for each time, since a service may come back
// elsewhere.
func (w *Web) Ask(ctx context.Context, base func() string, conversation string, id bot.RemoteID, text string) bool {
	return again(ctx, func() error { return w.Say(ctx, base(), conversation, id, text) })
}

// Deliver posts a message again and again until it is acknowledged or ctx ends,
// which it reports.
func (n *Network) Deliver(ctx context.Context, base func() string, chat string, id bot.RemoteID, text string) bool {
	since := time.Now()
	return again(ctx, func() error { return n.Post(ctx, base(), chat, id, text, since) })
}

// pause is how long whoever was not answered waits before the next try, unless
// the service says how long.
const pause = 100 * time.Millisecond

// again tries until it succeeds or ctx ends, which it reports.
func again(ctx context.Context, try func() error) bool {
	for {
		err := try()
		if err == nil {
			return true
		}
		wait := pause
		var refused *StatusError
		if errors.As(err, &refused) {
			wait = max(wait, refused.After)
		}
		next := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			next.Stop()
			return false
		case <-next.C:
		}
	}
}

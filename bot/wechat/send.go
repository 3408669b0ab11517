package wechat

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/silenceper/wechat/v2/officialaccount/message"

	"tilldesk/bot"
)

// WindowStore keeps how much WeChat grants in a conversation.
type WindowStore interface {
	Window(ctx context.Context, conversation bot.ConversationID) (bot.Window, error)
	// TakeWindow takes one message if more than keep are left.
	TakeWindow(ctx context.Context, conversation bot.ConversationID, keep int, now time.Time) (w bot.Window, ok bool, err error)
	ReturnWindow(ctx context.Context, conversation bot.ConversationID, w bot.Window) error
	EmptyWindow(ctx context.Context, conversation bot.ConversationID, w bot.Window) error
	CloseWindow(ctx context.Context, conversation bot.ConversationID, w bot.Window) error
	// ReopenWindow opens a window again for a message of the merchant that was
	// received after it was opened, if there is one.
	ReopenWindow(ctx context.Context, conversation bot.ConversationID, allowed int, within time.Duration) (reopened bool, err error)
	// PieceSent records that so many pieces of a message are delivered.
	PieceSent(ctx context.Context, m bot.Outbound, pieces int) error
}

const (
	// forStaff is how many of what WeChat grants the bot leaves to people.
	forStaff = 2
	// waitsFor is how long a message that cannot be sent now waits for the
	// merchant's next one. After that it is given up.
	waitsFor = 48 * time.Hour
)

// A waitError says that a message cannot be sent before the merchant writes
// again; the answer to that carries it.
type waitError struct{ why string }

func (e waitError) Error() string {
	return e.why + "; it goes out with the merchant's next message"
}

// A refusedError is what WeChat will never take.
type refusedError struct{ error }

func (e refusedError) Unwrap() error { return e.error }

// Permanent tells the outbox not to try again.
func (refusedError) Permanent() bool { return true }

// Send delivers a message through the customer-service API (发送客服消息), a long
// one in pieces. What WeChat does not grant now is a [*bot.RetryError] after
// some hours: it goes out before that, with the merchant's next message.
func (c *Channel) Send(ctx context.Context, m bot.Outbound) (bot.RemoteID, error) {
	if err := ctx.Err(); err != nil {
		return "", &bot.RetryError{Err: err}
	}
	if err := c.mayCall(); err != nil {
		return "", err
	}
	if !c.api() {
		return "", c.later(m, "this account has no customer-service API")
	}
	texts := pieces(m.Reply)
	all := len(texts) + len(m.Reply.Media)
	for i := m.Pieces; i < all; i++ {
		err := c.sendWithin(ctx, m, func(ctx context.Context) error {
			if i >= len(texts) {
				return c.sendPicture(ctx, m.Address.Remote, m.Reply.Media[i-len(texts)])
			}
			return c.sendText(ctx, m.Address.Remote, texts[i], all == 1 && c.menus(m.Reply), m.Reply)
		})
		if err != nil {
			return "", err
		}
		if i < all-1 {
			if err := c.store.PieceSent(ctx, m, i+1); err != nil {
				return "", fmt.Errorf("a piece was sent, which could not be stored: %w", err)
			}
		}
	}
	return "api", nil
}

// sendWithin sends one message of those that WeChat grants, and classifies
// what became of it.
func (c *Channel) sendWithin(ctx context.Context, m bot.Outbound, send func(context.Context) error) error {
	keep := forStaff
	if m.Author == bot.Staff {
		keep = 0
	}
	w, ok, err := c.takeWindow(ctx, m.Conversation, keep)
	if err != nil {
		return &bot.RetryError{Err: err}
	}
	if !ok {
		return c.later(m, c.spent(w))
	}
	err = send(ctx)
	if err == nil {
		return nil
	}
	err = c.classify(err)
	var settle func(context.Context, bot.ConversationID, bot.Window) error
	switch code := codeOf(err); {
	case code == 45047:
		settle = c.store.EmptyWindow
	case code == 45015:
		settle = c.store.CloseWindow
	case code != 0 || certain(err):
		settle = c.store.ReturnWindow
	default:
		return err // it may have been delivered, and counted
	}
	storing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if err := settle(storing, m.Conversation, w); err != nil {
		c.opt.Log.Warn("what WeChat still grants is not stored", "conversation", m.Conversation, "error", err)
	}
	return err
}

// certain reports whether an error says that nothing was delivered.
func certain(err error) bool {
	var retry *bot.RetryError
	var refused refusedError
	return errors.As(err, &retry) || errors.As(err, &refused)
}

// takeWindow takes one message from what WeChat grants. A window that was
// never opened, because a process died between storing the merchant's message
// and answering it, is opened then.
func (c *Channel) takeWindow(ctx context.Context, id bot.ConversationID, keep int) (bot.Window, bool, error) {
	now := c.opt.Now()
	w, ok, err := c.store.TakeWindow(ctx, id, keep, now)
	if ok || err != nil {
		return w, ok, err
	}
	g := grants[bot.WindowMessage]
	again, err := c.store.ReopenWindow(ctx, id, g.messages, g.within)
	if err != nil || !again {
		return w, false, err
	}
	return c.store.TakeWindow(ctx, id, keep, now)
}

// spent says why nothing can be sent.
func (c *Channel) spent(w bot.Window) string {
	switch {
	case !c.opt.Now().Before(w.Until):
		return "the time in which WeChat lets us write is over"
	case w.Left(c.opt.Now()) > 0:
		return fmt.Sprintf("the last %d messages that WeChat grants are kept for staff", forStaff)
	}
	return fmt.Sprintf("the %d messages that WeChat grants are used up", w.Allowed)
}

// later says that a message waits for the merchant's next one.
func (c *Channel) later(m bot.Outbound, why string) error {
	if c.opt.Now().Sub(m.At) >= waitsFor {
		return refusedError{fmt.Errorf("%s, and the merchant has not written for %d hours", why, int(waitsFor.Hours()))}
	}
	return &bot.RetryError{After: waitsFor, Err: waitError{why}, Reached: true}
}

// customerMessage adds to the SDK's message what it lacks.
type customerMessage struct {
	*message.CustomerMessage
	Agent *agent `json:"customservice,omitempty"`
}

type agent struct {
	Account string `json:"kf_account"`
}

// sendText sends one text; as a menu, if the account wants its choices so and
// may.
func (c *Channel) sendText(ctx context.Context, to, text string, menu bool, r bot.Reply) error {
	if menu {
		err := c.custom(ctx, menuMessage(to, r))
		if codeOf(err) != 40200 {
			return err
		}
		c.opt.Log.Warn("this account may not send menus; choices are numbered from now on")
		c.noMenus.Store(true)
		c.learn(factNoMenus, "40200")
	}
	err := c.custom(ctx, message.NewCustomerTextMessage(to, text))
	if codeOf(err) != 45002 {
		return err
	}
	// WeChat does not say how long is too long.
	for _, half := range split(text, len(text)/2) {
		if err = c.custom(ctx, message.NewCustomerTextMessage(to, half)); err != nil {
			return err
		}
	}
	return nil
}

func (c *Channel) custom(ctx context.Context, m *message.CustomerMessage) error {
	return c.authorised(ctx, func(token string) error {
		return c.post(ctx, "sending a customer-service message", "/cgi-bin/message/custom/send", token, customerMessage{CustomerMessage: m}, nil)
	})
}

// menus reports whether a reply's choices are sent as a menu.
func (c *Channel) menus(r bot.Reply) bool {
	return c.opt.Menus && len(r.Choices) > 0 && !c.noMenus.Load() && len(r.Text) <= pieceText/2
}

// menuMessage is a reply whose choices can be tapped. Their ids are numbers, as
// the SDK of others fails on anything else; what was tapped comes back as its
// label.
func menuMessage(to string, r bot.Reply) *message.CustomerMessage {
	menu := &message.MediaMsgmenu{HeadContent: render(r, 0)}
	for i, choice := range r.Choices {
		menu.List = append(menu.List, message.MsgmenuItem{ID: fmt.Sprint(101 + i), Content: oneLine(choice.Label)})
	}
	return &message.CustomerMessage{ToUser: to, Msgtype: "msgmenu", Msgmenu: menu}
}

// typing shows the merchant that an answer is on its way. It is a courtesy:
// what becomes of it does not matter.
func (c *Channel) typing(to string) {
	c.background.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		defer cancel()
		body := map[string]string{"touser": to, "command": "Typing"}
		err := c.authorised(ctx, func(token string) error {
			return c.post(ctx, "showing that we type", "/cgi-bin/message/custom/typing", token, body, nil)
		})
		if err != nil {
			c.opt.Log.Debug("the merchant is not shown that we type", "error", err)
		}
	})
}

// Window returns what staff can send in a conversation now, for the desk.
func (c *Channel) Window(conversation bot.Conversation, now time.Time) (bot.Window, error) {
	if !c.api() {
		return bot.Window{}, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	w, err := c.store.Window(ctx, conversation.ID)
	if err != nil || w.Left(now) == 0 {
		return bot.Window{}, err
	}
	return w, nil
}

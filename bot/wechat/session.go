package wechat

import (
	"context"
	"sync"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/dialog"
)

// A Session is that of a merchant with WeChat's own desk (会话控制). While there is
// one, what the merchant writes goes there, and does not reach us.
type Session struct {
	Conversation bot.ConversationID
	Agent        string // the account at that desk who has it, or had it
	Open         bool   // it has begun or was passed on; false if it has ended
}

// SessionLasts is after how long WeChat ends a session that nobody has closed
// (将消息转发到客服).
const SessionLasts = 30 * time.Minute

// passedOn is what is stored of an answer that passes the message on to WeChat's
// own desk. No text has a control character, see sanitise.
const passedOn = "\x1btransfer_customer_service"

// onlineFor is how long it counts who is at WeChat's own desk.
const onlineFor = 10 * time.Second

// ownDesk is what was last known of WeChat's own desk.
type ownDesk struct {
	mu      sync.Mutex
	staffed bool
	seen    time.Time
}

// transfers reports whether a message is for WeChat's own desk: a person has
// the case, the bot says nothing, it is a message, and somebody is there to
// read it. One that nobody reads there stays with our desk.
func (c *Channel) transfers(ctx context.Context, req *request, a bot.Answered) bool {
	return c.opt.Transfer && req.in.kind != "event" && a.State.Phase == dialog.WithHuman && len(a.Replies) == 0 && c.staffed(ctx)
}

// staffed reports whether somebody is at WeChat's own desk (获取在线客服列表). If
// that cannot be learnt in time, nobody is.
func (c *Channel) staffed(ctx context.Context) bool {
	c.desk.mu.Lock()
	defer c.desk.mu.Unlock()
	if now := c.opt.Now(); now.Sub(c.desk.seen) < onlineFor && !c.desk.seen.IsZero() {
		return c.desk.staffed
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	n, err := c.online(ctx)
	if err != nil {
		c.opt.Log.Warn("it is not known who is at WeChat's own desk; the message stays with ours", "error", err)
	}
	c.desk.staffed, c.desk.seen = n > 0, c.opt.Now()
	return c.desk.staffed
}

// online returns how many people are at WeChat's own desk.
func (c *Channel) online(ctx context.Context) (n int, err error) {
	err = c.authorised(ctx, func(token string) error {
		n, err = c.onlineWith(ctx, token)
		return err
	})
	return n, err
}

func (c *Channel) onlineWith(ctx context.Context, token string) (n int, err error) {
	var answer struct {
		List []struct {
			Status int `json:"status"` // 0 is not documented; somebody who left
		} `json:"kf_online_list"`
	}
	err = c.get(ctx, "asking who is at WeChat's own desk", "/cgi-bin/customservice/getonlinekflist", token, &answer)
	for _, who := range answer.List {
		if who.Status > 0 {
			n++
		}
	}
	return n, err
}

// session tells our desk what happens at WeChat's own one, once for each event.
func (c *Channel) session(ctx context.Context, req *request) {
	if err := c.tellOfSession(ctx, req); err != nil {
		c.opt.Log.Error("what happens at WeChat's own desk is not noted; WeChat asks again", "event", req.in.event, "error", err)
		c.fail(req)
		return
	}
	c.say(req, "", Silent)
}

func (c *Channel) tellOfSession(ctx context.Context, req *request) error {
	ctx, cancel := context.WithTimeout(ctx, latestReply)
	defer cancel()
	conversation, known, err := c.store.ConversationOf(ctx, c.Name(), req.in.from)
	if err != nil || !known || c.opt.Session == nil {
		return err
	}
	if _, known, err := c.store.Carried(ctx, conversation.ID, req.in.key()); err != nil || known {
		return err
	}
	told := Session{
		Conversation: conversation.ID, Open: req.in.event != "kf_close_session",
		Agent: clip(oneLine(first(req.in.get("ToKfAccount"), req.in.get("KfAccount"))), 100),
	}
	if err := c.opt.Session(ctx, told); err != nil {
		return err
	}
	_, err = c.store.Carry(ctx, bot.Call{Conversation: conversation.ID, Remote: req.in.key(), At: c.opt.Now()}, nil)
	return err
}

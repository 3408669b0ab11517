package wechat

import (
	"context"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/silenceper/wechat/v2/officialaccount/message"

	"tilldesk/bot"
)

// CallStore keeps what requests were answered.
type CallStore interface {
	// Carry decides once what the answer to a call carries, see store.DB.
	Carry(ctx context.Context, call bot.Call, pack func([]bot.Outbound) bot.Carried) (bot.Carried, error)
	Carried(ctx context.Context, conversation bot.ConversationID, remote bot.RemoteID) (c bot.Carried, known bool, err error)
	// Invited reports whether the merchant was told to ask for the rest.
	Invited(ctx context.Context, conversation bot.ConversationID) (bool, error)
}

// Timing of a request, since it came. WeChat hangs up after five seconds and
// asks again, three times in all.
const (
	latestReply = 4500 * time.Millisecond // no reply is begun later
	hangUp      = 5500 * time.Millisecond // WeChat has hung up by then
	thirdTime   = 9 * time.Second         // after it was written, it is the last time that we are asked
	repeats     = time.Minute             // so long a repetition is taken for one
)

// An Answer says how a request was answered, for metrics.
type Answer struct {
	How  How
	Took time.Duration
}

// How a request was answered.
type How string

// The ways to answer a request.
const (
	Passive  How = "passive"  // with replies
	Silent   How = "silent"   // there was nothing to say
	Late     How = "late"     // the replies were not ready; they go through the API
	HeldBack How = "held"     // the replies were not ready, and the merchant is told to ask for them
	Unspoken How = "unspoken" // not at all, so that WeChat asks again
	Failed   How = "failed"   // with an error, so that WeChat asks again
)

// A request is one delivery of an authentic message.
type request struct {
	in       incoming
	m        bot.Inbound
	window   bot.Window
	began    time.Time
	accepted bool // it is stored
	done     bool // it is answered
	w        http.ResponseWriter
}

// answer answers an authentic message or event. A panic must not cut the
// connection once the message is stored: WeChat would tell the merchant that
// the account is out of order.
func (c *Channel) answer(w http.ResponseWriter, r *http.Request, in incoming) {
	req := &request{in: in, began: c.opt.Now(), w: w}
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		if p == http.ErrAbortHandler { //nolint:errorlint // it is the value that net/http wants to see again
			panic(p)
		}
		c.opt.Log.Error("answering a WeChat message panicked", "kind", clip(in.kind, 40), "stack", string(debug.Stack()))
		switch {
		case req.done:
		case req.accepted:
			c.say(req, "", Silent)
		default:
			c.fail(req)
		}
	}()
	// WeChat hangs up after five seconds; what was begun is finished.
	c.route(context.WithoutCancel(r.Context()), r.Context(), req)
}

// take stores a message and answers it.
func (c *Channel) take(ctx, client context.Context, req *request) {
	if more, err := c.moreAsked(ctx, req); more || err != nil {
		if err != nil {
			c.opt.Log.Error("a WeChat request could not be answered", "error", err)
			c.fail(req)
		}
		return
	}
	later := c.fetch(ctx, &req.m)
	storing, cancel := context.WithTimeout(ctx, latestReply)
	defer cancel()
	receipt, err := c.engine.Accept(storing, req.m)
	if err != nil {
		c.opt.Log.Error("a WeChat message was not taken; WeChat sends it again", "error", err)
		c.fail(req)
		return
	}
	req.accepted = true
	if later {
		if err := c.store.WantFiles(storing, receipt.Message, 0); err != nil {
			c.opt.Log.Error("a file of a WeChat message is not fetched again", "message", receipt.Message, "error", err)
		}
	}
	req.window.Opened = c.opt.Now() // not before it was stored
	if !receipt.Fresh {
		old, known, err := c.store.Carried(ctx, receipt.Conversation, req.m.Remote)
		if known || err != nil {
			c.again(req, old, err)
			return
		}
	}
	c.reply(ctx, client, req, receipt)
}

// again answers a repetition as the first time, unless it comes much later: then
// nobody waits for it.
func (c *Channel) again(req *request, old bot.Carried, err error) {
	if err != nil {
		c.opt.Log.Error("what a WeChat request was answered could not be read", "error", err)
		c.fail(req)
		return
	}
	if req.began.Sub(old.At) > repeats {
		old.Body = ""
	}
	c.sayAt(req, old.Body, Passive, old.At)
}

// reply waits for the bot's answer and gives it, or does what is to be done
// without it.
func (c *Channel) reply(ctx, client context.Context, req *request, receipt bot.Receipt) {
	call := bot.Call{Conversation: receipt.Conversation, Remote: req.m.Remote, Window: c.granted(req.window), At: c.opt.Now()}
	api := c.api()
	patience := c.opt.Wait
	if !api {
		patience += 500 * time.Millisecond // what comes later has to be asked for
	}
	waiting, cancel := context.WithTimeout(ctx, patience-c.opt.Now().Sub(req.began))
	answered, err := c.engine.Replies(waiting, receipt.Message)
	late := waiting.Err() != nil
	cancel()
	switch {
	case err == nil && client.Err() == nil && c.transfers(ctx, req, answered):
		c.carry(ctx, req, call, Silent, func([]bot.Outbound) bot.Carried { return bot.Carried{Body: passedOn} })
	case err == nil && client.Err() == nil:
		c.carry(ctx, req, call, Passive, func(out []bot.Outbound) bot.Carried { return pack(out, !api) })
	case err != nil && !late:
		// It was erased meanwhile, or the store is away. What there is to say
		// stays in the outbox.
		c.opt.Log.Warn("the answer to a WeChat message could not be waited for", "conversation", receipt.Conversation, "error", err)
		c.say(req, "", Late)
	case api:
		if c.carry(ctx, req, call, Late, nil) {
			c.typing(req.m.Address.Remote)
		}
	case req.in.created.IsZero() || req.began.Sub(req.in.created) >= thirdTime:
		body := holdText(req.m.Text)
		c.carry(ctx, req, call, HeldBack, func([]bot.Outbound) bot.Carried { return bot.Carried{Body: body, Invites: true} })
	default:
		c.leave(client, req)
	}
}

// carry decides what the answer carries and gives it. It reports whether this
// request was the one that decided.
func (c *Channel) carry(ctx context.Context, req *request, call bot.Call, how How, pack func([]bot.Outbound) bot.Carried) bool {
	ctx, cancel := context.WithTimeout(ctx, max(time.Second, latestReply-c.opt.Now().Sub(req.began)))
	defer cancel()
	carried, err := c.store.Carry(ctx, call, pack)
	switch {
	case err == nil:
		c.sayAt(req, carried.Body, how, carried.At)
		return carried.At.Equal(call.At)
	case c.api():
		// Whether it is stored or not, the outbox sends what is not marked.
		c.opt.Log.Error("the answer to a WeChat request could not be stored; it goes through the API", "conversation", call.Conversation, "error", err)
		c.say(req, "", Late)
	default:
		c.opt.Log.Error("the answer to a WeChat request could not be stored; WeChat asks again", "conversation", call.Conversation, "error", err)
		c.fail(req)
	}
	return false
}

// leave answers nothing until WeChat has hung up, so that it asks again: an
// account without the API has no other way to say anything later.
func (c *Channel) leave(client context.Context, req *request) {
	c.observe(req, Unspoken)
	timer := time.NewTimer(hangUp - c.opt.Now().Sub(req.began))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-client.Done():
	}
	panic(http.ErrAbortHandler) // cuts the connection without a word
}

// moreAsked answers a message that only asks for what is left, if the merchant
// was told to.
func (c *Channel) moreAsked(ctx context.Context, req *request) (bool, error) {
	text := req.m.Text
	if len(req.m.Media) > 0 && req.m.Media[0].Kind == "unsupported" {
		text = unsupported
	}
	if !askingForMore(text) || text == "" {
		return false, nil
	}
	conversation, known, err := c.store.ConversationOf(ctx, c.Name(), req.m.Address.Remote)
	if err != nil || !known {
		return false, err
	}
	old, known, err := c.store.Carried(ctx, conversation.ID, req.m.Remote)
	if err != nil || known {
		if err == nil && old.Body == "" {
			return false, nil // it was a message after all
		}
		c.again(req, old, err)
		return true, nil
	}
	if invited, err := c.store.Invited(ctx, conversation.ID); err != nil || !invited {
		return false, err
	}
	req.window.Opened = c.opt.Now()
	call := bot.Call{Conversation: conversation.ID, Remote: req.m.Remote, Window: c.granted(req.window), At: c.opt.Now()}
	c.carry(ctx, req, call, Passive, func(out []bot.Outbound) bot.Carried { return pack(out, !c.api()) })
	return true, nil
}

// say answers a request with a text, or with "success" if there is none.
func (c *Channel) say(req *request, text string, how How) { c.sayAt(req, text, how, c.opt.Now()) }

// sayAt says what was decided at a time, which is part of what is said.
func (c *Channel) sayAt(req *request, text string, how How, at time.Time) {
	if text == "" {
		if how == Passive {
			how = Silent
		}
		req.done = true
		write(req.w, "text/plain; charset=utf-8", success)
		c.observe(req, how)
		return
	}
	if text == passedOn {
		c.transfer(req, at)
		return
	}
	reply := message.NewText(text)
	reply.MsgType = message.MsgTypeText
	c.send(req, &reply.CommonToken, reply, how, at)
}

// send answers a request with a passive reply.
func (c *Channel) send(req *request, head *message.CommonToken, reply any, how How, at time.Time) {
	head.ToUserName, head.FromUserName = message.CDATA(req.in.from), message.CDATA(req.in.to)
	head.CreateTime = at.Unix()
	body, err := c.seal(reply, c.opt.Now())
	req.done = true
	if err != nil {
		c.opt.Log.Error("a WeChat request could not be answered", "error", err)
		write(req.w, "text/plain; charset=utf-8", success)
		return
	}
	write(req.w, "text/xml; charset=utf-8", string(body))
	c.observe(req, how)
}

// fail answers with an error, so that WeChat asks again.
func (c *Channel) fail(req *request) {
	req.done = true
	c.observe(req, Failed)
	refuse(req.w, http.StatusServiceUnavailable)
}

func (c *Channel) observe(req *request, how How) {
	c.opt.Observe(Answer{How: how, Took: c.opt.Now().Sub(req.began)})
}

// transfer passes a message on to WeChat's own desk (将消息转发到客服).
func (c *Channel) transfer(req *request, at time.Time) {
	reply := &struct{ message.CommonToken }{}
	reply.MsgType = message.MsgTypeTransfer
	c.send(req, &reply.CommonToken, reply, Silent, at)
}

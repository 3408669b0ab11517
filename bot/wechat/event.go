package wechat

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/dialog"
)

// SayKey begins the key of a menu button, or the scene of a QR code, that says
// something for the merchant: what follows is taken as a message.
const SayKey = "say:"

// scenePrefix stands before the scene of a QR code that made somebody follow.
const scenePrefix = "qrscene_"

// spoken returns what the key of a menu button or a scene says.
func spoken(key string) (said string, ok bool) {
	said, ok = strings.CutPrefix(strings.TrimPrefix(key, scenePrefix), SayKey)
	return said, ok && said != ""
}

// route sends each kind of message and event its way (接收事件推送). What needs no
// answer is acknowledged.
func (c *Channel) route(ctx, client context.Context, req *request) {
	in := req.in
	m, speaks := c.inbound(in)
	req.m = m
	if in.kind != "event" {
		req.window.Kind = bot.WindowMessage
		if in.get("bizmsgmenuid") != "" {
			req.window.Kind = bot.WindowClick // a tap on a menu of choices counts as one
		}
		c.take(ctx, client, req)
		return
	}
	switch in.event {
	case "CLICK":
		if speaks {
			req.window.Kind = bot.WindowClick
			c.take(ctx, client, req)
			return
		}
	case "subscribe", "SCAN":
		req.window.Kind = bot.WindowScan
		if in.event == "subscribe" {
			req.window.Kind = bot.WindowFollow
		}
		if !speaks {
			// The scene of the QR code says where the merchant is.
			req.m.Choice, req.m.Text = dialog.CommandStart, strings.TrimPrefix(in.get("EventKey"), scenePrefix)
		}
		c.take(ctx, client, req)
		return
	case "unsubscribe":
		c.forget(ctx, req, in.from)
		return
	case "user_authorization_revoke", "user_authorization_cancellation":
		// The one it is about is not the sender (授权用户信息变更).
		c.forget(ctx, req, in.get("OpenID"))
		return
	case "kf_create_session", "kf_switch_session", "kf_close_session":
		c.session(ctx, req)
		return
	case "TEMPLATESENDJOBFINISH":
		if status := in.get("Status"); status != "success" {
			c.opt.Log.Warn("a WeChat template message was not delivered", "status", clip(status, 60))
		}
	}
	c.say(req, "", Silent)
}

// forget erases all that is stored of a merchant, as WeChat demands when one
// leaves.
func (c *Channel) forget(ctx context.Context, req *request, openID string) {
	if err := c.erase(ctx, openID); err != nil {
		c.opt.Log.Error("a merchant who left the WeChat account could not be erased; WeChat asks again", "error", err)
		c.fail(req)
		return
	}
	c.say(req, "", Silent)
}

func (c *Channel) erase(ctx context.Context, openID string) error {
	if openID == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, latestReply)
	defer cancel()
	conversation, known, err := c.store.ConversationOf(ctx, c.Name(), openID)
	if err != nil || !known {
		return err
	}
	files, err := c.store.Erase(ctx, conversation.ID)
	problems := []error{err}
	if c.opt.Data != nil {
		for _, file := range files {
			if err := c.opt.Data.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
				problems = append(problems, err)
			}
		}
	}
	if err := errors.Join(problems...); err != nil {
		return err
	}
	c.opt.Log.Info("a merchant left the WeChat account and was erased", "conversation", conversation.ID, "files", len(files))
	return nil
}

// Grants of WeChat by what the merchant did (客服消息介绍, rules of 2023-06-12).
var grants = map[bot.WindowKind]struct {
	messages int
	within   time.Duration
}{
	bot.WindowMessage: {5, 48 * time.Hour},
	bot.WindowClick:   {3, time.Minute},
	bot.WindowFollow:  {3, time.Minute},
	bot.WindowScan:    {3, time.Minute},
}

// granted fills in what a window of a kind grants.
func (c *Channel) granted(w bot.Window) bot.Window {
	if g, ok := grants[w.Kind]; ok && c.opt.Account != Unverified {
		w.Allowed, w.Until = g.messages, w.Opened.Add(g.within)
		return w
	}
	return bot.Window{}
}

package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"tilldesk/bot/desk"
	"tilldesk/bot/wechat"
	"tilldesk/config"
)

// wechatPart is the WeChat official account.
func wechatPart() part { return part{name: "wechat", open: openWeChat, examine: examineWeChat} }

// wechatPath is where WeChat posts what merchants write.
const wechatPath = "/wechat/callback"

func openWeChat(ctx context.Context, s *service) (plug, error) {
	if !s.cfg.WeChat.Given() {
		return plug{}, nil
	}
	opt := wechatOptions(s.cfg.WeChat)
	opt.Data, opt.Log = s.media, s.log
	opt.Session = func(ctx context.Context, session wechat.Session) error {
		return noteSession(ctx, s.desk, session, time.Now())
	}
	channel, err := wechat.New(s.engine, s.db, opt)
	if err != nil {
		return plug{}, fmt.Errorf("wechat: %w", err)
	}
	if err := channel.Start(ctx); err != nil {
		return plug{}, failed(err)
	}
	return plug{
		channel: channel,
		hold:    channel.Hold(),
		work:    channel.Run,
		routes:  func(mux *http.ServeMux) { mux.Handle(wechatPath, channel) },
		close:   func() error { channel.Close(); return nil },
	}, nil
}

// noteSession notes in the case of a merchant what happens at WeChat's own desk.
// While a session there is open the case is out of the queue: people are at it,
// and what they and the merchant write does not reach us. It comes back when
// the session ends or a message of the merchant reaches us again.
func noteSession(ctx context.Context, d *desk.Desk, session wechat.Session, now time.Time) error {
	cases, err := d.CasesOf(ctx, session.Conversation, 1)
	if err != nil || len(cases) == 0 || !cases[0].Open() {
		return err
	}
	who := desk.Actor{ID: "WeChat", Lead: true}
	say, until := sessionEnded, time.Time{}
	if session.Open {
		say, until = sessionOpen, now.Add(wechat.SessionLasts)
	}
	if _, err := d.Note(ctx, cases[0].Ticket, who, fmt.Sprintf(say, session.Agent), nil); err != nil {
		return err
	}
	_, err = d.Snooze(ctx, cases[0].Ticket, who, until)
	return err
}

// What staff read of a session, with its agent.
const (
	sessionOpen  = "微信客服 %[1]s 接待中：会话结束前，双方说的话只在微信客服里看得到。\n%[1]s has the merchant at WeChat's own desk: what they write is seen only there until the session ends."
	sessionEnded = "微信客服 %[1]s 的会话结束了，之后的消息会到这里。聊过什么，请看微信客服。\nThe session with %[1]s at WeChat's own desk has ended; messages reach us again. What was said stands there."
)

func wechatOptions(cfg config.WeChat) wechat.Options {
	return wechat.Options{
		AppID: cfg.AppID, AppSecret: cfg.AppSecret.Reveal(), Token: cfg.Token.Reveal(),
		AESKey: cfg.AESKey.Reveal(), PreviousAESKey: cfg.PreviousAESKey.Reveal(), OriginalID: cfg.OriginalID,
		APIURL: cfg.APIURL, Account: wechat.Account(cfg.Account), Menus: cfg.Choices == config.Menu, Transfer: cfg.Transfer,
	}
}

package main

import (
	"context"
	"fmt"
	"net/http"

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
		routes:  func(mux *http.ServeMux) { mux.Handle(wechatPath, channel) },
		close:   func() error { channel.Close(); return nil },
	}, nil
}

func wechatOptions(cfg config.WeChat) wechat.Options {
	return wechat.Options{
		AppID: cfg.AppID, AppSecret: cfg.AppSecret.Reveal(), Token: cfg.Token.Reveal(),
		AESKey: cfg.AESKey.Reveal(), PreviousAESKey: cfg.PreviousAESKey.Reveal(), OriginalID: cfg.OriginalID,
		APIURL: cfg.APIURL, Account: wechat.Account(cfg.Account), Menus: cfg.Choices == config.Menu, Transfer: cfg.Transfer,
	}
}

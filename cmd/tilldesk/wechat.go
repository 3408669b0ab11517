package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tilldesk/bot"
	"tilldesk/bot/store"
	"tilldesk/bot/wechat"
	"tilldesk/config"
)

func (a *app) wechat() *cobra.Command {
	cmd := &cobra.Command{Use: "wechat", Short: "Look after the WeChat official account", Args: noArgs,
		Example: "  tilldesk wechat check --lang zh", RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	cmd.AddCommand(a.wechatCheck(), a.wechatMenu())
	return cmd
}

func (a *app) wechatCheck() *cobra.Command {
	return check(&cobra.Command{
		Short: "Ask WeChat about the account, its rights, the callback and the menu, and say what to click",
		Long: "check asks WeChat whether the app id and secret are good, whether our address is allowed and\n" +
			"what the account may do, and asks the callback as WeChat would. It changes nothing. It exits\n" +
			"with 1 if something is to be mended.",
		Example: "  tilldesk wechat check\n  tilldesk wechat check --lang zh",
	}, func(cmd *cobra.Command) ([]bot.Finding, error) {
		cfg, err := a.wechatConfig()
		if err != nil {
			return nil, err
		}
		// Without a store it is not known when WeChat verified the callback.
		db, _ := store.Open(cmd.Context(), cfg.Store.DSN.Reveal(), store.Options{Beside: true})
		if db != nil {
			defer db.Close()
		}
		return checkWeChat(cmd.Context(), cfg, db)
	})
}

func (a *app) wechatMenu() *cobra.Command {
	var replace bool
	cmd := &cobra.Command{
		Use:   "menu",
		Short: "Make the account's menu as wechat.menu has it",
		Long: "menu makes the menu of the official account. If there is one already it is shown and left\n" +
			"alone, unless --replace is given: somebody may have made it by hand.",
		Example: "  tilldesk wechat menu\n  tilldesk wechat menu --replace",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.wechatConfig()
			if err != nil {
				return err
			}
			buttons, err := wechat.ParseMenu(cfg.WeChat.Menu)
			if err == nil && len(buttons) == 0 {
				err = errors.New("it is not set")
			}
			if err != nil {
				return fmt.Errorf("wechat.menu: %w, allowed: buttons such as 扫码失败=扫不了码,找人工=人工", err)
			}
			channel, err := wechat.New(nil, nil, wechatOptions(cfg.WeChat))
			if err != nil {
				return fmt.Errorf("wechat: %w", err)
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), 30*time.Second)
			defer cancel()
			err = channel.SetMenu(ctx, buttons, replace)
			if errors.Is(err, wechat.ErrMenuThere) {
				return failed(fmt.Errorf("%w; `tilldesk wechat menu --replace` puts ours in its place", err))
			}
			if err != nil {
				return failed(err)
			}
			fmt.Fprintln(cmd.OutOrStdout(), "the menu is made; phones show it within minutes, or when the chat is opened anew")
			return nil
		},
	}
	cmd.Flags().BoolVar(&replace, "replace", false, "put it in the place of the menu that is there")
	return cmd
}

// wechatConfig is the configuration, of which an account must be part.
func (a *app) wechatConfig() (config.Config, error) {
	cfg, err := config.Load(a.configFile, a.env)
	if err == nil && !cfg.WeChat.Given() {
		err = errors.New("wechat.app_id is not set, allowed: the account's AppID, with wechat.app_secret and wechat.token; README says where they stand")
	}
	return cfg, err
}

func checkWeChat(ctx context.Context, cfg config.Config, db *store.DB) ([]bot.Finding, error) {
	var known wechat.Store
	if db != nil {
		known = db
	}
	channel, err := wechat.New(nil, known, wechatOptions(cfg.WeChat))
	if err != nil {
		return nil, fmt.Errorf("wechat: %w", err)
	}
	wanted, err := wechat.ParseMenu(cfg.WeChat.Menu)
	if err != nil {
		return nil, fmt.Errorf("wechat.menu: %w", err)
	}
	callback := ""
	if cfg.HTTP.PublicURL != "" {
		callback = strings.TrimRight(cfg.HTTP.PublicURL, "/") + wechatPath
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	return channel.Check(ctx, callback, wanted), nil
}

// examineWeChat is what doctor says of the account.
func examineWeChat(ctx context.Context, cfg config.Config, db *store.DB) []finding {
	if !cfg.WeChat.Given() {
		return nil
	}
	checked, err := checkWeChat(ctx, cfg, db)
	return diagnosed("wechat", checked, err)
}

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
	"tilldesk/bot/telegram"
	"tilldesk/bot/telegram/botapi"
	"tilldesk/config"
)

func (a *app) telegram() *cobra.Command {
	cmd := &cobra.Command{Use: "telegram", Short: "Look after the Telegram channel", Args: noArgs,
		Example: "  tilldesk telegram check", RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	cmd.AddCommand(a.telegramCheck())
	return cmd
}

func (a *app) telegramCheck() *cobra.Command {
	return check(&cobra.Command{
		Short: "Ask Telegram about the token, the webhook and the staff group, and say what to click",
		Long: "check asks Telegram whether the token is good, how messages come in, and whether the staff\n" +
			"group is set up as it should be. It changes nothing. It exits with 1 if something is to be\n" +
			"mended.",
		Example: "  TILLDESK_TELEGRAM_TOKEN_FILE=token tilldesk telegram check\n  tilldesk telegram check --lang zh",
	}, func(cmd *cobra.Command) ([]bot.Finding, error) {
		cfg, err := config.Load(a.configFile, a.env)
		if err == nil && !cfg.Telegram.On() {
			err = errors.New("telegram.token is not set, allowed: a token of BotFather; README says how to get one")
		}
		if err != nil {
			return nil, err
		}
		return checkTelegram(cmd.Context(), cfg)
	})
}

func checkTelegram(ctx context.Context, cfg config.Config) ([]bot.Finding, error) {
	api, err := botapi.New(cfg.Telegram.Token.Reveal(), cfg.Telegram.APIURL)
	if err != nil {
		return nil, fmt.Errorf("telegram.token: %w", err)
	}
	defer api.CloseIdle()
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	return telegram.Check(ctx, api, telegram.Checkup{WebhookURL: telegramWebhook(cfg), Group: cfg.Telegram.StaffChatID}), nil
}

// telegramWebhook is where Telegram sends updates, "" if they are fetched.
func telegramWebhook(cfg config.Config) string {
	if cfg.Telegram.Mode != config.Webhook {
		return ""
	}
	return strings.TrimRight(cfg.HTTP.PublicURL, "/") + telegramPath
}

// examineTelegram is what doctor says of the channel.
func examineTelegram(ctx context.Context, cfg config.Config, _ *store.DB) []finding {
	if !cfg.Telegram.On() {
		return nil
	}
	checked, err := checkTelegram(ctx, cfg)
	return diagnosed("telegram", checked, err)
}

package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tilldesk/bot/store"
	"tilldesk/bot/telegram"
	"tilldesk/bot/telegram/botapi"
	"tilldesk/config"
	"tilldesk/content/source"
)

func (a *app) telegram() *cobra.Command {
	cmd := &cobra.Command{Use: "telegram", Short: "Look after the Telegram channel", Args: noArgs,
		Example: "  tilldesk telegram check", RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	cmd.AddCommand(a.telegramCheck())
	return cmd
}

func (a *app) telegramCheck() *cobra.Command {
	var lang string
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Ask Telegram about the token, the webhook and the staff group, and say what to click",
		Long: "check asks Telegram whether the token is good, how messages come in, and whether the staff\n" +
			"group is set up as it should be. It changes nothing. It exits with 1 if something is to be\n" +
			"mended.",
		Example: "  TILLDESK_TELEGRAM_TOKEN_FILE=token tilldesk telegram check\n  tilldesk telegram check --lang zh",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if lang != string(source.Zh) && lang != string(source.En) {
				return fmt.Errorf("--lang is %q, allowed: zh or en", lang)
			}
			cfg, err := config.Load(a.configFile, a.env)
			if err != nil {
				return err
			}
			if !cfg.Telegram.On() {
				return fmt.Errorf("telegram.token is not set, allowed: a token of BotFather; README says how to get one")
			}
			found, err := checkTelegram(cmd.Context(), cfg)
			if err != nil {
				return err
			}
			good := true
			for _, f := range found {
				mark := "ok  "
				if !f.OK {
					mark, good = "MEND", false
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s  %s\n", mark, f.Say.In(source.Lang(lang)))
			}
			if !good {
				return errFailed
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&lang, "lang", string(source.En), "language of the findings: zh or en")
	return cmd
}

func checkTelegram(ctx context.Context, cfg config.Config) ([]telegram.Finding, error) {
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
	if err != nil {
		return []finding{{"telegram", false, oneLine(err)}}
	}
	var found []finding
	for _, f := range checked {
		found = append(found, finding{"telegram", f.OK, f.Say.En})
	}
	return found
}

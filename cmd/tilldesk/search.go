package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"tilldesk/bot"
	"tilldesk/bot/dialog"
	"tilldesk/content/source"
	"tilldesk/intents"
)

func (a *app) search() *cobra.Command {
	var asJSON bool
	var lang string
	cmd := &cobra.Command{
		Use:     "search QUERY",
		Short:   "Ask the knowledge base a free question",
		Example: "  tilldesk search 没网还能收款吗\n  tilldesk search --lang en --json 'how long is a code valid'",
		Args: func(cmd *cobra.Command, args []string) error {
			if strings.TrimSpace(strings.Join(args, " ")) == "" {
				return fmt.Errorf("give a question; see `%s -h`", cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			query := strings.Join(args, " ")
			l, traditional, _ := intents.Language(query)
			switch lang {
			case "":
			case "zh", "en":
				l = source.Lang(lang)
			default:
				return fmt.Errorf("--lang %q; allowed: zh, en", lang)
			}
			k, _, err := a.load(cmd.Context())
			if err != nil {
				return err
			}
			hits, err := k.Search(cmd.Context(), l, query, 5)
			if err != nil {
				return failedError{err}
			}
			type result struct {
				Article string  `json:"article"`
				Passage string  `json:"passage"`
				Title   string  `json:"title"`
				Text    string  `json:"text"`
				Score   float64 `json:"score"`
			}
			reader := dialog.State{Lang: l, Traditional: traditional}
			out := cmd.OutOrStdout()
			if len(hits) == 0 && !asJSON {
				fmt.Fprintln(out, "nothing found")
			}
			for i, h := range hits {
				r := result{h.Article, h.Passage, bot.Localise(reader, h.Heading), bot.Localise(reader, h.Text), h.Score}
				if asJSON {
					err = writeJSON(out, r)
				} else if i == 0 {
					_, err = fmt.Fprintf(out, "%s\n\n%s\n\n(%s/%s, %.2f)\n", r.Title, r.Text, r.Article, r.Passage, r.Score)
				} else {
					_, err = fmt.Fprintf(out, "  %.2f  %s (%s/%s)\n", r.Score, r.Title, r.Article, r.Passage)
				}
				if err != nil {
					return failedError{err}
				}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON Lines, best first")
	cmd.Flags().StringVar(&lang, "lang", "", "language of the answer, `zh or en` (default: as the question)")
	return cmd
}

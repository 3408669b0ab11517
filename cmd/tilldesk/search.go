package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
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
			if err := checkLang(lang); err != nil {
				return err
			}
			l = cmp.Or(source.Lang(lang), l)
			k, _, err := a.load(cmd.Context())
			if err != nil {
				return err
			}
			hits, err := k.Search(cmd.Context(), l, query, 5)
			if err != nil {
				return failedError{err}
			}
			reader := dialog.State{Lang: l, Traditional: traditional}
			results := make([]searchResult, len(hits))
			for i, h := range hits {
				results[i] = searchResult{h.Article, h.Passage, bot.Localise(reader, h.Heading), bot.Localise(reader, h.Text), h.Score}
			}
			if !asJSON {
				_, err := io.WriteString(cmd.OutOrStdout(), setOut(results))
				return failed(err)
			}
			for _, r := range results {
				if err := writeJSON(cmd.OutOrStdout(), r); err != nil {
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

// A searchResult is a line of `search --json`.
type searchResult struct {
	Article string  `json:"article"`
	Passage string  `json:"passage"`
	Title   string  `json:"title"`
	Text    string  `json:"text"`
	Score   float64 `json:"score"`
}

// setOut sets results out for people: the one that the bot would answer with,
// if there is one, then the others.
func setOut(results []searchResult) string {
	if len(results) == 0 {
		return "nothing found\n"
	}
	var b strings.Builder
	best := slices.IndexFunc(results, func(r searchResult) bool { return r.Score >= dialog.SureHit })
	if best >= 0 {
		r := results[best]
		fmt.Fprintf(&b, "%s\n\n%s\n\n(%s/%s, %.2f)\n", r.Title, r.Text, r.Article, r.Passage, r.Score)
	} else {
		fmt.Fprintln(&b, "nothing answers this for sure; nearest are")
	}
	for i, r := range results {
		if i != best {
			fmt.Fprintf(&b, "  %.2f  %s (%s/%s)\n", r.Score, r.Title, r.Article, r.Passage)
		}
	}
	return b.String()
}

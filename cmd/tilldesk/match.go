package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tilldesk/bot"
	"tilldesk/content/source"
	"tilldesk/intents"
)

func (a *app) match() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "match [TEXT ...]",
		Short: "Show what the bot understands of a message",
		Long: "match prints intent, score, runners-up and entities of each TEXT. Without TEXT it reads\n" +
			"lines from standard input: plain text, or JSON with a \"text\" key. Blank lines are left out.",
		Example: "  tilldesk match 花呗扫不了 'no signal since morning'\n  tilldesk match --json < messages.jsonl",
		RunE: func(cmd *cobra.Command, args []string) error {
			k, _, err := a.load(cmd.Context())
			if err != nil {
				return err
			}
			out := bufio.NewWriter(cmd.OutOrStdout())
			each := func(text string) error {
				report := explain(k, text)
				if asJSON {
					return failed(writeJSON(out, report))
				}
				_, err := fmt.Fprintln(out, report)
				return failed(err)
			}
			for _, text := range args {
				if err := each(text); err != nil {
					return err
				}
			}
			if len(args) > 0 {
				return failed(out.Flush())
			}
			return eachLine(cmd.Context(), cmd.InOrStdin(), func(line string) error {
				if blank(line) {
					return nil
				}
				if err := each(textOf(line)); err != nil {
					return err
				}
				return failed(out.Flush())
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON Lines")
	return cmd
}

// matchReport is a line of `match --json`.
type matchReport struct {
	Text         string           `json:"text"`
	Lang         source.Lang      `json:"lang"`
	Intent       string           `json:"intent"`
	Score        float64          `json:"score"`
	Decision     intents.Decision `json:"decision"`
	Alternatives []intents.Guess  `json:"alternatives"`
	Entities     []intents.Entity `json:"entities"`
	Micros       float64          `json:"micros"`
}

func explain(k *bot.Knowledge, text string) matchReport {
	start := time.Now()
	m := k.Engine.Match(text)
	took := time.Since(start)
	entities := m.Entities
	if entities == nil {
		entities = []intents.Entity{}
	}
	return matchReport{
		Text: m.Text, Lang: m.Lang, Intent: m.Guesses[0].Intent, Score: m.Guesses[0].Score,
		Decision: m.Decision, Alternatives: m.Guesses[1:], Entities: entities,
		Micros: float64(took.Nanoseconds()) / 1e3,
	}
}

func (r matchReport) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n  %-8s %s  %.2f  (%s, %.0f µs)", r.Text, r.Decision, r.Intent, r.Score, r.Lang, r.Micros)
	for _, g := range r.Alternatives {
		if g.Score >= 0.005 {
			fmt.Fprintf(&b, "\n           %s  %.2f", g.Intent, g.Score)
		}
	}
	for _, e := range r.Entities {
		fmt.Fprintf(&b, "\n           %s: %s (%s)", e.Type, e.Value, e.Text)
	}
	return b.String()
}

// textOf returns the "text" of a JSON line, or the line itself.
func textOf(line string) string {
	var row struct {
		Text *string `json:"text"`
	}
	if strings.HasPrefix(strings.TrimSpace(line), "{") && json.Unmarshal([]byte(line), &row) == nil && row.Text != nil {
		return *row.Text
	}
	return line
}

package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"tilldesk/bot"
	"tilldesk/intents"
	"tilldesk/intents/measure"
)

func (a *app) eval() *cobra.Command {
	var asJSON bool
	var floor float64
	cmd := &cobra.Command{
		Use:   "eval FILE ...",
		Short: "Measure understanding on labelled messages, acts or conversations",
		Long: "eval runs each FILE and prints accuracy, macro F1, the out-of-scope figures, the worst\n" +
			"confusions and the latency. A .jsonl file has {\"text\",\"intent\"} or {\"text\",\"act\",\"question\"}\n" +
			"per line; a .yaml file has conversations.",
		Example: "  tilldesk eval content/testdata/utterances/messages.zh.jsonl\n  tilldesk eval --min-accuracy 0.75 messages.en.jsonl",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return fmt.Errorf("give the files to run; see `%s -h`", cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if !(floor >= 0 && floor <= 1) {
				return fmt.Errorf("--min-accuracy %v; allowed: 0 to 1", floor)
			}
			k, _, err := a.load(cmd.Context())
			if err != nil {
				return err
			}
			below := false
			for _, file := range args {
				rows, err := evalFile(cmd, k, file)
				if err != nil {
					return err
				}
				f := measure.Of(file, rows)
				if asJSON {
					err = writeJSON(cmd.OutOrStdout(), f)
				} else {
					err = printFigures(cmd.OutOrStdout(), f, rows)
				}
				if err != nil {
					return failedError{err}
				}
				if f.Accuracy < floor {
					below = true
					fmt.Fprintf(cmd.ErrOrStderr(), "%s: accuracy %.3f is below the floor %.3f\n", file, f.Accuracy, floor)
				}
			}
			if below {
				return errFailed
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object per file")
	cmd.Flags().Float64Var(&floor, "min-accuracy", 0, "exit with 1 if a file's accuracy is below `X` (0 to 1)")
	return cmd
}

// A labelled row is a line of an evaluation or training file.
type labelled struct {
	Text     string      `json:"text"`
	Intent   string      `json:"intent"`
	Act      intents.Act `json:"act"`
	Question string      `json:"question"`
}

func evalFile(cmd *cobra.Command, k *bot.Knowledge, file string) ([]measure.Row, error) {
	if ext := filepath.Ext(file); ext == ".yaml" || ext == ".yml" {
		return evalConversations(cmd, k, file)
	}
	rows, err := readRows(file, "text and intent or act", func(r labelled) bool { return r.Intent != "" || r.Act != "" })
	if err != nil {
		return nil, err
	}
	measured := make([]measure.Row, len(rows))
	for i, row := range rows {
		if row.Intent != "" {
			measured[i] = evalMessage(k, row)
		} else {
			measured[i] = evalAct(k, row)
		}
	}
	return measured, nil
}

func evalMessage(k *bot.Knowledge, row labelled) measure.Row {
	start := time.Now()
	m := k.Engine.Match(row.Text)
	took := time.Since(start)
	best := m.Guesses[0]
	r := measure.Row{Text: row.Text, Gold: row.Intent, Pred: best.Intent, InScope: best.Intent, Score: best.Score,
		Answered: m.Decision == intents.Answer, Took: took}
	if best.Intent == intents.OutOfScope && len(m.Guesses) > 1 {
		r.InScope, r.Score = m.Guesses[1].Intent, m.Guesses[1].Score
	}
	return r
}

func evalAct(k *bot.Knowledge, row labelled) measure.Row {
	start := time.Now()
	act, score := k.Engine.Act(row.Text, intents.AskedBy(row.Question))
	return measure.Row{Text: row.Text, Gold: string(row.Act), Pred: string(act), InScope: string(act), Score: score,
		Answered: score >= intents.SureAct, Took: time.Since(start)}
}

func printFigures(w io.Writer, f measure.Figures, rows []measure.Row) error {
	_, err := fmt.Fprintf(w, "%s: %d rows\n  accuracy %.3f   macro F1 %.3f   in scope %.3f\n", f.File, f.N, f.Accuracy, f.MacroF1, f.InScopeAccuracy)
	if slices.ContainsFunc(rows, func(r measure.Row) bool { return r.Gold == intents.OutOfScope }) {
		_, e := fmt.Fprintf(w, "  out of scope: recall %.3f, precision %.3f, recall with 95 %% of the others kept %.3f, AUROC %.3f\n",
			f.OOSRecall, f.OOSPrecision, f.OOSRecallAt95, f.AUROC)
		err = errors.Join(err, e)
	}
	_, e := fmt.Fprintf(w, "  answered %.3f, right in %.3f of those   calibration error %.3f\n  latency p50 %.0f µs, p99 %.0f µs\n",
		f.Answered, f.AnsweredAccuracy, f.Calibration, f.P50Micros, f.P99Micros)
	err = errors.Join(err, e)
	const worst = 12
	for i, c := range measure.Confusions(rows) {
		if i == worst {
			break
		}
		_, e := fmt.Fprintf(w, "  %3d × %s taken for %s, such as %q\n", c.N, c.Gold, c.Pred, clip(c.Example, 60))
		err = errors.Join(err, e)
	}
	return err
}

func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n]) + "…"
	}
	return s
}

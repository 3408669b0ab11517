package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"tilldesk/intents"
	"tilldesk/intents/linear"
	"tilldesk/intents/measure"
)

// benchOptions are the flags of bench.
type benchOptions struct {
	train, test, validate, unlabelled, predictions string
	lang                                           string
	oos, asJSON                                    bool
}

func (a *app) bench() *cobra.Command {
	var o benchOptions
	cmd := &cobra.Command{
		Use:   "bench --train FILE --test FILE",
		Short: "Train the intent engine on other data and measure it",
		Long: "bench trains the same engine, with the same settings, on labelled messages of your own\n" +
			"(JSON Lines with text and intent; intent \"oos\" is out of scope) and prints the figures of\n" +
			"eval and more. Nothing of the product's content is used.",
		Example: "  tilldesk bench --train train.jsonl --test test.jsonl --json",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.train == "" || o.test == "" {
				return errors.New("--train and --test are needed; see `tilldesk bench -h`")
			}
			if err := checkLang(o.lang); err != nil {
				return err
			}
			return o.run(cmd)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.train, "train", "", "training messages, a JSON Lines `FILE`")
	f.StringVar(&o.test, "test", "", "test messages, a JSON Lines `FILE`")
	f.StringVar(&o.validate, "validate", "", "messages to choose the out-of-scope threshold on, a JSON Lines `FILE`")
	f.StringVar(&o.unlabelled, "unlabelled", "", "messages without labels, a JSON Lines `FILE`; accepted and left alone, as this engine learns from labelled ones only")
	f.StringVar(&o.predictions, "predictions", "", "write gold, pred and score of each test row to `FILE`")
	f.StringVar(&o.lang, "lang", "", "language of the data, `zh or en`; one engine reads both, so it changes nothing")
	f.BoolVar(&o.oos, "oos", false, "keep training rows of intent oos as a class of their own")
	f.BoolVar(&o.asJSON, "json", false, "print one JSON object")
	return cmd
}

// benchFigures are the figures of a bench, in the form of CONTRACT.md.
type benchFigures struct {
	measure.Figures
	TrainSeconds float64 `json:"train_seconds"`
	Classes      int     `json:"classes"`
	TrainN       int     `json:"train_n"`
}

func (o benchOptions) run(cmd *cobra.Command) error {
	train, test, validate, err := o.read()
	if err != nil {
		return err
	}
	examples, names := o.examples(train)
	start := time.Now()
	model, err := linear.Train(cmd.Context(), examples, linear.Options{Names: names})
	if err != nil {
		return failedError{fmt.Errorf("training on %s: %w", o.train, err)}
	}
	took := time.Since(start)
	threshold := 0.5
	if validate != nil {
		threshold = measure.Threshold(predict(model, validate))
	}
	rows := predict(model, test)
	if hasOOS(test) || o.oos {
		for i := range rows {
			if rows[i].Score < threshold {
				rows[i].Pred, rows[i].Answered = intents.OutOfScope, false
			}
		}
	}
	f := benchFigures{
		Figures: measure.Of(o.test, rows), TrainSeconds: took.Seconds(), Classes: len(model.Labels()),
		TrainN: len(examples),
	}
	if o.predictions != "" {
		if err := writePredictions(o.predictions, rows); err != nil {
			return failedError{err}
		}
	}
	return failed(o.print(cmd.OutOrStdout(), f, rows))
}

// read reads the files that are given; validate is nil if none is.
func (o benchOptions) read() (train, test, validate []labelled, err error) {
	for _, f := range []struct {
		file string
		into *[]labelled
	}{{o.train, &train}, {o.test, &test}, {o.validate, &validate}} {
		if f.file == "" {
			continue
		}
		*f.into, err = readRows(f.file, "text and intent", func(r labelled) bool { return r.Text != "" && r.Intent != "" })
		if err != nil {
			return nil, nil, nil, err
		}
	}
	if o.unlabelled != "" {
		_, err = os.Stat(o.unlabelled)
	}
	return train, test, validate, err
}

// examples are the rows to learn from, and what their labels are called.
func (o benchOptions) examples(train []labelled) (examples []linear.Example, names map[string][]string) {
	names = map[string][]string{}
	for _, row := range train {
		if row.Intent == intents.OutOfScope && !o.oos {
			continue
		}
		examples = append(examples, linear.Example{Text: intents.Normalise(row.Text), Label: row.Intent})
		names[row.Intent] = []string{intents.Normalise(spelled(row.Intent))}
	}
	return examples, names
}

func (o benchOptions) print(w io.Writer, f benchFigures, rows []measure.Row) error {
	if o.asJSON {
		return writeJSON(w, f)
	}
	if err := printFigures(w, f.Figures, rows); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "  trained on %d rows of %d classes in %.2f s\n", f.TrainN, f.Classes, f.TrainSeconds)
	return err
}

func hasOOS(rows []labelled) bool {
	for _, r := range rows {
		if r.Intent == intents.OutOfScope {
			return true
		}
	}
	return false
}

// predict classifies rows; the score says how sure it is that the row is in
// scope and the label right.
func predict(model *linear.Model, rows []labelled) []measure.Row {
	room := 1
	if labels := model.Labels(); slices.Contains(labels, intents.OutOfScope) {
		room = len(labels) // to see what oos takes of the probability
	}
	buf := make([]linear.Guess, 0, room)
	predicted := make([]measure.Row, 0, len(rows))
	for _, row := range rows {
		text := intents.Normalise(row.Text)
		start := time.Now()
		top, known := model.Classify(text, buf)
		r := measure.Row{Text: row.Text, Gold: row.Intent, Took: time.Since(start), Pred: top[0].Label, Score: known}
		r.Answered = top[0].Score >= 0.5 && r.Pred != intents.OutOfScope
		for _, guess := range top {
			if guess.Label == intents.OutOfScope { // learnt with --oos
				r.Score -= guess.Score
			} else if r.InScope == "" {
				r.InScope = guess.Label
			}
		}
		predicted = append(predicted, r)
	}
	return predicted
}

// spelled writes an intent's id as words: "card_arrival", "cardArrival" and
// "card.arrival" are "card arrival".
func spelled(id string) string {
	var b strings.Builder
	var last rune
	for _, r := range id {
		switch {
		case r == '_' || r == '.' || r == '-' || r == '/' || r == ':':
			r = ' '
		case unicode.IsUpper(r) && unicode.IsLower(last):
			b.WriteByte(' ')
		}
		b.WriteRune(r)
		last = r
	}
	return b.String()
}

func writePredictions(file string, rows []measure.Row) (err error) {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w := bufio.NewWriter(f)
	for _, r := range rows {
		if err := writeJSON(w, struct {
			Gold  string  `json:"gold"`
			Pred  string  `json:"pred"`
			Score float64 `json:"score"`
		}{r.Gold, r.InScope, r.Score}); err != nil {
			return err
		}
	}
	return w.Flush()
}

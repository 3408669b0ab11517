package main

import (
	"bufio"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"tilldesk/intents"
)

func (a *app) explain() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "explain TEXT ...",
		Short: "Show why a message is taken for what it is",
		Long: "explain says, for the two likeliest intents of each TEXT, which of its words speak for\n" +
			"or against them, and which examples it resembles: where to add an example, and to which\n" +
			"intent. A weight is what the intent would lose without the words; examples lie at 1.",
		Example: "  tilldesk explain 刷卡可以就是扫码不行 'receipt comes out blank'",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return fmt.Errorf("give a message; see `%s -h`", cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			k, c, err := a.load(cmd.Context())
			if err != nil {
				return err
			}
			out := bufio.NewWriter(cmd.OutOrStdout())
			for _, text := range args {
				x := k.Engine.Explain(c.Intents, text)
				if asJSON {
					err = writeJSON(out, explainReport{x.Match.Text, x.Match.Decision, x.Reasons})
				} else {
					_, err = fmt.Fprint(out, explained(x))
				}
				if err != nil {
					return failed(err)
				}
			}
			return failed(out.Flush())
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON Lines")
	return cmd
}

// explainReport is a line of `explain --json`.
type explainReport struct {
	Text     string           `json:"text"`
	Decision intents.Decision `json:"decision"`
	Reasons  []intents.Reason `json:"reasons"`
}

// explained sets an explanation out for people.
func explained(x intents.Explanation) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n  %s\n", x.Match.Text, decisionWords[x.Match.Decision])
	for _, r := range x.Reasons {
		fmt.Fprintf(&b, "  %-24s %.2f\n", r.Intent, r.Score)
		for _, w := range r.Words {
			word := "for"
			if w.Weight < 0 {
				word = "against"
			}
			fmt.Fprintf(&b, "    %-8s %+.2f  %s\n", word, w.Weight, w.Text)
		}
		for _, ex := range r.Examples {
			fmt.Fprintf(&b, "    %-8s %5.2f  %s\n", "like", ex.Alike, ex.Text)
		}
		if len(r.Examples) == 0 {
			fmt.Fprintf(&b, "    like no example\n")
		}
	}
	return b.String()
}

var decisionWords = map[intents.Decision]string{
	intents.Answer:  "sure enough to act on the first",
	intents.Clarify: "not sure: the bot asks which one is meant",
	intents.Reject:  "out of scope, or like nothing known",
}

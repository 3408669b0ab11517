package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/spf13/cobra"

	"tilldesk/bot"
	"tilldesk/bot/dialog"
	"tilldesk/content/source"
	"tilldesk/intents/measure"
)

// conversation is a document of a conversation file, as CONTRACT.md has it.
type conversation struct {
	Name  string      `yaml:"name"`
	Lang  source.Lang `yaml:"lang"`
	Turns []expected  `yaml:"turns"`
}

// expected is one turn: what is said and what is expected of the replies.
type expected struct {
	Say         *string          `yaml:"say"`
	Choose      string           `yaml:"choose"`
	Intent      *string          `yaml:"intent"`
	Step        *string          `yaml:"step"`
	Kind        dialog.ReplyKind `yaml:"kind"`
	Phase       dialog.Phase     `yaml:"phase"`
	Contains    texts            `yaml:"contains"`
	NotContains texts            `yaml:"not_contains"`
	Escalated   *bool            `yaml:"escalated"`
}

// texts is one text or a list of them.
type texts []string

// UnmarshalYAML reads a string as a list of one.
func (t *texts) UnmarshalYAML(data []byte) error {
	var one string
	if err := yaml.Unmarshal(data, &one); err == nil {
		*t = texts{one}
		return nil
	}
	return yaml.Unmarshal(data, (*[]string)(t))
}

// readConversations reads a file of conversations: YAML documents, each one
// conversation or a list of them. A key that means nothing is reported to
// warn and left out.
func readConversations(file string, warn func(string)) ([]conversation, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	parsed, err := parser.ParseBytes(data, 0)
	if err != nil {
		return nil, yamlProblem(file, err)
	}
	var all []conversation
	for _, doc := range parsed.Docs {
		if doc.Body == nil {
			continue
		}
		nodes := []ast.Node{doc.Body}
		if list, ok := doc.Body.(*ast.SequenceNode); ok {
			nodes = list.Values
		}
		for _, node := range nodes {
			var c conversation
			if err := yaml.NodeToValue(node, &c); err != nil {
				return nil, yamlProblem(file, err)
			}
			if err := yaml.NodeToValue(node, new(conversation), yaml.Strict()); err != nil {
				warn(yamlProblem(file, err).Error() + " is left out")
			}
			if len(c.Turns) == 0 {
				return nil, fmt.Errorf("%s: conversation %d, %q, has no turns; give name, lang and turns", file, len(all)+1, c.Name)
			}
			for i, turn := range c.Turns {
				if turn.Say == nil && turn.Choose == "" {
					return nil, fmt.Errorf("%s: turn %d of %q: say or choose is needed", file, i+1, c.Name)
				}
			}
			all = append(all, c)
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s: no conversations in it; give name, lang and turns", file)
	}
	return all, nil
}

// yamlProblem says on one line where a file is not as it should be.
func yamlProblem(file string, err error) error {
	var at yaml.Error
	if errors.As(err, &at) && at.GetToken() != nil && at.GetToken().Position != nil {
		return fmt.Errorf("%s:%d: %s", file, at.GetToken().Position.Line, at.GetMessage())
	}
	return fmt.Errorf("%s: %w", file, err)
}

// evalConversations plays the conversations of a file; each turn is a row that
// is right if everything expected of it holds.
func evalConversations(cmd *cobra.Command, k *bot.Knowledge, file string) ([]measure.Row, error) {
	all, err := readConversations(file, func(problem string) { fmt.Fprintln(cmd.ErrOrStderr(), problem) })
	if err != nil {
		return nil, err
	}
	var rows []measure.Row
	for _, c := range all {
		st := dialog.State{Lang: c.Lang, Phase: dialog.Idle}
		for i, want := range c.Turns {
			m := bot.Message{Text: deref(want.Say), Choice: choiceID(st, want.Choose)}
			start := time.Now()
			out, err := k.Turn(cmd.Context(), st, m)
			if err != nil {
				return nil, failedError{fmt.Errorf("%s: %s, turn %d: %w", file, c.Name, i+1, err)}
			}
			row := measure.Row{Text: fmt.Sprintf("%s, turn %d", c.Name, i+1), Gold: "as expected", Pred: "as expected",
				InScope: "as expected", Score: 1, Answered: true, Took: time.Since(start)}
			if problem := want.mismatch(out); problem != "" {
				row.Pred = problem
			}
			rows = append(rows, row)
			st = out.State
		}
	}
	return rows, nil
}

// choiceID finds an offered choice by its id, label or number.
func choiceID(st dialog.State, choose string) string {
	for i, c := range st.Offered {
		if choose != "" && (c.ID == choose || c.Label.Zh == choose || c.Label.En == choose || fmt.Sprint(i+1) == choose) {
			return c.ID
		}
	}
	return choose
}

// mismatch returns what differs from the expectation, or "".
func (e expected) mismatch(out dialog.Outcome) string {
	replies := bot.Render(out.State, out.Say)
	status := bot.StatusOf(out.State)
	var said strings.Builder
	var kinds []dialog.ReplyKind
	named := map[string]bool{}
	steps := map[string]bool{}
	for _, r := range replies {
		said.WriteString(r.Text + "\n")
		kinds = append(kinds, r.Kind)
		named[deref(r.Intent)] = true
		steps[deref(r.Step)] = true
	}
	switch {
	case e.Intent != nil && !named[*e.Intent] && deref(status.Intent) != *e.Intent:
		return fmt.Sprintf("intent %s, not %s", deref(status.Intent), *e.Intent)
	case e.Step != nil && !steps[*e.Step] && deref(status.Step) != *e.Step:
		return fmt.Sprintf("step %s, not %s", deref(status.Step), *e.Step)
	case e.Kind != "" && !slices.Contains(kinds, e.Kind):
		return fmt.Sprintf("kinds %v, not %s", kinds, e.Kind)
	case e.Phase != "" && status.Phase != e.Phase:
		return fmt.Sprintf("phase %s, not %s", status.Phase, e.Phase)
	case e.Escalated != nil && (out.Handoff != nil) != *e.Escalated:
		return fmt.Sprintf("escalated: %v", out.Handoff != nil)
	}
	for _, text := range e.Contains {
		if !strings.Contains(strings.ToLower(said.String()), strings.ToLower(text)) {
			return fmt.Sprintf("does not contain %q", text)
		}
	}
	for _, text := range e.NotContains {
		if strings.Contains(strings.ToLower(said.String()), strings.ToLower(text)) {
			return fmt.Sprintf("contains %q", text)
		}
	}
	return ""
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

package dialog_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"tilldesk/bot/dialog"
	"tilldesk/intents"
)

// TestSurvey answers "is it solved?" and "how was it?" in the ways that people
// do, and with something else.
func TestSurvey(t *testing.T) {
	s := script(t).Script
	asked, _ := s.AskSolved(dialog.State{Lang: "zh", Phase: dialog.WithHuman, Ticket: "T7"}, "T7")
	rate := asked
	rate.Survey = &dialog.Survey{Ticket: "T7", Rate: true}
	act := func(text string, act intents.Act, score float64) dialog.Input {
		return dialog.Input{Text: text, Act: act, ActScore: score, Decision: intents.Reject}
	}
	intent := func(text, id string) dialog.Input {
		return dialog.Input{Text: text, Decision: intents.Answer, Guesses: []intents.Guess{{Intent: id, Score: 0.95}}, Act: intents.ActTopic, ActScore: 0.9}
	}
	yes := &dialog.Feedback{Ticket: "T7", Solved: dialog.Yes}
	reopened := &dialog.Feedback{Ticket: "T7", Reopen: true}
	atOnce := &dialog.Feedback{Ticket: "T7", Solved: dialog.Yes, Rating: 5}
	no := &dialog.Feedback{Ticket: "T7", Reopen: true, Solved: dialog.No}
	five := &dialog.Feedback{Ticket: "T7", Rating: 5}
	for _, tt := range []struct {
		name  string
		from  dialog.State
		in    dialog.Input
		want  *dialog.Feedback
		phase dialog.Phase
	}{
		{"yes, pressed", asked, dialog.Input{Choice: "solved_yes"}, yes, dialog.Idle},
		{"yes, typed", asked, act("好了", intents.ActFixed, 0.9), yes, dialog.Idle},
		{"the label, typed", asked, act("解决了", "", 0), yes, dialog.Idle},
		{"no, pressed", asked, dialog.Input{Choice: "solved_no"}, no, dialog.WithHuman},
		{"no, typed", asked, act("还是不行", intents.ActNotFixed, 0.9), no, dialog.WithHuman},
		{"perhaps", asked, act("好像好了吧", intents.ActFixed, 0.4), reopened, dialog.WithHuman},
		{"a new trouble", asked, intent("网络断了", "network.no_internet"), reopened, dialog.WithHuman},
		{"thanks say nothing", asked, intent("谢谢", "smalltalk.thanks"), nil, dialog.Idle},
		{"a thumb says nothing", asked, dialog.Input{Text: "👍", Empty: true}, nil, dialog.Idle},
		{"a photo is looked at", asked, dialog.Input{Empty: true, Media: true}, reopened, dialog.WithHuman},
		{"five at once", asked, act("5", "", 0), atOnce, dialog.Idle},
		{"five at once, with its unit", asked, act("5分！", "", 0), atOnce, dialog.Idle},
		{"five at once, in words", asked, act("五星好评", "", 0), atOnce, dialog.Idle},
		{"five at once, in English", asked, act("Five stars!", "", 0), atOnce, dialog.Idle},
		{"the first choice by its number", asked, act("1", "", 0), yes, dialog.Idle},
		{"the second choice by its number", asked, act("2", "", 0), no, dialog.WithHuman},
		{"one star at once", asked, act("1分", "", 0), reopened, dialog.WithHuman},
		{"five cents", asked, act("少了5分钱", "", 0), reopened, dialog.WithHuman},
		{"five minutes ago", asked, act("5分钟前又断了", "", 0), reopened, dialog.WithHuman},
		{"six at once", asked, act("6", "", 0), reopened, dialog.WithHuman},
		{"five, pressed", rate, dialog.Input{Choice: "rate5"}, nil, dialog.Idle}, // not offered in this state
		{"five, typed", rate, act("5", "", 0), five, dialog.Idle},
		{"five, in words", rate, act("五分", "", 0), five, dialog.Idle},
		{"five stars", rate, act("5 stars!", "", 0), five, dialog.Idle},
		{"five and a word", rate, act("5分 很好", "", 0), five, dialog.Idle},
		{"a word and five", rate, act("必须五星好评", "", 0), five, dialog.Idle},
		{"five in English", rate, act("five stars, thank you", "", 0), five, dialog.Idle},
		{"five of five", rate, act("5/5", "", 0), five, dialog.Idle},
		{"five minutes", rate, act("等了5分钟", "", 0), nil, dialog.Idle},
		{"a large number", rate, act("15分", "", 0), nil, dialog.Idle},
		{"six", rate, intent("6", "smalltalk.thanks"), nil, dialog.Idle},
		{"something else instead", rate, intent("怎么退款", "info.refund_howto"), nil, dialog.Idle},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.in.Lang = "zh"
			out := s.Step(tt.from, tt.in)
			if diff := cmp.Diff(tt.want, out.Feedback); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if out.State.Phase != tt.phase {
				t.Errorf("phase %s, want %s", out.State.Phase, tt.phase)
			}
			if len(out.Say) == 0 {
				t.Error("nothing is said")
			}
			if out.Handoff != nil {
				t.Errorf("handed over: %+v", out.Handoff)
			}
		})
	}
	out := s.Step(asked, dialog.Input{Choice: "solved_yes"})
	out = s.Step(out.State, dialog.Input{Choice: "rate5"})
	if diff := cmp.Diff(five, out.Feedback); diff != "" || out.State.Survey != nil {
		t.Errorf("five, pressed after yes: %+v (-want +got):\n%s", out.State.Survey, diff)
	}
}

package dialog_test

import (
	"encoding/json"
	"slices"
	"testing"

	"tilldesk/bot/dialog"
	"tilldesk/content/source"
	"tilldesk/intents"
)

// A state is stored with every turn: what it holds must not grow for as long as
// a merchant, or whoever wants to fill a disk, goes on.
func TestStateDoesNotGrowForEver(t *testing.T) {
	s := script(t).Script
	trouble := dialog.Input{Text: "扫码枪不亮", Lang: source.Zh, LangKnown: true, Decision: intents.Answer,
		Guesses: []intents.Guess{{Intent: "device.scanner", Score: 1}}}
	fixed := dialog.Input{Text: "好了", Lang: source.Zh, LangKnown: true, Act: intents.ActFixed, ActScore: 1}
	size := func(troubles int) int {
		st := dialog.State{Lang: source.Zh}
		for range troubles {
			st = s.Step(s.Step(st, trouble).State, fixed).State
		}
		data, err := json.Marshal(st)
		if err != nil {
			t.Fatal(err)
		}
		return len(data)
	}
	if early, late := size(200), size(800); late > early+early/10 {
		t.Errorf("%d bytes after 200 troubles, %d after 800", early, late)
	}
}

// Content can be replaced while somebody is led through it: what is not there
// any more is left, and what remains goes on.
func TestStepGoesOnWithoutAPlaybookThatIsGone(t *testing.T) {
	s := script(t).Script
	gone := dialog.Fixing{Intent: "gone.playbook", Step: "restart"}
	kept := dialog.Fixing{Intent: "device.scanner"}
	var inputs []dialog.Input
	for _, act := range acts {
		inputs = append(inputs, dialog.Input{Text: "好", Said: "好", Act: act, ActScore: 1})
	}
	for _, choice := range []string{"yes", "resume", "human", "charged", "others", "intent:gone.playbook"} {
		inputs = append(inputs, dialog.Input{Choice: choice})
	}
	inputs = append(inputs, dialog.Input{Text: "烦死了", Angry: true}, dialog.Input{Text: "人工", Person: true}, dialog.Input{Empty: true, Media: true})
	for _, in := range inputs {
		in.Lang, in.LangKnown, in.Decision = source.Zh, true, intents.Clarify
		for name, st := range map[string]dialog.State{
			"under way":       {Phase: dialog.Guiding, Fix: &gone, Back: &gone},
			"set aside":       {Phase: dialog.Idle, Paused: []dialog.Fixing{gone}},
			"one of two":      {Phase: dialog.Idle, Paused: []dialog.Fixing{kept, gone}},
			"has just ended":  {Phase: dialog.Idle, Ended: &gone, Last: []dialog.Line{{Key: "fixed"}}},
			"and one remains": {Phase: dialog.Guiding, Fix: &kept, Paused: []dialog.Fixing{gone}, Back: &gone},
		} {
			st.Offered = []dialog.Choice{{ID: in.Choice}}
			out := s.Step(st, in)
			for _, fix := range append(slices.Clone(out.State.Paused), deref(out.State.Fix), deref(out.State.Ended), deref(out.State.Back)) {
				if fix.Intent == gone.Intent {
					t.Errorf("%s, %+v: it is still there", name, in)
				}
			}
			if len(out.Say) == 0 {
				t.Errorf("%s, %+v: nothing is said", name, in)
			}
			if out := s.GiveUp(st); out.Handoff == nil {
				t.Errorf("%s: nobody is called", name)
			}
		}
	}
}

func deref(fix *dialog.Fixing) dialog.Fixing {
	if fix == nil {
		return dialog.Fixing{}
	}
	return *fix
}

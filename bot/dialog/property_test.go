package dialog_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode"

	"pgregory.net/rapid"

	"tilldesk/bot/dialog"
	"tilldesk/content"
	"tilldesk/content/source"
	"tilldesk/intents"
	"tilldesk/kb"
)

var loaded = sync.OnceValues(func() (*content.Content, error) { return content.Load(content.BuiltIn()) })

func script(t testing.TB) *content.Content {
	t.Helper()
	c, err := loaded()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

var acts = []intents.Act{"", intents.ActYes, intents.ActNo, intents.ActFixed, intents.ActNotFixed, intents.ActUnsure,
	intents.ActBack, intents.ActSkip, intents.ActRestart, intents.ActHuman, intents.ActTopic}

// anyInput draws a message as the engine might have understood it.
func anyInput(t *rapid.T, c *content.Content, st dialog.State, n int) dialog.Input {
	ids := make([]string, 0, len(c.Intents.Intents))
	for _, in := range c.Intents.Intents {
		ids = append(ids, in.ID)
	}
	label := func(s string) string { return fmt.Sprintf("%s%d", s, n) }
	intent := rapid.SampledFrom(ids).Draw(t, label("intent"))
	in := dialog.Input{
		Text:      rapid.SampledFrom([]string{"x", "51", "花呗扫不了", "some words about the terminal here", "1", "２"}).Draw(t, label("text")),
		Lang:      rapid.SampledFrom(source.Langs).Draw(t, label("lang")),
		LangKnown: rapid.Bool().Draw(t, label("langKnown")),
		Guesses:   []intents.Guess{{Intent: intent, Score: 0.8}, {Intent: rapid.SampledFrom(ids).Draw(t, label("second")), Score: 0.1}},
		Decision:  rapid.SampledFrom([]intents.Decision{intents.Answer, intents.Answer, intents.Clarify, intents.Reject}).Draw(t, label("decision")),
		Act:       rapid.SampledFrom(acts).Draw(t, label("act")),
		ActScore:  rapid.SampledFrom([]float64{0.2, 0.9, 0.95}).Draw(t, label("sure")),
		Again:     rapid.Bool().Draw(t, label("again")),
		Empty:     rapid.SampledFrom([]bool{false, false, false, false, true}).Draw(t, label("empty")),
	}
	if rapid.SampledFrom([]bool{false, false, false, true}).Draw(t, label("hasMore")) {
		in.More = []dialog.Addition{{Intent: rapid.SampledFrom(ids).Draw(t, label("more")), Said: rapid.SampledFrom([]string{"打印机没纸了", "the battery is swollen"}).Draw(t, label("moreSaid"))}}
		if rapid.Bool().Draw(t, label("only")) {
			in.Text = ""
		}
	}
	in.Help = rapid.SampledFrom([]bool{false, false, false, true}).Draw(t, label("help"))
	in.Instead = rapid.SampledFrom([]bool{false, false, false, true}).Draw(t, label("instead"))
	if all := c.Base.Codes().All(); rapid.SampledFrom([]bool{false, false, false, true}).Draw(t, label("hasCode")) {
		code := rapid.SampledFrom(all).Draw(t, label("code"))
		in.Codes = []kb.Found{{Code: code, Text: code.Code}}
	}
	if len(st.Offered) > 0 && rapid.Bool().Draw(t, label("press")) {
		in.Choice = rapid.SampledFrom(st.Offered).Draw(t, label("choice")).ID
	} else if rapid.SampledFrom([]bool{false, false, false, false, true}).Draw(t, label("odd")) {
		in.Choice = "no-such-choice"
	}
	return in
}

// TestStepHoldsItsPromises plays random conversations over the real content.
func TestStepHoldsItsPromises(t *testing.T) {
	c := script(t)
	rapid.Check(t, func(t *rapid.T) {
		st := dialog.State{}
		unproductive := 0
		for n := range rapid.IntRange(1, 40).Draw(t, "turns") {
			before := st
			in := anyInput(t, c, st, n)
			out := c.Script.Step(st, in)
			if again := c.Script.Step(st, in); out.Reason != again.Reason || len(out.Say) != len(again.Say) {
				t.Fatalf("the same input gave %q, then %q", out.Reason, again.Reason)
			}
			st = out.State

			if before.Phase == dialog.WithHuman {
				if len(out.Say) > 0 || out.Handoff != nil || st.Phase != dialog.WithHuman {
					t.Fatalf("the bot spoke while a person has the case: %v", out.Say)
				}
				return
			}
			if len(out.Say) == 0 {
				t.Fatalf("nothing is said after %q", out.Reason)
			}
			if (out.Handoff != nil) != (st.Phase == dialog.WithHuman) {
				t.Fatalf("phase %s, hand-over %v", st.Phase, out.Handoff)
			}
			if st.Unproductive > 0 {
				unproductive++
			} else {
				unproductive = 0
			}
			if unproductive > 8 && st.Phase != dialog.WithHuman {
				t.Fatalf("%d turns led nowhere and no person was called", unproductive)
			}
			steps := 0
			for _, line := range out.Say {
				checkLine(t, c, st, line)
				if strings.HasPrefix(line.Key, "step:") {
					steps++
				}
			}
			if steps > 1 {
				t.Fatalf("%d steps in one turn", steps)
			}
			if st.Phase == dialog.Guiding && (st.Fix == nil || st.Fix.Step == "") {
				t.Fatalf("the bot is fixing and has asked nothing (reason %s)", out.Reason)
			}
		}
	})
}

func checkLine(t *rapid.T, c *content.Content, st dialog.State, line dialog.Line) {
	text := line.Text.In(st.Lang)
	switch {
	case strings.TrimSpace(text) == "":
		t.Fatalf("%s says nothing in %s", line.Key, st.Lang)
	case len(text) > source.MaxTextBytes:
		t.Fatalf("%s has %d bytes", line.Key, len(text))
	case strings.ContainsAny(text, "{}"):
		t.Fatalf("%s has an unfilled placeholder: %s", line.Key, text)
	case st.Lang == source.En && han(text) > len([]rune(text))/3:
		t.Fatalf("%s is Chinese in an English conversation: %s", line.Key, text)
	case st.Lang == source.Zh && han(text) == 0:
		t.Fatalf("%s has no Chinese in a Chinese conversation: %s", line.Key, text)
	}
	if !strings.HasPrefix(line.Key, "step:") || st.Fix == nil {
		return
	}
	if result, done := st.Fix.Answers[line.Step]; done {
		t.Fatalf("%s is asked although it was answered with %s", line.Key, result)
	}
	p := c.Script.Playbook(line.Intent)
	if i := slices.IndexFunc(p.Steps, func(s dialog.Step) bool { return s.ID == line.Step }); p.Steps[i].Irreversible {
		reversible := *p
		reversible.Steps = slices.DeleteFunc(slices.Clone(p.Steps), func(s dialog.Step) bool { return s.Irreversible })
		if left := reversible.Next(st.Fix.Evidence); left != nil {
			t.Fatalf("%s cannot be undone and comes before %s", line.Key, left.ID)
		}
		if !strings.Contains(text, p.Steps[i].Risk.In(st.Lang)) {
			t.Fatalf("%s does not say what is lost", line.Key)
		}
	}
}

func han(s string) int {
	n := 0
	for _, r := range s {
		if unicode.Is(unicode.Han, r) {
			n++
		}
	}
	return n
}

// TestEveryFixEnds leads through every playbook with every pattern of answers
// that a merchant may keep to, and wants an end.
func TestEveryFixEnds(t *testing.T) {
	c := script(t)
	for _, intent := range c.Script.Symptoms() {
		for _, pattern := range [][]dialog.Result{
			{dialog.No, dialog.NotFixed}, {dialog.Yes, dialog.NotFixed}, {dialog.Skipped}, {dialog.No, dialog.Skipped, dialog.Yes, dialog.NotFixed},
		} {
			t.Run(fmt.Sprint(intent, pattern), func(t *testing.T) {
				st := c.Script.Step(dialog.State{}, dialog.Input{Text: "…", Lang: source.Zh, LangKnown: true,
					Decision: intents.Answer, Guesses: []intents.Guess{{Intent: intent, Score: 1}}}).State
				asked := map[string]bool{}
				for n := 0; st.Phase == dialog.Guiding; n++ {
					if n > 40 {
						t.Fatalf("no end after %d steps: %v", n, slices.Collect(maps.Keys(asked)))
					}
					if asked[st.Fix.Step] {
						t.Fatalf("%s is asked twice", st.Fix.Step)
					}
					asked[st.Fix.Step] = true
					result := pattern[n%len(pattern)]
					act := map[dialog.Result]intents.Act{dialog.Yes: intents.ActYes, dialog.No: intents.ActNo,
						dialog.NotFixed: intents.ActNotFixed, dialog.Skipped: intents.ActSkip}[result]
					p := c.Script.Playbook(st.Fix.Intent)
					i := slices.IndexFunc(p.Steps, func(s dialog.Step) bool { return s.ID == st.Fix.Step })
					check := p.Steps[i].Kind == dialog.Check
					if check && act == intents.ActNotFixed {
						act = intents.ActNo
					}
					if !check && act == intents.ActYes {
						act = intents.ActNotFixed
					}
					text := "是"
					if p.Steps[i].Expects == "text" {
						text = "屏幕上写的那句话我照着打给您"
					}
					st = c.Script.Step(st, dialog.Input{Text: text, Lang: source.Zh, LangKnown: true, Act: act, ActScore: 1}).State
				}
			})
		}
	}
}

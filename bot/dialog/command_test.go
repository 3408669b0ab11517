package dialog_test

import (
	"testing"

	"tilldesk/bot/dialog"
	"tilldesk/content/source"
	"tilldesk/intents"
)

// Commands hold at any time, and never speak over a person.
func TestCommands(t *testing.T) {
	c := script(t)
	fixing := c.Script.Step(dialog.State{}, dialog.Input{Text: "…", Lang: source.En, LangKnown: true, Decision: intents.Answer,
		Guesses: []intents.Guess{{Intent: "device.power", Score: 1}}}).State
	person := dialog.State{Phase: dialog.WithHuman, Ticket: "T1", Lang: source.En}
	for _, tt := range []struct {
		name    string
		from    dialog.State
		choice  string
		text    string
		says    []string // keys; nil: nothing
		handoff bool
		check   func(dialog.State) bool
	}{
		{"start", dialog.State{}, dialog.CommandStart, "", []string{"greeting"}, false, func(s dialog.State) bool { return s.Lang == source.Zh }},
		{"start with a shop", dialog.State{Lang: source.En}, dialog.CommandStart, "shop-17", []string{"greeting"}, false,
			func(s dialog.State) bool { return s.Facts["shop"] == "shop-17" && s.Lang == source.En }},
		{"help", dialog.State{}, dialog.CommandHelp, "", []string{"capabilities"}, false, nil},
		{"help in a fix repeats the step", fixing, dialog.CommandHelp, "", []string{"capabilities", fixing.Last[len(fixing.Last)-1].Key}, false,
			func(s dialog.State) bool { return s.Fix != nil && len(s.Offered) > 0 }},
		{"a person", fixing, dialog.CommandHuman, "", []string{"handoff.asked"}, true, nil},
		{"traditional", fixing, dialog.CommandTraditional, "", []string{"language", fixing.Last[len(fixing.Last)-1].Key}, false,
			func(s dialog.State) bool { return s.Lang == source.Zh && s.Traditional }},
		{"start while a person has it", person, dialog.CommandStart, "shop-17", nil, false,
			func(s dialog.State) bool { return s.Facts["shop"] == "shop-17" }},
		{"a person while a person has it", person, dialog.CommandHuman, "", nil, false, nil},
		{"simplified while a person has it", person, dialog.CommandSimplified, "", nil, false,
			func(s dialog.State) bool { return s.Lang == source.Zh && s.Phase == dialog.WithHuman }},
		{"no command", dialog.State{}, "/nothing", "", []string{"choice.gone"}, false, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out := c.Script.Step(tt.from, dialog.Input{Choice: tt.choice, Text: tt.text, LangKnown: tt.text != "", Lang: source.En})
			if tt.from.Lang == "" {
				out = c.Script.Step(tt.from, dialog.Input{Choice: tt.choice, Text: tt.text})
			}
			var keys []string
			for _, line := range out.Say {
				keys = append(keys, line.Key)
			}
			if len(keys) != len(tt.says) {
				t.Fatalf("said %q, want %q", keys, tt.says)
			}
			for i := range keys {
				if keys[i] != tt.says[i] {
					t.Errorf("said %q, want %q", keys, tt.says)
				}
			}
			if (out.Handoff != nil) != tt.handoff {
				t.Errorf("handed over: %v", out.Handoff)
			}
			if tt.check != nil && !tt.check(out.State) {
				t.Errorf("the state is %+v", out.State)
			}
		})
	}
}

// Whoever chose a language keeps it, whatever is written afterwards.
func TestChosenLanguage(t *testing.T) {
	c := script(t)
	st := c.Script.Step(dialog.State{}, dialog.Input{Choice: dialog.CommandTraditional}).State
	st = c.Script.Step(st, dialog.Input{Text: "the terminal does not turn on", Lang: source.En, LangKnown: true}).State
	if st.Lang != source.Zh || !st.Traditional {
		t.Errorf("the language is %q, traditional %v", st.Lang, st.Traditional)
	}
}

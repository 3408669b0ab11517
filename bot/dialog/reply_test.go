package dialog_test

import (
	"testing"

	"tilldesk/bot/dialog"
	"tilldesk/content/source"
	"tilldesk/intents"
)

// "The money has arrived" hands over the goods: only a press or a bare yes says
// so, whatever the classifier makes of other words.
func TestMoneyNeedsABareYes(t *testing.T) {
	c := script(t)
	for _, tt := range []struct {
		lang source.Lang
		text string
		end  bool
	}{
		{source.Zh, "是的", true},
		{source.Zh, "有一笔成功的", true},
		{source.Zh, "查到了，就一笔，显示成功。", true},
		{source.Zh, "有两笔", false},
		{source.Zh, "支付中", false},
		{source.Zh, "顾客手机显示成功", false},
		{source.En, "Yes.", true},
		{source.En, "yep, one marked successful", true},
		{source.En, "it says processing", false},
		{source.En, "yes, on her phone", false},
	} {
		t.Run(tt.text, func(t *testing.T) {
			st := c.Script.Step(dialog.State{}, dialog.Input{Text: "…", Lang: tt.lang, LangKnown: true, Decision: intents.Answer,
				Guesses: []intents.Guess{{Intent: "payment.charged_not_received", Score: 1}}}).State
			yes := dialog.Input{Text: tt.text, Lang: tt.lang, LangKnown: true, Act: intents.ActYes, ActScore: 1}
			for range 2 { // said again, it is no barer
				out := c.Script.Step(st, yes)
				if end := out.Reason == dialog.Settled; end != tt.end {
					t.Fatalf("settled: %v, want %v; said %q", end, tt.end, out.Say[0].Key)
				}
				if st = out.State; tt.end {
					return
				}
			}
		})
	}
}

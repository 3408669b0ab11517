package dialog_test

import (
	"testing"

	"tilldesk/intents"
)

// Short facts answer the question that was asked; the same words say yes to one
// and no to another, or nothing.
func TestSaid(t *testing.T) {
	c := script(t)
	read := c.Intents.Lexicon.Reader()
	for _, tt := range []struct {
		intent, step, text string
		want               intents.Act
	}{
		{"device.printer", "paper_left", "还剩小半卷", intents.ActYes},
		{"device.printer", "paper_left", "half a roll", intents.ActYes},
		{"device.printer", "paper_left", "just the cardboard tube", intents.ActNo},
		{"device.cable", "wiggle", "only at an angle", intents.ActYes},
		{"device.cable", "wiggle", "插得牢牢的", intents.ActNo},
		{"device.scanner", "window_cracked", "干干净净的", intents.ActNo},
		{"device.scanner", "window_cracked", "spotless", intents.ActNo},
		{"device.scanner", "window_cracked", "fogged up inside", intents.ActYes},
		{"payment.charged_not_received", "one_success", "有两条成功", intents.ActNo},
		{"payment.charged_not_received", "one_success", "it says processing", intents.ActNo},
		{"payment.charged_not_received", "failed_closed", "显示支付中", intents.ActNo},
		{"payment.charged_not_received", "order_pending", "待付款", intents.ActYes},
		{"code.expired", "charged", "money is cut from his account, none came", intents.ActYes},
		{"code.expired", "charged", "his money is still there", intents.ActNo},
		{"account.permission_closed", "recent_change", "been like this for days", intents.ActNo},
		{"account.info_update", "turned_down", "没有被退回", ""},        // denied: the act says it
		{"device.printer", "paper_left", "没有，前天换的", ""},            // begins with an answer
		{"device.printer", "paper_left", "full roll or empty", ""}, // both
		{"device.printer", "paper_left", "怎么看还剩多少", ""},
		{"device.printer", "paper_left", "有新的吗？", ""},
	} {
		p := c.Script.Playbook(tt.intent)
		got := intents.Act("")
		for i := range p.Steps {
			if p.Steps[i].ID == tt.step {
				got = p.Steps[i].SaidBy(read(tt.text))
			}
		}
		if got != tt.want {
			t.Errorf("%q to %s/%s says %q, want %q", tt.text, tt.intent, tt.step, got, tt.want)
		}
	}
}

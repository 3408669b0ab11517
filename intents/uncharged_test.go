package intents

import "testing"

// That nobody was charged is told apart from asking whether somebody was.
func TestNotCharged(t *testing.T) {
	for text, want := range map[string]bool{
		"机器卡死了，钱没扣":                        true,
		"收款的时候断网了，顾客说没扣钱":                  true,
		"黑屏了，还好没扣到款":                       true,
		"死机了，不知道扣没扣":                       false,
		"有没有扣钱":                            false,
		"顾客扣了钱":                            false,
		"没扣到手续费吗":                          false,
		"pos froze, nobody was charged":    true,
		"it hung and she wasn't charged":   true,
		"printer jammed, no money taken":   true,
		"pos froze, she was charged":       false,
		"was the customer not charged?":    false,
		"not sure if he was charged":       false,
		"customer paid but nothing prints": false,
	} {
		normal := Normalise(text)
		if got := notCharged.MatchString(normal) && !asksCharged.MatchString(normal); got != want {
			t.Errorf("%q says that nobody was charged: %v, want %v", text, got, want)
		}
	}
}

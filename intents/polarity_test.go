package intents

import "testing"

// What a plain statement answers depends on what was asked.
func TestStated(t *testing.T) {
	for _, tt := range []struct {
		question, answer string
		want             Act // "" where the answer does not say it so plainly
	}{
		{"换一种钱包，能收到款吗？", "都不行", ActNo},
		{"换一种钱包，能收到款吗？", "云闪付就好好的", ActYes},
		{"换一种钱包，能收到款吗？", "没试", ""},
		{"换另一位顾客的手机来付，也是同样的情况吗？", "都不行", ActYes},
		{"换另一位顾客的手机来付，也是同样的情况吗？", "谁来都一样", ActYes},
		{"换另一位顾客的手机来付，也是同样的情况吗？", "不一样", ""},
		{"换另一位顾客的手机来付，也是同样的情况吗？", "别人就能付", ActNo},
		{"旁边的店现在也收不了吗？", "人家正常得很", ActNo},
		{"旁边的店现在也收不了吗？", "不正常", ""},
		{"屏幕上有提示吗？", "都不行", ""}, // neither works nor fails was asked
		{"Does another wallet go through?", "they all fail", ActNo},
		{"Does another wallet go through?", "alipay works", ActYes},
		{"Is it the same with another customer's phone?", "same", ActYes},
		{"Is it the same with another customer's phone?", "the next one went through", ActNo},
		{"Is it the same with another customer's phone?", "not the same", ""},
	} {
		if got := stated(Normalise(tt.answer), AskedIn(tt.question)); got != tt.want {
			t.Errorf("%q to %q says %q, want %q", tt.answer, tt.question, got, tt.want)
		}
	}
}

package dialog_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// What a message says of steps before they are asked, and what it only seems
// to say.
func TestTold(t *testing.T) {
	c := script(t)
	read := c.Intents.Lexicon.Reader()
	type facts = map[string]string
	for _, tt := range []struct {
		text string
		want facts // of the steps named here; "" for nothing
	}{
		{"就微信付不了，支付宝好好的", facts{"other_wallet": "yes", "plain_alipay": "yes"}},
		{"只有花呗不行", facts{"plain_alipay": "yes"}},
		{"支付宝也不行", facts{"other_wallet": "no", "plain_alipay": "no"}},
		{"支付宝不能付", facts{"other_wallet": "", "plain_alipay": ""}},
		{"支付宝能用吗？", facts{"other_wallet": ""}},
		{"支付宝以前都可以，现在不行", facts{"other_wallet": "", "huabei_before": "yes"}},
		{"要是支付宝能用，我就不找你了", facts{"other_wallet": ""}},
		{"换了手机也不行", facts{"other_customer": "yes"}},
		{"换了三个客人都扫不了", facts{"other_customer": "yes"}},
		{"谁的手机都没反应", facts{"other_customer": "yes", "beep": "no"}},
		{"不对，其他人也是", facts{"other_customer": "yes"}},
		{"others have it too", facts{"other_customer": "yes"}},
		{"就这个顾客的手机扫不了，别的客人都正常", facts{"other_customer": "no"}},
		{"重启过了，没用", facts{"restart_once": "not_fixed"}},
		{"没重启过", facts{"restart_once": "not not_fixed"}},
		{"要重启吗？", facts{"restart_once": ""}},
		{"老是自己重启了", facts{"restart_once": ""}},
		{"重启了就好了", facts{"restart_once": ""}},
		{"镜头我擦过好几遍了", facts{"clean_window": "not_fixed"}},
		{"怎么擦镜头", facts{"clean_window": ""}},
		{"网是好的", facts{"online": "yes"}},
		{"隔壁也收不了", facts{"other_shops": "yes"}},
		{"隔壁能收", facts{"other_shops": "no"}},
		{"偶尔没反应", facts{"beep": ""}},
		{"没扣钱", facts{"charged": "no"}},
		{"wifi is fine, others work, already rebooted twice", facts{"online": "yes", "other_wallet": "yes", "restart_once": "not_fixed"}},
		{"I have not restarted it yet", facts{"restart_once": "not not_fixed"}},
		{"should I restart it?", facts{"restart_once": ""}},
		{"restarted it and now it works", facts{"restart_once": ""}},
		{"it keeps restarting", facts{"restart_once": ""}},
		{"alipay does not work", facts{"other_wallet": ""}},
		{"wechat is dead but alipay works fine", facts{"other_wallet": "yes"}},
		{"network is abnormal", facts{"online": ""}},
		{"no beep with any phone", facts{"beep": "no"}},
		{"it used to work until yesterday", facts{"worked_before": "yes"}},
		{"has never worked here", facts{"worked_before": "no"}},
		{"the glass is cracked", facts{"window_cracked": "yes"}},
		{"maybe wechat works, I have not tried", facts{"other_wallet": ""}},
		{"支付宝可能能用", facts{"other_wallet": ""}},
		{"换了几个客人的花呗都付不了", facts{"other_customer_huabei": "no"}},
		{"屏幕上什么提示都没有", facts{"screen_text": "no"}},
		{"someone glued a poster over our code", facts{"pasted_over": ""}},
		{"另外贴了一张码在上面", facts{"pasted_over": "yes"}},
		{"电池鼓包了开不了机", facts{"unsafe": "yes"}},
		{"後蓋被電池頂起來了，充不進電", facts{"unsafe": "yes"}},
		{"没鼓包，就是开不了机", facts{"unsafe": "not yes"}},
		{"刚把一碗汤倒机器上了", facts{"unsafe": "yes"}},
		{"上个月进过水，会不会是这个原因", facts{"unsafe": ""}},
		{"the back is swollen and it will not start", facts{"unsafe": "yes"}},
		{"it is not hot", facts{"unsafe": ""}},
		{"we sell hot soup, the terminal is dead", facts{"unsafe": ""}},
		{"微信能付，微信支付宝都不行", facts{"other_wallet": ""}}, // both ways: nothing is guessed
	} {
		told := c.Script.ToldBy(read(tt.text))
		got := facts{}
		for step := range tt.want {
			got[step] = told[step]
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.text, diff)
		}
	}
}

// Whatever is written, it is searched without harm, and a question says nothing.
func TestToldOfAnything(t *testing.T) {
	c := script(t)
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.SampledFrom([]string{"重启过", "支付宝", "微信", "好好的", "，", "、", "。", " ", "不", "没", "and ", "restarted ",
			"alipay ", "works ", "but ", "😀", "\x00", "昨天", "换了", "手机", "都", "…"}), 0, 40).Draw(t, "parts")
		text := strings.Join(parts, "") + rapid.String().Draw(t, "tail")
		c.Script.ToldBy(text)
		question := strings.NewReplacer("，", "", "、", "", "。", "", "but ", "", "and ", "", " ", "", "…", "").Replace(strings.Join(parts, ""))
		if told := c.Script.ToldBy(question + "?"); len(told) > 0 {
			t.Fatalf("the question %q tells %v", question, told)
		}
	})
}

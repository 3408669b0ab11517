package hanzi_test

import (
	"strings"
	"testing"

	"tilldesk/intents/hanzi"
)

func TestSimplify(t *testing.T) {
	for in, want := range map[string]string{
		"掃碼機沒有反應": "扫码机没有反应", "花唄付唔到": "花呗付唔到", "already": "already", "收銀機後台": "收银机后台", "": "",
	} {
		if got := strings.Map(hanzi.Simplify, in); got != want {
			t.Errorf("%q is %q in Simplified script, want %q", in, got, want)
		}
	}
}

func TestTraditional(t *testing.T) {
	for in, want := range map[string]string{
		"扫码没反应": "掃碼沒反應", "先付款再关机": "先付款再關機", "只扫一次": "只掃一次", "屏幕上面": "屏幕上面",
		"这个码发给谁": "這個碼發給誰", "一只手": "一隻手", "联系客服": "聯繫客服", "签购单背面": "簽購單背面",
		"系统": "系統", "里面的卡": "裏面的卡", "稍后": "稍後", "几分钟": "幾分鐘", "准备": "準備", "批准": "批准", "机身标签": "機身標籤",
	} {
		if got := hanzi.Traditional(in); got != want {
			t.Errorf("Traditional(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestIsTraditional(t *testing.T) {
	for in, want := range map[string]bool{
		"機器壞咗": true, "机器坏了": false, "花唄付不了": true, "no": false, "收款": false, "這个": false,
	} {
		if got := hanzi.IsTraditional(in); got != want {
			t.Errorf("IsTraditional(%q) = %v, want %v", in, got, want)
		}
	}
}

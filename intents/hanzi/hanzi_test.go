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
		"系统": "系統", "里面的卡": "裡面的卡", "稍后": "稍後", "几分钟": "幾分鐘", "准备": "準備", "批准": "批准", "机身标签": "機身標籤",
	} {
		if got := hanzi.Traditional(in); got != want {
			t.Errorf("Traditional(%q) = %q, want %q", in, got, want)
		}
	}
}

// TestCommonForms: a character has the form that people type today, in Taiwan
// and in Hong Kong, by itself and within a phrase.
func TestCommonForms(t *testing.T) {
	for in, want := range map[string]string{
		"员工群": "員工群", "裙": "裙", "户里": "戶裡", "这里": "這裡", "公里": "公里", "商户": "商戶", "用户说": "用戶說", "让客户说一声": "讓客戶說一聲",
		"启动": "啟動", "重启": "重啟", "卫生": "衛生", "面包": "麵包", "面条": "麵條", "表面": "表面", "床": "床", "高峰": "高峰",
		"税": "稅", "兑换": "兌換", "摆脱": "擺脫", "温度": "溫度", "阅读": "閱讀", "锐": "銳", "挂钩": "掛鉤", "喜悦": "喜悅",
		"叙述": "敘述", "葱": "蔥", "卧": "臥", "蕴": "蘊", "因为": "因為", "吃饭": "吃飯", "网线": "網線", "信号线": "信號線",
		"秘密": "秘密", "群众": "群眾", "伪": "偽", "看着": "看着", "已經說過": "已經說過", "裏面": "裡面",
	} {
		if got := hanzi.Traditional(in); got != want {
			t.Errorf("Traditional(%q) = %q, want %q", in, got, want)
		}
		if got := hanzi.Traditional(want); got != want {
			t.Errorf("Traditional(%q) = %q: it is so already", want, got)
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

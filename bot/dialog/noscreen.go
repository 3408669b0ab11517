package dialog

import (
	"regexp"

	"tilldesk/intents"
)

// noScreen are words that no screen shows, though a screen was asked about: which
// wallets it is, or that a later attempt succeeded.
var noScreen = regexp.MustCompile(`^(?:both|all|only|just|either|和|跟|还有|都|两个|是|and|or|,|&|alipay|wechat(?: pay)?|unionpay|支付宝|微信|云闪付|银联|\s|of them|fail|一样|不行)+$|` +
	`^(?:但是|不过|后来|it|but|then|[,.\s])*(?:第[二三]次|再(?:扫|试)一次|多扫几次)(?:就|才|又|扫|试|付|成功|好|上|进|出来|可以|行|能|去|过)+了?[,.!。\s]*$|^(?:it |but |then |[,.])*(?:worked|went through|scanned|succeeded|works) (?:on|at|after|the) (?:the )?(?:second|third|2nd|3rd|next|another|a few|two|several)(?: (?:try|tries|time|times|attempt|attempts|go))?[,.!\s]*$`)

// relapse says that it worked once, and does no more.
var relapse = regexp.MustCompile(`第[二三]?[单笔次个].{0,4}又(?:不行|不[扫认灵]|挂|失败)了?[,.!。\s]*$|\b(?:once|one time|first (?:one|time))\b.{0,16}\b(?:then|but|and) .{0,12}\b(?:stopped|failed|not|no|nothing|died)[,.!\s]*$`)

// saysNoScreen explains where the words on the screen are to who wrote something
// else, rather than note that as a screen's; twice, and there are none.
func (t *turn) saysNoScreen(step *Step) bool {
	text := intents.Normalise(t.in.Text)
	switch {
	case inVain.MatchString(text) && !quotes.MatchString(t.in.Said):
	case noScreen.MatchString(t.in.Said), relapse.MatchString(t.in.Said):
	case t.st.Fix.Unsure > 0 && merelyOK.MatchString(text): // and the words do not come
	default:
		return false
	}
	t.unsure(step)
	return true
}

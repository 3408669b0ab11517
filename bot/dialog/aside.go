package dialog

import (
	"regexp"
	"slices"

	"tilldesk/intents"
)

// unsafe is the shared step of a terminal that is hot, wet or bulging, and
// powerIntent the playbook that says what to do with it.
const (
	unsafe      = "unsafe"
	powerIntent = "device.power"
)

// ofTheTerminal are the troubles in whose telling it is the terminal that is hot or
// wet. A sticker that got wet is none, and who wants a replacement knows.
var ofTheTerminal = regexp.MustCompile(`^(?:scan|network|software)\.|^device\.(?:scanner|printer|cable|screen|keys)$`)

// ofAPhone is said where it is not the terminal that is hot.
var ofAPhone = regexp.MustCompile(`手机|电话|\b(?:phones?|mobile)\b`)

// danger reports whether the message tells of a danger that the fix under way,
// or the one that would begin, does not ask for: smoke from the printer is no
// matter of paper.
func (t *turn) danger() bool {
	intent := t.intent()
	if t.st.Fix != nil {
		intent = t.st.Fix.Intent
	}
	if !ofTheTerminal.MatchString(intent) || t.script.stepOf(intent, unsafe) != nil || t.script.stepOf(powerIntent, unsafe) == nil || ofAPhone.MatchString(t.in.Said) {
		return false
	}
	return slices.ContainsFunc(t.told(), func(f fact) bool {
		return f.step == unsafe && f.result == Yes && !f.denied
	})
}

// notKnown says that nobody knows whether a payment went through. In Chinese
// what is paid may stand before or after the not knowing.
var notKnown = regexp.MustCompile(`(?:付|扣|收|成|成功|到)(?:钱|款)?(?:没有?|不)(?:付|扣|收|成|成功|到)?(?:上|成|到|出去)?(?:钱|款)?(?:了)?[,， ]*(?:也|都|还|我|他|顾客)?(?:不知道|不清楚|不确定|搞不清|说不清|弄不清|没数)|` +
	`(?:不知道|不清楚|不确定|搞不清|说不清|弄不清)(?:到底|究竟|这笔|钱|他|顾客|是否|有没有|是不是)*(?:付|扣|收)(?:钱|款)?(?:没|了没|成没|到没|上没|出去没|成功没|没付|没扣|成功|成了|了吗)|` +
	`\b(?:dunno|no idea|not sure|unsure|unclear|(?:don't|do not|dont) know|can't tell|cannot tell) (?:if|whether|that) (?:(?:it|he|she|they|the|this|that|customer|payment|money|was|is|got|has|have|been|actually|really|already) )*(?:paid|charged|went through|gone through|deducted|taken|succeeded|successful)\b`)

// unsettledPayment reports whether the message says that it is not known whether
// a payment went through, where neither the fix under way nor the one that would
// begin asks that first: before that is known, nothing is taken again.
func (t *turn) unsettledPayment() bool {
	if t.script.playbooks[moneyIntent] == nil || t.in.Choice != "" || len(t.in.Codes) > 0 || !notKnown.MatchString(t.in.Said) {
		return false
	}
	if step := t.asked(); step != nil && step.ID == charged {
		return false // that is the answer
	}
	intent := t.intent()
	if t.st.Fix != nil {
		intent = t.st.Fix.Intent
	}
	if t.st.Fix == nil && t.in.Decision != intents.Answer {
		return true // whatever else it may be
	}
	p := t.script.playbooks[intent]
	return p != nil && (p.Money == MoneyNone || p.Money == MoneyNote)
}

// Words that end a fix in its midst: the trouble is gone, or is left alone.
var (
	gone    = regexp.MustCompile(`^[哦噢啊嗯诶欸, ]*(?:现在|又|已经)?(?:没事了|没事啦|没问题了|好使了|恢复了|自己好了)|^(?:oh |ah |ok |okay |well |yes,? |yeah,? )*(?:never ?mind,? )?(?:it'?s |it is |all )?(?:fixed itself|sorted itself|(?:ok|okay|fine|good|working) now)\b`)
	dropped = regexp.MustCompile(`^[哦噢啊嗯那好的行谢, ]*(?:算了|拜拜|再见|(?:我)?先走了|先(?:不|别)(?:弄|搞|修|查|管)|(?:一会儿?|待会儿?|等会儿?|晚点|回头)再(?:来|弄|搞|看|说)|不用了|不弄了|不搞了|不修了|不查了|不管了|先这样|下次再说|回头再说|改天再说|晚点再说)|^(?:ok |okay |oh |well )*(?:never ?mind|forget (?:it|about it)|leave it|don'?t bother|no need any ?more|not now|maybe later|later then|(?:thanks |thank you )?(?:good)?bye|see (?:you|ya)|i'?ll (?:come|be) back|gotta go)\b`)
)

// letsBe reports whether the message says to leave it alone, and nothing else:
// "never mind" to a choice picks none of it.
func (t *turn) letsBe() bool {
	text := intents.Normalise(t.in.Text)
	at := dropped.FindStringIndex(text)
	return at != nil && t.in.Choice == "" && nothingElse.MatchString(text[at[1]:])
}

// ended takes words that end the fix in its midst. Where money is the subject
// it goes on until the money is known, or they are said twice; whoever leaves
// without knowing whether it was paid hears not to take it again.
func (t *turn) ended() bool {
	step := t.asked()
	if step == nil || t.in.Choice != "" || len(t.in.Codes) > 0 {
		return false
	}
	text := intents.Normalise(t.in.Text)
	const runes = 16 // more tells something else as well
	money := t.script.playbooks[t.st.Fix.Intent].Money == MoneyFirst
	switch {
	case gone.MatchString(text) && !money:
		t.result(Fixed)
	case dropped.MatchString(text) && len([]rune(text)) <= runes && (!t.leavesFix(step) || t.intent() == "smalltalk.goodbye"):
		if money && t.st.Fix.Unsure == 0 {
			t.unproductive()
			t.st.Fix.Unsure++
			t.reason(Unanswered)
			t.askAgain(step, "drop.sure")
			return true
		}
		t.productive()
		t.reason(Courtesy)
		if money || step.ID == charged {
			t.say(t.reply(KindAnswer, "drop.money"))
		} else {
			t.say(t.reply(KindAnswer, "goodbye"))
		}
		fix := t.st.Fix
		t.finish()
		t.st.Ended = fix
	default:
		return false
	}
	return true
}

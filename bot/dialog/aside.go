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
	return slices.ContainsFunc(t.script.told(t.in.Said), func(f fact) bool {
		return f.step == unsafe && f.result == Yes && !f.denied
	})
}

// Words that end a fix in its midst: the trouble is gone, or is left alone.
var (
	gone    = regexp.MustCompile(`^[哦噢啊嗯诶欸, ]*(?:现在|又|已经)?(?:没事了|没事啦|没问题了|好使了|恢复了|自己好了)|^(?:oh |ah |ok |okay |well )*(?:never ?mind,? )?(?:it'?s |it is |all )?(?:fixed itself|sorted itself|(?:ok|okay|fine|good|working) now)\b`)
	dropped = regexp.MustCompile(`^[哦噢啊嗯那, ]*(?:算了|不用了|不弄了|不搞了|不修了|不查了|不管了|先这样|下次再说|回头再说|改天再说|晚点再说)|^(?:ok |okay |oh |well )*(?:never ?mind|forget (?:it|about it)|leave it|don'?t bother|no need any ?more|not now|maybe later|later then)\b`)
)

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
	case dropped.MatchString(text) && len([]rune(text)) <= runes && !t.leavesFix(step):
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

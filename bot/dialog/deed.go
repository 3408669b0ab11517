package dialog

import (
	"regexp"

	"tilldesk/intents"
)

// What was done to the terminal is told in the same words as a trouble with it:
// 「按了没反应」 may be keys that are dead, "restarted" a terminal that does so by
// itself. Said while a step waits, and as the whole of a message, it is what
// came of the step.
var (
	// done tells of a deed alone.
	done = regexp.MustCompile(`^(?:我|我们|已经|刚刚?|刚才|好的?|嗯|都|也|又|全|那|[,.!。、~\s])*(?:重启|重新启动|重开|重连|重新连|关机|开机|关了|按|擦|换|插|拔|清|试|充|挪|移|调|点|做|弄|照做)(?:机器|一下|一次|一遍|过|了|完|好|上|掉|机|[两三几]次|[,.!。、~\s])*(?:了|过|一下|一次|一遍|[两三几]次|完)(?:[啊呀呢哈]|[,.!。、~\s])*$|` +
		`^(?:ok|okay|yes|yeah|yep|well|i|we|have|i've|we've|already|just|now|so|[,.!\s])*(?:restarted|rebooted|reset|pressed|pushed|held|cleaned|wiped|plugged|unplugged|changed|swapped|moved|tried|did|done)(?: (?:it|that|this|them|the|a|machine|terminal|pos|button|key|power|window|glass|cable|charger|plug|socket|another|one|in|out|off|on|again|already|now|once|twice|closer|back|just|so|too|and))*[,.!\s]*$`)

	// nothingNamed says that something is done, and not what.
	nothingNamed = regexp.MustCompile(`^(?:ok(?:ay)?|yes|all|it's|[,.!\s])*(?:done|did(?: it| that)?)[,.!\s]*$`)

	// inVain tells of a deed that changed nothing.
	inVain = regexp.MustCompile(`^(?:我|我们|已经|刚刚?|刚才|都|也|又|全|那|[,.!。、~\s])*(?:重启|重新启动|重开|重连|重新连|关机|开机|按(?:了|过|着|住|下|完|[几好])|擦|换|插|拔|清|试|充|挪|移|调|点|做|弄)[^,.!?。、吗么]{0,6}[,.。、\s]*(?:但是?|可是?|结果|还是|也是|也|都|就是|依旧|仍然|还|依然|一直|照样)*(?:没反应|没用|没有用|没有反应|不行|不灵|不中|不得行|一样|没变化|不亮|老样子|没动静|没好|这样|不动|白搭)(?:[了啊呢的呀]|[,.!。、~\s])*$|` +
		`^(?:ok|okay|yes|yeah|well|i|we|have|i've|we've|already|just|[,.!\s])*(?:restarted|rebooted|reset|pressed|pushed|held|cleaned|wiped|plugged|unplugged|changed|swapped|moved|tried|did|done)\b[^?]{0,32}?\b(?:nothing(?: happens| happened| changed)?|no (?:change|luck|reaction|response|difference|use|help)|same(?: thing| issue| problem)?|still (?:not|no|the same|same|nothing|dead|not working)|(?:doesn't|didn't|does not|did not) (?:help|work|react|respond|change anything))[,.!\s]*$`)
)

// reported takes what the message says was done, where it would be taken for
// another trouble. It reports false if the message is something else.
func (t *turn) reported(step *Step) bool {
	if step == nil || t.in.Choice != "" || !t.wouldLeave() || t.moneyNews(step) {
		return false
	}
	text := intents.Normalise(t.in.Text)
	if nothingNamed.MatchString(text) {
		return false // "done" is like no trouble: it is the answer that was asked for
	}
	vain := inVain.MatchString(text)
	switch {
	case !vain && !done.MatchString(text):
		return false
	case step.Expects == "text" && vain:
		t.result(No) // where nothing happens there is nothing to read
	case step.Kind == Fix && vain:
		t.result(NotFixed)
	case t.news: // it tells of a step that was not asked
		t.aside(step)
	case step.Kind == Fix:
		t.insist(step, "fix.did")
	default:
		t.misheard(step)
	}
	return true
}

// wouldLeave reports whether the message would be taken for another trouble
// than the one under way.
func (t *turn) wouldLeave() bool {
	intent := t.intent()
	return t.in.Decision == intents.Answer && t.score() >= likelyNew && intent != t.st.Fix.Intent && t.script.playbooks[intent] != nil
}

package dialog

import (
	"regexp"
	"strconv"

	"tilldesk/content/source"
	"tilldesk/intents"
)

// Remarks are said by the way: they answer nothing, and the step that was asked
// stays asked. Each has to be the whole of the message, but for what only fills.
var (
	// vents is a sigh or an oath, at nobody.
	vents = regexp.MustCompile(`^(?:(?:唉|哎|啊|呀|哦|真|真的|太|好|我|都|快|要|了|这|破|机器|也|气|烦|急|` +
		`烦死|烦死了|烦人|气死|气死我了|气人|急死|急死我了|急死人|崩溃|疯了|无语|服了|头大|头疼|倒霉|闹心|要命|受不了|搞什么|什么玩意|什么破|郁闷|我的天|天哪|老天|愁死|烦躁|累死|晕|靠|妈呀|我去|` +
		`oh|my|god|goodness|ugh+|argh+|aargh|gosh|man|damn|dammit|damn it|wtf|ffs|fml|jesus|christ|for god's sake|for heaven's sake|come on|seriously|unbelievable|ridiculous|annoying|frustrating|nightmare|hopeless|` +
		`this|it|that|is|it's|that's|so|such|a|really|just|driving me|drives me|nuts|crazy|mad|insane|up the wall|i|i'm|am|fed up|sick of this|sick of it|losing my mind|going crazy|can't take|cannot take|anymore|any more|what a|pain|mess|day)[,.!。、~…\s]*)+$`)
	// vent is what a sigh has at least one of: "this is it" has none.
	vent = regexp.MustCompile(`[烦气急愁]死|[烦气]人|崩溃|疯了|无语|服了|头大|头疼|倒霉|闹心|要命|受不了|搞什么|什么玩意|什么破|郁闷|我的天|天哪|老天|烦躁|累死|晕|我靠|妈呀|我去|[唉哎]|^烦|太烦|好烦|真烦|\b(?:ugh+|argh+|aargh|damn|dammit|wtf|ffs|fml|jesus|christ|sake|seriously|unbelievable|ridiculous|annoying|frustrating|nightmare|hopeless|nuts|crazy|mad|insane|up the wall|fed up|sick of|my god|oh my|(?:can't|cannot) take|pain|what a)\b`)

	// asksBot asks who is writing here.
	asksBot = regexp.MustCompile(`^(?:喂|诶|那|请问|等等|你好|您好|[,.!?。、\s])*(?:[你您](?:到底|究竟)?(?:是不是|是)(?:个)?(?:机器人|自动回复|自动的|人工智能|ai|真人|人|机器|程序|电脑)(?:还是(?:机器人|真人|人|机器|ai))?|是不是机器人|是机器人(?:吗|吧)?|[你您]是谁|跟我(?:说话|聊)的是(?:真人|机器人|人))(?:吗|么|嘛|吧|呀|啊|在回|[,.!?。、\s])*$|` +
		`^(?:hey|hi|hello|wait|so|sorry|um|[,.!?\s])*(?:(?:are|r) (?:you|u)|is this|is it|am i (?:talking|speaking|chatting) (?:to|with)) (?:even |actually |really |just )?(?:a |an |the |some )?(?:real |live |actual )?(?:bot|chatbot|robot|machine|computer|ai|automated|automatic|human|human being|person|real)(?: or (?:a |an )?(?:real )?(?:bot|robot|machine|human|person|ai))?[,.!?\s]*$|^who (?:are you|am i talking to)[?\s]*$`)

	// asksWhy asks what the step is for.
	asksWhy = regexp.MustCompile(`^(?:为什么|为啥|为何|干嘛|干吗|凭什么)(?:要)?(?:这样|这么|问这个|问|做这个|做这步|做|弄这个|弄|我)?(?:做|弄|问)?(?:呢|啊|呀|[?.!。\s])*$|^(?:but )?(?:why|what for|what'?s the point|why (?:is that|that|this|do i (?:have|need) to(?: do (?:that|this))?|should i(?: do (?:that|this))?|do you (?:ask|need (?:that|this|to know))))[?.!\s]*$`)

	// asksLong asks how long it takes.
	asksLong = regexp.MustCompile(`^(?:这个?|这步|那)?(?:还|大概|大约)?(?:要|得|需要|需)(?:弄|搞|等|花|用)?(?:多久|多长时间|多少时间|几分钟)(?:呢|啊|呀|才能好|才好|才行|[?.!。\s])*$|^(?:多久|多长时间)(?:能好|能弄好|才好)?(?:呢|啊|呀|[?.!。\s])*$|^(?:ok |and |but )?how (?:long|much longer|much time)(?: (?:will|does|is|would) (?:this|it|that)(?: going to| gonna)?(?: take| be| need)?)?[?.!\s]*$|^(?:is|will|does) (?:this|it|that)(?: (?:going to|gonna))? take (?:long|ages|forever)[?.!\s]*$|^(?:这个?|那)?(?:要|得)(?:等)?(?:很久|好久)(?:吗|么|啊|[?.!。\s])*$`)

	// vague says that there is trouble with taking payments, and not which.
	vague = regexp.MustCompile(`^(?:我的?|我们的?|这个?|店里的?|你好|您好|[,.!。\s])*(?:收款|支付|付款|收钱|收银|交易|扫码支付|机器|pos机?|刷卡机)(?:机|的时候|这边)?(?:有|出|出了|有点|有些|遇到)?(?:点|些|个)?(?:问题|毛病|故障|异常)(?:了|啊|呢|[,.!。\s])*$|` +
		`^(?:hi|hello|help|please|[,.!\s])*(?:i (?:have|got|am having)|i'm having|i've got|we have|having|there is|there's|got)? ?(?:a|an|some|the)? ?(?:payments?|paying|pos|terminal|machine|transactions?|cashier|till|checkout)(?: terminal| machine)? (?:problems?|issues?|troubles?|error|not ok)[,.!\s]*$`)
)

// remarked answers what is said by the way, and asks again what was asked. It
// reports false if the message is something else.
func (t *turn) remarked() bool {
	text := intents.Normalise(t.in.Text)
	if t.in.Choice != "" || len(t.in.Codes) > 0 {
		return false
	}
	step := t.asked()
	switch {
	case asksBot.MatchString(text):
		t.remark("remark.bot")
	case vents.MatchString(text) && vent.MatchString(text):
		t.remark("remark.vent")
	case step == nil && t.st.Fix == nil && t.in.Decision != intents.Answer && vague.MatchString(text):
		t.whichKind()
	case step == nil:
		return false
	case asksWhy.MatchString(text) && step.Kind != Refer:
		key := "remark.why_check"
		if step.Kind == Fix {
			key = "remark.why_fix"
		}
		t.remark(key)
	case asksLong.MatchString(text) && t.script.playbooks[t.st.Fix.Intent].Money != MoneyFirst:
		if step.Kind == Refer {
			t.remark("remark.long_refer")
		} else {
			t.remark("remark.long", "time", duration(step.Seconds))
		}
	default:
		return false
	}
	return true
}

// remark says a reply, and again what was asked. Where nothing was, a person is
// offered.
func (t *turn) remark(key string, args ...any) {
	t.unproductive()
	t.reason(Courtesy)
	line := t.reply(KindAnswer, key, args...)
	said := len(t.out.Say)
	t.say(line)
	t.again()
	if len(t.out.Say) == said+1 {
		t.out.Say[said].Choices = []Choice{t.script.choice("human")}
	}
}

// whichKind offers the usual troubles to who says only that there is one.
func (t *turn) whichKind() {
	t.st.Clarified++
	if t.st.Clarified > maxClarified || t.st.Missed+t.st.Clarified > maxLost {
		t.handoff(CauseNotUnderstood)
		return
	}
	ask := t.reply(KindClarify, "remark.vague")
	ask.Choices = append(t.usual(), t.script.choice("none"))
	t.st.Phase, t.st.Greeted = Clarifying, true
	t.st.Unclear = clip(t.in.Text, 200)
	t.unproductive()
	t.reason(Unclear)
	t.say(ask)
}

// duration is how long something takes, as people say it.
func duration(seconds float64) source.Text {
	const minute = 60
	if n := int(seconds); n < minute {
		return source.Text{Zh: strconv.Itoa(n) + "秒", En: strconv.Itoa(n) + " seconds"}
	}
	switch n := int(seconds+minute/2) / minute; n {
	case 1:
		return source.Text{Zh: "一分钟", En: "a minute"}
	default:
		return source.Text{Zh: strconv.Itoa(n) + "分钟", En: strconv.Itoa(n) + " minutes"}
	}
}

package dialog

import (
	"regexp"
	"slices"

	"tilldesk/intents"
)

// Words of who comes back in a moment: somebody is at the counter, or the step
// is being done. They are told from an answer by what else is said: nothing but
// waits may stand in the message, and one of wait must.
var (
	waits = regexp.MustCompile(`^(?:(?:我|先|去|来|到|在|正在?|有|个|位|人|客人?|顾客|阿姨|结账|买单|付款|排队|收|现金|收钱|单|忙|着|招呼|接待?|应付|一?下|一?会儿?|一?阵|哈|啊|呀|哦|噢|了|呢|吧|的|诶|哎|喂|店里|外面|前面|后面|这边|那边|电话|快递|拿货|给|他|她|你|您|找|零|钱|个?东西|扫|查|翻|看|试|弄|搞|重启|开机|登录|充|中|很?慢|不急|别急|别催|马上|就|回来|告诉|回复?你|再|说|好|行|嗯|哦|ok|要|得|稍等?|等|稍候|待|还|没到?|才|一|两|几|半|多|分钟?|秒|钟|分|不到|\d+|手机|机器|它|起来|` +
		`ok|okay|k|sure|right|well|hey|oh|sorry|please|just|can|could|you|thanks|thank|wait|waiting|hang|hold|on|tight|up|one|two|few|a|an|the|1|2|5|sec|secs|second|seconds|min|mins|minute|minutes|moment|moments|mo|tick|ticks|gimme|give|me|bear|with|brb|bbl|be|right|back|in|busy|let|check|checking|see|look|looking|try|trying|find|finding|do|doing|it|its|it's|that|now|go|going|get|getting|i|i'm|i'll|am|will|tell|my|got|gotta|have|has|there|there's|is|someone|somebody|people|customer|customers|client|guest|punter|queue|line|counter|door|here|came|come|coming|first|serve|serving|ring|ringing|need|to|for|till|then|and|so|off|cash|taking|something|things?|scan|patience|no rush|don't rush|restarting|rebooting|booting|starting|loading|logging|signing|charging|phone|call|taking|still|only|been|hasn'?t|not|yet|less|than|at|thirty|half|soon|later)[,.!。、~…\s]*)+$`)
	wait = regexp.MustCompile(`等一?(?:下|会|等|阵|哈|我)|^(?:好[的,，]*)?等$|稍[等候]|待会|马上(?:来|就|回来|好|$|[,，。 ])|[在正]忙|忙着|先(?:忙|招呼|收|去|接|给|应付)|[有来](?:个|了|位)?(?:客|顾客)|有人(?:结账|买单|付款|排队|来)|^(?:[一两几]|\d+)分钟[哈啊]?$|在(?:查|找|翻|看|试|弄|搞|登录)|^(?:好[的,，]*|嗯+[,， ]*)?我?(?:先|来|去)*(?:查|翻|找|看|试|弄)(?:一?下|看|找|试|着)?(?:[啊哈吧呀先,，。 ]|$)|回来(?:告诉|回复?|再)|[别不]急|别催|` +
		`^customers? (?:here|waiting|came|just)\b|\b(?:wait|hang on|hold (?:on|tight|up)|bear with me|brb|bbl|be right back|back in a|gimme a|give me (?:a|one|two|five|1|2|5)|(?:one|a|1|two|2|few) (?:secs?|seconds?|mins?|minutes?|moments?|mo|ticks?)|let me (?:check|see|look|try|find|do)|looking|checking|trying|doing it|logging in|signing in|serving|i'm busy|busy now|(?:got|have|with) (?:a|the) (?:customer|client|guest|punter|queue)|patience|no rush|don't rush|i'll (?:try|check|look|tell|be back))\b`)
	// underWay says that a step is being done. To a question it may be an answer:
	// "restarting" to "does it restart by itself?".
	underWay = regexp.MustCompile(`在(?:重启|开机|等)|(?:重启|开机)(?:中|很?慢)|还没到[^,，。]{0,4}[分秒]|才[^,，。]{0,3}[分秒]|\b(?:restarting|rebooting|booting|loading|still waiting|hasn'?t been|not (?:a|one) minute|only been)\b`)
	// waited says that the waiting is over.
	waited = regexp.MustCompile(`等了|好了|行了|等[^,，。]{0,4}了|\b(?:waited|been waiting|can wait|waiting for)\b`)
)

// longestWait is how many characters a message has at most that only says to wait.
const longestWait = 48

// putsOff reports whether a normalised text says nothing but that the merchant
// will be back in a moment, or, where a step is to be done, is doing it.
func putsOff(text string, toDo bool) bool {
	return len([]rune(text)) <= longestWait && (wait.MatchString(text) || toDo && underWay.MatchString(text)) && waits.MatchString(text) && !waited.MatchString(text)
}

// holds answers who has to see to something else first, and leaves all as it is:
// what was asked stays asked, can still be pressed, and is not asked again.
func (t *turn) holds() bool {
	step := t.asked()
	if t.in.Choice != "" || len(t.in.Codes) > 0 || !putsOff(intents.Normalise(t.in.Text), step != nil && step.Kind == Fix) {
		return false
	}
	t.reason(Waits)
	line := t.reply(KindNotice, "remark.wait")
	if step != nil {
		line.Intent, line.Step = t.st.Fix.Intent, step.ID
	}
	line.Choices = slices.Clone(t.st.Offered)
	t.say(line)
	return true
}

package dialog

import (
	"regexp"
	"slices"

	"tilldesk/intents"
)

// securityIntent is that of questions about scams and secrets.
const securityIntent = "info.security"

var (
	// gave says that what a scammer asks for was done: after a warning, a word is
	// enough.
	gave = regexp.MustCompile(`(?:报|给|说|发|念|点|扫|转|付|输|填|装|下载|照做|交|汇)(?:了|过|出去|过去|完|给)|给(?:他|她|人家|对方|骗子|那人)们?了|告诉(?:了|他|她|对方|人家|骗子|那人)|` +
		`\b(?:gave|told|sent|shared|read|typed|entered|scanned|clicked|tapped|opened|paid|transferred|installed|downloaded|did (?:it|that)|done it)\b`)
	// secretThing is what a scammer wants: who names it needs no warning first.
	secretThing = regexp.MustCompile(`验证码|密码|骗子|转账|链接|共享屏幕|\b(?:codes?|passwords?|pin|otp|scammers?|link|my screen)\b`)
	// notGiven is a question, a condition, another who did it, or the right thing done.
	notGiven = regexp.MustCompile(`没|不|别|未|吗|么$|[?]|如果|要是|万一|报了?警|客服|官方|挂了|怎么说|顾客|客人|(?:他|她|对方|人家|骗子|有人|那人)(?:们)?(?:又|还|也|已经|刚)?(?:给|发|说|报|扫)|` +
		`\b(?:not|never|no|if|police|hung up|should|would|can|before|customers?|(?:he|she|they|it|who|someone|somebody|caller)(?: \w+)? (?:sent|gave|told|shared|read))\b|n't`)
	// wanted says what a scammer asks for, which is not yet done.
	wanted = regexp.MustCompile(`让|叫|要我|要求|\b(?:wants?|asked|asking|asks|needs?)\b`)
	// kept says that nothing was given.
	kept = regexp.MustCompile(`^(?:我|还好|幸好|幸亏|还|都|什么都|当然|好在|[,.!。、\s])*没(?:有)?(?:给|报|点|扫|转|说|发|付|理|告诉|上当)|^(?:no,? |luckily |thank god |phew |of course )*(?:i|we) (?:didn't|did not|haven't|have not|never) (?:give|gave|tell|told|send|sent|click|tap|scan|pay|share|fall)`)
)

// longestGiven is how many characters such a message has at most.
const longestGiven = 60

// given hands over a merchant who was warned of a scam, or tells of one, and
// says that it has happened: every minute counts, and no step at the counter
// helps. It reports false if the message is something else.
func (t *turn) given() bool {
	text := intents.Normalise(t.in.Text)
	if t.in.Choice != "" || len([]rune(text)) > longestGiven {
		return false
	}
	warned := slices.ContainsFunc(t.st.Last, func(l Line) bool { return l.Intent == securityIntent })
	named := secretThing.MatchString(text) // in a fix, "I scanned it" may as well answer the step
	switch {
	case warned && kept.MatchString(text):
		t.reason(Courtesy)
		t.say(t.reply(KindAnswer, "remark.kept"))
		if t.st.Fix != nil {
			t.again()
		}
		return true
	case !gave.MatchString(text) || notGiven.MatchString(text):
		return false
	case warned && (t.st.Fix == nil || named):
	case named && !wanted.MatchString(text) && t.in.Decision == intents.Answer && t.intent() == securityIntent:
	default:
		return false
	}
	if fix := t.st.Fix; fix != nil {
		t.pause(*fix) // staff see it beside the fraud
		t.st.Fix = nil
	}
	t.in.Guesses = []intents.Guess{{Intent: securityIntent, Score: 1}}
	t.handoffSaying(CauseFraud, "handoff.given")
	return true
}

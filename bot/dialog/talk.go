package dialog

import (
	"regexp"
	"slices"
	"strings"

	"tilldesk/intents"
)

// clearlyOutside is the chance from which a message is taken for one that has
// nothing to do with payments, rather than for one not understood.
const clearlyOutside = 0.65

// shortest is how many characters say too little to be called outside: a
// merchant in a hurry writes one.
const shortest = 2

// meantAgain is the chance from which one of the offered intents is taken to be
// meant by what is written instead of a choice.
const meantAgain = 0.47

// understand reads a message outside a fix.
func (t *turn) understand() {
	if t.wantsPerson() {
		t.handoff(CauseAsked)
		return
	}
	if len(t.in.Codes) > 0 && (t.in.Decision != intents.Answer || t.score() < likelyNew || t.intent() == "software.error" || t.in.Codes[0].Code.Intent == t.intent()) {
		t.explainCode()
		return
	}
	intent := t.intent()
	if t.st.Phase == Clarifying && t.letsBe() {
		t.st.Phase, t.st.Clarified = Idle, 0
		t.productive()
		t.reason(Courtesy)
		t.say(t.reply(KindAnswer, "goodbye"))
		return
	}
	if t.st.Phase == Clarifying && t.offered(intent) && t.in.Decision != intents.Reject && t.score() >= meantAgain {
		t.follow(intent)
		return
	}
	if t.in.Decision != intents.Answer && t.sureAct(veryLikelyAct) && t.courtesyOf(t.in.Act) {
		return
	}
	if t.st.Ended != nil && t.in.Decision != intents.Answer && short(t.in.Text) && dropped.MatchString(intents.Normalise(t.in.Text)) {
		t.unproductive()
		t.reason(Courtesy)
		t.say(t.reply(KindAnswer, "goodbye"))
		return
	}
	if (t.st.Phase == Clarifying || t.st.Ended == nil && t.justFixed()) && worksNow.MatchString(intents.Normalise(t.in.Text)) {
		t.selfCured()
		return
	}
	if t.cannotSignIn() {
		return
	}
	if t.justEnded() && t.othersToo() {
		t.others()
		return
	}
	if t.st.Back != nil && slipped.MatchString(t.in.Said) && slices.ContainsFunc(t.st.Last, func(l Line) bool { return strings.HasPrefix(l.Key, "end:") }) {
		t.st.Phase, t.st.Ended, t.in.Again = Guiding, nil, false
		t.st.Fix = t.st.Back.clone()
		t.back()
		return
	}
	if len(t.st.Paused) > 0 && goesBack.MatchString(t.in.Said) {
		t.resume()
		return
	}
	if t.takenBack() {
		t.reopen()
		return
	}
	if t.justEnded() && t.in.Act == intents.ActFixed && t.in.ActScore >= intents.SureAct && t.score() < accusation {
		t.courtesyOf(t.in.Act) // "paid with another card, done"
		return
	}
	switch t.in.Decision {
	case intents.Answer:
		if !t.may(intent) {
			t.clarify()
			return
		}
		t.follow(intent)
	case intents.Clarify:
		if t.script.playbooks[intent] == nil && !t.tooShort() && t.free() {
			return
		}
		t.clarify()
	default:
		t.outside()
	}
}

// person hands over to a person who is asked for beside something else: a
// trouble that comes with it is what the person finds on the card, and the
// queue moves on meanwhile.
func (t *turn) person() {
	if intent := t.intent(); t.st.Fix == nil && t.in.Decision == intents.Answer && t.script.playbooks[intent] != nil {
		t.open(intent)
	}
	t.handoff(CauseAsked)
}

// nobody goes on with a merchant who says that no person is wanted.
func (t *turn) nobody() {
	if t.st.Fix == nil {
		t.courteous("capabilities")
		return
	}
	t.unproductive()
	t.reason(Courtesy)
	t.again()
}

// takenBack reports whether the end of the last fix is taken back in the next
// breath: "it works" was not so, or what was heard and ended it is not.
func (t *turn) takenBack() bool {
	back := t.justEnded() && t.in.Act == intents.ActNotFixed ||
		t.st.endedUnasked() && (t.in.Act == intents.ActNo || t.in.Act == intents.ActNotFixed)
	if back && t.sureAct(intents.SureAct) && (t.in.Decision != intents.Answer || t.intent() == t.st.Ended.Intent) {
		return true
	}
	if t.st.Ended == nil {
		return false
	}
	intent, ended := t.intent(), t.st.Ended.Intent
	other := t.in.Decision == intents.Answer && intent != ended && intent != intents.OutOfScope
	if comesBack.MatchString(t.in.Said) && (!other || kindOf(intent) == kindOf(ended)) {
		return true
	}
	const runes = 20 // more tells something of its own
	if t.justEnded() && onlyAgain.MatchString(t.in.Said) {
		return true // whatever else happens again, it is not named
	}
	return t.justEnded() && !other && onceMore.MatchString(t.in.Said) && (t.in.Decision == intents.Answer || len([]rune(t.in.Text)) <= runes)
}

// kindOf is the part of an intent's id that it shares with others like it:
// "scan" of scan.huabei.
func kindOf(intent string) string {
	kind, _, _ := strings.Cut(intent, ".")
	return kind
}

// comesBack begins what a merchant says who left a fix and comes back to it.
var comesBack = regexp.MustCompile(`^(?:好了?|嗯|喂|在吗|你好|[,.!。、\s])*(?:我)?(?:回来了|忙完了|接着(?:来|弄|说|刚才|上次|之前|看)|继续(?:刚才|上次|之前|弄|看|吧|$)|还是刚才|(?:刚才|刚刚|上次|之前)(?:那个|的|那)[^,.。]{0,8}(?:继续|接着(?:来|弄|看|查)?$))|^(?:ok|okay|hi|hello|hey|[,.!\s])*(?:(?:i'?m|i am|we'?re) back\b|back now|(?:let'?s |can we )?(?:continue|carry on|go on)(?: with (?:it|that|this|the last)|[,.!?\s]*$))`)

// goesBack wants to go on with a trouble told of before.
var goesBack = regexp.MustCompile(`^(?:好了?|嗯|那|现在|[,.!。、\s])*(?:我们|咱们|咱|我|再)*(?:回到|接着|继续|说回|还是看)[^,.。]{0,4}(?:刚才|刚刚|前面|之前|上一个|上个|先前|一开始)|^(?:好了?|嗯|那|[,.!。、\s])*(?:刚才|刚刚|前面|之前|上一个|上个|一开始)[^,.。]{0,10}(?:继续|接着(?:来|弄|看|查)?|再看看?|还没(?:弄|搞)?(?:好|完))|` +
	`^(?:ok|okay|so|now|well|and|[,.!\s])*(?:(?:let'?s |can we |please |lets )?(?:go |get |come )?back to (?:the |my |that |our )(?:first|other|previous|earlier|last|scan\w*|one|problem)\b|(?:let'?s |can we |please )?(?:continue|carry on|go on) with (?:the|that|my) (?:first|other|previous|earlier|last|scan\w*|problem)|what about the (?:first|other|earlier|previous) (?:one|problem|thing|issue))`)

// onlyAgain says that it is there again, and nothing else.
var onlyAgain = regexp.MustCompile(`^[哎唉啊呀咦, ]*又(?:来了|这样了?|那样了?|犯了|不行了|出现了|是这样)[啊呀,.!。、 ]*$|^(?:oh |ah |hey |ugh |no |hm+ |sorry |[,. ])*(?:it|this|that|the same thing|same thing)(?:'s| is| has| just)* (?:happened|happens|happening|came back|come back|is back|back|started|doing it|did it)(?: once more| again)?[ ,.!]*$`)

// onceMore says that a trouble is there again.
var onceMore = regexp.MustCompile(`又|再次|\b(?:again|once more|came back|is back)\b`)

// justEnded reports whether the bot's last words ended a fix.
func (t *turn) justEnded() bool { return t.st.Ended != nil && t.justFixed() }

// justFixed reports whether the bot's last words took a trouble for settled.
func (t *turn) justFixed() bool {
	return slices.ContainsFunc(t.st.Last, func(l Line) bool {
		return l.Key == "fixed" || strings.HasPrefix(l.Key, "code:")
	})
}

// othersToo reports whether the message says that other customers have the
// trouble too.
func (t *turn) othersToo() bool {
	return slices.ContainsFunc(t.told(), func(f fact) bool {
		return f.step == otherCustomer && f.result == Yes && !f.denied
	})
}

// courtesyOf does what an answer asks for although nothing was asked: a person,
// the last words again, or the fix that did not hold. It reports false if the
// act asks for nothing here.
func (t *turn) courtesyOf(act intents.Act) bool {
	switch {
	case act == intents.ActHuman:
		t.handoff(CauseAsked)
	case act == intents.ActNotFixed && t.st.Ended != nil:
		t.reopen()
	case act == intents.ActRestart && !t.begun():
		t.helpWith(nil)
	case act == intents.ActRestart:
		t.restart()
	case (act == intents.ActFixed || act == intents.ActYes) && t.st.Ended != nil:
		t.unproductive()
		t.reason(Courtesy)
		t.say(t.reply(KindAnswer, "goodbye"))
	case act == intents.ActFixed && t.st.Phase == Clarifying:
		t.selfCured()
	case act == intents.ActBack && t.in.Again && len(t.st.Last) > 0:
		t.unproductive()
		t.reason(Repeated)
		t.say(t.st.Last...)
	default:
		return false
	}
	return true
}

// worksNow says, before it is clear what the trouble is, that there is none any more.
var worksNow = regexp.MustCompile(`^(?:哦|噢|啊|诶|咦|等等|算了|[,.!。、\s])*(?:好像|确实|真的|现在|又|已经|自己|突然|可能)*(?:好了|可以了|能扫了|能收了|能付了|没事了|恢复了|正常了|好使了)(?:[啊了啦吧]|[,.!。、~\s])*$|^(?:oh|ok|okay|ah|wait|never mind|nvm|[,.!\s])*(?:it|that|everything)?(?:'s| is| seems to| seems)? ?(?:works?|working|fine|ok|okay|fixed|good|sorted)(?: itself)? (?:now|again)[,.!\s]*$`)

// selfCured takes that the trouble has gone before it was known which.
func (t *turn) selfCured() {
	t.st.Phase = Idle
	t.productive()
	t.reason(Courtesy)
	t.say(t.reply(KindAnswer, "fixed"))
}

// follow does what an understood intent asks for.
func (t *turn) follow(intent string) {
	switch {
	case intent == intents.OutOfScope:
		t.outside()
	case t.script.playbooks[intent] != nil:
		t.take(intent)
	default:
		t.direct(intent)
	}
}

func (t *turn) offered(intent string) bool { return t.st.offers("intent:" + intent) }

// direct gives the direct answer to an intent: the passage that answers best
// where the knowledge base has one, else the prepared words.
func (t *turn) direct(intent string) {
	a := t.script.answers[intent]
	if a == nil {
		t.outside()
		return
	}
	switch {
	case strings.HasPrefix(intent, "smalltalk."):
		t.courtesy(intent)
		return
	case intent == "service.complaint" && t.st.Complained:
		t.handoff(CauseAnger)
		return
	}
	t.st.Complained = t.st.Complained || intent == "service.complaint"
	line := Line{Key: "answer:" + intent, Kind: KindAnswer, Text: a.Text, Intent: intent, Article: a.Article}
	if a.Person == "" && !strings.HasPrefix(intent, "service.") {
		if hit, ok := t.hitFor(intent); ok {
			line = t.passageLine(hit)
			line.Intent = intent
		}
	}
	for _, next := range a.Next {
		line.Choices = append(line.Choices, t.script.intentChoice(next))
	}
	line.Choices = append(line.Choices, t.script.choice("human"))
	if t.st.Fix == nil {
		t.st.Phase = Idle
	}
	t.productive()
	t.reason(Answered)
	t.st.Answered = intent
	if a.Person != "" {
		if a.Person != CauseAsked {
			line.Choices = nil
			t.say(line)
		}
		t.handoff(a.Person)
		return
	}
	t.say(line)
}

// helpWith answers a call for help: in a fix how its step is done, else what the bot
// can do, with the usual troubles to choose from.
func (t *turn) helpWith(step *Step) {
	if step != nil {
		t.unsure(step)
		return
	}
	line := t.capabilities()
	t.st.Greeted = true
	t.st.Phase = Idle
	t.unproductive()
	t.reason(Courtesy)
	t.say(line)
}

// saysYesOrNo reports whether the message is surely a plain answer: "there is a
// problem" calls for help, unless that is what was asked.
func (t *turn) saysYesOrNo() bool {
	return (t.in.Act == intents.ActYes || t.in.Act == intents.ActNo) && t.sureAct(intents.SureAct)
}

// capabilities says what the bot can do, and offers the usual troubles.
func (t *turn) capabilities() Line {
	line := t.reply(KindAnswer, "capabilities")
	line.Choices = append(t.usual(), t.script.choice("human"))
	return line
}

// usual returns the usual troubles, to choose from.
func (t *turn) usual() (choices []Choice) {
	if greeting := t.script.answers["smalltalk.greeting"]; greeting != nil {
		for _, next := range greeting.Next {
			choices = append(choices, t.script.intentChoice(next))
		}
	}
	return choices
}

// begun reports whether anything has been said that could be left for a new
// start: "I want to ask something" begins nothing anew.
func (t *turn) begun() bool {
	st := t.st
	return st.Greeted || st.Phase != Idle || st.Before != nil || len(st.Paused)+len(st.Tried) > 0
}

// courtesy answers hello, thanks and goodbye.
func (t *turn) courtesy(intent string) {
	key := strings.TrimPrefix(intent, "smalltalk.")
	line := Line{Key: "answer:" + intent, Kind: KindAnswer, Text: t.script.answers[intent].Text, Intent: intent}
	t.unproductive()
	t.reason(Courtesy)
	if key == "greeting" {
		t.reason(Greeted)
		if t.st.Greeted {
			line.Text = t.script.text("greeting.again")
		}
		for _, next := range t.script.answers[intent].Next {
			line.Choices = append(line.Choices, t.script.intentChoice(next))
		}
		t.st.Greeted = true
	}
	t.say(line)
}

// tooShort reports whether a message says too little to be answered by a
// passage or to be called outside.
func (t *turn) tooShort() bool { return len([]rune(t.in.Text)) <= shortest }

// outside answers what is far from everything the bot knows: a passage if one
// fits well, else what the bot can do.
func (t *turn) outside() {
	if t.intent() != intents.OutOfScope && !t.tooShort() && t.free() {
		return
	}
	if t.intent() != intents.OutOfScope || t.score() < clearlyOutside || t.tooShort() {
		t.missed()
		return
	}
	t.unproductive()
	t.reason(OutOfScope)
	if t.st.Phase == Clarifying {
		t.st.Phase = Idle
	}
	line := t.reply(KindNotice, "outside")
	if t.st.Unproductive > 1 {
		line = t.reply(KindNotice, "capabilities")
		line.Choices = []Choice{t.script.choice("human")}
	}
	line.Intent = intents.OutOfScope
	t.say(line)
}

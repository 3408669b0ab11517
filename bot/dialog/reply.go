package dialog

import (
	"regexp"
	"slices"
	"strings"

	"tilldesk/intents"
)

// answer reads a message inside a fix: what was asked for first, then an error
// code, then a new topic. How sure is sure enough depends on what would follow:
// to go on with the next step costs little, to leave the fix costs all of it.
func (t *turn) answer() {
	step := t.asked()
	told := t.hear()
	if t.in.Act == intents.ActFixed && noneWorks.MatchString(t.in.Said) {
		t.in.Act = intents.ActNotFixed
	}
	if step != nil && told == "" {
		if act := step.said(t.in.Said); act != "" && act != t.in.Act && !t.sureOtherwise() && !(step.leads(act) != nil && t.leavesFix(step)) {
			t.in.Act, t.in.ActScore = act, readSaid
		} else if act != "" && act == t.in.Act {
			t.in.ActScore = max(t.in.ActScore, readSaid)
			if yesFirst.MatchString(t.in.Said) {
				t.in.ActScore = max(t.in.ActScore, saidTwice)
			}
		}
	}
	switch {
	case step != nil && puzzled.MatchString(t.in.Said):
		t.unsure(step)
	case slipped.MatchString(t.in.Said) && t.st.Back != nil:
		t.in.Again = false
		t.back()
	case t.wantsPerson():
		t.handoff(CauseAsked)
	case step != nil && step.Kind == Check && told != "" && len(t.in.Codes) == 0 && !t.moneyNews(step):
		t.result(told)
	case step != nil && step.Kind == Fix && told == NotFixed && len(t.in.Codes) == 0 && !t.moneyNews(step) && t.in.Act != intents.ActFixed && !done.MatchString(t.in.Said):
		t.result(NotFixed) // "volume is max": it is done, and the trouble is what it was
	case step != nil && told == Fixed && len(t.in.Codes) == 0:
		t.result(Fixed)
	case told == "" && t.tooLate():
		t.aside(step)
	case (t.apart && (t.in.Act != intents.ActFixed || t.alone) || t.besides(step)) && len(t.in.Codes) == 0 && !t.moneyNews(step):
		t.aside(step)
	case t.reported(step):
	case step != nil && step.Expects == "text" && t.readScreen(step):
	case len(t.in.Codes) > 0:
		t.explainCode()
	case t.leavesFix(step):
		t.topic(step)
	case t.sureAct(intents.SureAct):
		t.act(step, t.in.Act)
	default:
		t.topic(step)
	}
}

// puzzled says that what was asked was not understood, and no more: the same
// words once more would not help.
var puzzled = regexp.MustCompile(`^(?:啊|嗯|呃|哦|什么|啥|咩|么子|[,.!。、\s])*(?:啥|什么|咩|啥子|么子)(?:啊|呀|嘛|意思|东西|玩意儿?|来的|来着|[?!.。\s])*$|^(?:我)?(?:还是|还|也|真|都|,)*(?:没|不|没有)(?:太)?(?:看|听|搞|弄|明)?(?:懂|明白)(?:了|啊|呢|你?(?:说的?|问的?)(?:啥|什么)?(?:意思)?|[?!.。\s])*$|^(?:你)?(?:说|问)的?(?:是)?(?:啥|什么)(?:意思|啊|呀|[?!.。\s])*$|` +
	`^(?:sorry|er+|um+|hm+|uh+|huh|eh|oh|wait|[,.!\s])*(?:what|wat|wut|whats that|what's that|what is that|huh|eh|pardon(?: me)?|come again|say what|what do you mean(?: by (?:that|this|it))?|what does (?:that|this|it) mean|(?:i )?(?:still )?(?:don't|do not|dont) (?:understand|get it|follow)|meaning|not following|no idea what you mean)[?!.\s]*$`)

// slipped says that the wrong button was pressed, or the wrong word typed.
var slipped = regexp.MustCompile(`(?:点|按|选|打|回)错了?(?:$|[,.!。、\s]|[了啊哈])|手滑|手误|\b(?:wrong (?:button|one|key|answer)|(?:mis|wrong )(?:clicked|tapped|pressed|click|tap|press|typed)|(?:pressed|tapped|clicked|hit) (?:the )?wrong|(?:my )?fat finger|by mistake|typo)\b`)

// noneWorks is no success, though it has the word for one.
var noneWorks = regexp.MustCompile(`\b(?:neither|none|nothing)\b[^,.!?]{0,16}\b(?:works?|worked|working|scans?|scanned|go(?:es)?|went|pays?|helps?|helped)\b|(?:一个|哪个|谁|啥|都|全)(?:都|也)?不(?:行|能|灵|好使|成)`)

// tooLate reports whether a message that begins with yes or no names what was asked
// before, and nothing of what is asked now: the two have crossed.
func (t *turn) tooLate() bool {
	back := t.st.Back
	if !t.news || back == nil || back.Intent != t.st.Fix.Intent || back.Step == "" || !yesOrNoFirst.MatchString(t.in.Said) {
		return false
	}
	return slices.Contains(t.st.Fix.Heard, back.Step)
}

// sureOtherwise reports whether the message is surely an answer that has no part
// in what was asked: "skip it", "get me a person".
func (t *turn) sureOtherwise() bool {
	switch t.in.Act {
	case intents.ActHuman, intents.ActRestart, intents.ActBack, intents.ActSkip, intents.ActUnsure:
		return t.sureAct(sureOther)
	}
	return false
}

// From which probability an act is taken for one that ends or leaves the fix.
const (
	veryLikelyAct = 0.6
	surelyTopic   = 0.85
	surelyAct     = 0.9
)

// From which probability an intent is taken for a new topic inside a fix.
const (
	likelyNew  = 0.7 // if it is no answer either
	newTopic   = 0.82
	surelyNew  = 0.92
	accusation = 0.96 // a cash-out request: a wrong guess insults
)

// sureAct reports whether the message is an answer with at least this chance;
// acts that end or leave the fix need more.
func (t *turn) sureAct(chance float64) bool {
	switch t.in.Act {
	case "", intents.ActTopic:
		return false
	case intents.ActYes, intents.ActNo:
		if t.st.Fix != nil && asksBack.MatchString(intents.Normalise(t.in.Text)) {
			chance = max(chance, surelyAct) // "and the other one?" answers nothing
		}
	case intents.ActFixed, intents.ActRestart, intents.ActHuman:
		chance = max(chance, veryLikelyAct)
	}
	return t.in.ActScore >= chance
}

// success is what "it works now" has in it in some form; what has none of it, and
// surely tells of a trouble, is no success, however alike.
var success = regexp.MustCompile(`[好行成通过灵妥掂亮]了?|[快顺]多了|得[咗喇啦]|解决|恢复|正常|搞定|收到|到账|进账|能[用收付扫打刷]|可以|[扫付收刷打]得?[上出到掉进起]|没事|` +
	`\b(?:works?|worked|working|fixed|fine|good|great|solved|sorted|helped|helps|ok|okay|yes|yep|yay|done|went|goes|paid|passed|through|again|now|thanks?|right|better|normal|back|receives?|received|came|success\w*)\b`)

// perhapsFixed reports whether the message says that it works, for all that can
// be told, but not surely: then it is not the trouble said again either.
func (t *turn) perhapsFixed() bool {
	return t.in.Act == intents.ActFixed && t.in.ActScore >= intents.SureAct && !t.sureAct(intents.SureAct) &&
		(t.in.Decision != intents.Answer || t.score() < surelyNew || t.script.playbooks[t.intent()] == nil || success.MatchString(t.in.Said)) // "the roll ran out" is other news
}

// wantsPerson reports whether a person is asked for in so many words. "Nobody
// sent me a link" names people too, and is surely a no; 「换个人就好了」 says that it
// works with another customer.
func (t *turn) wantsPerson() bool {
	if t.in.Decision != intents.Answer || t.intent() != "service.human" {
		return false
	}
	denied := (t.in.Act == intents.ActNo || t.in.Act == intents.ActFixed) && t.sureAct(surelyAct) && t.score() < accusation
	return t.st.Fix == nil || !denied
}

// leavesFix reports whether the message is surely about something else, though
// it may look a little like an answer. News of money that was taken goes before
// any answer.
func (t *turn) leavesFix(step *Step) bool {
	intent := t.intent()
	if t.in.Decision != intents.Answer || t.score() < surelyNew || intent == t.st.Fix.Intent || t.leadsTo(intent) {
		return false
	}
	switch {
	case t.moneyNews(step):
		return true
	case intent == moneyIntent && t.script.playbooks[t.st.Fix.Intent].Money != MoneyFirst:
		return false
	case t.script.playbooks[intent] != nil:
		return !t.sureAct(veryLikelyAct) || t.in.Act == intents.ActFixed && !success.MatchString(t.in.Said)
	}
	if t.sureAct(intents.SureAct) && !asks.MatchString(intents.Normalise(t.in.Text)) {
		return false // "with a bank card it works" asks nothing about cards
	}
	return t.score() >= accusation && !t.sureAct(0.8)
}

// moneyNews reports whether the message surely says that money was taken.
func (t *turn) moneyNews(step *Step) bool {
	return t.in.Decision == intents.Answer && t.score() >= surelyNew && t.intent() == moneyIntent &&
		t.script.playbooks[t.st.Fix.Intent].Money != MoneyFirst &&
		(step == nil || step.ID != charged) && !t.sureAct(surelyAct)
}

// quotes begins a message that repeats what a screen says.
var quotes = regexp.MustCompile(`^(?:屏幕|机器|手机|上面|它|他)?(?:上面?|里)?(?:就|又|还|只|是)?(?:写着?|显示|提示|跳出来?|弹出来?)(?:的?是|了|说|着|一行|一句|有|个)?|^(?:(?:it|the screen|screen|the machine|the terminal|she|he)(?:'s)? )?(?:just |only |now )*(?:says?|shows?|showing|displays?|reads|reading)\b`)

// readScreen takes what was typed for a step that asks for the words on the
// screen. It reports false if the message is something else.
func (t *turn) readScreen(step *Step) bool {
	if len(t.in.Codes) > 0 {
		t.record(Yes)
		t.explainCode()
		return true
	}
	if t.saysNoScreen(step) {
		return true
	}
	if pointsAtPicture(t.in.Text) || t.in.Media && t.intent() == intents.OutOfScope && short(t.in.Text) {
		t.pictured(step)
		return true
	}
	intent := t.intent()
	// All words from a screen look like an error message: that names nothing.
	names := t.in.Decision == intents.Answer && intent != t.st.Fix.Intent && intent != anyError && t.score() >= newTopic
	quoted := quotes.MatchString(t.in.Said) && t.in.Act != intents.ActFixed && t.in.Act != intents.ActHuman && !asksBack.MatchString(t.in.Said)
	switch {
	case plainNo.MatchString(t.in.Said) && (t.in.Act == intents.ActNo || t.in.Act == intents.ActTopic) && !t.moneyNews(step):
		t.result(No) // "no, it just stays there": how the screen looks instead is no other trouble
		return true
	case quoted && (!names || t.script.playbooks[intent] == nil):
		// What the screen says asks nothing of us and answers nothing.
	case t.in.Act == intents.ActTopic && (t.in.ActScore >= surelyTopic || names && t.in.ActScore >= veryLikelyAct):
		return false // a new trouble
	case len(t.another()) > 0 && t.score() >= likelyTrouble:
		return false // words from a screen, or a new trouble: that is asked
	case t.perhapsFixed():
		return false
	case names && t.script.playbooks[intent] != nil:
		t.record(Yes) // the words on the screen name the cause
		t.goOn(intent, false)
		return true
	case names && t.score() >= surelyNew:
		return false // a question by the way
	case t.in.Act == intents.ActYes && t.sureAct(intents.SureAct) && short(t.in.Text) && t.st.Fix.Unsure == 0:
		t.unproductive()
		t.st.Fix.Unsure++
		t.reason(Unanswered)
		t.say(t.reply(KindAsk, "fix.how_more", "how", step.How))
		return true
	case t.in.Act == intents.ActNo && !short(t.in.Text) && !t.sureAct(surelyAct) && !plainNo.MatchString(intents.Normalise(t.in.Text)):
		// "no network" is what the screen says, not an answer.
	case t.in.Act != intents.ActYes && t.sureAct(intents.SureAct):
		return false
	}
	t.noted()
	return true
}

// short reports whether a text is no more than a yes or no with a word or two.
func short(text string) bool {
	if words := strings.Fields(text); len(words) > 1 {
		return len(words) <= 2 && len([]rune(text)) <= 12
	}
	return len([]rune(text)) <= 6
}

// pictured asks for the words that a picture shows, which staff will see and the
// bot cannot read. Whoever sends another one has no words to type: the fix goes
// on without.
func (t *turn) pictured(step *Step) {
	if t.st.Fix.Unsure > 0 {
		t.noted()
		return
	}
	t.unproductive()
	t.st.Fix.Unsure++
	t.reason(Unanswered)
	line := t.stepLine(step)
	ask := t.reply(line.Kind, "text.photo")
	ask.Intent, ask.Step, ask.Choices = line.Intent, line.Step, line.Choices
	t.say(ask)
}

// noted keeps what the screen says and goes on.
func (t *turn) noted() {
	t.record(Yes)
	t.say(t.reply(KindNotice, "text.noted"))
	t.proceed()
}

// act does what a short answer asks for.
func (t *turn) act(step *Step, act intents.Act) {
	switch act {
	case intents.ActHuman:
		t.handoff(CauseAsked)
		return
	case intents.ActRestart:
		t.restart()
		return
	case intents.ActBack:
		t.back()
		return
	}
	if step == nil { // nothing is asked: a fix that was just resumed
		t.proceed()
		return
	}
	if t.okForYes(step, act) {
		if !t.justSaid("fix.ok_is_yes") {
			t.unproductive()
			t.reason(Unanswered)
			t.askAgain(step, "fix.ok_is_yes")
			return
		}
		t.result(Yes)
		return
	}
	switch act {
	case intents.ActFixed:
		t.cured(step)
	case intents.ActSkip:
		t.result(Skipped)
	case intents.ActUnsure:
		t.unsure(step)
	case intents.ActYes, intents.ActNo, intents.ActNotFixed:
		if act != intents.ActYes && t.in.Choice == "" && step.Kind != Refer && howTo.MatchString(intents.Normalise(t.in.Text)) {
			t.unsure(step) // "not yet, how?" says nothing of its result
			return
		}
		t.outcome(step, act)
	}
}

// askAgain asks what was asked in other words; a question is repeated, an
// action is not.
func (t *turn) askAgain(step *Step, key string) {
	line := t.stepLine(step)
	ask := t.reply(line.Kind, key)
	if step.Kind == Check {
		ask.Text = join("\n", ask.Text, step.Text)
	}
	ask.Intent, ask.Step, ask.Choices = line.Intent, line.Step, line.Choices
	t.say(ask)
}

// unsure explains how; whoever is unsure twice is led past the step.
func (t *turn) unsure(step *Step) {
	if t.st.Fix.Unsure > 0 || step.How.IsZero() {
		n := t.st.Unproductive
		t.say(t.reply(KindNotice, "fix.skip"))
		t.result(Skipped)
		t.st.Unproductive = n + 1
		return
	}
	t.unproductive()
	t.st.Fix.Unsure++
	t.reason(Explained)
	line := t.stepLine(step)
	how := Line{Key: "how:" + line.Intent + "/" + step.ID, Kind: line.Kind, Text: step.How,
		Intent: line.Intent, Step: step.ID, Choices: line.Choices}
	if step.Kind == Fix {
		how.Text = join("\n", step.How, t.script.result(step))
	}
	t.say(how)
}

// back says the last words again or goes to the step before.
func (t *turn) back() {
	t.unproductive()
	if t.in.Again || t.st.Back == nil {
		t.reason(Repeated)
		if !t.in.Again {
			t.say(t.reply(KindNotice, "fix.back_none"))
		}
		t.goAhead()
		return
	}
	n := t.st.Unproductive
	t.st.Fix = t.st.Back.clone()
	t.st.Back = nil
	for i, tried := range slices.Backward(t.st.Tried) {
		if tried.Step == t.st.Fix.Step {
			t.st.Tried = slices.Delete(t.st.Tried, i, i+1)
			break
		}
	}
	t.st.Unproductive = n
	t.reason(WentBack)
	t.say(t.reply(KindNotice, "fix.back"))
	t.again()
}

// restart forgets the fix and asks what the trouble is.
func (t *turn) restart() {
	n := t.st.Unproductive
	t.st.Fix, t.st.Back, t.st.Paused = nil, nil, nil
	t.st.Phase = Idle
	t.st.Unproductive = n + 1
	t.reason(BegunAgain)
	t.say(t.reply(KindAsk, "restart"))
}

// referred ends a fix that somebody else has to finish.
func (t *turn) referred() {
	t.record(Referred)
	t.reason(ReferralTaken)
	t.say(t.reply(KindAnswer, "refer.done"))
	t.finish()
}

// may reports whether the likeliest intent is sure enough to be acted on. To
// take an honest merchant for one who wants to cash out is worse than to ask.
func (t *turn) may(intent string) bool {
	return intent != cashout || t.score() >= accusation && t.st.Fix == nil
}

const cashout = "compliance.cashout"

// score is the probability of the likeliest intent.
func (t *turn) score() float64 {
	if len(t.in.Guesses) == 0 {
		return 0
	}
	return t.in.Guesses[0].Score
}

// intent returns the likeliest intent, or out of scope.
func (t *turn) intent() string {
	if len(t.in.Guesses) == 0 {
		return intents.OutOfScope
	}
	return t.in.Guesses[0].Intent
}

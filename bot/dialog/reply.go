package dialog

import (
	"maps"
	"strings"

	"tilldesk/intents"
	"tilldesk/kb"
)

// answer reads a message inside a fix: what was asked for first, then an error
// code, then a new topic. How sure is sure enough depends on what would follow:
// to go on with the next step costs little, to leave the fix costs all of it.
func (t *turn) answer() {
	step := t.asked()
	switch {
	case t.wantsPerson():
		t.handoff(CauseAsked)
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

// From which probability an act is taken for one that ends or leaves the fix,
// and an intent for a new topic inside it.
const (
	veryLikelyAct = 0.6
	newTopic      = 0.75
	surelyTopic   = 0.85
	accusation    = 0.9 // a cash-out request: a wrong guess insults
)

// sureAct reports whether the message is an answer with at least this chance;
// acts that end or leave the fix need more.
func (t *turn) sureAct(chance float64) bool {
	switch t.in.Act {
	case "", intents.ActTopic:
		return false
	case intents.ActFixed, intents.ActRestart, intents.ActHuman:
		chance = max(chance, veryLikelyAct)
	}
	return t.in.ActScore >= chance
}

// wantsPerson reports whether a person is asked for in so many words.
func (t *turn) wantsPerson() bool {
	return t.in.Decision == intents.Answer && t.intent() == "service.human"
}

// leavesFix reports whether the message is surely about something else, though
// it may look a little like an answer. News of money that was taken goes before
// any answer.
func (t *turn) leavesFix(step *Step) bool {
	intent := t.intent()
	if t.in.Decision != intents.Answer || t.score() < surelyTopic || intent == t.st.Fix.Intent {
		return false
	}
	switch {
	case intent == moneyIntent:
		return (step == nil || step.ID != charged) && !t.sureAct(accusation)
	case t.script.playbooks[intent] != nil:
		return !t.sureAct(veryLikelyAct)
	}
	return t.score() >= accusation && !t.sureAct(0.8)
}

// readScreen takes what was typed for a step that asks for the words on the
// screen. It reports false if the message is something else.
func (t *turn) readScreen(step *Step) bool {
	if len(t.in.Codes) > 0 {
		t.record(Yes)
		t.explainCode()
		return true
	}
	intent := t.intent()
	names := t.in.Decision == intents.Answer && intent != t.st.Fix.Intent && t.score() >= newTopic
	switch {
	case t.in.Act == intents.ActTopic && t.in.ActScore >= surelyTopic:
		return false // a new trouble
	case names && t.script.playbooks[intent] != nil:
		t.record(Yes) // the words on the screen name the cause
		t.goOn(intent)
		return true
	case names && t.score() >= surelyTopic:
		return false // a question by the way
	case t.in.Act == intents.ActYes && t.sureAct(intents.SureAct) && short(t.in.Text) && t.st.Fix.Unsure == 0:
		t.unproductive()
		t.st.Fix.Unsure++
		t.reason(Unanswered)
		t.say(t.reply(KindAsk, "fix.how_more", "how", step.How))
		return true
	case t.in.Act == intents.ActNo && !short(t.in.Text) && !t.sureAct(accusation):
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
	switch act {
	case intents.ActFixed:
		t.result(Fixed)
	case intents.ActSkip:
		t.result(Skipped)
	case intents.ActUnsure:
		t.unsure(step)
	case intents.ActYes, intents.ActNo, intents.ActNotFixed:
		t.outcome(step, act)
	}
}

// outcome reads yes, no and "still broken" by what the step asked.
func (t *turn) outcome(step *Step, act intents.Act) {
	switch {
	case step.Kind == Check && act == intents.ActNotFixed:
		// "Still broken" to a question that asks for something else.
		t.insist(step, "fix.yes_no")
	case step.Kind == Check && t.hasty(step, act):
		t.insist(step, "fix.yes_no")
	case step.Kind == Check && act == intents.ActYes:
		t.result(Yes)
	case step.Kind == Check:
		t.result(No)
	case step.Kind == Refer && act == intents.ActYes:
		t.referred()
	case step.Kind == Refer && act == intents.ActNo:
		t.handoff(orCause(t.script.playbooks[t.st.Fix.Intent].Person, CauseAsked))
	case act == intents.ActNotFixed || act == intents.ActNo:
		t.result(NotFixed)
	default:
		// The step was done; whether it helped was not said.
		t.insist(step, "fix.done_or_not")
	}
}

// hasty reports whether an answer that would end the fix was typed and not
// read for sure: to say "all is well" on a wrong yes would cost money.
func (t *turn) hasty(step *Step, act intents.Act) bool {
	on := step.On.Yes
	if act != intents.ActYes {
		on = step.On.No
	}
	if on == nil || on.End.IsZero() || t.in.Choice != "" || t.st.Fix.Unsure > 0 || short(t.in.Text) {
		return false
	}
	return t.script.playbooks[t.st.Fix.Intent].Money == MoneyFirst || t.in.ActScore < accusation
}

// insist asks once more what was asked; the second time the step is skipped.
func (t *turn) insist(step *Step, key string) {
	t.unproductive()
	if t.st.Fix.Unsure > 0 {
		n := t.st.Unproductive
		t.result(Skipped)
		t.st.Unproductive = n
		return
	}
	t.st.Fix.Unsure++
	t.reason(Unanswered)
	t.askAgain(step, key)
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
		how.Text = join("\n", step.How, t.script.text("fix.ask"))
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
	if len(t.st.Tried) > 0 {
		t.st.Tried = t.st.Tried[:len(t.st.Tried)-1]
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

// topic reads a message inside a fix that is no answer: another trouble, a
// question by the way, or something not understood.
func (t *turn) topic(step *Step) {
	intent := t.intent()
	sure := t.in.Decision == intents.Answer && t.score() >= newTopic && t.may(intent)
	switch {
	case t.sureAct(likelyAct) && (!sure || intent == t.st.Fix.Intent):
		t.act(step, t.in.Act)
	case sure && intent == t.st.Fix.Intent:
		t.insistOrSay(step)
		t.reason(Restated)
	case sure && t.script.playbooks[intent] != nil:
		t.start(intent)
	case sure && t.script.answers[intent] != nil:
		t.digress(intent)
	case len(t.in.Passages) > 0 && t.in.Passages[0].Score >= sureHit && t.in.Decision != intents.Clarify:
		t.passage(t.in.Passages[0])
		t.again()
	default:
		t.misheard(step)
	}
}

// insistOrSay answers a merchant who says the trouble again.
func (t *turn) insistOrSay(step *Step) {
	if step == nil {
		t.proceed()
		return
	}
	t.insist(step, "fix.same")
}

// digress answers a question inside a fix and comes back to its step.
func (t *turn) digress(intent string) {
	before := *t.st
	t.direct(intent)
	if t.st.Phase == WithHuman {
		return
	}
	t.st.Fix, t.st.Phase = before.Fix, Guiding
	for i := range t.out.Say {
		t.out.Say[i].Choices = nil
	}
	t.again()
}

// misheard asks again for an answer to the step; a person after that.
func (t *turn) misheard(step *Step) {
	t.st.Missed++
	if t.st.Missed > maxMissed {
		t.handoff(CauseNotUnderstood)
		return
	}
	t.unproductive()
	t.reason(Unanswered)
	if step == nil {
		t.proceed()
		return
	}
	key := "fix.ask_again"
	if step.Kind == Check {
		key = "fix.yes_no"
	}
	t.askAgain(step, key)
}

// explainCode answers an error code and goes on with the playbook that it
// points to.
func (t *turn) explainCode() {
	code := t.in.Codes[0].Code
	t.productive()
	t.say(t.codeLine())
	t.reason(CodeExplained)
	switch {
	case code.Rescan == kb.RescanCheck && !t.inFix(moneyIntent) && t.script.playbooks[moneyIntent] != nil:
		// The result is unknown or it was paid: nothing else matters before that.
		t.start(moneyIntent)
		t.reason(CodeExplained)
	case t.st.Fix != nil && (code.Intent == "" || t.inFix(code.Intent)):
		t.goAhead()
	case code.Intent != "" && t.script.playbooks[code.Intent] != nil:
		if t.st.Fix == nil {
			t.st.Fix = &Fixing{Intent: code.Intent, Answers: map[string]Result{screenText: Yes}}
			t.st.Phase = Guiding
			t.proceed()
			return
		}
		answers := maps.Clone(t.st.Fix.Answers)
		answers[screenText] = Yes
		t.st.Fix.Answers = answers
		t.goOn(code.Intent)
		t.reason(CodeExplained)
	case t.st.Fix != nil:
		t.goAhead()
	default:
		last := &t.out.Say[len(t.out.Say)-1]
		last.Choices = []Choice{t.script.choice("human")}
	}
}

// goAhead asks the present step again, or the next one if none is asked.
func (t *turn) goAhead() {
	if t.st.Fix.Step == "" {
		t.proceed()
		return
	}
	t.again()
}

// screenText is the shared step that asks for the words on the screen.
const screenText = "screen_text"

func (t *turn) inFix(intent string) bool { return t.st.Fix != nil && t.st.Fix.Intent == intent }

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

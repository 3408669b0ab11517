package dialog

import "tilldesk/intents"

// topic reads a message inside a fix that is no answer: another trouble, a
// question by the way, or something not understood.
func (t *turn) topic(step *Step) {
	intent := t.intent()
	topic := t.in.Act == intents.ActTopic && t.in.ActScore >= intents.SureAct
	sure := t.in.Decision == intents.Answer && (topic || t.score() >= newTopic) && t.may(intent)
	hit, answered := t.hit()
	switch {
	case t.sureAct(t.enough(step)) && (!sure || intent == t.st.Fix.Intent):
		t.act(step, t.in.Act)
	case t.news && (!sure || intent == t.st.Fix.Intent):
		t.productive()
		t.reason(NextStep)
		t.st.Fix.Step = ""
		t.proceed()
	case t.perhapsFixed() && step != nil && step.Kind == Fix:
		t.insist(step, "fix.done_or_not")
	case t.perhapsFixed():
		t.misheard(step)
	case sure && intent == t.st.Fix.Intent:
		t.insistOrSay(step)
		t.reason(Restated)
	case sure && t.script.playbooks[intent] != nil:
		t.take(intent)
	case sure && step != nil && step.Kind == Refer && (intent == "smalltalk.thanks" || intent == "smalltalk.goodbye"):
		t.referred()
	case sure && t.script.answers[intent] != nil:
		t.digress(intent)
	case answered && t.in.Decision != intents.Clarify:
		t.passage(hit)
		t.again()
	default:
		t.misheard(step)
	}
}

// enough is the chance from which a message that fits nothing else is taken for
// an answer: more where the answer would lead out of the fix.
func (t *turn) enough(step *Step) float64 {
	if step != nil && step.leads(t.in.Act) != nil {
		return intents.SureAct
	}
	return likelyAct
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
	switch step.Kind {
	case Check:
		t.askAgain(step, "fix.yes_no")
	case Refer:
		t.askAgain(step, "refer.ask")
	default:
		t.askAgain(step, "fix.ask_again")
	}
}

// anyError is the intent of an error message that no other intent fits.
const anyError = "software.error"

func (t *turn) inFix(intent string) bool { return t.st.Fix != nil && t.st.Fix.Intent == intent }

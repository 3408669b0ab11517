package dialog

import (
	"slices"

	"tilldesk/intents"
)

// topic reads a message inside a fix that is no answer: another trouble, a
// question by the way, or something not understood.
func (t *turn) topic(step *Step) {
	intent := t.intent()
	topic := t.in.Act == intents.ActTopic && t.in.ActScore >= intents.SureAct
	sure := t.in.Decision == intents.Answer && (topic && t.score() >= likelyNew || t.score() >= newTopic) && t.may(intent)
	switch {
	case t.sureAct(t.enough(step)) && (!sure || intent == t.st.Fix.Intent):
		t.act(step, t.in.Act)
	case t.news && (!sure || intent == t.st.Fix.Intent || t.leadsTo(intent)):
		t.aside(step)
	case t.perhapsFixed() && step != nil && step.Kind == Fix:
		t.insist(step, "fix.done_or_not")
	case t.perhapsFixed():
		t.misheard(step)
	case sure && intent == t.st.Fix.Intent && step != nil && howTo.MatchString(t.in.Said):
		t.unsure(step) // "and how do I give it back?" waits for what comes first
	case sure && intent == t.st.Fix.Intent:
		t.insistOrSay(step)
		t.reason(Restated)
	case sure && t.script.playbooks[intent] != nil:
		t.take(intent)
	case sure && step != nil && step.Kind == Refer && (intent == "smalltalk.thanks" || intent == "smalltalk.goodbye"):
		t.referred()
	case sure && t.script.answers[intent] != nil:
		t.digress(intent)
	case t.in.Decision != intents.Clarify && t.free():
		t.again()
	case step != nil && len(t.another()) > 0:
		t.askWhether(step)
	default:
		t.misheard(step)
	}
}

// leadsTo reports whether what was heard leads from the fix under way to that of
// the intent: to go there is to go on, with all that is known.
func (t *turn) leadsTo(intent string) bool {
	return slices.ContainsFunc(t.st.Fix.Heard, func(id string) bool {
		step := t.script.stepOf(t.st.Fix.Intent, id)
		if step == nil {
			return false
		}
		on := step.on(t.st.Fix.Answers[id])
		return on != nil && on.Goto == intent
	})
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
	key := "fix.same"
	if step.Kind == Check && t.script.playbooks[t.st.Fix.Intent].Money == MoneyFirst {
		key = "fix.yes_no" // "it was refunded": more is said of the money than that there is trouble
	}
	t.insist(step, key)
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

// From which probabilities a message that is no answer may be another trouble:
// that it is no answer, and that it is this trouble.
const (
	perhapsTopic   = 0.6
	perhapsTrouble = 0.2
	likelyTrouble  = 0.4 // where words from a screen are waited for
)

// another returns the troubles, at most two, that a message inside a fix may
// tell of beside the one under way, though none of them for sure: "the terminal
// froze" is no answer, whatever was asked.
func (t *turn) another() (troubles []string) {
	if t.in.Act != intents.ActTopic || t.in.ActScore < perhapsTopic {
		return nil
	}
	step := t.asked()
	for _, g := range t.in.Guesses {
		if g.Intent == anyError && step != nil && step.Expects == "text" {
			continue // all words from a screen look like an error message
		}
		if g.Score >= perhapsTrouble && g.Intent != t.st.Fix.Intent && t.script.playbooks[g.Intent] != nil && len(troubles) < 2 {
			troubles = append(troubles, g.Intent)
		}
	}
	return troubles
}

// mayAskAgain counts a message inside a fix that was not understood, for this
// reason. After some in a row there is a person, and nothing more to ask.
func (t *turn) mayAskAgain(why Reason) bool {
	t.st.Missed++
	if t.st.Missed > maxMissed {
		t.handoff(CauseNotUnderstood)
		return false
	}
	t.unproductive()
	t.reason(why)
	return true
}

// askWhether asks whether the message tells of another trouble, and again what
// was asked.
func (t *turn) askWhether(step *Step) {
	if !t.mayAskAgain(Unclear) {
		return
	}
	line := t.stepLine(step)
	ask := t.reply(KindClarify, "topic.ask")
	if step.Kind == Check {
		ask.Text = join("\n", ask.Text, step.Text)
	}
	ask.Intent, ask.Step = line.Intent, line.Step
	for _, intent := range t.another() {
		ask.Choices = append(ask.Choices, t.script.intentChoice(intent))
	}
	ask.Choices = append(ask.Choices, line.Choices...)
	t.say(ask)
}

// misheard asks again for an answer to the step; a person after that.
func (t *turn) misheard(step *Step) {
	if !t.mayAskAgain(Unanswered) {
		return
	}
	if step == nil {
		t.proceed()
		return
	}
	switch {
	case t.st.Missed > 1 && step.Kind != Refer && t.st.Fix.Unsure == 0 && !step.How.IsZero():
		t.otherWords(step)
	case step.Kind == Check:
		t.askAgain(step, "fix.yes_no")
	case step.Kind == Refer:
		t.askAgain(step, "refer.ask")
	default:
		t.askAgain(step, "fix.ask_again")
	}
}

// otherWords asks in other words what was asked twice already: the same again
// would be understood no better. A person is one press away.
func (t *turn) otherWords(step *Step) {
	t.st.Fix.Unsure++
	line := t.stepLine(step)
	ask := t.reply(line.Kind, "fix.other_words", "how", step.How)
	ask.Intent, ask.Step, ask.Choices = line.Intent, line.Step, line.Choices
	t.say(ask)
}

// anyError is the intent of an error message that no other intent fits.
const anyError = "software.error"

func (t *turn) inFix(intent string) bool { return t.st.Fix != nil && t.st.Fix.Intent == intent }

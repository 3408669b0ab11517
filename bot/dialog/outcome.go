package dialog

import (
	"regexp"

	"tilldesk/intents"
)

// cured takes "it works". Typed, "all right" to advice cures nothing, and where
// money is the subject it has to be read for sure or said twice.
func (t *turn) cured(step *Step) {
	typed := t.in.Choice == ""
	money := t.script.playbooks[t.st.Fix.Intent].Money == MoneyFirst
	switch {
	case typed && step.Kind == Refer && short(t.in.Text):
		t.referred()
	case typed && step.Kind == Fix && money && t.in.ActScore < surelyAct && t.st.Fix.Unsure == 0:
		t.insist(step, "fix.money")
	case typed && step.Kind == Check && money && t.st.Fix.Unsure == 0 && !ofMoney.MatchString(t.in.Said):
		t.insist(step, "fix.yes_no") // "it's back" is the screen, and the money open
	default:
		t.result(Fixed)
	}
}

// ofMoney says of money or of its record what came of it.
var ofMoney = regexp.MustCompile(`钱|款|账|收到|退|付|成功|记录|\b(?:money|cash|paid|pay|payment|received?|refund\w*|arrived|came|success\w*|record|sorted|solved|settled)\b`)

// outcome reads yes, no and "still broken" by what the step asked.
func (t *turn) outcome(step *Step, act intents.Act) {
	switch {
	case step.Kind == Check && act == intents.ActNotFixed:
		// "Still broken" to a question that asks for something else.
		t.insist(step, "fix.yes_no")
	case step.Kind == Check && t.hasty(step, act):
		t.insist(step, "fix.confirm")
	case step.Kind == Check && act == intents.ActYes:
		t.result(Yes)
	case step.Kind == Check:
		t.result(No)
	case step.Kind == Refer && act == intents.ActYes:
		t.referred()
	case step.Kind == Refer && t.in.Choice == "" && short(t.in.Text):
		t.handoff(orCause(t.script.playbooks[t.st.Fix.Intent].Person, CauseAsked))
	case step.Kind == Fix && act == intents.ActYes && step.Told.Done != nil:
		t.cured(step) // "done" is what was asked
	case step.Kind == Fix && notYet.MatchString(intents.Normalise(t.in.Text)):
		t.insist(step, "fix.done_or_not") // what was not done has not failed
	case act == intents.ActNotFixed || act == intents.ActNo:
		t.result(NotFixed)
	default:
		// The step was done; whether it helped was not said.
		t.insist(step, "fix.done_or_not")
	}
}

// hasty reports whether an answer that would end the fix was typed and not
// read for sure. Where money is the subject only a bare yes will do: "it says
// processing" is a kind of yes too, and to say "the money is there" on it would
// cost the goods.
func (t *turn) hasty(step *Step, act intents.Act) bool {
	on := step.leads(act)
	switch {
	case on == nil || on.End.IsZero() || t.in.Choice != "":
		return false
	case act == intents.ActYes && t.script.playbooks[t.st.Fix.Intent].Money == MoneyFirst:
		return !plainYes(t.in.Text, step.Text.In(t.st.Lang))
	}
	return t.in.ActScore < surelyAct && t.st.Fix.Unsure == 0 && !short(t.in.Text)
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

package dialog

import (
	"strings"

	"tilldesk/intents"
)

// choose does what a pressed choice stands for.
func (t *turn) choose(id string) {
	if intent, ok := strings.CutPrefix(id, "intent:"); ok {
		t.st.Clarified, t.st.Missed = 0, 0
		t.follow(intent)
		return
	}
	step := t.asked()
	switch id {
	case "human":
		t.handoff(CauseAsked)
	case "none":
		t.st.Phase = Idle
		t.missed()
	case "resume":
		if len(t.st.Paused) > 0 {
			t.resume()
			return
		}
		t.restart()
	case "leave":
		t.st.Paused = nil
		t.productive()
		t.reason(Courtesy)
		t.say(t.reply(KindAnswer, "goodbye"))
	case "charged":
		t.charged()
	case "others":
		t.others()
	default:
		if step == nil {
			t.unproductive()
			t.reason(ChoiceGone)
			t.say(t.reply(KindNotice, "choice.gone"))
			return
		}
		t.press(step, id)
	}
}

// press answers the asked step by a choice.
func (t *turn) press(step *Step, id string) {
	switch id {
	case "yes":
		t.act(step, intents.ActYes)
	case "no", "no_text":
		t.act(step, intents.ActNo)
	case "fixed":
		t.act(step, intents.ActFixed)
	case "not_fixed":
		t.act(step, intents.ActNotFixed)
	case "unsure":
		t.act(step, intents.ActUnsure)
	case "skip":
		t.act(step, intents.ActSkip)
	case "enough":
		t.referred()
	}
}

// charged leaves the symptom for the money: the customer's phone says paid.
func (t *turn) charged() {
	if t.st.Fix == nil || t.script.playbooks[moneyIntent] == nil {
		t.follow(moneyIntent)
		return
	}
	answers := t.st.Fix.Answers
	t.start(moneyIntent)
	if t.st.Fix != nil && len(answers) > 0 {
		t.reason(Switched)
	}
}

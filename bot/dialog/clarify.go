package dialog

import (
	"slices"
	"strings"

	"tilldesk/intents"
)

// offers is how many intents are offered as a choice.
const offers = 3

// worthOffering is the chance below which an intent is not offered.
const worthOffering = 0.12

// clarify offers the likeliest intents as a choice, at most twice in a row.
func (t *turn) clarify() {
	var offered []Choice
	for _, g := range t.in.Guesses {
		if len(offered) < offers && t.worthOffering(g) {
			offered = append(offered, t.script.intentChoice(g.Intent))
		}
	}
	if len(offered) == 0 {
		t.missed()
		return
	}
	t.st.Clarified++
	if t.st.Clarified > maxClarified || t.st.Missed+t.st.Clarified > maxLost {
		t.handoff(CauseNotUnderstood)
		return
	}
	key := "clarify"
	if t.st.Clarified > 1 {
		key = "clarify.again"
	}
	line := t.reply(KindClarify, key)
	line.Choices = append(offered, t.script.choice("none"))
	switch {
	case t.st.Clarified > 1:
	case slices.ContainsFunc(offered, func(c Choice) bool { return c.ID == "intent:"+moneyIntent }):
		t.say(t.reply(KindNotice, "clarify.money")) // to take it another way may be to take it twice
	case t.script.playbooks[t.intent()] != nil:
		t.say(t.reply(KindNotice, "clarify.meanwhile"))
	}
	t.st.Phase = Clarifying
	t.st.Unclear = clip(t.in.Text, 200)
	t.unproductive()
	t.reason(Unclear)
	t.say(line)
}

// worthOffering reports whether an intent is likely enough to be offered. Small
// talk is not, and to offer cashing out would be an invitation.
func (t *turn) worthOffering(g intents.Guess) bool {
	return g.Score >= worthOffering && g.Intent != intents.OutOfScope && g.Intent != cashout &&
		!strings.HasPrefix(g.Intent, "smalltalk.") && g.Intent != "service.human"
}

// missed asks for other words; after that a person.
func (t *turn) missed() {
	t.st.Missed++
	if t.st.Missed+t.st.Clarified > maxLost {
		t.handoff(CauseNotUnderstood)
		return
	}
	t.st.Phase = Idle
	t.unproductive()
	t.reason(Unclear)
	t.say(t.reply(KindAsk, "rephrase"))
}

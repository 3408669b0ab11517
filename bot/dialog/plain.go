package dialog

import (
	"slices"
	"strings"

	"tilldesk/intents"
)

// plainer puts choices among troubles in plainer words for who does not
// understand them, and the second time offers a person beside them. It reports
// false if the message is something else, or if that was done.
func (t *turn) plainer() bool {
	troubles := slices.ContainsFunc(t.st.Offered, func(c Choice) bool { return strings.HasPrefix(c.ID, "intent:") })
	if t.st.Fix != nil || !troubles || !puzzled.MatchString(intents.Normalise(t.in.Text)) || t.justSaid("clarify.person") {
		return false
	}
	key, choices := "clarify.plain", slices.Clone(t.st.Offered)
	if t.justSaid("clarify.plain") {
		key = "clarify.person"
		if !t.st.offers("human") {
			choices = append(choices, t.script.choice("human"))
		}
	}
	line := t.reply(KindClarify, key)
	line.Choices = choices
	t.unproductive()
	t.reason(Explained)
	t.say(line)
	return true
}

// justSaid reports whether the bot's last words were these.
func (t *turn) justSaid(key string) bool {
	return slices.ContainsFunc(t.st.Last, func(l Line) bool { return l.Key == key })
}

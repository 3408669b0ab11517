package dialog

import (
	"regexp"

	"tilldesk/intents"
)

// merelyOK is a word that says yes, or only that the question was read.
var merelyOK = regexp.MustCompile(`^(?:o+k(?:ay|ey)?|kk?|sure|alright|all right|fine|hm+|mm+|mhm|uh huh|嗯+|恩|哦+|噢|好|好的|好吧|好嘞|行|行吧|收到|[,.!。~、\s]|[啊呀哈])+$`)

// okForYes reports whether a mere "ok" was typed to a question whose yes moves
// money: goods handed over, or a sale taken for paid. It is asked back once; who
// says it again means yes.
func (t *turn) okForYes(step *Step, act intents.Act) bool {
	if step.Kind != Check || act != intents.ActYes && act != intents.ActFixed || t.in.Choice != "" || !merelyOK.MatchString(intents.Normalise(t.in.Text)) {
		return false
	}
	on := step.leads(intents.ActYes)
	return step.ID == charged || on != nil && on.Person == "" && t.script.playbooks[t.st.Fix.Intent].Money == MoneyFirst
}

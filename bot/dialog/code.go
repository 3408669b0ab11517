package dialog

import (
	"slices"

	"tilldesk/content/source"
	"tilldesk/intents"
	"tilldesk/kb"
)

// screenText is the shared step that asks for the words on the screen.
const screenText = "screen_text"

// otherCustomer is the shared step that asks whether others have it too.
const otherCustomer = "other_customer"

// explainCode answers an error code. What it says about the trouble decides
// how to go on: with the money, where the result is unknown; with nothing,
// where the customer or the bank has to settle it; else with the playbook that
// it points to, whose causes it tells apart.
func (t *turn) explainCode() {
	code := t.in.Codes[0].Code
	t.productive()
	t.reason(CodeExplained)
	p := t.codePlaybook(code)
	switch {
	case t.inFix(refundIntent) && settledElsewhere(code):
		// It speaks of a payment; a refund is turned down for reasons of the shop.
		t.name(code)
		t.say(t.reply(KindNotice, "text.noted"))
		t.goAhead()
		t.reason(NextStep)
	case code.Rescan == kb.RescanCheck && !t.inFix(moneyIntent) && t.script.playbooks[moneyIntent] != nil:
		// The result is unknown or it was paid: nothing else matters before that.
		t.say(t.codeLine(code.Action, t.rescan(code)))
		t.start(moneyIntent)
		t.reason(CodeExplained)
	case code.Rescan != kb.RescanCheck && settledElsewhere(code):
		t.say(t.codeLine(code.Action, t.script.text("code.not_you")))
		t.settleCode(code)
	case p == nil:
		line := t.codeLine(code.Action, t.rescan(code))
		line.Choices = []Choice{t.script.choice("human")}
		t.say(line)
	default:
		t.enter(code, p)
	}
}

// settledElsewhere reports whether a code asks nothing of the shop but to take
// this payment another way: what is behind it is for the customer, the bank or
// the wallet, and the next customer will not have it.
func settledElsewhere(code *kb.Code) bool {
	return code.Rescan == kb.RescanOther && (code.By == "customer" || code.By == "bank" || code.By == "wallet")
}

// codePlaybook returns the playbook to go on with after a code, or nil.
func (t *turn) codePlaybook(code *kb.Code) *Playbook {
	if p := t.script.playbooks[code.Intent]; p != nil {
		return p
	}
	if t.st.Fix != nil {
		return t.script.playbooks[t.st.Fix.Intent]
	}
	return nil
}

// settleCode ends a fix on a code that the shop can do nothing about. Should
// the next customer have it too, it goes on where it was.
func (t *turn) settleCode(code *kb.Code) {
	fix := t.st.Fix
	if fix == nil {
		fix = &Fixing{Intent: anyError}
		if p := t.codePlaybook(code); p != nil {
			fix.Intent = p.Intent
		}
	}
	last := &t.out.Say[len(t.out.Say)-1]
	last.Choices = []Choice{t.script.choice("others"), t.script.choice("human")}
	fix.Evidence = fix.with(screenText, Yes)
	fix.Step, fix.Unsure = "", 0
	t.finish()
	t.st.Ended = fix
}

// others goes on with a fix that ended on one customer's code: others have the
// trouble too, so that it was not the customer.
func (t *turn) others() {
	if t.st.Ended == nil {
		t.restart()
		return
	}
	t.st.Ended.Evidence = t.st.Ended.with(otherCustomer, Yes)
	t.reopen()
}

// enter goes on with a playbook after a code: the causes that the code speaks
// for count there, and a step that the code's own advice tells is not told
// again, its result is asked.
func (t *turn) enter(code *kb.Code, p *Playbook) {
	var on *Turn
	switch {
	case t.st.Fix == nil:
		t.st.Fix = &Fixing{Intent: p.Intent}
	case !t.inFix(p.Intent):
		_, on = t.move(p.Intent)
	}
	fix := t.st.Fix
	p = t.script.playbooks[fix.Intent]
	t.st.Phase, t.st.Greeted = Guiding, true
	if fix.Step == screenText {
		fix.Step = ""
	}
	fix.Evidence = fix.with(screenText, Yes)
	t.name(code)
	step := p.step(code.Step)
	_, answered := fix.Answers[code.Step]
	switch {
	case on != nil && on.Person != "":
		t.say(t.codeLine(code.Action))
		t.handoff(on.Person)
	case step == nil || answered:
		t.say(t.codeLine(code.Action, t.rescan(code)))
		t.goAhead()
	case code.Rescan == kb.RescanFresh && t.moneyOpen(p):
		t.say(t.codeLine())
		t.proceed()
	default:
		fix.Step, fix.Unsure = step.ID, 0
		line := t.stepLine(step)
		told := t.codeLine(code.Action, t.script.result(step))
		line.Key, line.Text = told.Key, told.Text
		t.say(line)
	}
	t.reason(CodeExplained)
}

// name counts the causes that a code speaks for.
func (t *turn) name(code *kb.Code) {
	fix := t.st.Fix
	for _, cause := range code.Causes {
		if !slices.Contains(fix.Named, cause) {
			fix.Named = append(fix.Named, cause)
		}
	}
}

// moneyOpen reports whether the playbook asks first whether it was paid, and
// that is not known.
func (t *turn) moneyOpen(p *Playbook) bool {
	_, known := t.st.Fix.Answers[charged]
	return p.Money == MoneyAsk && !known && p.step(charged) != nil
}

// goAhead asks the present step again, or the next one if none is asked. One
// that cannot be undone is chosen anew: by what is known now, another may go
// first.
func (t *turn) goAhead() {
	if step := t.asked(); step != nil && step.Irreversible {
		t.st.Fix.Step = ""
	}
	if t.st.Fix.Step == "" {
		t.proceed()
		return
	}
	t.again()
}

func (t *turn) rescan(code *kb.Code) source.Text { return t.script.text("code." + string(code.Rescan)) }

// codeLine says what a code means, and what else is given.
func (t *turn) codeLine(more ...source.Text) Line {
	c := t.in.Codes[0].Code
	name := shown(t.in.Codes[0])
	meaning := source.Text{
		Zh: name + "：" + c.Meaning.Zh + "。",
		En: name + ": " + c.Meaning.En + ".",
	}
	return Line{Key: "code:" + c.ID(), Kind: KindAnswer, Intent: c.Intent,
		Text: join("\n", append([]source.Text{meaning}, more...)...)}
}

// shown is a code as the screen shows it.
func shown(found kb.Found) string {
	for _, text := range found.Code.Texts {
		if intents.Key(text) == found.Text {
			return text
		}
	}
	return found.Code.Code
}

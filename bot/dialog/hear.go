package dialog

import (
	"regexp"
	"slices"

	"tilldesk/content/source"
	"tilldesk/intents"
)

// nothingElse is what surrounds a fact that is the whole of a message.
var nothingElse = regexp.MustCompile(`^(?:[,.!。、~\s呢啊呀哦噢嗯的了吧呐哎诶]|他|她|顾客|客人|钱|还|都|oh|well|the customer|customer|he|she|was|yet)*$`)

// hear takes from the message what answers steps unasked, and takes back what
// the merchant says is not so. It returns what the message says about the step
// that is asked, "" if nothing.
func (t *turn) hear() (asked Result) {
	fix := t.st.Fix
	for _, f := range t.told() {
		known, answered := fix.Answers[f.step]
		step := t.script.stepOf(fix.Intent, f.step)
		switch {
		case f.denied && answered && known == f.result && f.step != charged:
			fix.Evidence = fix.without(f.step)
		case f.denied, answered && known == f.result:
		case f.step == fix.Step:
			asked = f.result
		case f.result == Fixed: // before it was asked: said of another time
		case f.result == NotFixed && t.in.Act == intents.ActFixed && t.in.ActScore >= intents.SureAct:
		default:
			fix.Evidence = fix.with(f.step, f.result)
			fix.Heard = append(fix.Heard, f.step)
			t.news = t.news || step != nil
			t.apart = t.apart || f.all && t.elsewhere(f)
			t.alone = t.alone || f.all && step != nil && step.Unasked
			t.unpaid = t.unpaid || f.step == charged && f.all
			t.apart = t.apart || t.unpaid || step != nil && (answered && (known == Yes || known == No) || step.Unasked)
		}
	}
	return asked
}

// elsewhere reports whether a fact that is all the message says leaves what was
// asked open, though it may look like an answer: "waited ten minutes" to a
// question, or "no beep" where words from the screen are asked for.
func (t *turn) elsewhere(f fact) bool {
	step := t.asked()
	return step != nil && step.Kind == Check && (f.result == NotFixed || step.Expects == "text")
}

// besides reports whether the message tells of something else than what was
// asked, and does not answer that: 「wifi是好的」 is no yes to "was it paid?", nor
// 「支付宝可以」 what a screen says.
func (t *turn) besides(step *Step) bool {
	if !t.news || step == nil || yesOrNoFirst.MatchString(t.in.Said) {
		return false
	}
	return step.ID == charged || step.Expects == "text" && !quotes.MatchString(t.in.Said)
}

// aside goes on with what the message told beside the question. Whoever tells
// other things twice where words from the screen are asked for has none.
func (t *turn) aside(step *Step) {
	if step != nil && step.Expects == "text" && t.st.Fix.Unsure > 0 {
		t.record(Skipped)
	}
	t.productive()
	t.reason(NextStep)
	t.st.Fix.Step = ""
	t.proceed()
	if step != nil && t.asked() == step {
		t.st.Fix.Unsure++
	}
}

// knew writes down and says what was heard of the playbook under way, so that
// the merchant can set it right; what matters to others is kept for them. It
// returns the step whose answer leads somewhere at once and where to, or nil.
// What ends the fix goes before what moves it: a battery that swells is not
// looked at from another side.
func (t *turn) knew() (of *Step, on *Turn) {
	fix := t.st.Fix
	var known []source.Text
	heard := fix.Heard
	fix.Heard = nil
	for _, id := range heard {
		step, result := t.script.stepOf(fix.Intent, id), fix.Answers[id]
		if step == nil {
			fix.Heard = append(fix.Heard, id)
			if t.unpaid && id == charged { // it is all the message says: it wants to be noted
				known = append(known, t.script.knownOf(id, result))
				t.unpaid = false
			}
		}
		if step == nil || result == "" {
			continue
		}
		if t.st.Back == nil {
			t.st.Back = fix.clone()
			t.st.Back.Evidence = fix.without(id)
			t.st.Back.Step = id
		}
		t.st.tried(Tried{Intent: fix.Intent, Step: id, Result: result})
		next := step.on(result)
		if said := step.known(result); !slices.Contains(known, said) && !next.saysToo(heard) {
			known = append(known, said)
		}
		switch {
		case !next.leaves():
		case on == nil, on.End.IsZero() && !next.End.IsZero():
			of, on = step, next
		}
	}
	if len(known) > 0 {
		list := source.Text{Zh: join("、", known...).Zh, En: join(", ", known...).En}
		line := t.reply(KindNotice, "told", "known", list)
		line.Intent = fix.Intent
		t.say(line)
	}
	return of, on
}

// saysToo reports whether all that is settled by going there was heard by itself:
// it is said back there.
func (t *Turn) saysToo(heard []string) bool {
	if t == nil || len(t.Known) == 0 {
		return false
	}
	for id := range t.Known {
		if !slices.Contains(heard, id) {
			return false
		}
	}
	return true
}

// knownOf is what is said back of a shared step of no playbook under way.
func (s *Script) knownOf(id string, result Result) source.Text {
	for _, step := range s.tellable {
		if step.ID == id {
			return step.known(result)
		}
	}
	return source.Text{}
}

// known is what is said back of a result that was told.
func (s *Step) known(result Result) source.Text {
	for _, way := range s.Told.ways() {
		if way.result == result && way.words != nil {
			return way.words.Known
		}
	}
	return source.Text{}
}

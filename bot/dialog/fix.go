package dialog

import (
	"maps"
	"slices"

	"tilldesk/content/source"
	"tilldesk/intents"
)

// charged is the shared step that asks whether a payment went through.
const charged = "charged"

// moneyIntent is the playbook of money that was taken and did not arrive.
const moneyIntent = "payment.charged_not_received"

// refundIntent is the playbook of money that goes back.
const refundIntent = "payment.refund"

func (s *Script) stepOf(intent, id string) *Step {
	if p := s.playbooks[intent]; p != nil && id != "" {
		return p.step(id)
	}
	return nil
}

// start begins the fix of a symptom. A fix under way is set aside and offered
// again when the new one has ended.
func (t *turn) start(intent string) {
	if fix := t.st.Fix; fix != nil && fix.Intent != intent {
		t.pause(*fix)
	} else if fix == nil {
		t.before = t.st.Before
	}
	t.begin(Fixing{Intent: intent})
}

// begin says the first words of a playbook and asks its first step, with what
// is known of the trouble already.
func (t *turn) begin(fix Fixing) {
	intent := fix.Intent
	t.drop(intent)
	t.st.Fix = &fix
	t.st.Back, t.st.Answered = nil, ""
	t.st.Phase = Guiding
	t.st.Greeted = true
	t.productive()
	t.reason(Started)
	t.hear()
	t.leadOn()
	t.open(t.st.Fix.Intent)
	t.recall()
	t.mention()
	t.proceed()
}

// leadOn goes at once to the playbook that the message's own words lead to, so
// that none is opened that they rule out.
func (t *turn) leadOn() {
	for range t.script.playbooks {
		fix := t.st.Fix
		var to *Turn
		for _, id := range fix.Heard {
			if step := t.script.stepOf(fix.Intent, id); step != nil {
				if on := step.on(fix.Answers[id]); on != nil && on.Person == "" && on.Goto != "" {
					to = on
				}
			}
		}
		if to == nil {
			return
		}
		t.drop(to.Goto)
		fix.Intent = to.Goto
		for _, id := range slices.Sorted(maps.Keys(to.Known)) {
			fix.Evidence = fix.with(id, to.Known[id])
			if !slices.Contains(fix.Heard, id) {
				fix.Heard = append(fix.Heard, id)
			}
		}
	}
}

// open says the first words of a playbook.
func (t *turn) open(intent string) {
	p := t.script.playbooks[intent]
	opening := Line{Key: "opening:" + intent, Kind: KindNotice, Text: p.Opening, Intent: intent}
	if p.Money == MoneyNote {
		opening.Text = join("\n", opening.Text, t.script.text("money.note"))
	}
	t.say(opening)
}

func (t *turn) pause(fix Fixing) {
	fix.Unsure = 0
	t.drop(fix.Intent)
	t.st.Paused = append(t.st.Paused, fix)
	if n := len(t.st.Paused); n > maxPaused {
		t.st.Paused = t.st.Paused[n-maxPaused:]
	}
}

// drop forgets a paused fix.
func (t *turn) drop(intent string) {
	var rest []Fixing
	for _, f := range t.st.Paused {
		if f.Intent != intent {
			rest = append(rest, f)
		}
	}
	t.st.Paused = rest
}

// proceed asks the next step, or calls a person when none is left. What the
// message answered unasked counts first.
func (t *turn) proceed() {
	if step, on := t.knew(); on != nil {
		fix := t.st.Fix.clone()
		t.follows(step, on)
		if t.st.Fix == nil && t.st.Phase == Idle { // ended by what was only heard: it may be taken back
			fix.Evidence = fix.without(step.ID)
			t.st.Ended = fix
		}
		return
	}
	fix := t.st.Fix
	p := t.script.playbooks[fix.Intent]
	step := p.Next(fix.Evidence)
	if t.moneyOpen(p) {
		step = p.step(charged)
	}
	if step == nil {
		t.handoff(orCause(p.Person, CauseStepsUsed))
		return
	}
	fix.Step, fix.Unsure = step.ID, 0
	t.say(t.stepLine(step))
}

func orCause(c, otherwise Cause) Cause {
	if c != "" {
		return c
	}
	return otherwise
}

// stepLine is a step as it is said: its risk first, and after an action the
// question for its result.
func (t *turn) stepLine(step *Step) Line {
	s := t.script
	fix := t.st.Fix
	line := Line{Key: "step:" + fix.Intent + "/" + step.ID, Intent: fix.Intent, Step: step.ID}
	switch step.Kind {
	case Check:
		line.Kind = KindAsk
		line.Text = step.Text
		if step.Expects == "text" {
			line.Choices = []Choice{s.choice("no_text"), s.choice("unsure")}
		} else {
			line.Choices = []Choice{s.choice("yes"), s.choice("no"), s.choice("unsure")}
		}
	case Fix:
		line.Kind = KindStep
		line.Text = join("\n", step.Risk, step.Text, s.result(step))
		line.Choices = []Choice{s.choice("fixed"), s.choice("not_fixed"), s.choice("unsure"), s.choice("skip")}
	case Refer:
		line.Kind = KindStep
		line.Text = join("\n", step.Risk, step.Text, s.text("refer.ask"))
		line.Choices = []Choice{s.choice("enough"), s.choice("human"), s.choice("not_fixed")}
	}
	p := s.playbooks[fix.Intent]
	if _, known := fix.Answers[charged]; p.Money == MoneyNote && !known {
		line.Choices = append(line.Choices, s.choice("charged"))
	}
	if step.Kind != Refer {
		line.Choices = append(line.Choices, s.choice("human"))
	}
	if cause, _ := p.Suspect(fix.Evidence); cause.Article != "" && step.Kind == Refer {
		line.Article = cause.Article
	}
	return line
}

// result asks what came of an action: whether it helped, or, where that is all it
// takes, whether it was done.
func (s *Script) result(step *Step) source.Text {
	if step.Told.Done != nil {
		return s.text("fix.ask_done")
	}
	return s.text("fix.ask")
}

// record keeps the result of the step that was asked.
func (t *turn) record(result Result) {
	fix := t.st.Fix
	t.st.Back = fix.clone()
	tried := Tried{Intent: fix.Intent, Step: fix.Step, Result: result}
	if step := t.asked(); step != nil && step.Expects == "text" && result == Yes {
		tried.Note = clip(t.in.Text, 200)
	}
	t.st.tried(tried)
	fix.Evidence = fix.with(fix.Step, result)
	fix.Step = ""
	t.productive()
	t.reason(NextStep)
}

func clip(s string, n int) string {
	runes := []rune(s)
	if len(runes) <= n {
		return s
	}
	return string(runes[:n]) + "…"
}

// result takes the result of the asked step and goes on from there.
func (t *turn) result(result Result) {
	step := t.asked()
	t.record(result)
	var on *Turn
	switch result {
	case Fixed:
		t.solved(step.ID)
		return
	case Yes:
		on = step.On.Yes
	case No:
		on = step.On.No
	}
	if on == nil {
		t.proceed()
		return
	}
	t.follows(step, on)
}

// follows does what an answer to the step leads to.
func (t *turn) follows(step *Step, on *Turn) {
	intent := t.st.Fix.Intent
	switch {
	case on.Person != "":
		t.handoff(on.Person)
	case on.Goto != "":
		for id, result := range on.Known {
			t.st.Fix.Evidence = t.st.Fix.with(id, result)
		}
		if !on.Say.IsZero() {
			t.say(Line{Key: "say:" + intent + "/" + step.ID, Kind: KindNotice, Text: on.Say, Intent: intent})
		}
		t.goOn(on.Goto, !on.Say.IsZero())
	case !on.End.IsZero():
		t.say(Line{Key: "end:" + intent + "/" + step.ID, Kind: KindAnswer, Text: on.End, Intent: intent})
		back := t.st.Back
		t.finish()
		t.st.Back = back // the answer may have been a slip of the thumb
		t.reason(Settled)
	default:
		t.say(Line{Key: "say:" + intent + "/" + step.ID, Kind: KindNotice, Text: on.Say, Intent: intent})
		t.proceed()
	}
}

// goOn moves to another playbook of the same trouble and asks its next step.
// introduced says that words that lead over have been said.
func (t *turn) goOn(intent string, introduced bool) {
	step, last := t.move(intent)
	t.reason(Switched)
	if p := t.script.playbooks[t.st.Fix.Intent]; p.Money == MoneyFirst && !introduced {
		t.open(t.st.Fix.Intent)
	}
	if last != nil && last.Goto == "" {
		t.follows(step, last)
		return
	}
	t.proceed()
}

// move makes another playbook the one under way: what is known counts there
// too, and there is nothing to come back to. An answer that leads on at once
// there does so now; the step and what it leads to at last are returned, or nil.
func (t *turn) move(intent string) (*Step, *Turn) {
	known, heard := t.st.Fix.Evidence, t.st.Fix.Heard
	visited := map[string]bool{t.st.Fix.Intent: true}
	for {
		t.drop(intent)
		t.st.Fix = &Fixing{Intent: intent, Evidence: known, Heard: heard}
		visited[intent] = true
		step, last := t.script.playbooks[intent].answered(known.Answers)
		if last == nil || last.Goto == "" || visited[last.Goto] {
			return step, last
		}
		intent = last.Goto
	}
}

// answered returns a step whose answer is known already and leads away from the
// playbook, and where to, or nil.
func (p *Playbook) answered(answers map[string]Result) (*Step, *Turn) {
	for i := range p.Steps {
		step := &p.Steps[i]
		if on := step.on(answers[step.ID]); on.leaves() {
			return step, on
		}
	}
	return nil, nil
}

// solved ends a fix that the merchant says has worked.
func (t *turn) solved(step string) {
	fix := t.st.Fix
	t.out.Solved = &Solved{Intent: fix.Intent, Brand: t.st.Facts[intents.Brand]}
	if s := t.script.stepOf(fix.Intent, step); s != nil && s.Kind == Fix {
		t.out.Solved.Step = step // a question cures nothing
	}
	line := t.reply(KindAnswer, "fixed")
	line.Intent = fix.Intent
	if article := t.lesson(step); article != "" {
		line.Text = join("\n", line.Text, t.script.text("fixed.next_time", "title", t.script.articleTitle(article)))
		line.Article = article
	}
	t.say(line)
	t.finish()
	t.st.Ended = fix
	t.reason(Confirmed)
}

// reopen goes on with a fix that was called fixed and is not.
func (t *turn) reopen() {
	fix := t.st.Ended
	t.st.Ended = nil
	if before := t.st.Before; before != nil {
		if before.Wallet != "" && t.st.Facts[intents.Wallet] == "" {
			t.fact(intents.Wallet, before.Wallet)
		}
		t.st.Before = nil
	}
	for id, result := range fix.Answers {
		if result == Fixed {
			fix.Answers[id] = NotFixed
		}
	}
	t.st.Fix = fix
	t.st.Phase = Guiding
	t.productive()
	t.reason(Resumed)
	t.say(t.reply(KindNotice, "reopened"))
	t.proceed()
}

// lesson returns the article to read for next time: the one of the cause that
// the step most likely ended. After a question, which ends none, it is the one
// of a cause that is likely anyway, if there is one.
func (t *turn) lesson(step string) string {
	p := t.script.playbooks[t.st.Fix.Intent]
	before := t.st.Fix.clone().Evidence
	delete(before.Answers, step)
	post := p.Posterior(before)
	best, article := 0.0, ""
	for i, c := range p.Causes {
		weight := post[i]
		if s := p.step(step); s != nil && s.Kind != Check {
			weight *= s.cureOf(c.ID)
		} else if weight < likelyCause {
			continue
		}
		if weight > best && !t.script.articleTitle(c.Article).IsZero() {
			best, article = weight, c.Article
		}
	}
	return article
}

// likelyCause is the chance from which a cause is named unasked.
const likelyCause = 0.5

// finish leaves the fix; one that was set aside is offered again.
func (t *turn) finish() {
	t.st.past(t.st.Fix)
	t.st.Fix, t.st.Back, t.st.Ended = nil, nil, nil
	t.st.Phase = Idle
	t.productive()
	if len(t.st.Paused) > 0 {
		t.offerNext()
	}
}

// handoff gives the conversation to a person, in the usual words for the cause.
func (t *turn) handoff(cause Cause) { t.handoffSaying(cause, "handoff."+string(cause)) }

func (t *turn) handoffSaying(cause Cause, key string) {
	h := &Handoff{Cause: cause, Facts: maps.Clone(t.st.Facts), Codes: t.st.Codes, Tried: t.st.Tried}
	line := t.reply(KindEscalated, key)
	fix := t.st.Fix
	if fix == nil && len(t.st.Paused) > 0 && t.st.offers("resume") {
		fix = &t.st.Paused[t.st.next()] // a person is wanted for what was just offered
	}
	if fix != nil {
		suspect, chance := t.script.playbooks[fix.Intent].Suspect(fix.Evidence)
		h.Intent, h.Suspect, h.Chance = fix.Intent, suspect.ID, chance
	} else if len(t.in.Guesses) > 0 && t.in.Guesses[0].Intent != intents.OutOfScope {
		h.Intent = t.in.Guesses[0].Intent
	}
	line.Intent = h.Intent
	h.Later = t.unsettled(h.Intent)
	t.say(line)
	t.out.Handoff = h
	t.st.Phase = WithHuman
	t.st.Survey = nil
	t.reason(HandedOver)
}

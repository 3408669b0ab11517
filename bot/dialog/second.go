package dialog

import (
	"slices"
	"strings"

	"tilldesk/content/source"
)

// take begins with a symptom that the message tells of. Of several in one
// message the one about money goes first, else the one told first; the others
// are kept and offered when it has ended.
func (t *turn) take(intent string) {
	var symptoms []string
	told := t.in.Also
	if !slices.Contains(told, intent) {
		told = append([]string{intent}, told...)
	}
	for _, id := range told {
		if t.script.playbooks[id] != nil && t.may(id) && !slices.Contains(symptoms, id) {
			symptoms = append(symptoms, id)
		}
	}
	money := slices.IndexFunc(symptoms, func(id string) bool { return t.script.playbooks[id].Money == MoneyFirst })
	if money > 0 {
		symptoms[0], symptoms[money] = symptoms[money], symptoms[0]
	}
	if len(symptoms) == 0 {
		symptoms = []string{intent}
	}
	t.later = symptoms[1:]
	t.start(symptoms[0])
}

// correct leaves the fix under way for the trouble that there is instead. It is
// not come back to; what was answered holds.
func (t *turn) correct(intent string) {
	fix := t.st.Fix
	t.begin(Fixing{Intent: intent, Evidence: fix.Evidence, Heard: fix.Heard})
	t.reason(Switched)
}

// mention keeps what else the message told of, and says so after the opening.
func (t *turn) mention() {
	for _, intent := range t.later {
		fix := Fixing{Intent: intent, Evidence: t.st.Fix.clone().Evidence, Mentioned: true}
		fix.Heard = slices.Clone(t.st.Fix.Heard)
		t.pause(fix)
		line := &t.out.Say[len(t.out.Say)-1]
		line.Text = join("\n", line.Text, t.script.text("mentioned.later", "symptom", t.script.label(intent)))
	}
	t.later = nil
}

// keep sets aside what the message tells of on top of the fix under way, to be
// offered when that has ended. What cannot wait is returned: money that may be
// lost, or a danger.
func (t *turn) keep() (first *Addition) {
	fix := t.st.Fix
	if fix == nil {
		return nil
	}
	for i, more := range t.in.More {
		if more.Intent == fix.Intent || slices.Contains(t.kept, more.Intent) || t.script.playbooks[more.Intent] == nil {
			continue
		}
		later := Fixing{Intent: more.Intent, Mentioned: true}
		for _, f := range t.script.told(more.Said) {
			if !f.denied {
				later.Evidence, later.Heard = later.with(f.step, f.result), append(later.Heard, f.step)
			}
		}
		t.pause(later)
		if first == nil && t.urgent(more) {
			first = &t.in.More[i]
		} else {
			t.kept = append(t.kept, more.Intent)
		}
	}
	return first
}

// urgent reports whether an addition goes before the fix under way.
func (t *turn) urgent(more Addition) bool {
	if t.script.playbooks[more.Intent].Money == MoneyFirst && t.script.playbooks[t.st.Fix.Intent].Money != MoneyFirst {
		return true
	}
	return slices.ContainsFunc(t.script.told(more.Said), func(f fact) bool {
		step := t.script.stepOf(more.Intent, f.step)
		if step == nil || f.denied {
			return false
		}
		on := step.on(f.result)
		return on != nil && !on.End.IsZero() // only a danger ends a fix unasked
	})
}

// acknowledge says that what was told on top is kept, if the fix goes on; one
// that has ended offers it.
func (t *turn) acknowledge() {
	if len(t.kept) == 0 || t.st.Phase != Guiding {
		return
	}
	var lines []source.Text
	for _, intent := range t.kept {
		lines = append(lines, t.script.text("mentioned.later", "symptom", t.script.label(intent)))
	}
	text := join("\n", lines...)
	for i := range t.out.Say {
		if line := &t.out.Say[i]; strings.HasPrefix(line.Key, "opening:") {
			line.Text = join("\n", line.Text, text)
			return
		}
	}
	at := slices.IndexFunc(t.out.Say, func(l Line) bool { return l.Key != "secret" })
	t.out.Say = slices.Insert(t.out.Say, max(at, 0), Line{Key: "mentioned.later", Kind: KindNotice, Text: text, Intent: t.st.Fix.Intent})
}

// unsettled returns the symptoms that were told of and not settled, but for the
// one given, in the order in which they were.
func (t *turn) unsettled(but string) (ids []string) {
	for _, fix := range t.st.Paused {
		if fix.Intent != but {
			ids = append(ids, fix.Intent)
		}
	}
	return ids
}

// next returns which of the fixes set aside comes next: the one left last, then
// what was only told of, in its order.
func (s *State) next() int {
	for i, fix := range slices.Backward(s.Paused) {
		if !fix.Mentioned {
			return i
		}
	}
	return 0
}

// offerNext offers the fix that comes next of those set aside.
func (t *turn) offerNext() {
	next := t.st.Paused[t.st.next()]
	key, choice := "resume.offer", t.script.choice("resume")
	if next.Mentioned {
		key, choice.Label = "mentioned.offer", t.script.text("choice.begin")
	}
	line := t.reply(KindAsk, key, "symptom", t.script.label(next.Intent))
	line.Choices = []Choice{choice, t.script.choice("leave")}
	t.say(line)
}

// resume comes back to the fix that was offered, or begins with what was only
// mentioned.
func (t *turn) resume() {
	next := t.st.next()
	fix := t.st.Paused[next]
	t.st.Paused = slices.Delete(t.st.Paused, next, next+1)
	t.comeTo(fix)
}

// comeTo goes on with a fix that was set aside.
func (t *turn) comeTo(fix Fixing) {
	if fix.Mentioned {
		t.begin(Fixing{Intent: fix.Intent, Evidence: fix.Evidence, Heard: fix.Heard})
		return
	}
	t.st.Fix = &fix
	t.st.Phase = Guiding
	t.productive()
	t.reason(Resumed)
	t.say(t.reply(KindNotice, "resume", "symptom", t.script.label(fix.Intent)))
	if step := t.asked(); step != nil {
		t.say(t.stepLine(step))
		return
	}
	t.proceed()
}

// comesBackTo goes on, from inside a fix, with the one that was set aside, if
// that is asked for; the one under way is set aside instead. Where nothing was,
// the trouble that is meant is the one under way.
func (t *turn) comesBackTo() bool {
	fix := t.st.Fix
	if fix == nil || !goesBack.MatchString(t.in.Said) {
		return false
	}
	if len(t.st.Paused) == 0 {
		if kindOf(t.intent()) != kindOf(fix.Intent) {
			return false
		}
		t.unproductive()
		t.reason(Repeated)
		t.goAhead()
		return true
	}
	at := slices.IndexFunc(t.st.Paused, func(f Fixing) bool { return kindOf(f.Intent) == kindOf(t.intent()) })
	if at < 0 {
		at = t.st.next()
	}
	meant := t.st.Paused[at]
	t.st.Paused = slices.Delete(t.st.Paused, at, at+1)
	t.pause(*fix)
	t.st.Fix, t.st.Back = nil, nil
	t.comeTo(meant)
	return true
}

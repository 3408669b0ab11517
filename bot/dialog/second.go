package dialog

import "slices"

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

// offerNext offers the fix that was set aside last, or what was mentioned with
// another trouble.
func (t *turn) offerNext() {
	last := t.st.Paused[len(t.st.Paused)-1]
	key, choice := "resume.offer", t.script.choice("resume")
	if last.Mentioned {
		key, choice.Label = "mentioned.offer", t.script.text("choice.begin")
	}
	line := t.reply(KindAsk, key, "symptom", t.script.label(last.Intent))
	line.Choices = []Choice{choice, t.script.choice("leave")}
	t.say(line)
}

// resume comes back to the fix that was set aside last, or begins with what
// was only mentioned.
func (t *turn) resume() {
	n := len(t.st.Paused)
	fix := t.st.Paused[n-1]
	t.st.Paused = t.st.Paused[:n-1]
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

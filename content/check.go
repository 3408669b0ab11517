package content

import (
	"slices"
	"strings"

	"tilldesk/bot/dialog"
	"tilldesk/content/source"
	"tilldesk/intents"
	"tilldesk/kb"
)

// checkLinks checks what points from one part of the content to another.
func (c *Content) checkLinks(folder source.Folder) {
	for _, in := range c.Intents.Intents {
		playbook, answer := c.Script.Playbook(in.ID), c.Script.Answer(in.ID)
		switch {
		case in.Kind == intents.Symptom && playbook == nil:
			folder.Add("playbooks/"+in.ID+".yaml", 0, "symptom %q has no playbook", in.ID)
		case in.Kind != intents.Symptom && in.Kind != intents.Outside && answer == nil:
			folder.Add("answers/"+in.ID+".yaml", 0, "intent %q has no answer", in.ID)
		case in.Kind == intents.Outside && (playbook != nil || answer != nil):
			folder.Add("intents/intents.yaml", 0, "%q is out of scope; it can have neither playbook nor answer", in.ID)
		}
	}
	for _, id := range slices.Concat(c.Script.Symptoms(), c.Script.Answered()) {
		if _, ok := c.Intents.Intent(id); !ok {
			c.Script.Document(id).Add([]any{"intent"}, "%q is not in intents/intents.yaml", id)
		}
	}
	for _, id := range c.Script.Symptoms() {
		for i, cause := range c.Script.Playbook(id).Causes {
			if cause.Article != "" && c.Base.Article(cause.Article) == nil {
				c.Script.Document(id).Add([]any{"causes", i, "article"}, "there is no article %q", cause.Article)
			}
		}
	}
	for _, id := range c.Script.Answered() {
		if article := c.Script.Answer(id).Article; article != "" && c.Base.Article(article) == nil {
			c.Script.Document(id).Add([]any{"article"}, "there is no article %q", article)
		}
	}
	c.checkBase()
	c.checkTold()
}

// checkTold finds words in `told` that the bot never sees, as it reads them as
// others.
func (c *Content) checkTold() {
	read := c.Intents.Lexicon.Reader()
	c.Script.Ways(func(doc *source.Document, keys []any, way string) {
		for _, part := range strings.FieldsFunc(way, func(r rune) bool { return strings.ContainsRune("(|)…{}", r) }) {
			if got := read(part); got != strings.TrimSpace(part) {
				doc.Add(keys, "%q is read as %q before it is looked for; write that", strings.TrimSpace(part), got)
			}
		}
	})
}

// checkBase checks what the knowledge base says of intents.
func (c *Content) checkBase() {
	for _, a := range c.Base.Articles() {
		for i, id := range a.Intents {
			if _, ok := c.Intents.Intent(id); !ok {
				c.Base.Document(a).Add([]any{"intents", i}, "intent %q is not in intents/intents.yaml", id)
			}
		}
	}
	for _, code := range c.Base.Codes().All() {
		if code.Intent != "" && c.Script.Playbook(code.Intent) == nil {
			code.Problem("intent", "intent %q has no playbook", code.Intent)
			continue
		}
		c.checkCode(code)
	}
}

// checkCode checks the causes and the step that a code names: they must stand
// in its own playbook, or in any where it has none of its own.
func (c *Content) checkCode(code *kb.Code) {
	where, in := c.Script.Symptoms(), "any playbook"
	if code.Intent != "" {
		where, in = []string{code.Intent}, code.Intent
	}
	known := func(of func(*dialog.Playbook) bool) bool {
		return slices.ContainsFunc(where, func(intent string) bool { return of(c.Script.Playbook(intent)) })
	}
	if len(code.Causes) > 0 && !known(func(p *dialog.Playbook) bool {
		return slices.ContainsFunc(p.Causes, func(f dialog.Fault) bool { return slices.Contains(code.Causes, f.ID) })
	}) {
		code.Problem("causes", "none of the causes %v stands in %s", code.Causes, in)
	}
	if code.Step != "" && !known(func(p *dialog.Playbook) bool {
		return slices.ContainsFunc(p.Steps, func(s dialog.Step) bool { return s.ID == code.Step && s.Kind == dialog.Fix })
	}) {
		code.Problem("step", "step %q is no fix in %s", code.Step, in)
	}
}

// played is how many made-up cases of each playbook are played.
const played = 300

// unreached finds steps that no merchant would ever be asked.
func (c *Content) unreached() []source.Problem {
	var problems []source.Problem
	for _, intent := range c.Script.Symptoms() {
		p := c.Script.Playbook(intent)
		for _, id := range p.Unreached(played) {
			doc := c.Script.Document(intent)
			i := slices.IndexFunc(p.Steps, func(s dialog.Step) bool { return s.ID == id })
			problems = append(problems, source.Problem{File: doc.Name, Line: doc.Line("steps", i),
				Msg: "step \"" + id + "\" is never asked: its numbers tell nothing or cost too much; mend them or take it out"})
		}
	}
	return problems
}

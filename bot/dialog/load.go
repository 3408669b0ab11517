package dialog

import (
	"maps"
	"math"
	"path"
	"slices"
	"strings"

	"tilldesk/content/source"
	"tilldesk/intents"
)

// Content folders that this package reads.
const (
	playbooksDir = "playbooks"
	sharedFile   = "playbooks/steps.yaml"
	answersDir   = "answers"
	repliesDir   = "replies"
)

// Load reads playbooks, answers and replies. What is wrong with them is added
// to the folder's problems; the script must not be used if there are any.
func Load(folder source.Folder) *Script {
	s := &Script{
		playbooks: map[string]*Playbook{},
		answers:   map[string]*Answer{},
		replies:   map[string]source.Text{},
		lines:     map[string]*source.Document{},
	}
	s.loadPlaybooks(folder)
	s.loadAnswers(folder)
	s.loadReplies(folder)
	s.checkLinks()
	s.heed()
	return s
}

func (s *Script) loadPlaybooks(folder source.Folder) {
	shared, words := s.loadShared(folder)
	for _, file := range folder.Files(playbooksDir, ".yaml") {
		if file == sharedFile {
			continue
		}
		p := new(Playbook)
		doc := folder.YAML(file, p)
		if doc == nil {
			continue
		}
		checkName(doc, file, p.Intent)
		resolve(p, shared, doc)
		checkPlaybook(p, doc)
		for i := range p.Steps {
			p.Steps[i].asks = intents.AskedIn(p.Steps[i].Text.Zh)
			s.tellable = s.tell(s.tellable, &p.Steps[i], words, doc, []any{"steps", i})
			if p.Steps[i].Use == "" {
				s.checkSaid(doc, &p.Steps[i], words, []any{"steps", i})
			}
		}
		s.playbooks[p.Intent] = p
		s.lines["playbook "+p.Intent] = doc
	}
}

// checkName adds a problem if a file is not called after its intent.
func checkName(doc *source.Document, file, intent string) {
	if want := strings.TrimSuffix(path.Base(file), ".yaml"); intent != want {
		doc.Add([]any{"intent"}, "intent %q does not match the file name, %q is expected", intent, want)
	}
}

func (s *Script) loadAnswers(folder source.Folder) {
	for _, file := range folder.Files(answersDir, ".yaml") {
		a := new(Answer)
		doc := folder.YAML(file, a)
		if doc == nil {
			continue
		}
		checkName(doc, file, a.Intent)
		doc.CheckText(a.Text, "text")
		if a.Person != "" && !slices.Contains(Causes, a.Person) {
			doc.Add([]any{"person"}, "person %q is not a reason; allowed: %v", a.Person, Causes)
		}
		s.answers[a.Intent] = a
		s.lines["answer "+a.Intent] = doc
	}
}

func (s *Script) loadReplies(folder source.Folder) {
	files := folder.Files(repliesDir, ".yaml")
	in := map[string]string{} // of each reply, its file
	for _, file := range files {
		m := map[string]source.Text{}
		doc := folder.YAML(file, &m)
		if doc == nil {
			continue
		}
		for _, key := range slices.Sorted(maps.Keys(m)) {
			if first, twice := in[key]; twice {
				doc.Add([]any{key}, "reply %q stands in %s too", key, first)
			}
			if !slices.Contains(replyKeys, key) {
				doc.Add([]any{key}, "reply %q is said nowhere; take it out or mend its key", key)
			}
			doc.CheckText(m[key], key)
			s.replies[key], in[key] = m[key], file
		}
	}
	if len(files) == 0 { // one problem, not one for each
		folder.Add(repliesDir, 0, "no replies; %d are needed, such as %q", len(replyKeys), replyKeys[0])
		return
	}
	for _, key := range replyKeys {
		if in[key] == "" {
			folder.Add(repliesDir, 0, "reply %q is missing", key)
		}
	}
}

func (s *Script) loadShared(folder source.Folder) (map[string]Step, groups) {
	var file struct {
		Words groups `yaml:"words"`
		Steps []Step `yaml:"steps"`
	}
	doc := folder.YAML(sharedFile, &file)
	shared := map[string]Step{}
	for i, step := range file.Steps {
		if doc == nil {
			break
		}
		at := []any{"steps", i}
		if _, twice := shared[step.ID]; twice {
			doc.Add(at, "step %q stands here twice", step.ID)
		}
		checkStepText(doc, step, at)
		s.tellable = s.tell(s.tellable, &file.Steps[i], file.Words, doc, at)
		s.checkSaid(doc, &file.Steps[i], file.Words, at)
		shared[step.ID] = step
	}
	for name, group := range file.Words {
		s.ways = append(s.ways, waysOf{doc, []any{"words", name, "zh"}, group.Zh}, waysOf{doc, []any{"words", name, "en"}, group.En})
	}
	return shared, file.Words
}

// resolve replaces `use:` steps by the shared step plus what the playbook adds.
func resolve(p *Playbook, shared map[string]Step, doc *source.Document) {
	for i, step := range p.Steps {
		if step.Use == "" {
			continue
		}
		base, ok := shared[step.Use]
		if !ok {
			doc.Add([]any{"steps", i, "use"}, "there is no shared step %q in %s", step.Use, sharedFile)
			continue
		}
		if step.ID != "" || step.Kind != "" || !step.Text.IsZero() || !step.How.IsZero() || step.Told != (Told{}) || step.Said != (Said{}) {
			doc.Add([]any{"steps", i}, "a shared step keeps its id, kind, text, how, told and said; write a step of its own instead")
		}
		base.Use = step.Use
		base.Yes, base.Cures, base.On, base.After = step.Yes, step.Cures, step.On, step.After
		base.Settles = step.Settles
		base.Covers = slices.Concat(base.Covers, step.Covers)
		if step.Seconds != 0 {
			base.Seconds = step.Seconds
		}
		if !step.Risk.IsZero() {
			base.Risk = step.Risk
		}
		p.Steps[i] = base
	}
}

// actors are who can end a cause.
var actors = []string{"merchant", "customer", "acquirer", "wallet", "network", "supplier"}

const priorTolerance = 0.005

func checkPlaybook(p *Playbook, doc *source.Document) {
	doc.CheckText(p.Title, "title")
	doc.CheckText(p.Opening, "opening")
	if !slices.Contains([]Money{MoneyNone, MoneyNote, MoneyAsk, MoneyFirst}, p.Money) {
		doc.Add([]any{"money"}, "money %q; allowed: none, note, ask, first", p.Money)
	}
	if p.Person != "" && !slices.Contains(Causes, p.Person) {
		doc.Add([]any{"person"}, "person %q is not a reason; allowed: %v", p.Person, Causes)
	}
	causes := map[string]bool{}
	sum := 0.0
	for i, c := range p.Causes {
		at := []any{"causes", i}
		if c.ID == "" || causes[c.ID] {
			doc.Add(at, "cause %q needs an id of its own", c.ID)
		}
		causes[c.ID] = true
		doc.CheckText(c.Name, append(at, "name")...)
		if !(c.Prior > 0 && c.Prior <= 1) {
			doc.Add(append(at, "prior"), "prior %v; it must be above 0 and at most 1", c.Prior)
		}
		sum += c.Prior
		if !slices.Contains(actors, c.By) {
			doc.Add(append(at, "by"), "by %q; allowed: %s", c.By, strings.Join(actors, " "))
		}
	}
	if len(p.Causes) == 0 {
		doc.Add([]any{"causes"}, "a playbook needs at least one cause")
	} else if math.Abs(sum-1) > priorTolerance {
		doc.Add([]any{"causes"}, "the priors add up to %.3f; they must add up to 1", sum)
	}
	steps := map[string]bool{}
	settled := map[string]bool{}
	for i, step := range p.Steps {
		at := []any{"steps", i}
		if steps[step.ID] {
			doc.Add(at, "step %q stands here twice", step.ID)
		}
		steps[step.ID] = true
		if step.Use == "" {
			checkStepText(doc, step, at)
		}
		checkStep(doc, step, at, causes, settled)
	}
	for i, step := range p.Steps {
		for _, id := range step.After {
			if !steps[id] {
				doc.Add([]any{"steps", i, "after"}, "after %q: there is no such step here", id)
			}
		}
	}
	if id := cyclicStep(p); id != "" {
		doc.Add([]any{"steps"}, "step %q can never be reached: it waits for itself through `after`", id)
	}
	for i, c := range p.Causes {
		if !settled[c.ID] && c.ID != "other" {
			doc.Add([]any{"causes", i}, "dead end: no fix cures %q and no referral settles it (name what is left over \"other\")", c.ID)
		}
	}
}

func checkStepText(doc *source.Document, step Step, at []any) {
	if step.ID == "" {
		doc.Add(at, "a step needs an id or `use:`")
	}
	if !slices.Contains([]Kind{Check, Fix, Refer}, step.Kind) {
		doc.Add(append(at, "kind"), "kind %q; allowed: check, fix, refer", step.Kind)
	}
	doc.CheckText(step.Text, append(at, "text")...)
	doc.CheckText(step.How, append(at, "how")...)
	checkOneAction(doc, step.Text, append(at, "text")...)
	if !(step.Seconds > 0 && step.Seconds <= 3600) {
		doc.Add(append(at, "seconds"), "seconds %v; it must be above 0 and at most 3600", step.Seconds)
	}
	if step.Expects != "" && (step.Expects != "text" || step.Kind != Check) {
		doc.Add(append(at, "expects"), "expects %q; only a check may have `expects: text`", step.Expects)
	}
}

func checkStep(doc *source.Document, step Step, at []any, causes, settled map[string]bool) {
	if step.Irreversible && step.Risk.IsZero() {
		doc.Add(at, "step %q cannot be undone and has no `risk` that says what is lost", step.ID)
	}
	if !step.Risk.IsZero() {
		doc.CheckText(step.Risk, append(at, "risk")...)
	}
	if words := irreversibleWords(step.Text); words != "" && !step.Irreversible {
		doc.Add(append(at, "text"), "%q cannot be undone; mark the step `irreversible: true` with its `risk`, or leave it out", words)
	}
	probabilities := func(key string, m map[string]float64, low float64) {
		for _, id := range slices.Sorted(maps.Keys(m)) {
			if !causes[id] {
				doc.Add(append(at, key, id), "%s names %q, which is no cause of this playbook", key, id)
			}
			if v := m[id]; !(v >= low && v <= 1) {
				doc.Add(append(at, key, id), "%s of %q is %v; allowed: %v to 1", key, id, v, low)
			}
		}
	}
	probabilities("yes", step.Yes, 0)
	probabilities("cures", step.Cures, 0.01)
	wrong := func(key string, given bool, kind Kind) {
		if given && step.Kind != kind {
			doc.Add(append(at, key), "`%s` belongs to a %s, this is a %s", key, kind, step.Kind)
		}
	}
	wrong("yes", len(step.Yes) > 0, Check)
	wrong("on", step.On.Yes != nil || step.On.No != nil, Check)
	wrong("cures", len(step.Cures) > 0, Fix)
	wrong("settles", len(step.Settles) > 0, Refer)
	switch step.Kind {
	case Check:
		if len(step.Yes) == 0 && step.On.Yes == nil && step.On.No == nil {
			doc.Add(at, "check %q tells nothing apart: give `yes` or `on`", step.ID)
		}
		checkTurns(doc, step, at)
		// A check that ends or hands over settles the causes it points to.
		for id, yes := range step.Yes {
			if ends(step.On.Yes) && yes >= 0.8 || ends(step.On.No) && yes <= 0.2 {
				settled[id] = true
			}
		}
	case Fix:
		if len(step.Cures) == 0 {
			doc.Add(at, "fix %q cures nothing: give `cures`", step.ID)
		}
		for id := range step.Cures {
			settled[id] = true
		}
	case Refer:
		if len(step.Settles) == 0 {
			doc.Add(at, "referral %q settles nothing: give `settles`", step.ID)
		}
		for _, id := range step.Settles {
			if !causes[id] {
				doc.Add(append(at, "settles"), "settles names %q, which is no cause of this playbook", id)
			}
			settled[id] = true
		}
	}
}

func ends(t *Turn) bool { return t.leaves() }

func checkTurns(doc *source.Document, step Step, at []any) {
	for _, on := range []struct {
		key  string
		turn *Turn
	}{{"yes", step.On.Yes}, {"no", step.On.No}} {
		if on.turn == nil {
			continue
		}
		at := append(slices.Clone(at), "on", on.key)
		given := 0
		for _, is := range []bool{on.turn.Goto != "", !on.turn.End.IsZero(), on.turn.Person != "", !on.turn.Say.IsZero() && on.turn.Goto == ""} {
			if is {
				given++
			}
		}
		if given != 1 {
			doc.Add(at, "give exactly one of goto, end, person, say, or say with goto; %d are given", given)
		}
		if len(on.turn.Known) > 0 && on.turn.Goto == "" {
			doc.Add(append(at, "known"), "`known` goes with a goto, whose steps it answers")
		}
		if !on.turn.End.IsZero() {
			doc.CheckText(on.turn.End, append(at, "end")...)
		}
		if !on.turn.Say.IsZero() {
			doc.CheckText(on.turn.Say, append(at, "say")...)
		}
		if on.turn.Person != "" && !slices.Contains(Causes, on.turn.Person) {
			doc.Add(append(at, "person"), "person %q is not a reason; allowed: %v", on.turn.Person, Causes)
		}
	}
}

// cyclicStep returns a step that waits for itself through After, or "".
func cyclicStep(p *Playbook) string {
	const visiting, done = 1, 2
	state := map[string]int{}
	var visit func(id string) bool
	visit = func(id string) bool {
		if state[id] != 0 {
			return state[id] == visiting
		}
		state[id] = visiting
		if step := p.step(id); step != nil {
			if slices.ContainsFunc(step.After, visit) {
				return true
			}
		}
		state[id] = done
		return false
	}
	for _, step := range p.Steps {
		if visit(step.ID) {
			return step.ID
		}
	}
	return ""
}

// checkLinks checks what points from one file of the script to another.
func (s *Script) checkLinks() {
	s.checkStepIDs()
	for intent, p := range s.playbooks {
		doc := s.lines["playbook "+intent]
		for i, step := range p.Steps {
			for key, turn := range map[string]*Turn{"yes": step.On.Yes, "no": step.On.No} {
				if turn != nil && turn.Goto != "" && (s.playbooks[turn.Goto] == nil || turn.Goto == intent) {
					doc.Add([]any{"steps", i, "on", key, "goto"}, "goto %q: there is no other playbook of that name", turn.Goto)
				}
				if turn == nil {
					continue
				}
				for id, result := range turn.Known {
					if step := s.stepOf(turn.Goto, id); step == nil || step.Kind != Check || result != Yes && result != No {
						doc.Add([]any{"steps", i, "on", key, "known", id}, "%s: %s: a check of %s, answered with yes or no, is wanted here", id, result, turn.Goto)
					}
				}
			}
		}
	}
	for intent, a := range s.answers {
		doc := s.lines["answer "+intent]
		for i, next := range a.Next {
			if s.playbooks[next] == nil && s.answers[next] == nil {
				doc.Add([]any{"next", i}, "next %q: there is neither a playbook nor an answer of that name", next)
			}
		}
		if s.playbooks[intent] != nil {
			doc.Add([]any{"intent"}, "%q has a playbook too; keep one of the two", intent)
		}
	}
}

// checkStepIDs finds steps of different words under one id: answers are carried
// from one playbook to the next by it.
func (s *Script) checkStepIDs() {
	type place struct {
		intent string
		text   source.Text
	}
	first := map[string]place{}
	for _, intent := range s.Symptoms() {
		for i, step := range s.playbooks[intent].Steps {
			other, known := first[step.ID]
			if !known {
				first[step.ID] = place{intent, step.Text}
			} else if other.text != step.Text {
				s.lines["playbook "+intent].Add([]any{"steps", i}, "step %q stands with other words in %s; make it a shared step or give it an id of its own", step.ID, other.intent)
			}
		}
	}
}

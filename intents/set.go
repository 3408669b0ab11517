package intents

import (
	"path"
	"slices"
	"strings"

	"tilldesk/content/source"
)

// OutOfScope is the intent of messages that have nothing to do with taking
// payments in a shop.
const OutOfScope = "oos"

// Kind says what an intent leads to.
type Kind string

// The kinds of intent.
const (
	Symptom   Kind = "symptom"   // a guided fix
	Question  Kind = "question"  // a direct answer
	Service   Kind = "service"   // a person, a complaint, a contact
	Smalltalk Kind = "smalltalk" // a short courtesy
	Outside   Kind = "outside"   // out of scope
)

// An Intent is one thing a merchant may want.
type Intent struct {
	ID    string      `yaml:"id"`
	Kind  Kind        `yaml:"kind"`
	Label source.Text `yaml:"label"` // how it is offered as a choice
	// Name describes the intent in a few words; it is one more example.
	Name source.Text `yaml:"name"`
}

// An Example is a message whose intent is known.
type Example struct {
	Text   string      `json:"text"`
	Intent string      `json:"intent"`
	Lang   source.Lang `json:"lang"`
}

// An Ask is a way to ask for an article of the knowledge base. Passage is empty
// where it asks for no passage more than for the others.
type Ask struct{ Text, Article, Passage string }

// A Set is the intents with their examples, the acts with theirs, the
// asks, and the lexicon: all that the engine learns from.
type Set struct {
	Intents  []Intent
	Examples []Example
	Acts     []ActExample
	Asks     []Ask // there may be none
	Lexicon  *Lexicon
}

// Intent returns the intent with the id.
func (s *Set) Intent(id string) (Intent, bool) {
	i := slices.IndexFunc(s.Intents, func(in Intent) bool { return in.ID == id })
	if i < 0 {
		return Intent{}, false
	}
	return s.Intents[i], true
}

// Label returns how the intent is offered as a choice; its id if it has none.
func (s *Set) Label(id string) source.Text {
	if in, ok := s.Intent(id); ok {
		return in.Label
	}
	return source.Text{Zh: id, En: id}
}

// Minimum numbers of examples below which an intent is not learnt well.
const (
	minZh, minEn       = 60, 40
	minOOSZh, minOOSEn = 300, 200
)

const (
	intentsFile = "intents/intents.yaml"
	examplesDir = "intents/examples"
)

// Load reads intents, examples, acts and lexicon. What is wrong with them is
// added to the folder's problems.
func Load(folder source.Folder) *Set {
	s := new(Set)
	doc := folder.YAML(intentsFile, &s.Intents)
	ids := map[string]bool{}
	for i, in := range s.Intents {
		if doc == nil {
			break
		}
		if in.ID == "" || ids[in.ID] {
			doc.Add([]any{i, "id"}, "intent %q needs an id of its own", in.ID)
		}
		ids[in.ID] = true
		if !slices.Contains([]Kind{Symptom, Question, Service, Smalltalk, Outside}, in.Kind) {
			doc.Add([]any{i, "kind"}, "kind %q; allowed: symptom, question, service, smalltalk, outside", in.Kind)
		}
		doc.CheckText(in.Label, i, "label")
		doc.CheckText(in.Name, i, "name")
	}
	s.Lexicon = loadLexicon(folder)
	s.loadExamples(folder, ids)
	for _, lang := range source.Langs {
		s.Acts = append(s.Acts, loadActs(folder, lang)...)
	}
	return s
}

type place struct {
	file   string
	line   int
	intent string
}

func (s *Set) loadExamples(folder source.Folder, ids map[string]bool) {
	seen := map[string]place{}
	for _, lang := range source.Langs {
		counts := map[string]int{}
		for _, file := range folder.Files(path.Join(examplesDir, string(lang)), ".txt") {
			intent := strings.TrimSuffix(path.Base(file), ".txt")
			if !ids[intent] {
				folder.Add(file, 0, "there is no intent %q in %s", intent, intentsFile)
			}
			for _, line := range folder.Lines(file) {
				key := Key(line.Text)
				if key == "" {
					folder.Add(file, line.Number, "nothing is left of this example once normalised")
					continue
				}
				switch first, twice := seen[key]; {
				case twice && first.intent != intent:
					folder.Add(file, line.Number, "%q is an example of %s too (%s:%d); one message has one intent",
						line.Text, first.intent, first.file, first.line)
				case twice:
					folder.Add(file, line.Number, "%q stands at %s:%d already", line.Text, first.file, first.line)
				}
				seen[key] = place{file, line.Number, intent}
				s.Examples = append(s.Examples, Example{line.Text, intent, lang})
				counts[intent]++
			}
		}
		for _, in := range s.Intents {
			need := map[source.Lang]int{source.Zh: minZh, source.En: minEn}[lang]
			if in.Kind == Outside {
				need = map[source.Lang]int{source.Zh: minOOSZh, source.En: minOOSEn}[lang]
			}
			if n := counts[in.ID]; n < need {
				folder.Add(path.Join(examplesDir, string(lang), in.ID+".txt"), 0, "%d examples; at least %d are needed", n, need)
			}
		}
	}
}

package intents

import (
	"maps"
	"slices"

	"tilldesk/content/source"
)

// A Term is a thing of the trade with all the ways people write it.
type Term struct {
	ID    string      `yaml:"id"`
	Name  source.Text `yaml:"name"`  // as the bot writes it
	Words []string    `yaml:"words"` // as people write it: names, typos, pinyin, dialect
}

// A Lexicon is the words of the trade.
type Lexicon struct {
	Wallets []Term
	Brands  []Term
	// Protected words are searched whole.
	Protected []string
	// Same maps a way to write something to the usual one, both normalised:
	// typos, same-sound characters, dialect, pinyin.
	Same map[string]string
	// Synonyms widen a search: each word of a group finds the others.
	Synonyms [][]string
	// Person are ways to ask for a person that mean nothing else, normalised.
	Person []string
	// Help are ways to ask for help without saying for what, and the courtesies
	// around them, which ask for nothing and are false here; normalised.
	Help map[string]bool
	// Anger are words of people who have had enough, normalised.
	Anger []string
}

// Reader returns what normalises a text and writes its words in the usual way,
// as an engine with this lexicon does before it reads.
func (lex *Lexicon) Reader() func(text string) string {
	same := newPhrases(lex.Same)
	return func(text string) string { return rewrite(same, Normalise(text)) }
}

const lexiconDir = "lexicon"

// wordsFile is the file of all words that name no wallet and no brand.
type wordsFile struct {
	Protected []string            `yaml:"protected"`
	Same      map[string][]string `yaml:"same"` // usual word: other ways to write it
	Synonyms  [][]string          `yaml:"synonyms"`
	Person    []string            `yaml:"person"`
	Anger     []string            `yaml:"anger"`
	Help      struct {
		Asks   []string `yaml:"asks"`
		Polite []string `yaml:"polite"`
	} `yaml:"help"`
}

func loadLexicon(folder source.Folder) *Lexicon {
	lex := &Lexicon{Same: map[string]string{}}
	owner := map[string]string{} // of each word, the id of its term
	lex.Wallets = loadTerms(folder, "wallets.yaml", owner)
	lex.Brands = loadTerms(folder, "brands.yaml", owner)
	var words wordsFile
	doc := folder.YAML(lexiconDir+"/words.yaml", &words)
	if doc == nil {
		return lex
	}
	lex.Protected, lex.Synonyms = words.Protected, words.Synonyms
	lex.Person = normalised(doc, words.Person, "person")
	lex.Anger = normalised(doc, words.Anger, "anger")
	lex.Help = map[string]bool{}
	for _, w := range normalised(doc, words.Help.Polite, "help", "polite") {
		lex.Help[w] = false
	}
	for _, w := range normalised(doc, words.Help.Asks, "help", "asks") {
		lex.Help[w] = true
	}
	lex.setSame(doc, words.Same)
	for i, group := range lex.Synonyms {
		if len(group) < 2 {
			doc.Add([]any{"synonyms", i}, "a group needs two words or more")
		}
		normalised(doc, group, "synonyms", i)
	}
	return lex
}

// loadTerms reads a file of terms. No word of one may be a word of another.
func loadTerms(folder source.Folder, name string, owner map[string]string) []Term {
	var terms []Term
	doc := folder.YAML(lexiconDir+"/"+name, &terms)
	if doc == nil {
		return nil
	}
	for i, t := range terms {
		if t.ID == "" {
			doc.Add([]any{i}, "a term needs an id")
		}
		if t.Name.Zh == "" || t.Name.En == "" {
			doc.Add([]any{i, "name"}, "term %q needs its name in zh and en", t.ID)
		}
		for j, w := range t.Words {
			key := Normalise(w)
			if other, twice := owner[key]; key == "" || twice {
				doc.Add([]any{i, "words", j}, "%q is empty or stands with %q too", w, other)
			}
			owner[key] = t.ID
		}
	}
	return terms
}

// normalised returns the words that stand at keys as the engine reads them.
func normalised(doc *source.Document, words []string, keys ...any) (normal []string) {
	for i, w := range words {
		if w = Normalise(w); w == "" {
			doc.Add(append(slices.Clone(keys), i), "nothing is left of this word once normalised")
			continue
		}
		normal = append(normal, w)
	}
	return normal
}

// setSame sets the ways to write each usual word. One way stands for one word,
// and no word that stands for another has words that stand for it.
func (lex *Lexicon) setSame(doc *source.Document, same map[string][]string) {
	for _, usual := range slices.Sorted(maps.Keys(same)) {
		to := fold(usual)
		for i, w := range same[usual] {
			from := fold(w)
			if prev, twice := lex.Same[from]; twice && prev != to {
				doc.Add([]any{"same", usual, i}, "%q is written for %q and for %q; keep one", w, prev, to)
			}
			if from == to || len([]rune(from)) < 2 {
				doc.Add([]any{"same", usual, i}, "%q cannot stand for %q: too short or the same", w, usual)
				continue
			}
			lex.Same[from] = to
		}
	}
	for _, from := range slices.Sorted(maps.Keys(lex.Same)) {
		to := lex.Same[from]
		if onward, chain := lex.Same[to]; chain {
			doc.Add([]any{"same", to}, "%q stands for %q, which stands for %q; name the last one", from, to, onward)
		}
	}
}

package intents

import (
	"slices"
	"strings"

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
	// Anger are words of people who have had enough.
	Anger []string
}

const lexiconDir = "lexicon"

func loadLexicon(folder source.Folder) *Lexicon {
	lex := &Lexicon{Same: map[string]string{}}
	terms := func(name string, into *[]Term) {
		file := lexiconDir + "/" + name
		doc := folder.YAML(file, into)
		owner := map[string]string{}
		for i, t := range *into {
			if doc == nil {
				break
			}
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
	}
	terms("wallets.yaml", &lex.Wallets)
	terms("brands.yaml", &lex.Brands)

	var words struct {
		Protected []string            `yaml:"protected"`
		Same      map[string][]string `yaml:"same"` // usual word: other ways to write it
		Synonyms  [][]string          `yaml:"synonyms"`
		Anger     []string            `yaml:"anger"`
	}
	file := lexiconDir + "/words.yaml"
	doc := folder.YAML(file, &words)
	if doc == nil {
		return lex
	}
	lex.Protected, lex.Synonyms, lex.Anger = words.Protected, words.Synonyms, words.Anger
	for usual, others := range words.Same {
		to := fold(usual)
		for i, w := range others {
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
	for from, to := range lex.Same {
		if onward, chain := lex.Same[to]; chain {
			doc.Add([]any{"same", to}, "%q stands for %q, which stands for %q; name the last one", from, to, onward)
		}
	}
	for i, group := range lex.Synonyms {
		if len(group) < 2 {
			doc.Add([]any{"synonyms", i}, "a group needs two words or more")
		}
	}
	return lex
}

// Brand returns the brand's term, or nil.
func (l *Lexicon) Brand(id string) *Term { return find(l.Brands, id) }

// Wallet returns the wallet's term, or nil.
func (l *Lexicon) Wallet(id string) *Term { return find(l.Wallets, id) }

func find(terms []Term, id string) *Term {
	i := slices.IndexFunc(terms, func(t Term) bool { return t.ID == id })
	if i < 0 {
		return nil
	}
	return &terms[i]
}

// Angry reports whether the message has words of anger in it.
func (l *Lexicon) Angry(text string) bool {
	text = Normalise(text)
	return slices.ContainsFunc(l.Anger, func(w string) bool { return containsWord(text, Normalise(w)) })
}

// containsWord reports whether word stands in text; a Latin word must stand
// free, a Han word may stand anywhere.
func containsWord(text, word string) bool {
	return word != "" && indexWord(text, word, 0) >= 0
}

func indexWord(text, word string, from int) int {
	for from <= len(text) {
		i := strings.Index(text[from:], word)
		if i < 0 {
			return -1
		}
		i += from
		if free(text, i, i+len(word)) {
			return i
		}
		from = i + len(word)
	}
	return -1
}

func free(text string, start, end int) bool {
	before := start == 0 || !alnum(text[start-1]) || !alnum(text[start])
	after := end == len(text) || !alnum(text[end]) || !alnum(text[end-1])
	return before && after
}

func alnum(b byte) bool { return b >= 'a' && b <= 'z' || b >= '0' && b <= '9' }

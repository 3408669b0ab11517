package kb

import (
	"cmp"
	"slices"
	"strings"

	"github.com/blevesearch/bleve/v2/analysis"

	"tilldesk/content/source"
)

// synonyms are groups of words that find each other.
type synonyms struct {
	groups [][]synonym
	// first are the words that begin with a term, by language: a question is
	// compared with those alone that it may contain.
	first map[source.Lang]map[string][]place
}

type synonym struct {
	word   string   // folded
	zh, en []string // its terms
}

// terms returns the terms of the word in lang.
func (s *synonym) terms(lang source.Lang) []string {
	if lang == source.En {
		return s.en
	}
	return s.zh
}

// A place is that of a word: its group, and its number there.
type place struct{ group, word int }

const (
	// synonymBoost is what a synonym counts beside the word itself. By ways to
	// ask held back, .15 to .3 are best; at .5, which is too much for English,
	// they bring nothing.
	synonymBoost = 0.3
	// maxSynonymTerms is how many terms of one synonym count.
	maxSynonymTerms = 8
)

func newSynonyms(groups [][]string, analyze map[source.Lang]analysis.Analyzer) synonyms {
	s := synonyms{first: map[source.Lang]map[string][]place{}}
	for lang := range analyze {
		s.first[lang] = map[string][]place{}
	}
	for g, words := range groups {
		group := make([]synonym, len(words))
		for i, w := range words {
			group[i] = synonym{
				word: fold(w),
				zh:   terms(analyze[source.Zh], w, maxSynonymTerms),
				en:   terms(analyze[source.En], w, maxSynonymTerms),
			}
			for lang := range analyze {
				if t := group[i].terms(lang); len(t) > 0 {
					s.first[lang][t[0]] = append(s.first[lang][t[0]], place{g, i})
				}
			}
		}
		s.groups = append(s.groups, group)
	}
	return s
}

// of returns the terms of the synonyms of words in a text, which has the terms
// asked.
func (s *synonyms) of(lang source.Lang, text string, asked []string) []string {
	folded := fold(text)
	var found []place
	for _, term := range asked {
		for _, at := range s.first[lang][term] {
			if s.groups[at.group][at.word].in(lang, folded, asked) {
				found = append(found, at)
			}
		}
	}
	slices.SortFunc(found, func(a, b place) int {
		return cmp.Or(cmp.Compare(a.group, b.group), cmp.Compare(a.word, b.word))
	})
	var alike []string
	for i, at := range found {
		if i > 0 && found[i-1].group == at.group {
			continue
		}
		for w, other := range s.groups[at.group] {
			if slices.Contains(found, place{at.group, w}) {
				continue
			}
			for _, term := range other.terms(lang) {
				if len(alike) < maxQueryTerms && !slices.Contains(asked, term) && !slices.Contains(alike, term) {
					alike = append(alike, term)
				}
			}
		}
	}
	return alike
}

// in reports whether the word stands in a text that was folded, whose terms are
// asked. A Latin word does in any of its forms, and never as a part of another:
// "till" does not stand in "still".
func (s *synonym) in(lang source.Lang, folded string, asked []string) bool {
	if strings.ContainsFunc(s.word, isHan) {
		return strings.Contains(folded, s.word)
	}
	for _, term := range s.terms(lang) {
		if !slices.Contains(asked, term) {
			return false
		}
	}
	return true
}

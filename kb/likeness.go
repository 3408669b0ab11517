package kb

import (
	"math"
	"slices"
	"strings"

	"github.com/blevesearch/bleve/v2/analysis"

	"tilldesk/content/source"
)

// A likeness compares questions with the passages of a base in one language.
// Terms have numbers, so that the many ways to ask are short lists and not
// each a map with words of its own.
type likeness struct {
	numbers  map[string]int32 // of each term, in the order in which they came
	counts   []int32          // passages with the term, by number
	passages []features       // by document number
	lists    []int32          // the terms of all passages, one after another
}

// A list is some terms: those in lists from first to before end, in order of
// their numbers.
type list struct{ first, end int32 }

// features are the terms of a passage, in each way to ask for it and in all.
type features struct {
	all  list
	asks []ask
}

type ask struct {
	terms list
	size  float64 // the weight of all terms
}

func newLikeness(lang source.Lang, analyzer analysis.Analyzer, base *Base) *likeness {
	l := &likeness{numbers: map[string]int32{}}
	for _, a := range base.Articles() {
		for _, p := range a.Passages {
			asks := append([]string{p.Heading.In(lang)}, p.Asks.In(lang)...)
			f := features{all: l.add(terms(analyzer, a.Title.In(lang)+"\n"+strings.Join(asks, "\n")+"\n"+p.Text.In(lang), math.MaxInt))}
			for _, n := range l.in(f.all) {
				l.counts[n]++
			}
			f.asks = make([]ask, len(asks))
			for i, text := range asks {
				f.asks[i].terms = l.add(terms(analyzer, text, math.MaxInt))
			}
			l.passages = append(l.passages, f)
		}
	}
	l.lists, l.counts = slices.Clip(l.lists), slices.Clip(l.counts)
	weights := make([]float64, len(l.counts))
	for term, n := range l.numbers {
		weights[n] = l.weight(term)
	}
	for _, f := range l.passages {
		for i := range f.asks {
			for _, n := range l.in(f.asks[i].terms) {
				f.asks[i].size += weights[n]
			}
		}
	}
	return l
}

// add keeps the distinct terms of a text.
func (l *likeness) add(terms []string) list {
	first := len(l.lists)
	for _, term := range terms {
		n, known := l.numbers[term]
		if !known {
			n = int32(len(l.counts))
			l.numbers[term] = n
			l.counts = append(l.counts, 0)
		}
		l.lists = append(l.lists, n)
	}
	slices.Sort(l.lists[first:])
	return list{int32(first), int32(len(l.lists))}
}

func (l *likeness) in(at list) []int32 { return l.lists[at.first:at.end] }

// weight is how telling a term is: its inverse document frequency.
func (l *likeness) weight(term string) float64 {
	count := 0.0
	if n, known := l.numbers[term]; known {
		count = float64(l.counts[n])
	}
	return termWeight(term) * math.Log(1+float64(len(l.passages))/(0.5+count))
}

// A question is the terms to compare passages with. Those that no passage has
// count in its size alone.
type question struct {
	asked, alike []weighed
	size         float64 // the weight of all that was asked
}

type weighed struct {
	number int32
	weight float64
}

// question prepares what was asked, and the terms of synonyms beside it.
func (l *likeness) question(asked, alike []string) question {
	var q question
	for _, term := range asked {
		weight := l.weight(term)
		q.size += weight
		if n, known := l.numbers[term]; known {
			q.asked = append(q.asked, weighed{n, weight})
		}
	}
	for _, term := range alike {
		if n, known := l.numbers[term]; known {
			q.alike = append(q.alike, weighed{n, synonymBoost * l.weight(term)})
		}
	}
	return q
}

// What the two views of a passage count in its score: how alike the question
// is to one of the ways to ask for it, and how much of the question it speaks
// of at all.
const (
	alikeShare  = 0.6
	coversShare = 0.4
)

// score is between 0 and 1: how well passage i answers the question.
func (l *likeness) score(i int, q question) float64 {
	f := l.passages[i]
	best := 0.0
	for _, ask := range f.asks {
		if ask.size+q.size > 0 {
			best = max(best, min(1, 2*l.common(ask.terms, q)/(ask.size+q.size)))
		}
	}
	return alikeShare*best + coversShare*min(1, l.common(f.all, q)/max(q.size, 1e-9))
}

// common is the weight of the question's terms that are in the list.
func (l *likeness) common(at list, q question) float64 {
	numbers, sum := l.in(at), 0.0
	for _, terms := range [][]weighed{q.asked, q.alike} {
		for _, t := range terms {
			if _, in := slices.BinarySearch(numbers, t.number); in {
				sum += t.weight
			}
		}
	}
	return sum
}

package kb

import (
	"maps"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/blevesearch/bleve/v2/analysis"

	"tilldesk/content/source"
)

// A likeness compares questions with the passages of a base in one language.
// Terms have numbers, so that the many ways to ask are short lists and not
// each a map with words of its own.
type likeness struct {
	numbers  map[string]int32 // of each term, in the order in which they came
	counts   []int32          // passages with the term, by number
	usual    [views][]float32 // by number: how often the term stands in smoothing terms of a view
	passages []features       // by document number
	lists    []int32          // the terms of all ways to ask, one after another
	said     []said           // the terms of all passages, one after another
	spare    sync.Pool        // of questions that were answered
}

// The views of a passage: what is asked, and what it answers.
const (
	asking = iota
	telling
	views
)

// A said is a term of a passage and how often it stands in each view.
type said struct {
	number int32
	times  [views]uint8
}

// A list is some terms: those from first to before end, in order of their
// numbers.
type list struct{ first, end int32 }

// features are the terms of a passage, in each way to ask for it and in all.
type features struct {
	all    list           // in said
	length [views]float32 // terms of each view
	asks   []ask
}

type ask struct {
	terms list    // in lists
	size  float64 // the weight of all terms
}

func newLikeness(lang source.Lang, analyzer analysis.Analyzer, base *Base) *likeness {
	l := &likeness{numbers: map[string]int32{}}
	times := map[int32][views]uint8{}
	count := func(numbers []int32, view int) {
		for _, n := range numbers {
			t := times[n]
			t[view] += min(1, math.MaxUint8-t[view])
			times[n] = t
		}
	}
	for _, a := range base.Articles() {
		for _, p := range a.Passages {
			clear(times)
			asks := append([]string{p.Heading.In(lang)}, p.Asks.In(lang)...)
			f := features{asks: make([]ask, len(asks))}
			for i, text := range asks {
				f.asks[i].terms = l.add(terms(analyzer, text, math.MaxInt))
				count(l.in(f.asks[i].terms), asking)
			}
			for _, text := range append([]string{a.Title.In(lang)}, strings.FieldsFunc(p.Text.In(lang), endsSentence)...) {
				count(l.number(terms(analyzer, text, math.MaxInt)), telling)
			}
			f.all.first = int32(len(l.said))
			for _, n := range slices.Sorted(maps.Keys(times)) {
				l.said = append(l.said, said{n, times[n]})
				l.counts[n]++
				for view, t := range times[n] {
					f.length[view] += float32(t)
				}
			}
			f.all.end = int32(len(l.said))
			l.passages = append(l.passages, f)
		}
	}
	l.lists, l.said, l.counts = slices.Clip(l.lists), slices.Clip(l.said), slices.Clip(l.counts)
	l.weigh()
	return l
}

func endsSentence(r rune) bool { return strings.ContainsRune("。；！？;!?.\n", r) }

// weigh sets what depends on all passages: the size of each way to ask, and
// how usual each term is.
func (l *likeness) weigh() {
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
	for view := range views {
		usual, all := make([]float32, len(l.counts)), float32(0)
		for i := range usual {
			usual[i] = .5
			all += .5
		}
		for _, s := range l.said {
			usual[s.number] += float32(s.times[view])
			all += float32(s.times[view])
		}
		for i := range usual {
			usual[i] *= smoothing[view] / all
		}
		l.usual[view] = usual
	}
}

// number gives the terms their numbers.
func (l *likeness) number(terms []string) []int32 {
	numbers := make([]int32, len(terms))
	for i, term := range terms {
		n, known := l.numbers[term]
		if !known {
			n = int32(len(l.counts))
			l.numbers[term] = n
			l.counts = append(l.counts, 0)
		}
		numbers[i] = n
	}
	return numbers
}

// add keeps the distinct terms of a text.
func (l *likeness) add(terms []string) list {
	first := len(l.lists)
	l.lists = append(l.lists, l.number(terms)...)
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
	terms []weighed // of the question and, for less, of synonyms
	size  float64   // the weight of all that was asked
	plain float64   // the same without how rare it is, of what is known
	// places are those of the terms in terms, by number and counted from 1: a
	// passage has many lists of terms to look through, with one look for each.
	places []uint8
}

type weighed struct {
	term   string
	number int32
	weight float64 // with how rare it is
	plain  float64 // without
}

// question prepares what was asked, and the terms of synonyms beside it, at most
// maxQueryTerms of each. It is to be given back with done.
func (l *likeness) question(asked, alike []string) *question {
	q, ok := l.spare.Get().(*question)
	if !ok {
		q = &question{places: make([]uint8, len(l.counts))}
	}
	for _, term := range asked {
		weight, plain := l.weight(term), termWeight(term)
		q.size += weight
		if n, known := l.numbers[term]; known {
			q.plain += plain
			q.add(weighed{term, n, weight, plain})
		}
	}
	for _, term := range alike {
		if n, known := l.numbers[term]; known {
			q.add(weighed{term, n, synonymBoost * l.weight(term), synonymBoost * termWeight(term)})
		}
	}
	return q
}

func (q *question) add(t weighed) {
	if place := q.places[t.number]; place > 0 {
		q.terms[place-1].weight += t.weight
		q.terms[place-1].plain += t.plain
		return
	}
	q.terms = append(q.terms, t)
	q.places[t.number] = uint8(len(q.terms))
}

// done lets the next question have the memory of this one.
func (l *likeness) done(q *question) {
	for _, t := range q.terms {
		q.places[t.number] = 0
	}
	q.terms, q.size, q.plain = q.terms[:0], 0, 0
	l.spare.Put(q)
}

// What the two views of a passage count in its score: how alike the question
// is to one of the ways to ask for it, and how much of the question it speaks
// of at all.
const (
	alikeShare  = 0.6
	coversShare = 0.4
)

// compare returns how well passage i answers the question, between 0 and 1, and
// how much likelier the question's words are from each view of it than from all
// passages together: the logarithm, per word.
func (l *likeness) compare(i int, q *question) (words float64, odds [views]float64) {
	f := &l.passages[i]
	best := 0.0
	for _, ask := range f.asks {
		if ask.size+q.size > 0 {
			best = max(best, min(1, 2*l.common(ask.terms, q)/(ask.size+q.size)))
		}
	}
	covered := 0.0
	for view := range views {
		odds[view] = -q.plain * math.Log1p(float64(f.length[view]/smoothing[view]))
	}
	for _, s := range l.said[f.all.first:f.all.end] {
		place := q.places[s.number]
		if place == 0 {
			continue
		}
		t := &q.terms[place-1]
		covered += t.weight
		for view, n := range s.times {
			if n > 0 {
				odds[view] += t.plain * math.Log1p(float64(float32(n)/l.usual[view][s.number]))
			}
		}
	}
	for view := range odds {
		odds[view] /= q.plain + brief
	}
	return alikeShare*best + coversShare*min(1, covered/max(q.size, 1e-9)), odds
}

// common is the weight of the question's terms that are in the list.
func (l *likeness) common(at list, q *question) (sum float64) {
	for _, n := range l.in(at) {
		if place := q.places[n]; place > 0 {
			sum += q.terms[place-1].weight
		}
	}
	return sum
}

// smoothing is how many terms of what is said everywhere each view of a
// passage is taken to hold besides its own: Dirichlet smoothing, as Zhai and
// Lafferty describe it ("A study of smoothing methods for language models
// applied to information retrieval", 2004).
var smoothing = [views]float32{asking: 60, telling: 100}

// brief keeps a question of a word or two from being judged as surely as one
// of a sentence.
const brief = 3

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
// A large base has millions of terms, so nothing here is kept for each of them
// or each passage on its own: all lie in a few arrays without pointers, which
// need little room and which no collection of garbage has to look through.
type likeness struct {
	numbers  vocabulary       // of each term, in the order in which they came
	counts   []int32          // passages with the term, by number
	usual    [views][]float32 // by number: how often the term stands in smoothing terms of a view
	passages []features       // by document number, and one more where they end
	said     []int32          // the terms of all passages, one after another; of each, in order of their numbers
	times    [][views]uint8   // beside said: how often the term stands in each view
	asks     []ask            // the ways to ask for all passages, one after another, and one more where they end
	places   []uint16         // the terms of all ways to ask: places in what their passage says
	spare    sync.Pool        // of questions that were answered
}

// The views of a passage: what is asked, and what it answers.
const (
	asking = iota
	telling
	views
)

// features are where the terms of a passage begin in said, and its ways to ask
// in asks. They end where those of the next one begin.
type features struct {
	said, asks int32
	length     [views]float32 // terms of each view
}

// An ask is where the terms of a way to ask begin in places. They end where
// those of the next one begin.
type ask struct {
	terms int32
	size  float64 // the weight of all terms
}

func newLikeness(lang source.Lang, analyzer analysis.Analyzer, base *Base) *likeness {
	l := new(likeness)
	known := numbering{numbers: map[string]int32{}}
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
			ways := make([][]int32, 0, 1+len(p.Asks.In(lang)))
			for _, text := range append([]string{p.Heading.In(lang)}, p.Asks.In(lang)...) {
				way := known.of(terms(analyzer, text, math.MaxInt))
				count(way, asking)
				count(known.of(idleWords(lang, text)), asking)
				ways = append(ways, way)
			}
			for _, text := range append([]string{a.Title.In(lang)}, strings.FieldsFunc(p.Text.In(lang), endsSentence)...) {
				count(known.of(terms(analyzer, text, math.MaxInt)), telling)
			}
			l.add(times, ways)
		}
	}
	l.passages = append(l.passages, features{said: int32(len(l.said)), asks: int32(len(l.asks))})
	l.asks = append(l.asks, ask{terms: int32(len(l.places))})
	// What was made room for in vain is given back.
	l.passages, l.said, l.times = slices.Clone(l.passages), slices.Clone(l.said), slices.Clone(l.times)
	l.asks, l.places = slices.Clone(l.asks), slices.Clone(l.places)
	l.numbers = newVocabulary(known.numbers)
	l.weigh(known.plain)
	return l
}

// add keeps the terms of the next passage, and of the ways to ask for it.
func (l *likeness) add(times map[int32][views]uint8, ways [][]int32) {
	f := features{said: int32(len(l.said)), asks: int32(len(l.asks))}
	numbers := slices.Sorted(maps.Keys(times))
	for _, n := range numbers {
		l.said, l.times = append(l.said, n), append(l.times, times[n])
		for view, t := range times[n] {
			f.length[view] += float32(t)
		}
	}
	for _, way := range ways {
		l.asks = append(l.asks, ask{terms: int32(len(l.places))})
		slices.Sort(way)
		for _, n := range way {
			// No passage is asked for in more terms than have a place.
			if place, _ := slices.BinarySearch(numbers, n); place <= math.MaxUint16 {
				l.places = append(l.places, uint16(place))
			}
		}
	}
	l.passages = append(l.passages, f)
}

func endsSentence(r rune) bool { return strings.ContainsRune("。；！？;!?.\n", r) }

// len is how many passages there are.
func (l *likeness) len() int { return len(l.passages) - 1 }

// weigh sets what depends on all passages: in how many a term stands, the size
// of each way to ask, and how usual each term is.
func (l *likeness) weigh(plain []float32) {
	l.counts = make([]int32, len(plain))
	for _, n := range l.said {
		l.counts[n]++
	}
	for i := range l.len() {
		f, next := &l.passages[i], &l.passages[i+1]
		said := l.said[f.said:next.said]
		for k := f.asks; k < next.asks; k++ {
			for _, place := range l.places[l.asks[k].terms:l.asks[k+1].terms] {
				n := said[place]
				l.asks[k].size += float64(plain[n]) * l.rarity(n)
			}
		}
	}
	for view := range views {
		usual, all := make([]float32, len(l.counts)), float32(0)
		for i := range usual {
			usual[i] = .5
			all += .5
		}
		for i, n := range l.said {
			usual[n] += float32(l.times[i][view])
			all += float32(l.times[i][view])
		}
		for i := range usual {
			usual[i] *= smoothing[view] / all
		}
		l.usual[view] = usual
	}
}

// rarity is the inverse document frequency of a term.
func (l *likeness) rarity(number int32) float64 {
	count := 0.0
	if number >= 0 {
		count = float64(l.counts[number])
	}
	return math.Log(1 + float64(l.len())/(0.5+count))
}

// A question is the terms to compare passages with. Those that no passage has
// count in its size alone.
type question struct {
	terms []weighed // of the question and, for less, of synonyms
	size  float64   // the weight of all that was asked
	plain float64   // the same without how rare it is, of what is known
	known float64   // how many terms are known, idle words among them
	// places are those of the terms in terms, by number and counted from 1: a
	// passage has many terms to look through, with one look for each.
	places []uint8
	found  []float64 // what the terms of the passage count that is compared
}

type weighed struct {
	term   string
	number int32
	weight float64 // with how rare it is
	plain  float64 // without
	said   float64 // 1 even for what stands in any question: how it is asked tells much
}

// question prepares what was asked, and the terms of synonyms beside it, at most
// maxQueryTerms of each. It is to be given back with done.
func (l *likeness) question(asked, idle, alike []string) *question {
	q, ok := l.spare.Get().(*question)
	if !ok {
		q = &question{places: make([]uint8, len(l.counts))}
	}
	for _, term := range asked {
		n, plain := l.numbers.number(term), termWeight(term)
		weight := plain * l.rarity(n)
		q.size += weight
		if n >= 0 {
			q.plain += plain
			q.known++
			q.add(weighed{term, n, weight, plain, 1})
		}
	}
	for _, term := range idle {
		if n := l.numbers.number(term); n >= 0 {
			q.known++
			q.add(weighed{term, n, 0, 0, 1})
		}
	}
	for _, term := range alike {
		if n := l.numbers.number(term); n >= 0 {
			plain := termWeight(term)
			q.add(weighed{term, n, synonymBoost * (plain * l.rarity(n)), synonymBoost * plain, synonymBoost * plain})
		}
	}
	return q
}

func (q *question) add(t weighed) {
	if place := q.places[t.number]; place > 0 {
		q.terms[place-1].weight += t.weight
		q.terms[place-1].plain += t.plain
		q.terms[place-1].said += t.said
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
	q.terms, q.size, q.plain, q.known = q.terms[:0], 0, 0, 0
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
	f, next := &l.passages[i], &l.passages[i+1]
	counted := [views]float64{asking: q.known, telling: q.plain}
	for view := range views {
		odds[view] = -counted[view] * math.Log1p(float64(f.length[view]/smoothing[view]))
	}
	covered := 0.0
	q.found = q.found[:0]
	for k := f.said; k < next.said; k++ {
		n := l.said[k]
		place := q.places[n]
		if place == 0 {
			q.found = append(q.found, 0)
			continue
		}
		t := &q.terms[place-1]
		q.found = append(q.found, t.weight)
		covered += t.weight
		if times := l.times[k][asking]; times > 0 {
			odds[asking] += t.said * math.Log1p(float64(float32(times)/l.usual[asking][n]))
		}
		if times := l.times[k][telling]; times > 0 {
			odds[telling] += t.plain * math.Log1p(float64(float32(times)/l.usual[telling][n]))
		}
	}
	best := 0.0
	for k := f.asks; k < next.asks; k++ {
		common, size := 0.0, l.asks[k].size+q.size
		for _, place := range l.places[l.asks[k].terms:l.asks[k+1].terms] {
			common += q.found[place]
		}
		if size > 0 {
			best = max(best, min(1, 2*common/size))
		}
	}
	for view := range odds {
		odds[view] /= counted[view] + brief
	}
	return alikeShare*best + coversShare*min(1, covered/max(q.size, 1e-9)), odds
}

// smoothing is how many terms of what is said everywhere each view of a
// passage is taken to hold besides its own: Dirichlet smoothing, as Zhai and
// Lafferty describe it ("A study of smoothing methods for language models
// applied to information retrieval", 2004).
var smoothing = [views]float32{asking: 60, telling: 100}

// brief keeps a question of a word or two from being judged as surely as one
// of a sentence.
const brief = 3

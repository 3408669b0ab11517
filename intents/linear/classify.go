package linear

import "math"

// scratch is the memory of one call of Classify.
type scratch struct {
	extractor extractor
	found     []weight // the text's known features with their weights
	scores    []float32
	order     []int32
}

// Classify returns the labels that the text most probably belongs to, best
// first, as many as top has room for (its capacity), in top's memory. known is
// the probability that the text belongs to any label; it is shared out among
// all labels, so that the scores of all add up to it and a text that resembles
// nothing learnt gets low ones. Any text is accepted; only the first 2000
// characters are read. Once its memory has grown, Classify allocates nothing.
func (m *Model) Classify(text string, top []Guess) (guesses []Guess, known float64) {
	s := m.scratch.Get().(*scratch)
	defer m.scratch.Put(s)
	coverage := m.score(s, text)
	_, best, next := best2(s.scores)
	x := newSignals(best, next, coverage)
	known = m.trust.known.at(&x)

	sum := 0.0
	for _, v := range s.scores {
		if x := m.trust.heat * float64(v-best); x > negligibly {
			sum += math.Exp(x)
		}
	}
	guesses = top[:0]
	for _, label := range s.top(cap(top)) {
		share := math.Exp(m.trust.heat*float64(s.scores[label]-best)) / sum
		guesses = append(guesses, Guess{m.labels[label], known * share})
	}
	return guesses, known
}

// negligibly is the power of e from which a label's share cannot be seen in a
// sum of at least 1.
const negligibly = -40

// score sets the scores of all labels and returns how much of the text is made
// of known features.
func (m *Model) score(s *scratch, text string) (coverage float32) {
	units := s.extractor.extract(text)
	s.found = s.found[:0]
	var known, unknown [groups]float32
	for _, f := range s.extractor.features {
		if n := m.features.find(f.hash); n != noFeature {
			w := m.weights[n]
			known[f.group] += w * w
			s.found = append(s.found, weight{n, w})
		} else {
			w := m.unseen[f.group.script()]
			unknown[f.group] += w * w
		}
	}
	factors := scale(&known, units)
	scores := s.scores
	copy(scores, m.bias)
	length := float32(0)
	for _, f := range s.found {
		g := m.groups[f.feature]
		x := f.value * factors[g]
		if g.telling() {
			length += x
		}
		x *= m.unit
		for _, e := range m.entries[m.starts[f.feature]:m.starts[f.feature+1]] {
			scores[e.label] += x * float32(e.weight)
		}
	}
	for label, lean := range m.lean {
		scores[label] += lean * length
	}
	return covered(&known, &unknown, units)
}

// top returns the n labels with the largest scores, largest first.
func (s *scratch) top(n int) []int32 {
	s.order = s.order[:0]
	for label, score := range s.scores {
		i := len(s.order)
		for i > 0 && score > s.scores[s.order[i-1]] {
			i--
		}
		if i >= n {
			continue
		}
		if len(s.order) < n {
			s.order = append(s.order, 0)
		}
		copy(s.order[i+1:], s.order[i:])
		s.order[i] = int32(label)
	}
	return s.order
}

// faint is the part of a feature's largest weight below which its weights for
// other labels are dropped. They are many and change next to nothing.
const faint = .1

// prune arranges the labels' weights by feature, without the faint ones, and
// returns them in multiples of unit: the largest weight is math.MaxInt16 of it.
func prune(byLabel [][]weight, features int) (starts []int32, entries []entry, unit float32) {
	bar := make([]float32, features)
	var largest float32
	for _, ws := range byLabel {
		for _, w := range ws {
			size := max(w.value, -w.value)
			bar[w.feature] = max(bar[w.feature], faint*size)
			largest = max(largest, size)
		}
	}
	if unit = largest / math.MaxInt16; unit == 0 {
		unit = 1
	}
	strong := func(w weight) bool { return max(w.value, -w.value) >= bar[w.feature] }
	starts = make([]int32, features+1)
	for _, ws := range byLabel {
		for _, w := range ws {
			if strong(w) {
				starts[w.feature+1]++
			}
		}
	}
	for f := range features {
		starts[f+1] += starts[f]
	}
	entries = make([]entry, starts[features])
	next := append([]int32(nil), starts...)
	for label, ws := range byLabel {
		for _, w := range ws {
			if strong(w) {
				entries[next[w.feature]] = entry{uint16(label), int16(math.Round(float64(w.value / unit)))}
				next[w.feature]++
			}
		}
	}
	return starts, entries, unit
}

package linear

// scratch is the memory of one call of Classify.
type scratch struct {
	extractor extractor
	found     []found // the text's known features
	scores    []float32
	order     []int32
}

// A found is a known feature of a text.
type found struct {
	list  uint32
	group group
	value float32
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
		sum += m.trust.part(v - best)
	}
	guesses = top[:0]
	for _, label := range s.top(cap(top)) {
		share := m.trust.part(s.scores[label]-best) / sum
		guesses = append(guesses, Guess{m.labels[label], known * share})
	}
	return guesses, known
}

// score sets the scores of all labels and returns how much of the text is made
// of known features.
func (m *Model) score(s *scratch, text string) (coverage float32) {
	units := s.extractor.extract(text)
	s.found = s.found[:0]
	var known, unknown [groups]float32
	for _, f := range s.extractor.features {
		if n := m.features.find(f.hash); n != noFeature {
			at := m.lists[n]
			w := m.weights[m.cells[at]]
			known[f.group] += w * w
			s.found = append(s.found, found{at, f.group, w})
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
		x := f.value * factors[f.group]
		if f.group.telling() {
			length += x
		}
		scale, entries := listAt(m.cells, f.list)
		x *= m.unit * scale
		label := 0
		for _, e := range entries {
			label += int(e >> 8)
			scores[label] += x * float32(int8(e))
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

// rarity is the weight of feature n in a text.
func (m *Model) rarity(n int32) float32 { return m.weights[m.cells[m.lists[n]]] }

package linear

import (
	"math"
	"slices"
)

// Score returns how far the text lies on the label's side of the plane that
// tells it from the other labels: above 0 it does, and examples lie at 1 or
// beyond. It is for explaining; unlike the scores of Classify it is no
// probability. It is -Inf for an unknown label.
func (m *Model) Score(text, label string) float64 {
	i, known := slices.BinarySearch(m.labels, label)
	if !known {
		return math.Inf(-1)
	}
	s := m.scratch.Get().(*scratch)
	defer m.scratch.Put(s)
	m.score(s, text)
	return float64(s.scores[i])
}

// Alike returns a function that says how alike another text is to this one as
// the model sees them: 1 if they have the same features, 0 if they share none
// that it knows (the cosine of their vectors). It is for explaining, and not
// safe for concurrent use.
func (m *Model) Alike(text string) func(other string) float64 {
	var x extractor
	vector := func(text string) map[int32]float64 {
		units := x.extract(text)
		var squares [groups]float32
		for _, f := range x.features {
			if n := m.features.find(f.hash); n != noFeature {
				w := m.rarity(n)
				squares[f.group] += w * w
			}
		}
		factors := scale(&squares, units)
		v := map[int32]float64{}
		for _, f := range x.features {
			if n := m.features.find(f.hash); n != noFeature {
				v[n] = float64(m.rarity(n) * factors[f.group])
			}
		}
		return v
	}
	own := vector(text)
	return func(other string) float64 {
		// In the order of features: a sum of floats depends on it.
		theirs := vector(other)
		var shared []int32
		for n := range theirs {
			if _, both := own[n]; both {
				shared = append(shared, n)
			}
		}
		slices.Sort(shared)
		sum := 0.0
		for _, n := range shared {
			sum += own[n] * theirs[n]
		}
		return sum
	}
}

package linear

import (
	"math/rand/v2"
)

const (
	costIn    = 5 // of missing a row of the class; the others outnumber them
	costOut   = 1
	tolerance = .3  // of the gradient; scores are settled long before weights are
	roughly   = 1   // a tolerance that leaves the order of scores as it is, nearly always
	slight    = .05 // gradients that are not worth a step
	maxEpochs = 100
)

// A solver trains one class against the rest. It keeps its buffers from class
// to class and is not safe for concurrent use.
type solver struct {
	tolerance float32 // of the gradient

	w      []float32
	alpha  []float32
	active []int32
}

// solve minimises |w|^2/2 + b^2/2 + sum of C max(0, 1 - y (w x + b))^2 over the
// rows, with y = 1 for rows of the class and -1 for the others, by dual
// coordinate descent (Hsieh et al. 2008, "A Dual Coordinate Descent Method for
// Large-scale Linear SVM"). Most rows lie beyond the margin and stay there:
// it looks at all rows, descends over those that matter until they are
// settled, and looks at all again. s.w holds w, one weight for each of dim
// features, until the next call; b is returned.
//
// It starts from s.alpha = guess(i) for row i, or from 0 if guess is nil: what
// solved a similar problem is near the optimum of this one.
func (s *solver) solve(v *vectors, labels []int32, class int32, dim int, guess func(i int) float32) (bias float32) {
	s.w = zeroed(s.w, dim)
	s.alpha = zeroed(s.alpha, len(labels))
	if guess != nil {
		bias = s.start(v, labels, class, guess)
	}
	w, alpha := s.w, s.alpha
	active := s.active[:0]
	rng := rand.New(rand.NewPCG(uint64(class), 0))
	for range maxEpochs {
		all := len(active) == 0
		if all {
			for i := range labels {
				active = append(active, int32(i))
			}
		}
		rng.Shuffle(len(active), func(i, j int) { active[i], active[j] = active[j], active[i] })
		kept := active[:0]
		var lo, hi float32
		for _, i := range active {
			from, to := v.starts[i], v.own[i]
			features, values := v.features[from:to], v.values[from:to]
			y, slack := float32(-1), float32(1./(2*costOut))
			if labels[i] == class {
				y, slack = 1, 1./(2*costIn)
			}
			// The row's own features would add alpha times their squared length.
			g := y*(dot(features, values, w)+bias) - 1 + alpha[i]*(slack+v.ownSquare[i])
			if alpha[i] == 0 && g >= 0 {
				continue
			}
			kept = append(kept, i)
			lo, hi = min(lo, g), max(hi, g)
			if -slight < g && g < slight {
				continue
			}
			a := max(0, alpha[i]-g/(2+slack)) // 2: the squared length and the bias
			d := (a - alpha[i]) * y
			alpha[i] = a
			for j, f := range features {
				w[f] += d * values[j]
			}
			bias += d
		}
		settled := hi-lo <= s.tolerance
		if settled && all {
			break
		}
		active = kept
		if settled {
			active = active[:0]
		}
	}
	s.active = active
	s.finish(v, labels, class)
	return bias
}

// start sets alpha to the guess, and the weights and the bias to what follows.
func (s *solver) start(v *vectors, labels []int32, class int32, guess func(i int) float32) (bias float32) {
	for i := range s.alpha {
		a := guess(i)
		if a == 0 {
			continue
		}
		s.alpha[i] = a
		if labels[i] != class {
			a = -a
		}
		for j := v.starts[i]; j < v.own[i]; j++ {
			s.w[v.features[j]] += a * v.values[j]
		}
		bias += a
	}
	return bias
}

// finish sets the weights of the features that only one row has.
func (s *solver) finish(v *vectors, labels []int32, class int32) {
	for i, a := range s.alpha {
		if a == 0 {
			continue
		}
		if labels[i] != class {
			a = -a
		}
		for j := v.own[i]; j < v.starts[i+1]; j++ {
			s.w[v.features[j]] = a * v.values[j]
		}
	}
}

// dot is the product of a sparse vector with w.
func dot(features []int32, values []float32, w []float32) float32 {
	values = values[:len(features)]
	var sum float32
	for i, f := range features {
		sum += values[i] * w[f]
	}
	return sum
}

// zeroed returns n zeros, in s's memory if that is enough.
func zeroed(s []float32, n int) []float32 {
	if cap(s) < n {
		return make([]float32, n)
	}
	s = s[:n]
	clear(s)
	return s
}

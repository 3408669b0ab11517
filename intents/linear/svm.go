package linear

import (
	"math/rand/v2"
)

const (
	costIn    = 5 // of missing a row of the class; the others outnumber them
	costOut   = 1
	tolerance = .5  // of the gradient; scores are settled long before weights are
	roughly   = 1   // a tolerance that leaves the order of scores as it is, nearly always
	firstly   = 2   // the tolerance while only some rows are looked at
	slight    = .05 // gradients that are not worth a step
	maxEpochs = 100 // over the rows that matter
	maxLooks  = 30  // at all rows
)

// together is how many classes look at all rows at once. What a row costs is
// mostly the memory of its features; eight weights are half a cache line.
const together = 8

// firstOf is the share of the other classes' rows, one in so many, that a class
// starts from. Which of the rest matter shows when all are looked at.
const firstOf = 8

// A machine tells the rows of one class from those of all others, by the sign
// of w x + bias.
type machine struct {
	class int32
	w     []float32 // by feature
	bias  float32
	lean  float32   // see ratios
	alpha []float32 // by row

	active  []int32 // rows that matter
	settled bool
	lo, hi  float32 // of the gradient, at the last look
}

// A solver trains machines, several at a time. It keeps its buffers and is not
// safe for concurrent use.
type solver struct {
	tolerance float32 // of the gradient
	machines  [together]machine
	block     [][together]float32 // the weights of all machines, by feature
}

// solve trains a machine for each of the classes, which are at most together,
// and returns them; they are its own until the next call. A machine minimises
// |w|^2/2 + b^2/2 + sum of C max(0, 1 - y (w x + b))^2 over the rows, with y = 1
// for rows of the class and -1 for the others, by dual coordinate descent (Hsieh
// et al. 2008, "A Dual Coordinate Descent Method for Large-scale Linear SVM").
// Most rows lie beyond the margin and stay there: it descends over those that
// matter until they are settled, looks which others do, and goes on until none.
// Before the second look it settles them roughly: others are still to come.
//
// w has dim weights; features from shared on are in one row each at most. A
// machine starts from alpha = guess(k, i) for class k and row i if guess is not
// nil: what solved a similar problem is near the optimum of this one.
func (s *solver) solve(v *vectors, labels []int32, classes []int32, shared, dim int, guess func(k, i int) float32) []machine {
	machines := s.machines[:len(classes)]
	for k := range machines {
		m := &machines[k]
		m.class, m.bias, m.settled = classes[k], 0, false
		m.w, m.alpha = zeroed(m.w, dim), zeroed(m.alpha, len(labels))
		m.active = m.active[:0]
		if guess != nil {
			m.start(v, labels, func(i int) float32 { return guess(k, i) })
			continue
		}
		for i, label := range labels {
			if label == m.class || i%firstOf == 0 {
				m.active = append(m.active, int32(i))
			}
		}
		m.descend(v, labels, max(s.tolerance, firstly))
	}
	for looks := range maxLooks {
		s.look(v, labels, machines, shared)
		open := false
		for k := range machines {
			m := &machines[k]
			if m.settled = m.settled || m.hi-m.lo <= s.tolerance; !m.settled {
				open = true
				if looks == 0 {
					m.descend(v, labels, max(s.tolerance, roughly))
				} else {
					m.descend(v, labels, s.tolerance)
				}
			}
		}
		if !open {
			break
		}
	}
	for k := range machines {
		machines[k].finish(v, labels)
	}
	return machines
}

// look finds the rows that matter to the machines that are not settled.
func (s *solver) look(v *vectors, labels []int32, machines []machine, shared int) {
	open := make([]*machine, 0, together)
	for k := range machines {
		if m := &machines[k]; !m.settled {
			m.active, m.lo, m.hi = m.active[:0], 0, 0
			open = append(open, m)
		}
	}
	if len(open) <= together/4 { // one by one is faster
		for _, m := range open {
			for i := range labels {
				m.judge(v, labels, i, v.shared(int32(i), m.w))
			}
		}
		return
	}
	if cap(s.block) < shared {
		s.block = make([][together]float32, shared)
	}
	block := s.block[:shared]
	for k, m := range open {
		for f, w := range m.w[:shared] {
			block[f][k] = w * v.weights[f]
		}
	}
	for i := range labels {
		scores := v.sharedOfAll(i, block)
		for k, m := range open {
			m.judge(v, labels, i, scores[k])
		}
	}
}

// judge adds row i to those that matter if it does, given w x of the features
// that it shares with others.
func (m *machine) judge(v *vectors, labels []int32, i int, score float32) {
	y, slack := float32(-1), float32(1./(2*costOut))
	if labels[i] == m.class {
		y, slack = 1, 1./(2*costIn)
	}
	slack /= v.says[i]
	a := m.alpha[i]
	// The row's own features would add alpha times their squared length.
	g := y*(score+m.bias) - 1 + a*(slack+v.ownSquare[i])
	if a == 0 && g >= 0 {
		return
	}
	m.active = append(m.active, int32(i))
	m.lo, m.hi = min(m.lo, g), max(m.hi, g)
}

// descend goes over the rows that matter until they are settled.
func (m *machine) descend(v *vectors, labels []int32, tolerance float32) {
	w, alpha, bias := m.w, m.alpha, m.bias
	rng := rand.New(rand.NewPCG(uint64(m.class), 0))
	active := m.active
	for range maxEpochs {
		rng.Shuffle(len(active), func(i, j int) { active[i], active[j] = active[j], active[i] })
		kept := active[:0]
		var lo, hi float32
		for _, i := range active {
			y, slack := float32(-1), float32(1./(2*costOut))
			if labels[i] == m.class {
				y, slack = 1, 1./(2*costIn)
			}
			slack /= v.says[i]
			g := y*(v.shared(i, w)+bias) - 1 + alpha[i]*(slack+v.ownSquare[i])
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
			from, to := v.starts[i], v.own[i]
			values := v.values[from:to]
			for j, f := range v.features[from:to] {
				w[f] += d * values[j]
			}
			bias += d
		}
		active = kept
		if hi-lo <= tolerance {
			break
		}
	}
	m.bias = bias
}

// start sets alpha to the guess, and the weights and the bias to what follows.
func (m *machine) start(v *vectors, labels []int32, guess func(i int) float32) {
	for i := range m.alpha {
		a := guess(i)
		if a == 0 {
			continue
		}
		m.alpha[i] = a
		if labels[i] != m.class {
			a = -a
		}
		for j := v.starts[i]; j < v.own[i]; j++ {
			m.w[v.features[j]] += a * v.values[j]
		}
		m.bias += a
	}
}

// finish sets the weights of the features that only one row has.
func (m *machine) finish(v *vectors, labels []int32) {
	for i, a := range m.alpha {
		if a == 0 {
			continue
		}
		if labels[i] != m.class {
			a = -a
		}
		for j := v.own[i]; j < v.starts[i+1]; j++ {
			m.w[v.features[j]] = a * v.values[j]
		}
	}
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

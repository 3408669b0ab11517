package linear

import "math/rand/v2"

const (
	costIn    = 5 // of missing a row of the class; the others outnumber them
	costOut   = 1
	roughly   = 1.5 // a tolerance that leaves the order of scores as it is, nearly always
	firstly   = 2   // the tolerance while only some rows are looked at
	slight    = .05 // gradients that are not worth a step
	maxEpochs = 100 // over the rows that matter
)

// An effort is how long a problem is worked on.
type effort struct {
	tolerance float32 // of the gradient
	looks     int     // at all rows, at most
}

var (
	// Scores are settled long before weights are, and a third look would find
	// next to no row that came to matter since the second.
	thorough = effort{tolerance: 1.25, looks: 2}
	// A rehearsal asks for four numbers. It starts from what solved nearly the
	// same problem, and looks at no row that did not matter there.
	brief = effort{tolerance: 5}
)

// firstOf is the share of the other classes' rows, one in so many, that classes
// start from. Which of the rest matter shows when all are looked at.
const firstOf = 8

// A solver trains machines, several at a time. It keeps its buffers and is not
// safe for concurrent use.
//
// A machine tells the rows of one class from those of all others, by the sign of
// w x + bias. It minimises |w|^2/2 + b^2/2 + sum of C max(0, 1 - y (w x + b))^2
// over the rows, with y = 1 for rows of the class and -1 for the others, by dual
// coordinate descent (Hsieh et al. 2008, "A Dual Coordinate Descent Method for
// Large-scale Linear SVM"). The machines go over the rows side by side: what a
// row costs is to fetch its features, and they share that.
type solver struct {
	effort effort

	weights block   // of features that one row alone has only after finish
	bias    columns // of each machine
	alpha   block   // by row
	active  []int32 // rows that matter to one of the machines
	rng     *rand.Rand
}

// A problem is what the machines of some classes learn from.
type problem struct {
	rows    *vectors
	shown   []int32 // the rows that are looked at
	classes []int32 // at most together
}

// solve trains a machine for each of the classes: weights, bias and alpha hold
// them until the next call. Most rows lie beyond the margin and stay there: it
// descends over those that matter until they are settled, looks which others do,
// and goes on until none or for as many looks as the effort allows. Before the
// second look it settles them roughly: others are still to come.
//
// There are dim weights. The machines start from alpha = guess(i) for row i if
// guess is not nil: what solved a similar problem is near the optimum of this
// one, and the rows that it gives something are the first to matter.
func (s *solver) solve(p problem, dim int, guess func(i int) columns) {
	s.weights, s.alpha, s.bias = s.weights.zeroed(dim), s.alpha.zeroed(len(p.rows.rows)), columns{}
	s.active = s.active[:0]
	s.rng = rand.New(rand.NewPCG(uint64(p.classes[0]), 0))
	if guess != nil {
		s.start(p, guess)
	} else {
		for n, i := range p.shown {
			if n%firstOf == 0 || p.column(p.rows.rows[i].label) >= 0 {
				s.active = append(s.active, i)
			}
		}
	}
	s.settle(p, max(s.effort.tolerance, firstly))
	enough := max(s.effort.tolerance, roughly)
	for range s.effort.looks {
		s.active = append(s.active[:0], p.shown...)
		if s.descend(p) <= s.effort.tolerance {
			break
		}
		s.settle(p, enough)
		enough = s.effort.tolerance
	}
	s.finish(p)
}

// column returns which of the classes a label is, or -1.
func (p problem) column(label int32) int {
	for k, class := range p.classes {
		if class == label {
			return k
		}
	}
	return -1
}

// settle descends until the gradients of the rows that matter are alike.
func (s *solver) settle(p problem, tolerance float32) {
	for range maxEpochs {
		if s.descend(p) <= tolerance {
			return
		}
	}
}

// descend goes once over the active rows, and leaves those of them active that
// matter. It returns by how much their gradients differ, in the machine where
// they differ most. Each time chance gives the order: in the same order again it
// would go over them several times as often.
func (s *solver) descend(p problem) (spread float32) {
	v := p.rows
	var lo, hi columns
	s.rng.Shuffle(len(s.active), func(i, j int) { s.active[i], s.active[j] = s.active[j], s.active[i] })
	kept := s.active[:0]
	for n, i := range s.active {
		s.foresee(v, n)
		r := &v.rows[i]
		features, values := v.features[r.start:r.own], v.values[r.start:r.own]
		scores := s.weights.dot(features, values)
		alpha := &s.alpha[i]
		var by columns
		matters, moves := false, false
		for k, class := range p.classes {
			y, slack := float32(-1), float32(1./(2*costOut))
			if class == r.label {
				y, slack = 1, 1./(2*costIn)
			}
			slack /= r.says
			a := alpha[k]
			// The row's own features would add alpha times their squared length.
			g := y*(scores[k]+s.bias[k]) - 1 + a*(slack+r.ownSquare)
			if a == 0 && g >= 0 {
				continue
			}
			matters = true
			lo[k], hi[k] = min(lo[k], g), max(hi[k], g)
			if -slight < g && g < slight {
				continue
			}
			alpha[k] = max(0, a-g/(2+slack)) // 2: the squared length and the bias
			by[k] = (alpha[k] - a) * y
			s.bias[k] += by[k]
			moves = true
		}
		if matters {
			kept = append(kept, i)
		}
		if moves {
			s.weights.add(features, values, &by)
		}
	}
	s.active = kept
	for k := range lo {
		spread = max(spread, hi[k]-lo[k])
	}
	return spread
}

// foresee fetches what the rows after the n-th active one need into the caches: the
// rows are in no order, so that the processor cannot foresee them by itself, and
// it would wait for them most of the time. It changes nothing that is learnt.
func (s *solver) foresee(v *vectors, n int) {
	if n+4 >= len(s.active) {
		return
	}
	i := s.active[n+2]
	features, values := v.shared(i)
	fetchRow(&v.rows[s.active[n+4]], &s.alpha[i], features, values)
	features, _ = v.shared(s.active[n+1])
	s.weights.fetch(features)
}

// start sets alpha to the guess, and the weights and the biases to what follows.
// The rows that have a part in them are active.
func (s *solver) start(p problem, guess func(i int) columns) {
	v := p.rows
	for _, i := range p.shown {
		s.alpha[i] = guess(int(i))
		by, any := p.signed(s.alpha[i], v.rows[i].label)
		if !any {
			continue
		}
		s.active = append(s.active, i)
		features, values := v.shared(i)
		s.weights.add(features, values, &by)
		for k := range by {
			s.bias[k] += by[k]
		}
	}
}

// finish sets the weights of the features that one row alone has.
func (s *solver) finish(p problem) {
	v := p.rows
	for _, i := range p.shown {
		r := &v.rows[i]
		if by, any := p.signed(s.alpha[i], r.label); any {
			s.weights.add(v.features[r.own:r.end], v.values[r.own:r.end], &by)
		}
	}
}

// signed is what a row with a label adds to the weights, times its vector; any
// is false if that is nothing.
func (p problem) signed(alpha columns, label int32) (by columns, any bool) {
	for k, class := range p.classes {
		if by[k] = -alpha[k]; class == label {
			by[k] = alpha[k]
		}
		any = any || by[k] != 0
	}
	return by, any
}

package linear

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
)

// A lesson is one training: rows to learn from and rows to be asked about.
type lesson struct {
	rows []int32 // learnt from
	held []int32 // asked about afterwards

	space   *space
	vectors *vectors // of rows
	taught  []int32  // the labels that rows have, in order
	bare    bool     // without ratios
	ratios  *ratios  // of rows; nil if bare

	questions *vectors  // of held
	lengths   []float32 // of the telling features of each question
	answers   []answer  // to held
}

// An answer is what is known of a held-back row, and what the machines make of
// it.
type answer struct {
	label    int32
	foreign  bool // the label was not taught
	coverage float32
	scores   []float32 // by label; -Inf if it was not taught
}

// fullLesson teaches everything.
func fullLesson(c *corpus) *lesson {
	l := &lesson{rows: make([]int32, len(c.rows))}
	for i := range l.rows {
		l.rows[i] = int32(i)
	}
	return l
}

const (
	// folds is into how many parts the rows are divided, and fewFolds if there are
	// few: what a rehearsal leaves out makes it harder than what it rehearses,
	// the more so the fewer rows there are.
	folds, fewFolds = 5, 10
	// enough is how many rows of each kind tell all that there is to learn
	// from rehearsals: four numbers. More only make the start slower.
	enough = 1500
)

// rehearsals divides labels into folds, and the rows of each label among the
// folds of other labels. Each rehearsal holds back one fold: all rows of its
// labels, which are then foreign, and its rows of other labels. Names are
// taught with their labels and never held back alone.
func rehearsals(c *corpus) []*lesson {
	rng := rand.New(rand.NewPCG(uint64(len(c.rows)), uint64(c.labels)))
	folds := folds
	if len(c.rows) < enough {
		folds = fewFolds
	}
	size := make([]int, c.labels)
	for i := range c.rows {
		size[c.rows[i].label]++
	}
	// Labels go to the smallest fold, large ones first.
	order := rng.Perm(c.labels)
	slices.SortStableFunc(order, func(a, b int) int { return size[b] - size[a] })
	filled := make([]int, folds)
	foldOf := make([]int, c.labels)
	for _, label := range order {
		f := 0
		for g := range filled {
			if filled[g] < filled[f] {
				f = g
			}
		}
		foldOf[label] = f
		filled[f] += size[label]
	}

	lessons := make([]*lesson, folds)
	for f := range lessons {
		lessons[f] = new(lesson)
	}
	turn := make([]int, c.labels)
	for label := range turn {
		turn[label] = label
	}
	for _, i := range rng.Perm(len(c.rows)) {
		r := &c.rows[i]
		home := foldOf[r.label]
		away := (home + 1 + turn[r.label]%(folds-1)) % folds
		turn[r.label]++
		for f, l := range lessons {
			switch {
			case f != home && (f != away || r.name):
				l.rows = append(l.rows, int32(i))
			case !r.name:
				l.held = append(l.held, int32(i))
			}
		}
	}
	held := 0
	for f, l := range lessons {
		if held += len(l.held); held >= 2*enough {
			l.held = l.held[:len(l.held)-(held-2*enough)]
			return lessons[:f+1]
		}
	}
	return lessons
}

// prepare turns the lesson's rows into vectors.
func (l *lesson) prepare(c *corpus) {
	l.space = newSpace(c, l.rows)
	l.vectors = l.space.vectors(c, l.rows)
	taught := make([]bool, c.labels)
	for _, i := range l.rows {
		taught[c.rows[i].label] = true
	}
	for label, yes := range taught {
		if yes {
			l.taught = append(l.taught, int32(label))
		}
	}
	if !l.bare {
		l.ratios = newRatios(c, l.vectors, l.taught)
	}
	l.questions = l.space.vectors(c, l.held)
	l.lengths = make([]float32, len(l.held))
	for n := range l.held {
		l.lengths[n] = l.questions.telling(n, c.groups)
	}
	scores := make([]float32, len(l.held)*c.labels)
	for i := range scores {
		scores[i] = float32(math.Inf(-1))
	}
	for n, i := range l.held {
		r := &c.rows[i]
		l.answers = append(l.answers, answer{
			label:    r.label,
			foreign:  !taught[r.label],
			coverage: l.space.coverage(r),
			scores:   scores[n*c.labels : (n+1)*c.labels],
		})
	}
}

// teaches reports whether the lesson has rows of the label.
func (l *lesson) teaches(label int32) bool {
	_, yes := slices.BinarySearch(l.taught, label)
	return yes
}

// learnt is what comes of a lesson.
type learnt struct {
	weights [][]weight // those that are not negligible, of ever later labels
	bias    []float32  // by label
	lean    []float32  // by label, see ratios
}

// A weight is what a feature says for a label. A list of them is in the order of
// the features, and then of the labels.
type weight struct {
	feature int32
	label   uint16
	value   float32
}

// negligible is the size of weights that are not worth keeping: all of a
// text's features together would move a score by a hundredth.
const negligible = 1e-3

// teach gives the lessons. It returns what comes of the first, and has the
// held-back rows of all answered.
func teach(ctx context.Context, c *corpus, lessons []*lesson, workers int) (*learnt, error) {
	err := parallel(ctx, workers, len(lessons), func(_, i int) { lessons[i].prepare(c) })
	if err != nil {
		return nil, err
	}
	full, rehearsals := lessons[0], lessons[1:]
	blocks := slices.Collect(slices.Chunk(full.taught, together))
	rivalsOf, err := full.rivalsOf(ctx, c, workers)
	if err != nil {
		return nil, err
	}
	shown := make([][][]int32, len(lessons))
	err = parallel(ctx, workers, len(lessons), func(_, i int) { shown[i] = lessons[i].audiences(c, blocks, rivalsOf) })
	if err != nil {
		return nil, err
	}
	out := &learnt{weights: make([][]weight, len(blocks)), bias: make([]float32, c.labels), lean: make([]float32, c.labels)}
	solvers := make([]solver, workers)
	counts := make([][]float32, workers)
	lists := make([][]weight, workers)
	err = parallel(ctx, workers, len(out.weights), func(worker, i int) {
		classes := blocks[i]
		s := &solvers[worker]
		s.effort = thorough
		counts[worker] = zeroed(counts[worker], len(c.groups))
		s.solve(problem{full.vectors, shown[0][i], classes}, len(c.groups), nil)
		lean := full.ratios.add(s.weights, full.vectors, classes, c.groups, counts[worker])
		for k, class := range classes {
			out.bias[class], out.lean[class] = s.bias[k], lean[k]
		}
		lists[worker] = s.weights.list(lists[worker][:0], classes)
		out.weights[i] = slices.Clone(lists[worker])
		if len(rehearsals) == 0 {
			return
		}
		alphas := make(block, len(c.rows))
		for n, row := range full.rows {
			alphas[row] = s.alpha[n]
		}
		// A rehearsal leaves rows out; for the others little changes.
		s.effort = brief
		for n, l := range rehearsals {
			if ctx.Err() != nil {
				return
			}
			l.rehearse(c, s, classes, shown[n+1][i], alphas, counts[worker])
		}
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// stepIn is how much more the rows of a rehearsal say at its start than they did
// beside those that it holds back: they have to say what these did.
const stepIn = 1.2

// rehearse has the held-back rows answered by machines for those of the classes
// that are taught. They start from the alphas of those that learnt everything.
func (l *lesson) rehearse(c *corpus, s *solver, classes, shown []int32, alphas block, counts []float32) {
	var taught []int32
	var from []int // the column of each in alphas
	for k, class := range classes {
		if l.teaches(class) {
			taught, from = append(taught, class), append(from, k)
		}
	}
	if len(taught) == 0 {
		return
	}
	s.solve(problem{l.vectors, shown, taught}, len(c.groups), func(i int) (guess columns) {
		for k, was := range from {
			guess[k] = stepIn * alphas[l.rows[i]][was]
		}
		return guess
	})
	lean := l.ratios.add(s.weights, l.vectors, taught, c.groups, counts)
	v := l.questions
	for n := range l.answers {
		features, values := v.row(n)
		scores := s.weights.dot(features, values)
		for k, class := range taught {
			l.answers[n].scores[class] = scores[k] + s.bias[k] + lean[k]*l.lengths[n]
		}
	}
}

// list appends the weights for the classes to ws that are neither negligible
// nor faint beside what the feature says for one of the others.
func (b block) list(ws []weight, classes []int32) []weight {
	for f := range b {
		// Most features say nothing here, and sizes compare faster as integers.
		most := uint32(0)
		for _, w := range b[f] {
			most = max(most, math.Float32bits(w)&^(1<<31))
		}
		if most <= leastBits {
			continue
		}
		least := max(negligible, faint*math.Float32frombits(most))
		for k, w := range b[f] {
			if w >= least || w <= -least {
				ws = append(ws, weight{int32(f), uint16(classes[k]), w})
			}
		}
	}
	return ws
}

var leastBits = math.Float32bits(negligible)

// zeroed returns n zeros, in s's memory if that is enough.
func zeroed(s []float32, n int) []float32 {
	if cap(s) < n {
		return make([]float32, n)
	}
	s = s[:n]
	clear(s)
	return s
}

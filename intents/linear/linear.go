package linear

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"sync"
)

// An Example is a message whose label is known. The text is expected in lower
// case and in one variant of a script, as Classify will see it.
type Example struct{ Text, Label string }

// Options adjust Train. The zero value is ready to use.
type Options struct {
	// Names holds what a label is called, in one or several languages. A name
	// is learnt like an example but never taken for something people write:
	// it is not rehearsed with. A label may have names and no examples.
	Names map[string][]string
	// Ranking is set where only the order of the labels counts: there is no
	// rehearsal, so that probabilities are but a guess, and training takes a
	// fraction of the time.
	Ranking bool
	// Outside is the share of messages that belong to no label, between 0 and
	// 1; one in five if it is not positive. It moves the probabilities and
	// leaves their order nearly as it is. Less is right where one of the labels
	// is for what belongs to no other.
	Outside float64
	// Workers is how many goroutines train; GOMAXPROCS if it is not positive.
	// The model does not depend on it.
	Workers int
}

// A Guess is a label and the probability that a message belongs to it.
type Guess struct {
	Label string
	Score float64 // between 0 and 1
}

// A Model classifies messages. It is immutable and safe for concurrent use.
type Model struct {
	labels   []string // sorted
	features index
	lists    []uint32  // by feature, where in cells it begins what is known of it
	cells    []uint16  // lists one after another, see newLists
	weights  []float32 // as in space; a few hundred different ones
	unseen   [scripts]float32
	unit     float32   // what the scale of a list is counted in
	bias     []float32 // by label
	lean     []float32 // by label, for each unit of a text's telling features
	trust    trust
	scratch  sync.Pool
}

// maxLabels is how many labels a list can count.
const maxLabels = 1 << 15

// Train learns from the examples. The same examples in the same order give the
// same model to the last bit, whatever the number of workers. It fails if
// there is no example, if one has no label, and with the context's cause when
// ctx ends first.
//
// Probabilities are those of a stream of messages of which the share Outside
// belongs to no label (see Classify).
func Train(ctx context.Context, examples []Example, opt Options) (*Model, error) {
	m, _, err := train(ctx, examples, nil, opt)
	if err != nil {
		return nil, fmt.Errorf("train on %d examples: %w", len(examples), err)
	}
	return m, nil
}

// TrainParts is [Train] for labels that consist of parts, each with a few of the
// label's examples: parts has the part of each example, empty where it is of
// none. The second model knows the parts. It puts them in order by how alike a
// text is to the mean of a part's examples, which costs next to nothing to
// learn; its probabilities are but a guess. It is nil if no example has a part.
func TrainParts(ctx context.Context, examples []Example, parts []string, opt Options) (whole, part *Model, err error) {
	whole, part, err = train(ctx, examples, parts, opt)
	if err != nil {
		return nil, nil, fmt.Errorf("train on %d examples: %w", len(examples), err)
	}
	return whole, part, nil
}

func train(ctx context.Context, examples []Example, parts []string, opt Options) (whole, part *Model, err error) {
	workers := opt.Workers
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	rows, names, err := collect(examples, opt.Names)
	if err != nil {
		return nil, nil, err
	}
	partNames, partOf, err := number(parts)
	if err != nil {
		return nil, nil, err
	}
	c, err := newCorpus(ctx, rows, len(examples), names, workers)
	if err != nil {
		return nil, nil, err
	}
	lessons := []*lesson{fullLesson(c)}
	if opt.Ranking {
		// Among many labels of few rows each, ratios put no more of them right.
		lessons[0].bare = true
	} else {
		lessons = append(lessons, rehearsals(c)...)
	}
	learnt, err := teach(ctx, c, lessons, workers)
	if err != nil {
		return nil, nil, err
	}
	full := lessons[0]
	outside := opt.Outside
	if outside <= 0 {
		outside = usualOutside
	}
	index, order := c.index()
	whole = &Model{
		labels:   names,
		features: index,
		unseen:   full.space.unseen,
		bias:     learnt.bias,
		lean:     learnt.lean,
		trust:    newTrust(lessons[1:], outside),
	}
	whole.arrange(order, newLists(learnt.weights, c, full.space.weights))
	whole.ready()
	if len(partNames) > 0 {
		part = &Model{
			labels:   partNames,
			features: index,
			unseen:   full.space.unseen,
			bias:     make([]float32, len(partNames)),
			lean:     make([]float32, len(partNames)),
			trust:    newTrust(nil, outside),
		}
		part.arrange(order, newLists(means(c.groups, full.vectors, partOf, len(partNames)), c, full.space.weights))
		part.ready()
	}
	return whole, part, nil
}

// arrange takes over what was learnt about the features, whose numbers are given
// in the order of the model's.
func (m *Model) arrange(order []int32, l lists) {
	m.lists = make([]uint32, len(order))
	for i, f := range order {
		m.lists[i] = l.at[f]
	}
	m.cells, m.weights, m.unit = l.cells, l.weights, l.unit
}

// ready prepares a complete model for Classify.
func (m *Model) ready() {
	m.scratch.New = func() any { return &scratch{scores: make([]float32, len(m.labels))} }
}

// Labels returns the labels in alphabetical order.
func (m *Model) Labels() []string { return slices.Clone(m.labels) }

// collect returns the examples, then the names as examples, and all labels.
func collect(examples []Example, names map[string][]string) ([]Example, []string, error) {
	rows := slices.Clone(examples)
	for _, label := range slices.Sorted(maps.Keys(names)) {
		for _, name := range names[label] {
			rows = append(rows, Example{name, label})
		}
	}
	if len(rows) == 0 {
		return nil, nil, errors.New("nothing to learn from; give at least one example")
	}
	labels := map[string]bool{}
	for i, r := range rows {
		if r.Label == "" {
			return nil, nil, fmt.Errorf("row %d, %q, has no label; give it one or leave it out", i+1, r.Text)
		}
		labels[r.Label] = true
	}
	if err := countable(len(labels)); err != nil {
		return nil, nil, err
	}
	return rows, slices.Sorted(maps.Keys(labels)), nil
}

func countable(labels int) error {
	if labels > maxLabels {
		return fmt.Errorf("%d labels are more than %d", labels, maxLabels)
	}
	return nil
}

// number returns the names of parts, sorted, and the number of each example's
// part among them, -1 where it has none.
func number(parts []string) (names []string, partOf []int32, err error) {
	known := map[string]bool{}
	for _, name := range parts {
		if name != "" {
			known[name] = true
		}
	}
	names = slices.Sorted(maps.Keys(known))
	partOf = make([]int32, len(parts))
	for i, name := range parts {
		at, found := slices.BinarySearch(names, name)
		if partOf[i] = int32(at); !found {
			partOf[i] = -1
		}
	}
	return names, partOf, countable(len(names))
}

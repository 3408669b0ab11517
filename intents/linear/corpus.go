package linear

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
)

// A corpus is everything there is to learn from, as features.
type corpus struct {
	features table
	groups   []group // by feature
	shared   int     // features below it are in several rows, the others in one
	rows     []row
	labels   int
}

// A row is one example or name.
type row struct {
	features []int32
	units    [scripts]int
	label    int32
	name     bool
}

// newCorpus extracts the features of the examples, those from the number
// messages on being names. labels is sorted and holds every example's label.
func newCorpus(ctx context.Context, examples []Example, messages int, labels []string, workers int) (*corpus, error) {
	c := &corpus{rows: make([]row, len(examples)), labels: len(labels)}
	found := make([][]feature, len(examples))
	xs := make([]extractor, workers)
	err := parallel(ctx, workers, len(examples), func(worker, i int) {
		x := &xs[worker]
		label, _ := slices.BinarySearch(labels, examples[i].Label)
		c.rows[i] = row{units: x.extract(examples[i].Text), label: int32(label), name: i >= messages}
		found[i] = slices.Clone(x.features)
	})
	if err != nil {
		return nil, err
	}
	all := 0
	for _, fs := range found {
		all += len(fs)
	}
	c.features.expect(all / 3) // most are in several rows
	// Numbers are given in the order of the rows, so that they do not depend
	// on the workers.
	for i, fs := range found {
		numbers := make([]int32, len(fs))
		c.features.fetch(fs)
		for j, f := range fs {
			numbers[j] = c.features.insert(f.hash)
			if int(numbers[j]) == len(c.groups) {
				c.groups = append(c.groups, f.group)
			}
		}
		c.rows[i].features = numbers
	}
	c.renumber()
	return c, nil
}

// renumber gives low numbers to the features that many rows have: training
// goes over their weights again and again, which then lie side by side.
func (c *corpus) renumber() {
	counts := make([]int32, len(c.groups))
	for _, r := range c.rows {
		for _, f := range r.features {
			counts[f]++
		}
	}
	// By their count, and as they were among those with the same.
	starts := make([]int32, len(c.rows)+2) // of each count, from the largest
	for _, n := range counts {
		starts[len(c.rows)-int(n)+1]++
	}
	for i := range starts[1:] {
		starts[i+1] += starts[i]
	}
	c.shared = int(starts[len(c.rows)-1])
	numbers, groups := make([]int32, len(counts)), make([]group, len(counts))
	for f, n := range counts {
		next := &starts[len(c.rows)-int(n)]
		numbers[f] = *next
		groups[*next] = c.groups[f]
		*next++
	}
	c.groups = groups
	for _, r := range c.rows {
		for i, f := range r.features {
			r.features[i] = numbers[f]
		}
	}
	for i := range c.features.slots {
		if s := &c.features.slots[i]; s.number != 0 {
			s.number = numbers[s.number-1] + 1
		}
	}
}

// index returns the features in the order of their hashes, and their numbers in
// that order. The corpus knows no features by their hashes afterwards.
func (c *corpus) index() (index, []int32) {
	x, slots := newIndex(slices.DeleteFunc(c.features.slots, func(s slot) bool { return s.number == 0 }))
	order := make([]int32, len(slots))
	for i, s := range slots {
		order[i] = s.number - 1
	}
	return x, order
}

// parallel calls do for every i below n, from several goroutines that are
// numbered from 0. It returns the cause if ctx ends before all is done.
func parallel(ctx context.Context, workers, n int, do func(worker, i int)) error {
	var next atomic.Int64
	var wg sync.WaitGroup
	for worker := range min(workers, n) {
		wg.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				do(worker, i)
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

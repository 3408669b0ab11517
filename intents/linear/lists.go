package linear

import (
	"math"
	"slices"
)

// faint is the part of a feature's largest weight below which its weights for
// other labels are dropped. They are many and change next to nothing.
const faint = .1

// lists is what is known of each feature. A list begins with three cells: the
// place of the feature's weight in weights, the number of entries and the scale,
// which is counted in unit. The upper half of an entry is how many labels it is
// after the entry before it, or after label 0; the lower half, with its sign, is
// the weight for that label, as a multiple of the scale. Classifying waits for
// the memory of all this, so it is packed tight.
//
// Two features in three are in one row alone. All of a row's that are of one
// group say the same and share a list.
type lists struct {
	at      []uint32 // by feature, where its list begins in cells
	cells   []uint16
	weights []float32
	unit    float32
}

const (
	listHead = 3   // cells before the first entry
	steps    = 127 // of a weight in an entry, to either side
	maxSkip  = 255 // labels from one entry to the next
)

// newLists arranges weights, in lists of ever later labels, without the faint
// ones. rarity is the weight of each feature in a text.
func newLists(weights [][]weight, c *corpus, rarity []float32) lists {
	most := make([]float32, len(c.groups)) // the size of each feature's largest weight
	largest := float32(0)
	for _, ws := range weights {
		for _, w := range ws {
			most[w.feature] = max(most[w.feature], w.value, -w.value)
			largest = max(largest, most[w.feature])
		}
	}
	l := lists{at: make([]uint32, len(c.groups)), unit: largest / (steps * math.MaxUint16)}
	if l.unit == 0 {
		l.unit = 1
	}
	byFeature := regroup(weights, most)
	places := map[float32]uint16{}
	var usual [scripts]float32 // the weight of the feature before: most have the same
	var at [scripts]uint16     // its place
	var list []uint16
	var last [groups]uint32 // the list of the last feature of each group, and 1
	for f, g := range c.groups {
		if w := rarity[f]; w != usual[g.script()] {
			place, known := places[w]
			if !known {
				// They differ by script and by how many rows have the feature: no
				// corpus that fits a machine has so many that they run out.
				place = uint16(len(l.weights))
				places[w] = place
				l.weights = append(l.weights, w)
			}
			usual[g.script()], at[g.script()] = w, place
		}
		list = l.pack(list[:0], at[g.script()], byFeature(f), most[f])
		if before := last[g]; before == 0 || !slices.Equal(list, l.whole(before-1)) {
			last[g] = uint32(len(l.cells)) + 1
			l.cells = append(l.cells, list...)
		}
		l.at[f] = last[g] - 1
	}
	l.cells = slices.Clip(l.cells)
	return l
}

// regroup returns a function that gives what a feature says of each label, in
// the order of the labels.
func regroup(weights [][]weight, most []float32) func(f int) []labelWeight {
	strong := func(w weight) bool { return max(w.value, -w.value) >= faint*most[w.feature] }
	starts := make([]uint32, len(most)+1)
	for _, ws := range weights {
		for _, w := range ws {
			if strong(w) {
				starts[w.feature+1]++
			}
		}
	}
	for f := range most {
		starts[f+1] += starts[f]
	}
	flat := make([]labelWeight, starts[len(most)])
	next := slices.Clone(starts)
	for _, ws := range weights {
		for _, w := range ws {
			if strong(w) {
				flat[next[w.feature]] = labelWeight{w.label, w.value}
				next[w.feature]++
			}
		}
	}
	return func(f int) []labelWeight { return flat[starts[f]:starts[f+1]] }
}

// A labelWeight is what a feature says of a label.
type labelWeight struct {
	label  uint16
	weight float32
}

// pack appends a list to cells.
func (l *lists) pack(cells []uint16, place uint16, ws []labelWeight, most float32) []uint16 {
	scale := uint16(min(math.Ceil(float64(most/(l.unit*steps))), math.MaxUint16))
	cells = append(cells, place, 0, scale)
	last := uint16(0)
	for _, w := range ws {
		for w.label-last > maxSkip {
			cells = append(cells, maxSkip<<8)
			last += maxSkip
		}
		times := int8(math.Round(float64(w.weight / (l.unit * float32(scale)))))
		cells = append(cells, (w.label-last)<<8|uint16(uint8(times)))
		last = w.label
	}
	cells[1] = uint16(len(cells) - listHead)
	return cells
}

// whole returns the cells of the list that begins at a place.
func (l *lists) whole(at uint32) []uint16 {
	return l.cells[at : at+listHead+uint32(l.cells[at+1])]
}

// listAt returns the scale and the entries of the list that begins at a place.
func listAt(cells []uint16, at uint32) (scale float32, entries []uint16) {
	head := cells[at : at+listHead : len(cells)]
	return float32(head[2]), head[listHead : listHead+uint32(head[1])]
}

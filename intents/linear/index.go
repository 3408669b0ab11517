package linear

import (
	"cmp"
	"math/bits"
	"slices"
)

// An index numbers hashes by their order: it takes a third of the memory that a
// table takes, or less, and cannot grow.
type index struct {
	// rests holds what follows in each hash, in their order, after the bits that
	// it begins with. With those that is enough: among half a million features a
	// strange one passes for one of them once in a thousand million times.
	rests []uint32
	// starts says where in rests those that begin with the same bits start, of
	// which there are a few: hashes are spread evenly. It has one more at the
	// end.
	starts []int32
	used   int // how many bits give the place in starts
}

// few is how many hashes begin with the same bits, about.
const few = 4

// usedBits is how many bits give the place of one of so many hashes.
func usedBits(hashes int) int { return bits.Len(uint(hashes / few)) }

// newIndex returns the index of the hashes of slots, and the slots in their
// order.
func newIndex(slots []slot) (index, []slot) {
	x := index{make([]uint32, len(slots)), nil, usedBits(len(slots))}
	x.starts = make([]int32, 1<<x.used+1)
	for _, s := range slots {
		at, _ := x.split(s.hash)
		x.starts[at+1]++
	}
	for i := range 1 << x.used {
		x.starts[i+1] += x.starts[i]
	}
	sorted := make([]slot, len(slots))
	next := slices.Clone(x.starts)
	for _, s := range slots {
		at, _ := x.split(s.hash)
		sorted[next[at]] = s
		next[at]++
	}
	for i := range 1 << x.used {
		slices.SortFunc(sorted[x.starts[i]:x.starts[i+1]], func(a, b slot) int { return cmp.Compare(a.hash, b.hash) })
	}
	for i, s := range sorted {
		_, x.rests[i] = x.split(s.hash)
	}
	return x, sorted
}

// split returns the place of a hash in starts, and its rest.
func (x *index) split(hash uint64) (at uint64, rest uint32) {
	return hash >> (64 - x.used), uint32(hash << x.used >> 32)
}

const noFeature = -1

// find returns the number of hash, or noFeature.
func (x *index) find(hash uint64) int32 {
	at, rest := x.split(hash)
	for i := x.starts[at]; i < x.starts[at+1]; i++ {
		if x.rests[i] == rest {
			return i
		}
	}
	return noFeature
}

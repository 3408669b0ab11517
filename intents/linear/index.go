package linear

import "math/bits"

// An index numbers hashes by their order: it takes half of the memory that a
// table takes, or less, and cannot grow.
type index struct {
	hashes []uint64 // sorted
	// starts says where in hashes those that begin with the same bits start, of
	// which there are a few: hashes are spread evenly. It has one more at the
	// end.
	starts []int32
	shift  int // by which a hash gives its place in starts
}

// few is how many hashes begin with the same bits, about.
const few = 4

// newIndex returns the index of distinct hashes in ascending order.
func newIndex(hashes []uint64) index {
	used := bits.Len(uint(len(hashes) / few))
	x := index{hashes, make([]int32, 1<<used+1), 64 - used}
	for _, h := range hashes {
		x.starts[h>>x.shift+1]++
	}
	for i := range 1 << used {
		x.starts[i+1] += x.starts[i]
	}
	return x
}

const noFeature = -1

// find returns the number of hash, or noFeature.
func (x *index) find(hash uint64) int32 {
	at := hash >> x.shift
	for i := x.starts[at]; i < x.starts[at+1]; i++ {
		if x.hashes[i] == hash {
			return i
		}
	}
	return noFeature
}

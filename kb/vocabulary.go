package kb

import (
	"hash/maphash"
	"math/bits"
)

// seed is of the hashes of this process; a vocabulary does not outlive it.
var seed = maphash.MakeSeed()

// A numbering numbers terms in the order in which they come.
type numbering struct {
	numbers map[string]int32
	plain   []float32 // what a term counts however rare it is, by number
}

// of returns the numbers of terms.
func (n *numbering) of(terms []string) []int32 {
	numbers := make([]int32, len(terms))
	for i, term := range terms {
		number, known := n.numbers[term]
		if !known {
			number = int32(len(n.plain))
			n.numbers[term] = number
			n.plain = append(n.plain, float32(termWeight(term)))
		}
		numbers[i] = number
	}
	return numbers
}

// A vocabulary knows the numbers of terms, but not the terms: it has the place
// of each by its hash, and half of that hash to know it by. Of a million terms
// it takes 10 MB, where a map takes 60. A strange term passes for one of them
// once in a thousand million times.
type vocabulary []entry

type entry struct {
	rest   uint32
	number int32 // counted from 1; 0 where no term is
}

func newVocabulary(numbers map[string]int32) vocabulary {
	v := make(vocabulary, len(numbers)+len(numbers)/4+1)
	for term, number := range numbers {
		at, rest := v.place(term)
		for v[at].number != 0 {
			at = (at + 1) % len(v)
		}
		v[at] = entry{rest, number + 1}
	}
	return v
}

const noTerm = -1

// number returns the number of a term, or noTerm.
func (v vocabulary) number(term string) int32 {
	at, rest := v.place(term)
	for ; v[at].number != 0; at = (at + 1) % len(v) {
		if v[at].rest == rest {
			return v[at].number - 1
		}
	}
	return noTerm
}

// place returns where to look for a term first, and how to know it there.
func (v vocabulary) place(term string) (at int, rest uint32) {
	hash := maphash.String(seed, term)
	high, _ := bits.Mul64(hash, uint64(len(v)))
	return int(high), uint32(hash)
}

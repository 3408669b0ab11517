package linear

import (
	"sync"

	"tilldesk/intents/english"
)

// senses gives, by the hash of a stem, what it has in common with the stems that
// say the same.
var senses = sync.OnceValue(func() map[uint64]uint64 {
	of := map[uint64]uint64{}
	for _, group := range english.Groups() {
		sense := scramble(stemHash([]rune(group[0])))
		for _, word := range group {
			// Words of two groups may have one stem: the group that comes first
			// has it.
			if h := stemHash([]rune(word)); of[h] == 0 {
				of[h] = sense
			}
		}
	}
	return of
})

// stemHash is the hash of a word's stem.
func stemHash(word []rune) uint64 {
	n, tail := stem(word)
	h := uint64(0)
	for _, r := range word[:n] {
		h = step(h, r)
	}
	if tail != 0 {
		h = step(h, tail)
	}
	return scramble(h)
}

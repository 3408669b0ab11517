package intents

import (
	"slices"
	"unicode/utf8"
)

// phrases are known words, each with what it stands for. At one place of a
// text the longest counts; Latin words must stand free.
type phrases[T any] struct {
	words map[string]T
	sizes map[head][]int // of the words that start so, in bytes, longest first
	known headSet        // the heads in sizes
}

// A head is how a word starts: one Han character, or up to three letters. It is
// filled up with zeros.
type head [3]byte

func headOf(word string) (h head) {
	copy(h[:], word)
	return h
}

// A headSet tells most heads that are not in it, without the cost of a map: at
// nearly all places of a text no word starts. It is the bit of each head's hash.
type headSet [1 << (headBits - 6)]uint64

const headBits = 14

// bit returns where the bit of a head stands.
func (h head) bit() (word int, mask uint64) {
	hash := (uint32(h[0])<<16 | uint32(h[1])<<8 | uint32(h[2])) * 0x9e3779b1 >> (32 - headBits)
	return int(hash >> 6), 1 << (hash & 63)
}

func (s *headSet) add(h head) {
	word, mask := h.bit()
	s[word] |= mask
}

// mayHave reports whether h may be in the set: all that were added are.
func (s *headSet) mayHave(h head) bool {
	word, mask := h.bit()
	return s[word]&mask != 0
}

func newPhrases[T any](words map[string]T) *phrases[T] {
	p := &phrases[T]{words: words, sizes: map[head][]int{}}
	for w := range words {
		if w == "" {
			continue
		}
		if h := headOf(w); !slices.Contains(p.sizes[h], len(w)) {
			p.sizes[h] = append(p.sizes[h], len(w))
			p.known.add(h)
		}
	}
	for _, sizes := range p.sizes {
		slices.SortFunc(sizes, func(a, b int) int { return b - a })
	}
	return p
}

// at returns what the longest word at byte i of a normalised text stands for,
// and its length, which is 0 if there is none.
func (p *phrases[T]) at(text string, i int) (value T, size int) {
	if !utf8.RuneStart(text[i]) || i > 0 && alnum(text[i-1]) && alnum(text[i]) {
		return value, 0
	}
	h := headOf(text[i:])
	for n := len(h); n > 0; n-- {
		if p.known.mayHave(h) {
			for _, size := range p.sizes[h] {
				if end := i + size; end <= len(text) && free(text, i, end) {
					if value, ok := p.words[text[i:end]]; ok {
						return value, size
					}
				}
			}
		}
		h[n-1] = 0 // words of one or two bytes
	}
	return value, 0
}

// in reports whether any of the words stands in a normalised text.
func (p *phrases[T]) in(text string) bool {
	for i := range text {
		if _, n := p.at(text, i); n > 0 {
			return true
		}
	}
	return false
}

// free reports whether text[start:end] is no part of a longer Latin word or
// number.
func free(text string, start, end int) bool {
	before := start == 0 || !alnum(text[start-1]) || !alnum(text[start])
	after := end == len(text) || !alnum(text[end]) || !alnum(text[end-1])
	return before && after
}

func alnum(b byte) bool { return b >= 'a' && b <= 'z' || b >= '0' && b <= '9' }

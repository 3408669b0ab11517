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
}

// A head is how a word starts: one Han character, or up to three letters. It is
// filled up with zeros.
type head [3]byte

func headOf(word string) (h head) {
	copy(h[:], word)
	return h
}

func newPhrases[T any](words map[string]T) *phrases[T] {
	p := &phrases[T]{words: words, sizes: map[head][]int{}}
	for w := range words {
		if w == "" {
			continue
		}
		if h := headOf(w); !slices.Contains(p.sizes[h], len(w)) {
			p.sizes[h] = append(p.sizes[h], len(w))
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
		for _, size := range p.sizes[h] {
			if end := i + size; end <= len(text) && free(text, i, end) {
				if value, ok := p.words[text[i:end]]; ok {
					return value, size
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

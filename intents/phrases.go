package intents

// phrases are known words, each with what it stands for. At one place of a
// text the longest counts; Latin words must stand free.
type phrases[T any] struct {
	words   map[string]T
	longest int // bytes
	first   [256]bool
}

func newPhrases[T any](words map[string]T) *phrases[T] {
	p := &phrases[T]{words: words}
	for w := range words {
		if w == "" {
			continue
		}
		p.longest = max(p.longest, len(w))
		p.first[w[0]] = true
	}
	return p
}

// at returns what the longest word at byte i of a normalised text stands for,
// and its length, which is 0 if there is none.
func (p *phrases[T]) at(text string, i int) (value T, size int) {
	if p.first[text[i]] {
		for n := min(p.longest, len(text)-i); n > 0; n-- {
			if value, ok := p.words[text[i:i+n]]; ok && free(text, i, i+n) {
				return value, n
			}
		}
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

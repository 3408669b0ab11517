// Package hanzi converts between Simplified and Traditional Chinese.
//
// To Simplified it goes character by character, which is what matching and
// search need. To Traditional, where one simplified character may be several,
// it goes by the longest known phrase first, which is what readers need.
//
// The character tables were generated with OpenCC 1.1.6 (Apache-2.0,
// configurations t2s and s2hk), one pair of characters after another. Where the
// Traditional form that OpenCC gives is rare today, or looks Simplified to
// readers in Taiwan, the one that people type in both Taiwan and Hong Kong
// stands in its place: 群 rather than 羣, 裡 than 裏, 說 than 説, 商戶 than 商户. The
// particle 着 stays as it is, since there is no form that both use.
package hanzi

import (
	_ "embed"
	"strings"
	"sync"
)

//go:embed t2s.txt
var t2s string

//go:embed s2t.txt
var s2t string

//go:embed phrases.txt
var phrases string

var toSimplified = sync.OnceValue(func() map[rune]rune { return pairs(t2s) })

var toTraditional = sync.OnceValue(func() *phrasebook {
	book := &phrasebook{runes: pairs(s2t), phrases: map[string]string{}}
	for line := range strings.Lines(phrases) {
		line = strings.TrimSpace(line)
		from, to, ok := strings.Cut(line, " ")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		book.phrases[from] = to
		book.longest = max(book.longest, len([]rune(from)))
	}
	return book
})

type phrasebook struct {
	runes   map[rune]rune
	phrases map[string]string
	longest int // runes
}

func pairs(table string) map[rune]rune {
	runes := []rune(strings.TrimSpace(table))
	m := make(map[rune]rune, len(runes)/2)
	for i := 0; i+1 < len(runes); i += 2 {
		m[runes[i]] = runes[i+1]
	}
	return m
}

// Simplify returns r in Simplified script; a rune that has no other form is
// returned as it is.
func Simplify(r rune) rune {
	if r < 0x3400 {
		return r
	}
	if s, ok := toSimplified()[r]; ok {
		return s
	}
	return r
}

// Traditional returns s in Traditional script.
func Traditional(s string) string {
	book := toTraditional()
	runes := []rune(s)
	var b strings.Builder
	b.Grow(len(s))
next:
	for i := 0; i < len(runes); {
		for n := min(book.longest, len(runes)-i); n > 1; n-- {
			if to, ok := book.phrases[string(runes[i:i+n])]; ok {
				b.WriteString(to)
				i += n
				continue next
			}
		}
		r := runes[i]
		if t, ok := book.runes[r]; ok {
			r = t
		}
		b.WriteRune(r)
		i++
	}
	return b.String()
}

// IsTraditional reports whether s is written in Traditional script: it has
// characters that exist only there, and more of them than characters that
// exist only in Simplified.
func IsTraditional(s string) bool {
	t, n := 0, 0
	book := toTraditional()
	for _, r := range s {
		if r < 0x3400 {
			continue
		}
		if Simplify(r) != r {
			t++
		} else if to, ok := book.runes[r]; ok && to != r {
			n++
		}
	}
	return t > n
}

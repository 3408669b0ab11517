package intents

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// TestPhrasesFindTheLongest compares with looking at every word at every place.
func TestPhrasesFindTheLongest(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	write := func(most int) string {
		var b strings.Builder
		for range 1 + rng.IntN(most) {
			b.WriteString([]string{"a", "b", "1", " ", "é", "花", "呗", "𠮷"}[rng.IntN(8)])
		}
		return b.String()
	}
	found := 0
	for range 2000 {
		words := map[string]string{"": "never"}
		for range 12 {
			w := write(4)
			words[w] = "<" + w + ">"
		}
		p, text := newPhrases(words), write(12)
		for i := range text {
			want := ""
			for w := range words {
				if len(w) > len(want) && strings.HasPrefix(text[i:], w) && free(text, i, i+len(w)) {
					want = w
				}
			}
			value, size := p.at(text, i)
			if size != len(want) || size > 0 && value != words[want] {
				t.Fatalf("at byte %d of %q: %q of %d bytes, want %q; the words are %q", i, text, value, size, want, words)
			}
			if size > 0 {
				found++
			}
		}
	}
	if found < 1000 {
		t.Errorf("only %d words were found; there is too little to compare", found)
	}
}

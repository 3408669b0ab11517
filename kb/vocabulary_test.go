package kb

import (
	"fmt"
	"testing"
)

func TestVocabulary(t *testing.T) {
	for _, terms := range []int{0, 1, 2, 5, 20_000} {
		numbers := map[string]int32{}
		for n := range terms {
			numbers[fmt.Sprint("term", n)] = int32(n)
		}
		v := newVocabulary(numbers)
		for term, want := range numbers {
			if got := v.number(term); got != want {
				t.Fatalf("of %d terms, %s is number %d, want %d", terms, term, got, want)
			}
		}
		for _, term := range []string{"", "码", "term", "term-1", fmt.Sprint("term", terms)} {
			if got := v.number(term); got != noTerm {
				t.Errorf("of %d terms, %q is number %d, but none of them", terms, term, got)
			}
		}
	}
}

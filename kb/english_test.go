package kb

import (
	"math"
	"slices"
	"testing"
)

// TestEnglishTerms: what a question is told apart by stays, in one form.
func TestEnglishTerms(t *testing.T) {
	m, err := indexMapping(nil)
	if err != nil {
		t.Fatal(err)
	}
	analyzer := m.AnalyzerNamed(enAnalyzer)
	for _, tt := range []struct{ text, same string }{
		{"It's stolen", "steal"},
		{"they stole my terminals", "steal terminal"},
		{"the customer's phone won't start", "customer phone not started"},
		{"I cannot start it", "can't start"},
		{"he hasn't paid", "not pay"},
	} {
		got, want := terms(analyzer, tt.text, math.MaxInt), terms(analyzer, tt.same, math.MaxInt)
		if !slices.Equal(got, want) {
			t.Errorf("%q has the terms %q, %q has %q", tt.text, got, tt.same, want)
		}
	}
	for _, tt := range [][2]string{{"switch it on", "switch it off"}, {"it works", "it doesn't work"}, {"who pays", "when"}} {
		if slices.Equal(terms(analyzer, tt[0], math.MaxInt), terms(analyzer, tt[1], math.MaxInt)) {
			t.Errorf("%q and %q have the same terms", tt[0], tt[1])
		}
	}
}

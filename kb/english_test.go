package kb

import (
	"math"
	"slices"
	"testing"

	"tilldesk/content/source"
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

// TestIdleWords: of passages that speak of the same, the one comes first that is
// asked for in the same way.
func TestIdleWords(t *testing.T) {
	if got, want := idleWords(source.En, "May I wipe it, or may they?"), []string{"~may", "~i", "~it", "~or", "~they"}; !slices.Equal(got, want) {
		t.Errorf("the idle words are %q, not %q", got, want)
	}
	if got := idleWords(source.Zh, "可以擦吗 may I"); len(got) > 0 {
		t.Errorf("a Chinese question has the idle words %q", got)
	}
	m, err := indexMapping(nil)
	if err != nil {
		t.Fatal(err)
	}
	passage := func(asks ...string) Passage {
		return Passage{Heading: source.Text{En: asks[0]}, Asks: Asks{En: asks[1:]}, Text: source.Text{En: "Wipe the window."}}
	}
	l := newLikeness(source.En, m.AnalyzerNamed(enAnalyzer), &Base{articles: []*Article{{Passages: []Passage{
		passage("May I wipe the window?", "should we wipe windows"),
		passage("Which cloth for the window to wipe with?", "the cloth to wipe windows with"),
		passage("Where is the printer?", "a printer for it"),
	}}}})
	asked := func(text string, i int) float64 {
		q := l.question(terms(m.AnalyzerNamed(enAnalyzer), text, maxQueryTerms), idleWords(source.En, text), nil)
		defer l.done(q)
		_, odds := l.compare(i, q)
		return odds[asking]
	}
	for text, want := range map[string]int{"may we wipe windows": 0, "to wipe windows with": 1} {
		if other := 1 - want; asked(text, want) <= asked(text, other) {
			t.Errorf("%q has %.3f for passage %d and %.3f for %d", text, asked(text, want), want, asked(text, other), other)
		}
	}
}

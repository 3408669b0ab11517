package kb

import (
	"math"
	"slices"
	"testing"

	"github.com/blevesearch/bleve/v2/analysis"

	"tilldesk/content/source"
)

// TestSynonyms: a Latin word stands in a text in any form, but never as a part
// of another; a word of Han characters wherever they stand.
func TestSynonyms(t *testing.T) {
	m, err := indexMapping(nil)
	if err != nil {
		t.Fatal(err)
	}
	analyze := map[source.Lang]analysis.Analyzer{source.Zh: m.AnalyzerNamed(zhTokenizer), source.En: m.AnalyzerNamed(enAnalyzer)}
	s := newSynonyms([][]string{{"till", "register"}, {"lost", "gone"}, {"card reader", "swiper"}, {"小票", "单据", "receipt"}}, analyze)
	for _, tt := range []struct {
		lang        source.Lang
		text, alike string
	}{
		{source.En, "still scanning", ""},
		{source.En, "the tills", "register"},
		{source.En, "I lose it", "gone"},
		{source.En, "a card", ""},
		{source.En, "readers of a card", "swiper"},
		{source.En, "gone and lost", ""},
		{source.Zh, "打不出小票了", "单据 receipt"},
		{source.Zh, "小的票", ""},
		{source.Zh, "没有receipt", "小票 单据"},
	} {
		analyzer := analyze[tt.lang]
		got := s.of(tt.lang, tt.text, terms(analyzer, tt.text, math.MaxInt))
		if want := terms(analyzer, tt.alike, math.MaxInt); !slices.Equal(got, want) {
			t.Errorf("%q is widened by %q, want %q", tt.text, got, want)
		}
	}
}

package kb

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tilldesk/content/source"
)

// TestLikenessCountsTerms compares the score with one that is taken from the
// terms themselves.
func TestLikenessCountsTerms(t *testing.T) {
	m, err := indexMapping([]string{"网络坏了"})
	if err != nil {
		t.Fatal(err)
	}
	analyzer := m.AnalyzerNamed(zhTokenizer)
	text := rapid.StringOfN(rapid.SampledFrom([]rune("扫码机器网络坏了 aB1\n")), 0, 12, -1)
	rapid.Check(t, func(t *rapid.T) {
		base := new(Base)
		for range rapid.IntRange(1, 4).Draw(t, "articles") {
			a := &Article{Title: source.Text{Zh: text.Draw(t, "title")}}
			for range rapid.IntRange(1, 3).Draw(t, "passages") {
				a.Passages = append(a.Passages, Passage{
					Heading: source.Text{Zh: text.Draw(t, "heading")},
					Asks:    Asks{Zh: rapid.SliceOfN(text, 0, 3).Draw(t, "asks")},
					Text:    source.Text{Zh: text.Draw(t, "text")},
				})
			}
			base.articles = append(base.articles, a)
		}
		set := func(text string) map[string]bool {
			m := map[string]bool{}
			for _, term := range terms(analyzer, text, math.MaxInt) {
				m[term] = true
			}
			return m
		}
		var all []map[string]bool
		var asks [][]map[string]bool
		for _, a := range base.articles {
			for _, p := range a.Passages {
				ways := append([]string{p.Heading.Zh}, p.Asks.Zh...)
				all = append(all, set(a.Title.Zh+"\n"+strings.Join(ways, "\n")+"\n"+p.Text.Zh))
				var sets []map[string]bool
				for _, way := range ways {
					sets = append(sets, set(way))
				}
				asks = append(asks, sets)
			}
		}
		weight := func(term string) float64 {
			having := 0
			for _, in := range all {
				if in[term] {
					having++
				}
			}
			return termWeight(term) * math.Log(1+float64(len(all))/(0.5+float64(having)))
		}

		asked := terms(analyzer, text.Draw(t, "question"), maxQueryTerms)
		alike := terms(analyzer, text.Draw(t, "synonyms"), maxSynonymTerms)
		total := 0.0
		for _, term := range asked {
			total += weight(term)
		}
		common := func(in map[string]bool) float64 {
			sum := 0.0
			for _, term := range asked {
				if in[term] {
					sum += weight(term)
				}
			}
			for _, term := range alike {
				if in[term] {
					sum += synonymBoost * weight(term)
				}
			}
			return sum
		}
		l := newLikeness(source.Zh, analyzer, base)
		question := l.question(asked, nil, alike)
		for i := range all {
			best := 0.0
			for _, way := range asks[i] {
				size := 0.0
				for term := range way {
					size += weight(term)
				}
				if size+total > 0 {
					best = max(best, min(1, 2*common(way)/(size+total)))
				}
			}
			want := alikeShare*best + coversShare*min(1, common(all[i])/max(total, 1e-9))
			if got, _ := l.compare(i, question); math.Abs(got-want) > 1e-9 {
				t.Fatalf("passage %d scores %v, by its terms it is %v", i, got, want)
			}
		}
		l.done(question)
		for n, place := range question.places {
			if place != 0 {
				t.Fatalf("the next question is taken to ask for term %d, too", n)
			}
		}
	})
}

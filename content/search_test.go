package content_test

import (
	"os"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/goccy/go-yaml"

	"tilldesk/bot/trial"
	"tilldesk/content"
	"tilldesk/content/source"
	"tilldesk/kb"
)

// Floors of the search on the held-out expectations: a little below what is
// reached, so that a worse analyzer or a muddled article shows.
var searchFloors = map[source.Lang]struct{ recall1, recall3 float64 }{
	source.Zh: {0.91, 0.96},
	source.En: {0.90, 0.97},
}

// tooNear is the share of letter pairs in common from which a way to ask is
// taken for a copy of a held-out question: strangers who ask the same stay
// well below.
const tooNear = 0.5

// TestNothingLearntIsHeldOut compares the ways to ask for articles with the
// questions of testdata/search: the figures there mean something only as long
// as nothing is learnt from them.
func TestNothingLearntIsHeldOut(t *testing.T) {
	c, err := content.Load(content.BuiltIn())
	if err != nil {
		t.Fatal(err)
	}
	for _, lang := range source.Langs {
		var held []map[string]bool
		cases := heldOut(t, lang)
		for _, c := range cases {
			held = append(held, pairs(c.Query))
		}
		for _, a := range c.Base.Articles() {
			for _, p := range a.Passages {
				for _, ask := range append([]string{p.Heading.In(lang)}, p.Asks.In(lang)...) {
					own := pairs(ask)
					for i, other := range held {
						common := 0
						for pair := range own {
							if other[pair] {
								common++
							}
						}
						if all := len(own) + len(other) - common; float64(common) >= tooNear*float64(all) {
							t.Errorf("%s/%s is asked for by %q, which is too near to the held-out %q", a.ID, p.ID, ask, cases[i].Query)
						}
					}
				}
			}
		}
	}
}

// pairs are the pairs of neighbouring letters of a text.
func pairs(text string) map[string]bool {
	letters := slices.DeleteFunc([]rune(strings.ToLower(text)), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	set := map[string]bool{}
	for i := range len(letters) - 1 {
		set[string(letters[i:i+2])] = true
	}
	return set
}

func heldOut(t *testing.T, lang source.Lang) []kb.Case {
	t.Helper()
	data, err := os.ReadFile("testdata/search/" + string(lang) + ".yaml")
	if err != nil {
		t.Fatal(err)
	}
	var cases []kb.Case
	if err := yaml.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	return cases
}

// TestSearch asks the questions of testdata/search, which nothing learns from.
func TestSearch(t *testing.T) {
	k := trial.Knowledge(t)
	for _, lang := range source.Langs {
		t.Run(string(lang), func(t *testing.T) {
			cases := heldOut(t, lang)
			if len(cases) < 60 {
				t.Errorf("%d queries; at least 60 are kept", len(cases))
			}
			// The article that answers is what counts here; the passage is
			// reported beside it.
			byArticle := make([]kb.Case, len(cases))
			for i, c := range cases {
				byArticle[i] = kb.Case{Query: c.Query, Article: c.Article}
			}
			search := func(query string, n int) ([]kb.Hit, error) { return k.Search(t.Context(), lang, query, n) }
			articles, err := kb.Evaluate(byArticle, search)
			if err != nil {
				t.Fatal(err)
			}
			passages, err := kb.Evaluate(cases, search)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("article %v", articles)
			t.Logf("passage recall@1 %.3f, recall@3 %.3f, MRR %.3f", passages.Recall1, passages.Recall3, passages.MRR)
			if floor := searchFloors[lang]; articles.Recall1 < floor.recall1 || articles.Recall3 < floor.recall3 {
				t.Errorf("recall@1 %.3f and recall@3 %.3f; the floors are %.2f and %.2f", articles.Recall1, articles.Recall3, floor.recall1, floor.recall3)
			}
		})
	}
}

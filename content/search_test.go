package content_test

import (
	"os"
	"testing"

	"github.com/goccy/go-yaml"

	"tilldesk/bot/trial"
	"tilldesk/content/source"
	"tilldesk/kb"
)

// Floors of the search on the held-out expectations: a little below what is
// reached, so that a worse analyzer or a muddled article shows.
var searchFloors = map[source.Lang]struct{ recall1, recall3 float64 }{
	source.Zh: {0.82, 0.91},
	source.En: {0.71, 0.84},
}

// TestSearch asks the questions of testdata/search, which nothing learns from.
func TestSearch(t *testing.T) {
	k := trial.Knowledge(t)
	for _, lang := range source.Langs {
		t.Run(string(lang), func(t *testing.T) {
			data, err := os.ReadFile("testdata/search/" + string(lang) + ".yaml")
			if err != nil {
				t.Fatal(err)
			}
			var cases []kb.Case
			if err := yaml.Unmarshal(data, &cases); err != nil {
				t.Fatal(err)
			}
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

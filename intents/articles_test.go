package intents_test

import (
	"fmt"
	"testing"

	"tilldesk/content"
	"tilldesk/intents"
)

// TestManyArticles learns which article and which passage is asked for among
// few of them, and goes without among many: it would take a minute, and more than 65,536 cannot
// be told apart at all. What was learnt is restored either way.
func TestManyArticles(t *testing.T) {
	c, err := content.Load(content.BuiltIn())
	if err != nil {
		t.Fatal(err)
	}
	set := *c.Intents
	set.Examples, set.Acts = set.Examples[:200], set.Acts[:200]
	for _, tt := range []struct {
		articles int
		learnt   bool
	}{{0, false}, {3, true}, {70_000, false}} {
		t.Run(fmt.Sprint(tt.articles), func(t *testing.T) {
			set := set
			set.Asks = nil
			for i := range tt.articles {
				article := fmt.Sprintf("part-%d", i)
				set.Asks = append(set.Asks,
					intents.Ask{Text: fmt.Sprintf("part %d", i), Article: article},
					intents.Ask{Text: fmt.Sprintf("how do i change part %d", i), Article: article, Passage: "change"},
					intents.Ask{Text: fmt.Sprintf("where can i buy part %d", i), Article: article, Passage: "buy"})
			}
			engine, err := intents.NewEngine(t.Context(), &set)
			if err != nil {
				t.Fatal(err)
			}
			saved, err := engine.AppendBinary(nil)
			if err != nil {
				t.Fatal(err)
			}
			restored, err := intents.Restore(&set, saved)
			if err != nil {
				t.Fatal(err)
			}
			for name, e := range map[string]*intents.Engine{"learnt": engine, "restored": restored} {
				if got := e.Articles("how do i change part 2"); (len(got) > 0) != tt.learnt {
					t.Errorf("%s: articles %v among %d", name, got, tt.articles)
				}
				got := e.Passages("who sells part 2, where to buy it")
				if (len(got) > 0) != tt.learnt {
					t.Errorf("%s: passages %v among %d articles", name, got, tt.articles)
				}
				for id, p := range got {
					if id != "part-2/buy" && p >= got["part-2/buy"] {
						t.Errorf("%s: %s is likelier than part-2/buy: %v", name, id, got)
					}
				}
			}
		})
	}
}

package intents_test

import (
	"fmt"
	"testing"

	"tilldesk/content"
	"tilldesk/intents"
)

// TestManyArticles learns which article is asked for among few of them, and
// goes without among many: it would take a minute, and more than 65,536 cannot
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
				set.Asks = append(set.Asks, intents.Ask{Text: fmt.Sprintf("how do i change part %d", i), Article: fmt.Sprintf("part-%d", i)})
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
			}
		})
	}
}

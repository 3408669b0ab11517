package intents_test

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tilldesk/intents"
)

func explainSet(tb testing.TB) (*intents.Set, *intents.Engine) {
	tb.Helper()
	set := &intents.Set{Lexicon: &intents.Lexicon{Same: map[string]string{"花贝": "花呗"}}}
	for id, texts := range map[string][]string{
		"a.huabei":  {"花呗扫不了", "花呗付不出来", "客人用花呗不行", "huabei does not work", "cannot pay with huabei"},
		"b.network": {"没有网", "断网了", "网络不好", "no signal", "the wifi is down"},
		"c.printer": {"打印机不出纸", "小票打不出来", "receipt does not print", "printer is dead"},
	} {
		set.Intents = append(set.Intents, intents.Intent{ID: id, Kind: intents.Symptom})
		for _, text := range texts {
			set.Examples = append(set.Examples, intents.Example{Text: text, Intent: id})
		}
	}
	set.Acts = []intents.ActExample{{Text: "好了", Act: intents.ActYes}, {Text: "没有", Act: intents.ActNo}}
	e, err := intents.NewEngine(tb.Context(), set)
	if err != nil {
		tb.Fatal(err)
	}
	return set, e
}

func TestExplain(t *testing.T) {
	set, e := explainSet(t)
	for text, want := range map[string]struct{ intent, word, like string }{
		"今天花贝扫不了":                     {"a.huabei", "花呗", "花呗扫不了"},
		"why is there no signal here": {"b.network", "signal", "no signal"},
	} {
		x := e.Explain(set, text)
		if len(x.Reasons) != 2 {
			t.Fatalf("%q: %d reasons", text, len(x.Reasons))
		}
		r := x.Reasons[0]
		if r.Intent != want.intent || r.Score != x.Match.Guesses[0].Score {
			t.Errorf("%q: first %s %v", text, r.Intent, r.Score)
		}
		if len(r.Words) == 0 || !strings.Contains(r.Words[0].Text, want.word) || r.Words[0].Weight <= 0 {
			t.Errorf("%q: %+v, want %q to speak for it first", text, r.Words, want.word)
		}
		if len(r.Examples) == 0 || r.Examples[0].Text != want.like {
			t.Errorf("%q resembles %+v, want %q first", text, r.Examples, want.like)
		}
	}
	if same := e.Explain(set, "断网了").Reasons[0].Examples[0]; same.Text != "断网了" || math.Abs(same.Alike-1) > 1e-6 {
		t.Errorf("an example resembles itself by %+v", same)
	}
}

// TestExplainAnyText: the parts named are parts of what was read, do not
// overlap, and examples are of the intent that they are named for.
func TestExplainAnyText(t *testing.T) {
	set, e := explainSet(t)
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(
			rapid.String(),
			rapid.StringMatching(`(花呗|no |网|打印 ?|can't |[\p{Han}a-z0-9 ，.!]){0,40}`),
			rapid.Just(strings.Repeat("网络 down ", 500)),
		).Draw(t, "text")
		x := e.Explain(set, text)
		for _, r := range x.Reasons {
			size := 0
			for _, w := range r.Words {
				if !strings.Contains(x.Match.Normal, w.Text) {
					t.Fatalf("%q is not in %q", w.Text, x.Match.Normal)
				}
				size += len(w.Text)
			}
			if size > len(x.Match.Normal) {
				t.Fatalf("%+v overlap: they are longer than %q", r.Words, x.Match.Normal)
			}
			for _, ex := range r.Examples {
				if ex.Alike <= 0 || ex.Alike > 1+1e-6 {
					t.Fatalf("%q is alike by %v", ex.Text, ex.Alike)
				}
			}
		}
	})
}

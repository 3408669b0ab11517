package botapi_test

import (
	"strings"
	"testing"
	"unicode"

	"github.com/clipperhouse/uax29/v2/graphemes"
	"pgregory.net/rapid"

	"tilldesk/bot/telegram/botapi"
	"tilldesk/bot/telegram/telegramtest"
)

func bare(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, text)
}

// TestSplitHoldsItsPromises: pieces fit, lose nothing but blanks, and cut no
// character that somebody sees.
func TestSplitHoldsItsPromises(t *testing.T) {
	alphabet := []string{"花呗扫不了。", "a", "word ", "\n\n", "\n", "👨‍👩‍👧‍👦", "🇨🇳", "e\u0301\u0302", "👍🏽", "한국", "𝔘", "…", " ", "\u200d", "<b>&"}
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom(alphabet), 0, 400).Draw(t, "text"), "")
		limit := rapid.IntRange(40, 300).Draw(t, "limit")
		pieces := botapi.Split(text, limit)
		for _, p := range pieces {
			if n := telegramtest.Units(p); n < 1 || n > limit {
				t.Fatalf("a piece of %d units, limit %d", n, limit)
			}
		}
		if got, want := bare(strings.Join(pieces, "")), bare(text); got != want {
			t.Fatalf("%q became %q", want, got)
		}
		seen := map[string]bool{}
		for c := graphemes.FromString(text); c.Next(); {
			seen[bare(c.Value())] = true
		}
		for _, p := range pieces {
			for c := graphemes.FromString(p); c.Next(); {
				if v := bare(c.Value()); v != "" && telegramtest.Units(v) < limit && !seen[v] && !strings.Contains(v, "\u200d") {
					t.Fatalf("%q is no character of the text", v)
				}
			}
		}
	})
}

func TestSplitChoosesGoodBorders(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		limit      int
		want       []string
	}{
		{"short", "好的", 10, []string{"好的"}},
		{"nothing", " \n ", 10, nil},
		{"paragraph", "one two three\n\nfour", 16, []string{"one two three", "four"}},
		{"line", "one two\nthree four five", 14, []string{"one two", "three four", "five"}},
		{"sentence", "先关机。再开机。还是不行就找人工帮忙看看", 12, []string{"先关机。再开机。", "还是不行就找人工帮忙看看"}},
		{"no border at all", strings.Repeat("啊", 25), 10, []string{strings.Repeat("啊", 10), strings.Repeat("啊", 10), strings.Repeat("啊", 5)}},
		{"one character longer than a message", "e" + strings.Repeat("\u0301", 25), 10, []string{"e" + strings.Repeat("\u0301", 9), strings.Repeat("\u0301", 10), strings.Repeat("\u0301", 6)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := botapi.Split(tt.text, tt.limit)
			if strings.Join(got, "|") != strings.Join(tt.want, "|") {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

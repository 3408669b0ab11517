package intents

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// TestNumbersAreFoundAnywhere compares what is found around digits with what
// the expressions find in the whole text.
func TestNumbersAreFoundAnywhere(t *testing.T) {
	pieces := []string{"错误代码", "返回码:", "error code", "err ", "报", "e", "a1", "51", "-", " ", "#", ".", "¥", "hk$", "12", "3.50", "元", " bucks", "万", "kuai",
		"花呗刷不了", "the scanner is dead", "一二三四五六七八九十", "queue, queue", "。", "\n"}
	rng := rand.New(rand.NewPCG(3, 4))
	found := 0
	for range 5000 {
		var b strings.Builder
		for range rng.IntN(24) {
			b.WriteString(pieces[rng.IntN(len(pieces))])
		}
		text := Normalise(b.String())
		var want []string
		for _, m := range amountRE.FindAllString(text, -1) {
			want = append(want, strings.TrimSpace(m))
		}
		for _, m := range codeRE.FindAllStringSubmatch(text, -1) {
			want = append(want, m[1])
		}
		var got []string
		for _, e := range numbers(text) {
			got = append(got, e.Text)
		}
		if strings.Join(got, "|") != strings.Join(want, "|") {
			t.Fatalf("in %q: %q, want %q", text, got, want)
		}
		found += len(got)
	}
	if found < 1000 {
		t.Errorf("only %d numbers were found; there is too little to compare", found)
	}
}

package linear

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// A shopful is a corpus of the size and shape that the product's content has:
// 6000 rows, 60 % of them of some 15 Han characters and the others of some 12
// words, 46 labels; every fourth word is typical of the label.
func shopful() []Example {
	const rows, labels = 6000, 46
	rng := rand.New(rand.NewPCG(1, 1))
	// Few words are frequent, as in language.
	rare := func(rng *rand.Rand, n int) int { u := rng.Float64(); return int(float64(n) * u * u * u) }
	spell := func(n int) string {
		rng := rand.New(rand.NewPCG(uint64(n), 2))
		var b strings.Builder
		for range 1 + rng.IntN(3) {
			b.WriteByte("bcdfghklmnprstvw"[rng.IntN(16)])
			b.WriteByte("aeiou"[rng.IntN(5)])
			b.WriteByte("nrstlmdy"[rng.IntN(8)])
		}
		return b.String()
	}
	write := func(n int) string {
		rng := rand.New(rand.NewPCG(uint64(n), 3))
		return string([]rune{'一' + rune(rare(rng, 1500)), '一' + rune(rare(rng, 1500))})
	}
	out := make([]Example, rows)
	for i := range out {
		label := i % labels
		zh := rng.IntN(10) < 6
		var words []string
		for range 5 + rng.IntN(6) + map[bool]int{true: 0, false: 4}[zh] {
			n := rare(rng, 2000)
			if rng.IntN(4) == 0 {
				n = 3000 + 40*label + rare(rng, 40)
			}
			if zh {
				words = append(words, write(n))
			} else {
				words = append(words, spell(n))
			}
		}
		out[i] = Example{strings.Join(words, map[bool]string{true: "", false: " "}[zh]), fmt.Sprintf("label%02d", label)}
	}
	return out
}

func BenchmarkTrain(b *testing.B) {
	examples := shopful()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Train(context.Background(), examples, Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkClassify(b *testing.B) {
	examples := shopful()
	m, err := Train(context.Background(), examples, Options{})
	if err != nil {
		b.Fatal(err)
	}
	var zh, en []string
	for _, e := range examples[:1000] {
		if strings.Contains(e.Text, " ") {
			en = append(en, e.Text)
		} else {
			zh = append(zh, e.Text)
		}
	}
	for _, bb := range []struct {
		name  string
		texts []string
	}{{"zh", zh}, {"en", en}, {"long", []string{strings.Join(en, " ")}}} {
		b.Run(bb.name, func(b *testing.B) {
			top := make([]Guess, 0, 4)
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				m.Classify(bb.texts[i%len(bb.texts)], top)
				i++
			}
		})
	}
}

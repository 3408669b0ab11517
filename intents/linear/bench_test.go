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
func shopful() []Example { return shop(6000, 46) }

// A shop is a corpus of that kind, of any size.
func shop(rows, labels int) []Example {
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

// BenchmarkGrowth is the curve of the cost of training, up to 500 labels of 200
// rows each: one iteration of each tells, -benchtime 1x.
func BenchmarkGrowth(b *testing.B) {
	for _, labels := range []int{25, 50, 100, 200, 500} {
		examples := shop(200*labels, labels)
		b.Run(fmt.Sprint(labels), func(b *testing.B) {
			for b.Loop() {
				if _, err := Train(context.Background(), examples, Options{}); err != nil {
					b.Fatal(err)
				}
			}
			perSecond := float64(b.N*len(examples)) / b.Elapsed().Seconds()
			b.ReportMetric(perSecond, "rows/s")
			b.ReportMetric(perSecond*float64(labels), "rows*labels/s")
		})
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

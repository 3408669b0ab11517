package intents_test

import (
	"bufio"
	"encoding/json"
	"os"
	"slices"
	"testing"
	"time"

	"tilldesk/content"
	"tilldesk/intents"
	"tilldesk/intents/linear"
)

// BenchmarkHeldOut is every held-out message once, alone and in the whole of a
// match. A message's time is the least of five, since whatever else the machine
// does adds to it; the figures are the median and the 99th percentile over the
// messages.
func BenchmarkHeldOut(b *testing.B) {
	_, engine := learnt(b)
	for _, lang := range []string{"zh", "en"} {
		texts := heldOut(b, lang)
		normal := make([]string, len(texts))
		for i, text := range texts {
			normal[i] = engine.Match(text).Normal
		}
		top := make([]linear.Guess, 0, 5)
		for _, bb := range []struct {
			name string
			do   func(i int)
		}{
			{"classify", func(i int) { engine.Classify(normal[i], top) }},
			{"match", func(i int) { engine.Match(texts[i]) }},
		} {
			b.Run(bb.name+"/"+lang, func(b *testing.B) {
				b.ReportAllocs()
				least := make([]time.Duration, len(texts))
				n := 0
				for b.Loop() {
					for i := range texts {
						took := time.Hour
						for range 5 {
							start := time.Now()
							bb.do(i)
							took = min(took, time.Since(start))
						}
						least[i] = took
					}
					n++
				}
				slices.Sort(least)
				at := func(q float64) float64 {
					return float64(least[int(q*float64(len(least)-1))].Nanoseconds()) / 1e3
				}
				b.ReportMetric(at(.5), "p50-µs")
				b.ReportMetric(at(.99), "p99-µs")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

// learnt is the built-in content, and the engine that has learnt it.
func learnt(b *testing.B) (*content.Content, *intents.Engine) {
	b.Helper()
	c, err := content.Load(content.BuiltIn())
	if err != nil {
		b.Fatal(err)
	}
	engine, err := intents.NewEngine(b.Context(), c.Intents)
	if err != nil {
		b.Fatal(err)
	}
	return c, engine
}

func heldOut(b *testing.B, lang string) []string {
	b.Helper()
	f, err := os.Open("../content/testdata/utterances/messages." + lang + ".jsonl")
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	var texts []string
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var row struct{ Text string }
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
			b.Fatal(err)
		}
		texts = append(texts, row.Text)
	}
	if err := lines.Err(); err != nil {
		b.Fatal(err)
	}
	return texts
}

// BenchmarkRestore is the engine of the built-in content taken from what was
// saved of it.
func BenchmarkRestore(b *testing.B) {
	c, e := learnt(b)
	saved, err := e.AppendBinary(nil)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(saved)))
	for b.Loop() {
		if _, err := intents.Restore(c.Intents, saved); err != nil {
			b.Fatal(err)
		}
	}
}

package linear_test

import (
	"bytes"
	"slices"
	"testing"

	"tilldesk/intents/linear"
)

func save(tb testing.TB, m *linear.Model) []byte {
	tb.Helper()
	b, err := m.AppendBinary(nil)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func TestSavedModelAnswersTheSame(t *testing.T) {
	m := train(t, library(t, "train"), linear.Options{Names: map[string][]string{"hours": {"opening hours"}}})
	saved := save(t, m)
	again, rest, err := linear.Load(append(slices.Clone(saved), "what follows"...))
	if err != nil || string(rest) != "what follows" {
		t.Fatalf("loaded with %v, %q is left", err, rest)
	}
	if !slices.Equal(again.Labels(), m.Labels()) {
		t.Errorf("labels %v, saved were %v", again.Labels(), m.Labels())
	}
	for _, e := range library(t, "test") {
		want, wantKnown := m.Classify(e.Text, make([]linear.Guess, 0, 4))
		got, known := again.Classify(e.Text, make([]linear.Guess, 0, 4))
		if !slices.Equal(got, want) || known != wantKnown {
			t.Fatalf("%q: %v (known %v), before it was saved %v (known %v)", e.Text, got, known, want, wantKnown)
		}
	}
	if !bytes.Equal(save(t, again), saved) {
		t.Error("saved once more it is different")
	}
}

func TestLoadRefuses(t *testing.T) {
	saved := save(t, train(t, []linear.Example{{Text: "open", Label: "a"}, {Text: "书", Label: "b"}}, linear.Options{}))
	for n := range saved {
		if _, _, err := linear.Load(saved[:n]); err == nil {
			t.Fatalf("the first %d of %d bytes are taken for a model", n, len(saved))
		}
	}
	if _, _, err := linear.Load([]byte("#!/bin/sh\necho this is something else\n")); err == nil {
		t.Error("a script is taken for a model")
	}
}

// FuzzLoad: what is loaded from any bytes can be asked anything.
func FuzzLoad(f *testing.F) {
	f.Add(save(f, train(f, []linear.Example{{Text: "open", Label: "a"}, {Text: "书", Label: "b"}}, linear.Options{})), "open 书")
	f.Fuzz(func(t *testing.T, b []byte, text string) {
		m, _, err := linear.Load(b)
		if err != nil {
			return
		}
		m.Classify(text, make([]linear.Guess, 0, 3))
	})
}

func BenchmarkLoad(b *testing.B) {
	saved := save(b, train(b, library(b, "train"), linear.Options{}))
	b.ReportAllocs()
	b.SetBytes(int64(len(saved)))
	for b.Loop() {
		if _, _, err := linear.Load(saved); err != nil {
			b.Fatal(err)
		}
	}
}

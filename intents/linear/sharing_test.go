package linear

import (
	"slices"
	"testing"
)

// TestShareFeatures loads models one by one: those that were trained together
// have their features once again, and another keeps its own.
func TestShareFeatures(t *testing.T) {
	examples := []Example{{Text: "open late", Label: "a"}, {Text: "open early", Label: "a"}, {Text: "borrow a book", Label: "b"}, {Text: "lend a book", Label: "b"}}
	whole, part, err := TrainParts(t.Context(), examples, []string{"a1", "a2", "b1", "b2"}, Options{Ranking: true})
	if err != nil {
		t.Fatal(err)
	}
	other, err := Train(t.Context(), examples[:3], Options{})
	if err != nil {
		t.Fatal(err)
	}
	loaded := func(m *Model) *Model {
		t.Helper()
		b, err := m.AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		again, _, err := Load(b)
		if err != nil {
			t.Fatal(err)
		}
		return again
	}
	whole, part, other = loaded(whole), loaded(part), loaded(other)
	own := slices.Clone(other.features.rests)
	part.ShareFeatures(whole)
	other.ShareFeatures(whole)
	if &part.features.rests[0] != &whole.features.rests[0] || &part.features.starts[0] != &whole.features.starts[0] {
		t.Error("models that were trained together do not share their features")
	}
	if !slices.Equal(other.features.rests, own) || slices.Equal(own, whole.features.rests) {
		t.Error("a model of other examples has not kept its own features")
	}
}

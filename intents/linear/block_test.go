package linear

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestBlock compares what is written for the processor with what it stands for,
// to the last bit.
func TestBlock(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const size = 40
		number := rapid.Float32Range(-3, 3)
		draw := func(name string) (c columns) {
			copy(c[:], rapid.SliceOfN(number, together, together).Draw(t, name))
			return c
		}
		b := make(block, size)
		for i := range b {
			b[i] = draw("weights")
		}
		features := rapid.SliceOfNDistinct(rapid.Int32Range(0, size-1), 0, size, rapid.ID).Draw(t, "features")
		values := rapid.SliceOfN(number, len(features), len(features)).Draw(t, "values")

		var want columns
		dotPlain(features, values, b, &want)
		if got := b.dot(features, values); got != want {
			t.Errorf("dot: %v, want %v", got, want)
		}

		by, plain := draw("by"), slices.Clone(b)
		addPlain(features, values, &by, plain)
		if b.add(features, values, &by); !slices.Equal(b, plain) {
			t.Errorf("add: %v, want %v", b, plain)
		}
	})
}

// BenchmarkBlock is a row of usual length with weights that the nearest cache
// does not hold: what training does most.
func BenchmarkBlock(b *testing.B) {
	w := make(block, 1<<15)
	features, values := make([]int32, 90), make([]float32, 90)
	for i := range features {
		features[i], values[i] = int32(i*i*3), .1
	}
	for _, bb := range []struct {
		name string
		dot  func([]int32, []float32, block, *columns)
	}{{"block", dotBlock}, {"plain", dotPlain}} {
		b.Run(bb.name, func(b *testing.B) {
			var sums columns
			for b.Loop() {
				bb.dot(features, values, w, &sums)
			}
		})
	}
}

package linear

// together is how many machines are trained side by side. What a row costs is
// mostly the memory of its features; eight weights are half a cache line.
const together = 8

// columns is a number for each of the machines that are trained together.
type columns [together]float32

// A block has columns for each feature, or for each row.
type block []columns

// zeroed returns a block of n zeros, in b's memory if that is enough.
func (b block) zeroed(n int) block {
	if cap(b) < n {
		return make(block, n)
	}
	b = b[:n]
	clear(b)
	return b
}

// dot returns the product of a sparse vector with each column. There is a value
// for each feature.
func (b block) dot(features []int32, values []float32) (sums columns) {
	dotBlock(features, values, b, &sums)
	return sums
}

// add adds a sparse vector, times by, to the columns. There is a value for each
// feature, and no feature twice.
func (b block) add(features []int32, values []float32, by *columns) {
	addBlock(features, values, by, b)
}

// fetch brings the columns of features into the caches, where they will be
// wanted soon.
func (b block) fetch(features []int32) { fetchColumns(features, b) }

// dotPlain is dotBlock in Go, for machines that have no other. Even and odd
// features are summed up apart, as there. The conversions keep a product and a
// sum from being made one, with another rounding: the same examples are to give
// the same model everywhere.
func dotPlain(features []int32, values []float32, b block, sums *columns) {
	var parts [2]columns
	for i, f := range features {
		x, w, sum := values[i], &b[f], &parts[i%2]
		for k := range sum {
			sum[k] += float32(x * w[k])
		}
	}
	for k := range sums {
		sums[k] = parts[0][k] + parts[1][k]
	}
}

// addPlain is addBlock in Go.
func addPlain(features []int32, values []float32, by *columns, b block) {
	for i, f := range features {
		x, w := values[i], &b[f]
		for k := range w {
			w[k] += float32(x * by[k])
		}
	}
}

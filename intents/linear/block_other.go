//go:build !amd64

package linear

func dotBlock(features []int32, values []float32, b block, sums *columns) {
	dotPlain(features, values, b, sums)
}

func addBlock(features []int32, values []float32, by *columns, b block) {
	addPlain(features, values, by, b)
}

func fetchRow(*vector, *columns, []int32, []float32) {}

func fetchColumns([]int32, block) {}

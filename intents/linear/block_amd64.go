package linear

// dotBlock and addBlock do what dotPlain and addPlain do, four columns at a
// time, and to the last bit the same. Training is mostly these two. Neither
// checks that the features are within the block: they come from a corpus whose
// features it was made for.

//go:noescape
func dotBlock(features []int32, values []float32, b block, sums *columns)

//go:noescape
func addBlock(features []int32, values []float32, by *columns, b block)

// fetchRow and fetchColumns bring into the caches what will be read: a row's
// features and values with its alpha, what is known of a later row, and the
// columns of features.

//go:noescape
func fetchRow(later *vector, alpha *columns, features []int32, values []float32)

//go:noescape
func fetchColumns(features []int32, b block)

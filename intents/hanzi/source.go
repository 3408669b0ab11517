package hanzi

import "embed"

// Source is the program text and the tables of this package, for those who
// keep what was made with them and must know when they change.
//
//go:embed *.go *.txt
var Source embed.FS

package linear

import "embed"

// Source is the program text of this package. The same examples give another
// model when it changes; who keeps models can tell by it.
//
//go:embed *.go *.s
var Source embed.FS

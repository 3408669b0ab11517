// Package english knows which everyday English words say the same: who learnt
// "refund" understands "reimburse" then, though no example has it. The examples
// say what matters here; this says what any reader of them knows besides.
package english

import (
	"embed"
	"strings"
	"sync"
)

// Source is the program text and the words. What is learnt with them is another
// when they change; who keeps it can tell by it.
//
//go:embed *.go *.txt
var Source embed.FS

//go:embed words.txt
var words string

// Groups returns groups of two and more words that say the same, in lower case.
// No word is in two of them. They are shared: do not change them.
var Groups = sync.OnceValue(func() (groups [][]string) {
	for line := range strings.Lines(words) {
		if group := strings.Fields(line); len(group) > 0 && group[0] != "#" {
			groups = append(groups, group)
		}
	}
	return groups
})

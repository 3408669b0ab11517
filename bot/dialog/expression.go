package dialog

import (
	"regexp"
	"sync"
)

// An expression is made ready to be matched when it is first needed: there are
// some hundreds of ways to say something, which are the larger part of what a
// script takes in memory, and most messages have a cue for few of them. It is
// safe for concurrent use.
type expression struct {
	text    string
	longest bool // of all matches that begin at one place the longest counts, not the first

	once sync.Once
	re   *regexp.Regexp
}

// ready returns the expression to match with. It was checked when it was read.
func (e *expression) ready() *regexp.Regexp {
	e.once.Do(func() {
		e.re = regexp.MustCompile(e.text)
		if e.longest {
			e.re.Longest()
		}
	})
	return e.re
}

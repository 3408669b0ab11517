//go:build !race

package linear_test

import (
	"strings"
	"testing"

	"tilldesk/intents/linear"
)

// Under the race detector sync.Pool drops what it is given now and then, to
// find bugs; the count means nothing there.
func TestClassifyAllocatesNothing(t *testing.T) {
	m := train(t, library(t, "train"), linear.Options{})
	top := make([]linear.Guess, 0, 4)
	for _, text := range []string{"", "读者证丢了怎么补办", "has my reserved book arrived yet", strings.Repeat("书 book ", 1000)} {
		m.Classify(text, top) // the memory grows with the longest text so far
		if n := testing.AllocsPerRun(200, func() { m.Classify(text, top) }); n != 0 {
			t.Errorf("Classify(%.20q) allocates %v times", text, n)
		}
	}
}

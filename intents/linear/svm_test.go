package linear

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// wordy makes rows of words, some of which only some labels use.
func wordy(rows, labels int) []Example {
	rng := rand.New(rand.NewPCG(7, uint64(rows)))
	out := make([]Example, rows)
	for i := range out {
		label := i % labels
		var words []string
		for range 4 + rng.IntN(6) {
			if rng.IntN(3) == 0 {
				words = append(words, fmt.Sprintf("x%dy%d", label, rng.IntN(12)))
			} else {
				words = append(words, fmt.Sprintf("z%d", rng.IntN(60)))
			}
		}
		out[i] = Example{strings.Join(words, " "), fmt.Sprint("label", label)}
	}
	return out
}

// TestSolveIsOptimal compares what solve minimises with the dual, which is
// below it everywhere and meets it at the optimum only. Where training stops
// earlier, that is what it saves time by.
func TestSolveIsOptimal(t *testing.T) {
	for _, tt := range []struct{ rows, labels int }{{1, 1}, {2, 2}, {40, 4}, {300, 10}, {300, 2}} {
		t.Run(fmt.Sprint(tt), func(t *testing.T) {
			c := mustCorpus(t, wordy(tt.rows, tt.labels))
			l := fullLesson(c)
			l.prepare(c)
			s := solver{effort: effort{tolerance: .1, looks: 30}}
			for classes := range slices.Chunk(l.taught, together) {
				p := problem{l.vectors, l.audiences(c, [][]int32{classes}, rivalsOf(t, l, c))[0], classes}
				s.solve(p, len(c.groups), nil)
				for k, label := range classes {
					bias := s.bias[k]
					length := float64(bias) * float64(bias)
					for _, w := range s.weights {
						length += float64(w[k]) * float64(w[k])
					}
					primal, dual := length/2, -length/2
					for i := range l.vectors.rows {
						has := l.vectors.rows[i].label
						y, cost := -1., float64(costOut)
						if has == label {
							y, cost = 1, costIn
						}
						features, values := l.vectors.row(i)
						score := s.weights.dot(features, values)[k]
						miss := max(0, 1-y*float64(score+bias))
						primal += cost * miss * miss
						a := float64(s.alpha[i][k])
						dual += a - a*a/(4*cost)
					}
					if gap := (primal - dual) / primal; gap < -1e-4 || gap > .05 || math.IsNaN(gap) {
						t.Errorf("label %d: primal %v, dual %v", label, primal, dual)
					}
				}
			}
		})
	}
}

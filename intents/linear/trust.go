package linear

import "math"

// trust is how scores become probabilities.
type trust struct {
	heat  float64 // softmax(heat * scores) are the shares of the labels
	known logistic
}

// negligibly is the power of e below which a label's part is taken for none: six
// millionths of the best one's. Most labels are, and an exponential is dear.
const negligibly = -12

// part is the part of a label whose score is so much below the best one, which
// has the part 1.
func (t *trust) part(below float32) float64 {
	if x := t.heat * float64(below); x > negligibly {
		return math.Exp(x)
	}
	return 0
}

// signals tell whether a message belongs to any label at all.
type signals [3]float64 // the best score, its lead over the next, coverage

// maxLead is where a larger lead says no more; also the lead of the only label.
const maxLead = 2

func newSignals(best, next, coverage float32) signals {
	return signals{float64(best), min(maxLead, float64(best-next)), float64(coverage)}
}

// best2 returns the label with the largest score and the two largest scores.
func best2(scores []float32) (label int, best, next float32) {
	best, next = float32(math.Inf(-1)), float32(math.Inf(-1))
	for l, s := range scores {
		switch {
		case s > best:
			label, best, next = l, s, best
		case s > next:
			next = s
		}
	}
	return label, best, next
}

// usualOutside is the share of messages that are taken to belong to no label
// unless Options say otherwise.
const usualOutside = .2

// What is assumed before rehearsing: what rehearsals on public corpora come to.
// The more rows are rehearsed with, the less it counts; doubt is how firmly it
// is held.
var usual = trust{
	heat:  5,
	known: logistic{weights: signals{1.8, 1.5, 2.4}, bias: -1.6},
}

const doubt = 2.0

// newTrust learns from what the machines made of held-back rows.
func newTrust(rehearsals []*lesson, outside float64) trust {
	return trust{heat: fitHeat(rehearsals), known: fitKnown(rehearsals, outside)}
}

// fitHeat returns the heat under which the true labels of held-back rows are
// likeliest (temperature scaling: Guo et al. 2017, "On Calibration of Modern
// Neural Networks"). The loss is convex, so Newton's steps find it.
func fitHeat(rehearsals []*lesson) float64 {
	heat := usual.heat
	for range 20 {
		slope := 2 * doubt * (heat - usual.heat) / (usual.heat * usual.heat)
		bend := 2 * doubt / (usual.heat * usual.heat)
		for _, l := range rehearsals {
			for _, a := range l.answers {
				if a.foreign {
					continue
				}
				_, best, _ := best2(a.scores)
				var z, mean, square float64
				for _, s := range a.scores {
					d := float64(s - best)
					if d*heat < -20 {
						continue
					}
					e := math.Exp(heat * d)
					z += e
					mean += e * d
					square += e * d * d
				}
				mean /= z
				slope += mean - float64(a.scores[a.label]-best)
				bend += square/z - mean*mean
			}
		}
		next := min(max(heat-slope/bend, heat/2), heat*2)
		done := math.Abs(next-heat) < 1e-3*heat
		heat = next
		if done {
			break
		}
	}
	return heat
}

// A logistic is a logistic regression.
type logistic struct {
	weights signals
	bias    float64
}

func (l *logistic) at(x *signals) float64 {
	z := l.bias
	for i, w := range l.weights {
		z += w * x[i]
	}
	return 1 / (1 + math.Exp(-z))
}

// fitKnown learns to tell held-back rows of taught labels from those of
// foreign ones. Weights are not negative: with few rows a signal may seem to
// speak against its nature, and it would do so in earnest.
func fitKnown(rehearsals []*lesson, outside float64) logistic {
	var xs []signals
	var ys []float64
	var count [2]float64
	for _, l := range rehearsals {
		if len(l.taught) < 2 {
			continue // nothing to confuse a message with
		}
		for _, a := range l.answers {
			_, best, next := best2(a.scores)
			xs = append(xs, newSignals(best, next, a.coverage))
			y := 1
			if a.foreign {
				y = 0
			}
			ys = append(ys, float64(y))
			count[y]++
		}
	}
	lr := usual.known
	if count[0] == 0 || count[1] == 0 {
		return lr
	}
	n := count[0] + count[1]
	say := [2]float64{outside * n / count[0], (1 - outside) * n / count[1]}
	// One parameter at a time takes a Newton step, bounded because the curve
	// is flat far from the optimum.
	step := func(p, usual float64, x func(i int) float64) float64 {
		slope, bend := 2*doubt*(p-usual), 2*doubt
		for i := range xs {
			at, v, w := lr.at(&xs[i]), x(i), say[int(ys[i])]
			slope += w * (at - ys[i]) * v
			bend += w * at * (1 - at) * v * v
		}
		return p - min(max(slope/bend, -1), 1)
	}
	for range 100 {
		before := lr
		lr.bias = step(lr.bias, usual.known.bias, func(int) float64 { return 1 })
		change := math.Abs(lr.bias - before.bias)
		for j, w := range before.weights {
			w = max(0, step(w, usual.known.weights[j], func(i int) float64 { return xs[i][j] }))
			change = max(change, math.Abs(w-before.weights[j]))
			lr.weights[j] = w
		}
		if change < 1e-3 {
			break
		}
	}
	return lr
}

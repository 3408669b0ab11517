package linear

import "math"

const (
	ratioShare = .08 // of a log ratio in a weight
	ratioFloor = .01 // what a feature has in rows that do not have it
)

// ratios is how much of a lesson's rows its features make up. To the weights
// that part a label from the others they add what its rows are made of: the log
// ratios of naive Bayes, in its complement form (Rennie et al. 2003, "Tackling
// the Poor Assumptions of Naive Bayes Text Classifiers"). The one learns from
// the rows near a border alone, the other from every row, and they err apart.
// Both are linear in the same vectors: the sum costs nothing when classifying.
type ratios struct {
	byLabel [][]int32 // the numbers of the rows with the label
	total   []float32 // by feature, of the rows' values
	// lean is, by label, what speaks for it or against it with every telling
	// feature of a text: what a ratio is if none of the label's rows has the
	// feature, less the mean of the labels.
	lean []float32
}

// telling reports whether the group counts for ratios. Skips repeat what words
// and characters have said, and naive Bayes believes every repetition.
func (g group) telling() bool { return g != latinSkips && g != hanSkips }

func newRatios(c *corpus, v *vectors, taught []int32) *ratios {
	r := &ratios{byLabel: make([][]int32, c.labels), total: make([]float32, len(c.groups)), lean: make([]float32, c.labels)}
	sums := make([]float64, c.labels)
	for i := range v.rows {
		row := &v.rows[i]
		r.byLabel[row.label] = append(r.byLabel[row.label], int32(i))
		features, values := v.row(i)
		for j, f := range features {
			if c.groups[f].telling() {
				r.total[f] += values[j] * row.says
				sums[row.label] += float64(values[j] * row.says)
			}
		}
	}
	all, floor := 0.0, 0.0
	for _, t := range r.total {
		if t > 0 {
			all += float64(t)
			floor += ratioFloor
		}
	}
	if floor == 0 {
		return r // nothing in any row
	}
	mean := float32(0)
	for _, label := range taught {
		r.lean[label] = ratioShare * float32(math.Log((all-sums[label]+floor)/(sums[label]+floor)))
		mean += r.lean[label] / float32(len(taught))
	}
	for _, label := range taught {
		r.lean[label] -= mean
	}
	return r
}

// add adds the ratios of the classes to the weights of their machines, and
// returns their leans. in is memory for a number by feature, all 0, and left so.
// Without ratios nothing changes.
//
// A ratio is log(P(f|label)/P(f|others)). What it is for any feature that the
// label's rows do not have is taken out of all ratios, so that few are left, and
// makes the lean. What is the same for all labels is left out.
func (r *ratios) add(weights block, v *vectors, classes []int32, groups []group, in []float32) (lean columns) {
	if r == nil {
		return lean
	}
	for k, class := range classes {
		lean[k] = r.lean[class]
		for _, i := range r.byLabel[class] {
			features, values := v.row(int(i))
			for j, f := range features {
				if groups[f].telling() {
					in[f] += values[j] * v.rows[i].says
				}
			}
		}
		for _, i := range r.byLabel[class] {
			features, _ := v.row(int(i))
			for _, f := range features {
				if in[f] == 0 {
					continue // not telling, or in an earlier row
				}
				inside := (in[f] + ratioFloor) / ratioFloor
				outside := (max(0, r.total[f]-in[f]) + ratioFloor) / (r.total[f] + ratioFloor)
				weights[f][k] += ratioShare * float32(math.Log(float64(inside/outside)))
				in[f] = 0
			}
		}
	}
	return lean
}

// telling returns the sum of the values of row i's telling features.
func (v *vectors) telling(i int, groups []group) (length float32) {
	features, values := v.row(i)
	for j, f := range features {
		if groups[f].telling() {
			length += values[j]
		}
	}
	return length
}

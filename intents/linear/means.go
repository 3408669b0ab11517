package linear

import "math"

// means returns the mean of each label's rows, at length 1 in each script: the
// score of a text is then how alike the two are (Rocchio 1971, "Relevance
// Feedback in Information Retrieval"). labels has the label of each row, -1 for
// none; rows beyond it have none. What the rows of other labels look like does
// not count, so that there is nothing to solve, and hundreds of labels of a dozen
// rows each cost next to nothing.
func means(groups []group, v *vectors, labels []int32, n int) [][]weight {
	rows := make([][]int, n)
	for i, label := range labels {
		if label >= 0 {
			rows[label] = append(rows[label], i)
		}
	}
	byLabel := make([][]weight, n)
	sums := make([]float32, len(groups))
	for label, own := range rows {
		size := 0
		for _, i := range own {
			features, values := v.row(i)
			size += len(features)
			for j, f := range features {
				sums[f] += values[j]
			}
		}
		var squares [scripts]float64
		mean := make([]weight, 0, size)
		for _, i := range own {
			features, _ := v.row(i)
			for _, f := range features {
				if x := sums[f]; x > 0 {
					mean = append(mean, weight{f, uint16(label), x})
					squares[groups[f].script()] += float64(x) * float64(x)
					sums[f] = 0
				}
			}
		}
		for k := range mean {
			mean[k].value /= float32(math.Sqrt(squares[groups[mean[k].feature].script()]))
		}
		byLabel[label] = mean
	}
	return byLabel
}

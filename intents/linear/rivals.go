package linear

import "context"

// With few labels every machine is shown every row. With many that costs rows
// times labels, and most of it tells that a row is not what nobody would take it
// for. Then a row is shown to the machines of its own label and of its rivals,
// the labels that it shares most with; one row of a label in so many strangers is
// shown to all, so that each machine knows what the rest is like. In
// cross-validation no fewer are right then, with four rivals as with eight and
// with 44 labels; but up to a hundred labels, choosing the rows costs what it
// saves.
const (
	fewLabels = 100
	rivals    = 4
	strangers = 16
	// typical is how many labels are known of a feature, those that most of its
	// rows have. A feature of more labels tells little.
	typical = 8
)

// A shared is how many rows of a label have a feature.
type shared struct{ label, rows int32 }

// rivalsOf returns the rivals of each row that the lesson teaches, -1 where it
// has fewer; nil if there are few labels.
func (l *lesson) rivalsOf(ctx context.Context, c *corpus, workers int) ([][rivals]int32, error) {
	if c.labels <= fewLabels {
		return nil, nil
	}
	labelsOf := l.typicalLabels(c)
	out := make([][rivals]int32, len(c.rows))
	type desk struct {
		scores  []float32
		touched []int32
	}
	desks := make([]desk, workers)
	err := parallel(ctx, workers, len(l.rows), func(worker, i int) {
		label := l.vectors.rows[i].label
		scores, touched := desks[worker].scores, desks[worker].touched
		if scores == nil {
			scores = make([]float32, c.labels)
		}
		touched = touched[:0]
		features, values := l.vectors.shared(int32(i))
		for j, f := range features {
			x := values[j] * values[j] / float32(l.space.counts[f])
			for _, s := range labelsOf[f] {
				if s.rows == 0 {
					break
				}
				if scores[s.label] == 0 {
					touched = append(touched, s.label)
				}
				scores[s.label] += x * float32(s.rows)
			}
		}
		scores[label] = 0 // no rival of itself
		found := best(touched, scores, rivals)
		for k := range rivals {
			out[l.rows[i]][k] = -1
			if k < len(found) && scores[found[k]] > 0 {
				out[l.rows[i]][k] = found[k]
			}
		}
		for _, label := range touched {
			scores[label] = 0
		}
		desks[worker] = desk{scores, touched}
	})
	return out, err
}

// audiences returns, for each block of classes, which of the lesson's rows its
// machines are shown, in their order. rivalsOf has the rivals of each row of the
// corpus, or is nil.
func (l *lesson) audiences(c *corpus, blocks [][]int32, rivalsOf [][rivals]int32) [][]int32 {
	shown := make([][]int32, len(blocks))
	if rivalsOf == nil {
		all := make([]int32, len(l.rows))
		for i := range all {
			all[i] = int32(i)
		}
		for b := range shown {
			shown[b] = all
		}
		return shown
	}
	blockOf := make([]int32, c.labels)
	for b, classes := range blocks {
		for _, class := range classes {
			blockOf[class] = int32(b)
		}
	}
	turn := make([]int, c.labels)
	last := make([]int32, len(blocks)) // the last row that the block is shown, and 1
	for i := range l.rows {
		label := l.vectors.rows[i].label
		show := func(label int32) {
			if b := blockOf[label]; last[b] != int32(i)+1 {
				shown[b] = append(shown[b], int32(i))
				last[b] = int32(i) + 1
			}
		}
		turn[label]++
		if turn[label]%strangers == 1 {
			for _, classes := range blocks {
				show(classes[0])
			}
			continue
		}
		show(label)
		for _, rival := range rivalsOf[l.rows[i]] {
			if rival >= 0 {
				show(rival)
			}
		}
	}
	return shown
}

// typicalLabels returns by feature the labels that most of its rows have, those
// with the most rows not always first, and then zeros.
func (l *lesson) typicalLabels(c *corpus) [][typical]shared {
	byLabel := make([][]int32, c.labels)
	for i := range l.vectors.rows {
		label := l.vectors.rows[i].label
		byLabel[label] = append(byLabel[label], int32(i))
	}
	labelsOf := make([][typical]shared, c.shared)
	rows := make([]int32, c.shared)
	for label, is := range byLabel {
		for _, i := range is {
			features, _ := l.vectors.shared(i)
			for _, f := range features {
				rows[f]++
			}
		}
		for _, i := range is {
			features, _ := l.vectors.shared(i)
			for _, f := range features {
				if rows[f] == 0 {
					continue // counted with an earlier row
				}
				at := 0
				for k, s := range labelsOf[f] {
					if s.rows < labelsOf[f][at].rows {
						at = k
					}
				}
				if rows[f] > labelsOf[f][at].rows {
					labelsOf[f][at] = shared{int32(label), rows[f]}
				}
				rows[f] = 0
			}
		}
	}
	return labelsOf
}

// best puts the n labels with the highest scores first and returns them.
func best(labels []int32, scores []float32, n int) []int32 {
	n = min(n, len(labels))
	for i := range n {
		for j := i + 1; j < len(labels); j++ {
			if scores[labels[j]] > scores[labels[i]] {
				labels[i], labels[j] = labels[j], labels[i]
			}
		}
	}
	return labels[:n]
}

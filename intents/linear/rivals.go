package linear

// With few labels every machine is shown every row. With many that costs rows
// times labels, and most of it tells that a row is not what nobody would take it
// for. Then a row is shown to the machines of its own label and of its rivals,
// the labels that it shares most with; one row of a label in so many strangers is
// shown to all, so that each machine knows what the rest is like. In
// cross-validation no fewer are right then, down to four rivals and with 44
// labels; but up to a hundred labels, choosing the rows costs what it saves.
const (
	fewLabels = 100
	rivals    = 8
	strangers = 16
	// typical is how many labels are known of a feature, those that most of its
	// rows have. A feature of more labels tells little.
	typical = 8
)

// A shared is how many rows of a label have a feature.
type shared struct{ label, rows int32 }

// audiences returns, for each block of classes, which of the lesson's rows its
// machines are shown, in their order.
func (l *lesson) audiences(c *corpus, blocks [][]int32) [][]int32 {
	shown := make([][]int32, len(blocks))
	if c.labels <= fewLabels {
		all := make([]int32, len(l.labels))
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
	labelsOf := l.typicalLabels(c)
	scores := make([]float32, c.labels)
	var touched []int32
	turn := make([]int, c.labels)
	last := make([]int32, len(blocks)) // the last row that the block is shown, and 1
	for i, label := range l.labels {
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
		touched = touched[:0]
		for j := l.vectors.starts[i]; j < l.vectors.own[i]; j++ {
			x := l.vectors.values[j]
			x *= x / float32(l.space.counts[l.vectors.features[j]])
			for _, s := range labelsOf[l.vectors.features[j]] {
				if s.rows == 0 {
					break
				}
				if scores[s.label] == 0 {
					touched = append(touched, s.label)
				}
				scores[s.label] += x * float32(s.rows)
			}
		}
		for _, rival := range best(touched, scores, rivals+1) {
			show(rival)
		}
		for _, label := range touched {
			scores[label] = 0
		}
	}
	return shown
}

// typicalLabels returns by feature the labels that most of its rows have, those
// with the most rows not always first, and then zeros.
func (l *lesson) typicalLabels(c *corpus) [][typical]shared {
	byLabel := make([][]int32, c.labels)
	for i, label := range l.labels {
		byLabel[label] = append(byLabel[label], int32(i))
	}
	labelsOf := make([][typical]shared, c.shared)
	rows := make([]int32, c.shared)
	for label, is := range byLabel {
		for _, i := range is {
			for _, f := range l.vectors.features[l.vectors.starts[i]:l.vectors.own[i]] {
				rows[f]++
			}
		}
		for _, i := range is {
			for _, f := range l.vectors.features[l.vectors.starts[i]:l.vectors.own[i]] {
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

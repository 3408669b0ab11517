// Package measure turns predictions on labelled rows into the figures that
// tilldesk eval and bench print.
package measure

import (
	"cmp"
	"slices"
	"time"

	"tilldesk/intents"
)

// A Row is one labelled message and what was made of it.
type Row struct {
	Text     string
	Gold     string
	Pred     string  // the label reported; intents.OutOfScope if turned away
	InScope  string  // the likeliest label that is in scope
	Score    float64 // higher when surer that the message is in scope and InScope is right
	Answered bool    // whether the bot would act on Pred
	Took     time.Duration
}

// Figures are the measures of one file, in the form of CONTRACT.md, and how far
// the scores are to be trusted. Shares are between 0 and 1; a share of nothing
// is 0.
type Figures struct {
	File             string  `json:"file"`
	N                int     `json:"n"`
	Accuracy         float64 `json:"accuracy"`
	MacroF1          float64 `json:"macro_f1"`
	OOSRecall        float64 `json:"oos_recall"`
	OOSPrecision     float64 `json:"oos_precision"`
	InScopeAccuracy  float64 `json:"in_scope_accuracy"`
	Answered         float64 `json:"answered"`
	AnsweredAccuracy float64 `json:"answered_accuracy"`
	P50Micros        float64 `json:"p50_micros"`
	P99Micros        float64 `json:"p99_micros"`
	AUROC            float64 `json:"auroc"`
	OOSRecallAt95    float64 `json:"oos_recall_at_95"`
	Calibration      float64 `json:"calibration_error"` // over ten bins
}

// Of computes the figures of rows.
func Of(file string, rows []Row) Figures {
	f := Figures{File: file, N: len(rows)}
	var right, inScope, inScopeRight, answered, answeredRight, oos, oosFound, oosSaid int
	for _, r := range rows {
		ok := r.Pred == r.Gold
		count(&right, ok)
		if r.Gold == intents.OutOfScope {
			oos++
			count(&oosFound, ok)
		} else {
			inScope++
			count(&inScopeRight, ok)
		}
		count(&oosSaid, r.Pred == intents.OutOfScope)
		if r.Answered {
			answered++
			count(&answeredRight, ok)
		}
	}
	f.Accuracy = share(right, len(rows))
	f.InScopeAccuracy = share(inScopeRight, inScope)
	f.OOSRecall = share(oosFound, oos)
	f.OOSPrecision = share(oosFound, oosSaid)
	f.Answered = share(answered, len(rows))
	f.AnsweredAccuracy = share(answeredRight, answered)
	f.MacroF1 = macroF1(rows)
	f.P50Micros, f.P99Micros = percentiles(rows)
	f.AUROC, f.OOSRecallAt95, f.Calibration = AUROC(rows), OOSRecallAt95(rows), CalibrationError(rows, 10)
	return f
}

func count(n *int, is bool) {
	if is {
		*n++
	}
}

func share(n, of int) float64 {
	if of == 0 {
		return 0
	}
	return float64(n) / float64(of)
}

// macroF1 is the mean of the F1 of every label that stands in the gold.
func macroF1(rows []Row) float64 {
	type tally struct{ hit, gold, said int }
	labels := map[string]*tally{}
	at := func(label string) *tally {
		if labels[label] == nil {
			labels[label] = new(tally)
		}
		return labels[label]
	}
	for _, r := range rows {
		at(r.Gold).gold++
		at(r.Pred).said++
		if r.Gold == r.Pred {
			at(r.Gold).hit++
		}
	}
	sum, n := 0.0, 0
	for _, t := range labels {
		if t.gold > 0 {
			sum += 2 * float64(t.hit) / float64(t.gold+t.said)
			n++
		}
	}
	if n == 0 {
		return 0
	}
	return sum / float64(n)
}

func percentiles(rows []Row) (p50, p99 float64) {
	if len(rows) == 0 {
		return 0, 0
	}
	took := make([]time.Duration, len(rows))
	for i, r := range rows {
		took[i] = r.Took
	}
	slices.Sort(took)
	at := func(q float64) float64 {
		return float64(took[int(q*float64(len(took)-1))].Nanoseconds()) / 1e3
	}
	return at(0.5), at(0.99)
}

// A Confusion is a label taken for another.
type Confusion struct {
	Gold, Pred string
	N          int
	Example    string
}

// Confusions returns the mistakes by number, most first.
func Confusions(rows []Row) []Confusion {
	index := map[[2]string]int{}
	var list []Confusion
	for _, r := range rows {
		if r.Gold == r.Pred {
			continue
		}
		key := [2]string{r.Gold, r.Pred}
		i, ok := index[key]
		if !ok {
			i = len(list)
			index[key] = i
			list = append(list, Confusion{r.Gold, r.Pred, 0, r.Text})
		}
		list[i].N++
	}
	slices.SortStableFunc(list, func(a, b Confusion) int { return cmp.Compare(b.N, a.N) })
	return list
}

// AUROC is the chance that a row in scope has a higher score than one out of
// scope, ties counting half; 0 when either kind is missing.
func AUROC(rows []Row) float64 {
	sorted := slices.Clone(rows)
	slices.SortFunc(sorted, func(a, b Row) int { return cmp.Compare(a.Score, b.Score) })
	in, out, sum := 0, 0, 0.0
	for i := 0; i < len(sorted); {
		j, tiedIn, tiedOut := i, 0, 0
		for ; j < len(sorted) && sorted[j].Score == sorted[i].Score; j++ {
			if sorted[j].Gold == intents.OutOfScope {
				tiedOut++
			} else {
				tiedIn++
			}
		}
		sum += float64(tiedIn) * (float64(out) + float64(tiedOut)/2)
		in, out, i = in+tiedIn, out+tiedOut, j
	}
	if in == 0 || out == 0 {
		return 0
	}
	return sum / float64(in) / float64(out)
}

// OOSRecallAt95 is the share of out-of-scope rows that score below the
// threshold that keeps 95 % of the rows in scope.
func OOSRecallAt95(rows []Row) float64 {
	var in []float64
	for _, r := range rows {
		if r.Gold != intents.OutOfScope {
			in = append(in, r.Score)
		}
	}
	if len(in) == 0 {
		return 0
	}
	slices.Sort(in)
	threshold := in[int(0.05*float64(len(in)))]
	below, oos := 0, 0
	for _, r := range rows {
		if r.Gold == intents.OutOfScope {
			oos++
			count(&below, r.Score < threshold)
		}
	}
	return share(below, oos)
}

// CalibrationError is the expected calibration error over bins of equal width:
// how far, on average, the score is from the share that is right at that score
// (Guo et al., "On calibration of modern neural networks", 2017).
func CalibrationError(rows []Row, bins int) float64 {
	type bin struct {
		n          int
		score, hit float64
	}
	table := make([]bin, bins)
	for _, r := range rows {
		b := &table[min(int(r.Score*float64(bins)), bins-1)]
		b.n++
		b.score += r.Score
		if r.InScope == r.Gold {
			b.hit++
		}
	}
	sum := 0.0
	for _, b := range table {
		d := b.score - b.hit
		sum += max(d, -d)
	}
	if len(rows) == 0 {
		return 0
	}
	return sum / float64(len(rows))
}

// Threshold returns the score below which turning rows away as out of scope
// gives the best accuracy over all rows, oos counting as a label of its own
// (Larson et al., "An evaluation dataset for intent classification and
// out-of-scope prediction", 2019).
func Threshold(rows []Row) float64 {
	sorted := slices.Clone(rows)
	slices.SortFunc(sorted, func(a, b Row) int { return cmp.Compare(a.Score, b.Score) })
	right := 0
	for _, r := range sorted {
		count(&right, r.InScope == r.Gold)
	}
	best, threshold := right, 0.0
	for i, r := range sorted {
		// Everything up to r is turned away.
		if r.Gold == intents.OutOfScope {
			right++
		} else if r.InScope == r.Gold {
			right--
		}
		last := i+1 == len(sorted) || sorted[i+1].Score != r.Score
		if last && right > best {
			best = right
			threshold = r.Score
			if i+1 < len(sorted) {
				threshold = (r.Score + sorted[i+1].Score) / 2
			}
		}
	}
	return threshold
}

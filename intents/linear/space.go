package linear

import "math"

// A space is how texts become vectors, given how often features occur in the
// rows that are learnt from.
type space struct {
	groups  []group
	counts  []int32          // rows with the feature
	weights []float32        // flattened idf by feature; 0 if no row has it
	unseen  [scripts]float32 // weight of a feature that no row has
}

// Weights and powers were chosen by cross-validation on the training parts of
// public corpora; around them accuracy hardly changes.
var (
	groupWeights = [groups]float32{
		latinWords: .7, latinSenses: .5, latinPairs: .6, latinSkips: .7, latinGrams: 1,
		hanChars: 1, hanPairs: 1, hanSkips: .5,
	}
	// Short texts are full of rare features. The full idf would leave them
	// all the say, so it is flattened.
	idfPowers = [scripts]float64{latin: .4, han: .3}
)

// nameRows is how many examples a name stands for: it is written to be typical
// of its label, where one example among a hundred may be anything.
const nameRows = 4

// newSpace counts the features of the given rows.
func newSpace(c *corpus, rows []int32) *space {
	s := &space{
		groups:  c.groups,
		counts:  make([]int32, len(c.groups)),
		weights: make([]float32, len(c.groups)),
	}
	var n [scripts]int
	for _, i := range rows {
		r := &c.rows[i]
		for _, f := range r.features {
			s.counts[f]++
		}
		for sc, u := range r.units {
			if u > 0 {
				n[sc]++
			}
		}
	}
	// There are few distinct counts: the logarithm is taken once for each.
	var byCount [scripts][]float32
	for sc := range byCount {
		byCount[sc] = make([]float32, n[sc]+1)
		for count := range byCount[sc] {
			byCount[sc][count] = idf(script(sc), n[sc], count)
		}
		s.unseen[sc] = byCount[sc][0]
	}
	for f, count := range s.counts {
		if count > 0 {
			s.weights[f] = byCount[s.groups[f].script()][count]
		}
	}
	return s
}

// idf is the weight of a feature that count of n rows have: the inverse
// document frequency (Spärck Jones 1972), smoothed for the features that no
// row or every row has, and flattened.
func idf(sc script, n, count int) float32 {
	return float32(math.Pow(math.Log(float64(n+1)/(float64(count)+.5))+.5, idfPowers[sc]))
}

// due is the squared length that group g should have in a vector, next to
// other groups. The scripts share it by how much of the text is theirs, so
// that one foreign word does not weigh as much as the sentence around it.
func due(g group, units [scripts]int) float32 {
	return groupWeights[g] * groupWeights[g] * float32(units[g.script()])
}

// scale turns the squared lengths of a text's groups into the factors by which
// their weights are to be multiplied, so that every group gets what it is due
// and the vector the length 1.
func scale(squares *[groups]float32, units [scripts]int) (factors [groups]float32) {
	var total float32
	for g, sq := range squares {
		if sq > 0 {
			total += due(group(g), units)
		}
	}
	if total == 0 {
		return factors
	}
	for g, sq := range squares {
		if sq > 0 {
			factors[g] = float32(math.Sqrt(float64(due(group(g), units) / (sq * total))))
		}
	}
	return factors
}

// coverage is the part of the row that is made of features the space knows,
// by their share of the squared length the row would have if it knew all.
func (s *space) coverage(r *row) float32 {
	var known, unknown [groups]float32
	for _, f := range r.features {
		g := s.groups[f]
		if w := s.weights[f]; w > 0 {
			known[g] += w * w
		} else {
			w = s.unseen[g.script()]
			unknown[g] += w * w
		}
	}
	return covered(&known, &unknown, r.units)
}

// covered returns the coverage of a text from the squared weights of its known
// and unknown features.
func covered(known, unknown *[groups]float32, units [scripts]int) float32 {
	var part, total float32
	for g := range known {
		if all := known[g] + unknown[g]; all > 0 {
			total += due(group(g), units)
			part += due(group(g), units) * known[g] / all
		}
	}
	if total == 0 {
		return 0
	}
	return part / total
}

// vectors are rows of a corpus in a space. The features that no other row has
// come last in each: while learning they act on their own row alone, which
// their squared length sums up. The shared ones come by group.
type vectors struct {
	rows     []vector
	features []int32
	values   []float32
}

// A vector is what is known of a row besides its features: training goes over
// rows in any order, and finds all of this in one place.
type vector struct {
	start, own, end int32 // of its features: of all, and of those that no other row has
	label           int32
	ownSquare       float32 // the squared length of its own features
	says            float32 // how many rows it stands for
}

// row returns the features of row i and their values.
func (v *vectors) row(i int) ([]int32, []float32) {
	r := &v.rows[i]
	return v.features[r.start:r.end], v.values[r.start:r.end]
}

// shared returns those of row i that other rows have, too.
func (v *vectors) shared(i int32) ([]int32, []float32) {
	r := &v.rows[i]
	return v.features[r.start:r.own], v.values[r.start:r.own]
}

// vectors returns the rows as vectors of length 1, without the features that
// the space does not know.
func (s *space) vectors(c *corpus, rows []int32) *vectors {
	n := 0
	for _, i := range rows {
		n += len(c.rows[i].features)
	}
	v := &vectors{
		rows:     make([]vector, len(rows)),
		features: make([]int32, n),
		values:   make([]float32, n),
	}
	at := int32(0)
	put := func(i, f int32, factor float32) float32 {
		value := s.weights[f] * factor
		v.features[i], v.values[i] = f, value
		return value
	}
	for k, i := range rows {
		r := &c.rows[i]
		x := &v.rows[k]
		*x = vector{start: at, label: r.label, says: 1}
		if r.name {
			x.says = nameRows
		}
		var squares [groups]float32
		var next [groups]int32 // how many are shared, then where the next one goes
		for _, f := range r.features {
			g := s.groups[f]
			squares[g] += s.weights[f] * s.weights[f]
			if s.counts[f] > 1 {
				next[g]++
			}
		}
		factors := scale(&squares, r.units)
		for g, n := range next {
			next[g] = at
			at += n
		}
		x.own = at
		for _, f := range r.features {
			g := s.groups[f]
			switch count := s.counts[f]; {
			case count > 1:
				put(next[g], f, factors[g])
				next[g]++
			case count == 1:
				value := put(at, f, factors[g])
				x.ownSquare += value * value
				at++
			}
		}
		x.end = at
	}
	return v
}

package kb

import (
	"fmt"
	"slices"
	"strings"
)

// A Case is a query and the article that ought to answer it.
type Case struct {
	Query   string `yaml:"query"`
	Article string `yaml:"article"`
	Passage string `yaml:"passage"` // optional: the very passage
}

// A Report says how well an index answers cases.
type Report struct {
	N       int
	Recall1 float64 // share of cases answered by the first hit
	Recall3 float64 // by one of the first three; of articles, if any passage will do
	MRR     float64 // mean of 1/rank of the right hit, 0 if it is not among the first ten
	Misses  []Miss
}

// A Miss is a case whose first hit is not the right one.
type Miss struct {
	Case Case
	Got  []string // what was found instead, best first
}

const evaluated = 10 // hits looked at per case

// Evaluate searches each case and reports where the right passage stands. An
// error of search ends it.
func Evaluate(cases []Case, search func(query string, n int) ([]Hit, error)) (Report, error) {
	r := Report{N: len(cases)}
	for _, c := range cases {
		hits, err := search(c.Query, evaluated)
		if err != nil {
			return r, fmt.Errorf("searching %q: %w", c.Query, err)
		}
		rank := 0
		var got []string
		for _, h := range hits {
			// Where any passage of the article will do, its others do not count
			// as further answers.
			id := h.ID()
			if c.Passage == "" {
				id = h.Article
			}
			if slices.Contains(got, id) {
				continue
			}
			got = append(got, id)
			if rank == 0 && h.Article == c.Article && (c.Passage == "" || h.Passage == c.Passage) {
				rank = len(got)
			}
		}
		got = got[:min(3, len(got))]
		if rank == 1 {
			r.Recall1++
		} else {
			r.Misses = append(r.Misses, Miss{c, got})
		}
		if rank >= 1 && rank <= 3 {
			r.Recall3++
		}
		if rank > 0 {
			r.MRR += 1 / float64(rank)
		}
	}
	if n := float64(r.N); n > 0 {
		r.Recall1, r.Recall3, r.MRR = r.Recall1/n, r.Recall3/n, r.MRR/n
	}
	return r, nil
}

func (r Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d queries: recall@1 %.3f, recall@3 %.3f, MRR %.3f", r.N, r.Recall1, r.Recall3, r.MRR)
	for _, m := range r.Misses {
		want := m.Case.Article
		if m.Case.Passage != "" {
			want += "/" + m.Case.Passage
		}
		fmt.Fprintf(&b, "\n  %s: want %s, got %s", m.Case.Query, want, strings.Join(m.Got, " "))
	}
	return b.String()
}

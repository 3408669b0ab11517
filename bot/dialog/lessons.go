package dialog

import (
	"cmp"
	"maps"
	"slices"

	"tilldesk/content/source"
	"tilldesk/intents"
)

// A Count is how often something came of a symptom: a step had a result, or,
// with the result [Found], staff named a cause, which is in Step then.
type Count struct {
	Intent, Brand, Step string
	Result              Result
	N                   int64
}

// Found is the result under which a cause that staff named is counted.
const Found Result = "found"

// How counts shift a prior: slowly, and never far from what the authors of the
// playbook thought.
const (
	// authors is how many outcomes their opinion weighs as much as.
	authors = 50
	// farthest is by which factor a prior may rise or fall at most, before all
	// are made to add up to one again.
	farthest = 3
)

// Lessons are playbooks whose priors were shifted by what has happened, for
// all brands together and for each brand that something is known of. They are
// read-only and safe for concurrent use.
type Lessons struct {
	all    *Script
	brands map[string]*Script
	shifts []Shift
}

// A Shift is a cause whose prior has changed.
type Shift struct {
	Intent   string
	Brand    string // "" for all together
	Cause    string
	Name     source.Text
	From, To float64
	N        float64 // outcomes that speak for it
}

// Learn returns the lessons of counts. The same counts give the same lessons,
// in whatever order they are.
func (s *Script) Learn(counts []Count) *Lessons {
	l := &Lessons{all: s, brands: map[string]*Script{}}
	counts = slices.SortedFunc(slices.Values(counts), compareCounts) // sums of floats depend on their order
	byBrand := map[string][]Count{}
	for _, c := range counts {
		if c.Brand != "" {
			byBrand[c.Brand] = append(byBrand[c.Brand], c)
		}
	}
	l.all = l.shift(s, s, "", counts)
	for _, brand := range slices.Sorted(maps.Keys(byBrand)) {
		if script := l.shift(s, l.all, brand, byBrand[brand]); script != l.all {
			l.brands[brand] = script
		}
	}
	return l
}

func compareCounts(a, b Count) int {
	return cmp.Or(cmp.Compare(a.Intent, b.Intent), cmp.Compare(a.Brand, b.Brand), cmp.Compare(a.Step, b.Step),
		cmp.Compare(a.Result, b.Result), cmp.Compare(a.N, b.N))
}

// For returns the script to go on with in a state.
func (l *Lessons) For(st State) *Script {
	if script := l.brands[st.Facts[intents.Brand]]; script != nil {
		return script
	}
	return l.all
}

// Shifts returns what has changed, by symptom, brand and cause.
func (l *Lessons) Shifts() []Shift { return l.shifts }

// shift returns from with its priors shifted by counts, within the bounds that
// the priors of authored set; from itself if nothing changes.
func (l *Lessons) shift(authored, from *Script, brand string, counts []Count) *Script {
	known := map[string]map[string]float64{} // by symptom and cause
	for _, c := range counts {
		p := authored.playbooks[c.Intent]
		if p == nil || c.N <= 0 {
			continue
		}
		for cause, share := range p.speaksFor(c) {
			if known[c.Intent] == nil {
				known[c.Intent] = map[string]float64{}
			}
			known[c.Intent][cause] += share * float64(c.N)
		}
	}
	if len(known) == 0 {
		return from
	}
	script := *from
	script.playbooks = maps.Clone(from.playbooks)
	for _, intent := range slices.Sorted(maps.Keys(known)) {
		p := *from.playbooks[intent]
		p.Causes = shifted(authored.playbooks[intent].Causes, p.Causes, known[intent])
		for i, c := range p.Causes {
			if was := from.playbooks[intent].Causes[i].Prior; c.Prior != was {
				l.shifts = append(l.shifts, Shift{intent, brand, c.ID, c.Name, was, c.Prior, known[intent][c.ID]})
			}
		}
		script.playbooks[intent] = &p
	}
	return &script
}

// speaksFor returns the causes that a count speaks for, with their shares of
// it: a cause that was named for itself, and a step that cured for the causes
// that it cures, as likely as they are.
func (p *Playbook) speaksFor(c Count) map[string]float64 {
	shares := map[string]float64{}
	switch c.Result {
	case Found:
		if slices.ContainsFunc(p.Causes, func(f Fault) bool { return f.ID == c.Step }) {
			shares[c.Step] = 1
		}
	case Fixed:
		step := p.step(c.Step)
		if step == nil || step.Kind != Fix {
			return nil
		}
		sum := 0.0
		for _, f := range p.Causes {
			shares[f.ID] = f.Prior * step.cureOf(f.ID)
			sum += shares[f.ID]
		}
		for id := range shares {
			if sum > 0 {
				shares[id] /= sum
			}
		}
	}
	return shares
}

// shifted returns causes with the priors that counts and authors agree on.
func shifted(authored, causes []Fault, known map[string]float64) []Fault {
	total := 0.0
	for _, c := range causes { // in their order: sums of floats depend on it
		total += known[c.ID]
	}
	out := slices.Clone(causes)
	sum := 0.0
	for i, c := range causes {
		prior := (authors*c.Prior + known[c.ID]) / (authors + total)
		wrote := authored[i].Prior
		out[i].Prior = cmp.Or(min(max(prior, wrote/farthest), wrote*farthest), c.Prior)
		sum += out[i].Prior
	}
	for i := range out {
		out[i].Prior /= sum
	}
	return out
}

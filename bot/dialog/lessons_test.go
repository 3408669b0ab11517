package dialog_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tilldesk/bot/dialog"
	"tilldesk/intents"
)

func TestLearnsSlowlyAndWithinBounds(t *testing.T) {
	s := script(t).Script
	rapid.Check(t, func(t *rapid.T) {
		intent := rapid.SampledFrom(s.Symptoms()).Draw(t, "intent")
		p := s.Playbook(intent)
		var counts []dialog.Count
		for range rapid.IntRange(0, 6).Draw(t, "counts") {
			c := dialog.Count{Intent: intent, N: rapid.Int64Range(0, 100_000).Draw(t, "n")}
			if rapid.Bool().Draw(t, "found") {
				c.Result, c.Step = dialog.Found, rapid.SampledFrom(p.Causes).Draw(t, "cause").ID
			} else {
				c.Result, c.Step = rapid.SampledFrom([]dialog.Result{dialog.Fixed, dialog.NotFixed}).Draw(t, "result"), rapid.SampledFrom(p.Steps).Draw(t, "step").ID
			}
			c.Brand = rapid.SampledFrom([]string{"", "lakala"}).Draw(t, "brand")
			counts = append(counts, c)
		}
		for _, brand := range []string{"", "lakala", "another"} {
			learnt := s.Learn(counts).For(dialog.State{Facts: map[string]string{intents.Brand: brand}}).Playbook(intent)
			sum := 0.0
			for i, c := range learnt.Causes {
				sum += c.Prior
				// Three times at most, and a little for adding up to one.
				if ratio := c.Prior / p.Causes[i].Prior; ratio > 9 || ratio < 1.0/9 {
					t.Fatalf("the prior of %s goes from %.3f to %.3f", c.ID, p.Causes[i].Prior, c.Prior)
				}
			}
			if math.Abs(sum-1) > 1e-6 {
				t.Fatalf("the priors add up to %v", sum)
			}
		}
		// In whatever order, the same.
		other := slices.Clone(counts)
		rand.Shuffle(len(other), func(i, j int) { other[i], other[j] = other[j], other[i] })
		if diff := cmp.Diff(s.Learn(counts).Shifts(), s.Learn(other).Shifts(), cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) < 1e-9 })); diff != "" {
			t.Fatalf("another order, other lessons:\n%s", diff)
		}
	})
}

// The same in whatever order they come, to the last bit: replicas and databases
// give them in orders of their own, and must not differ in the next step.
func TestLearnInAnyOrder(t *testing.T) {
	s := script(t).Script
	var counts []dialog.Count
	for _, step := range s.Playbook("scan.all_codes").Steps {
		for n := range int64(40) {
			counts = append(counts, dialog.Count{Intent: "scan.all_codes", Brand: []string{"lakala", "newland", ""}[n%3], Step: step.ID, Result: dialog.Fixed, N: 1 + n*n})
		}
	}
	want := s.Learn(counts).Shifts()
	if len(want) == 0 {
		t.Fatal("they teach nothing")
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		rng.Shuffle(len(counts), func(i, j int) { counts[i], counts[j] = counts[j], counts[i] })
		if diff := cmp.Diff(want, s.Learn(counts).Shifts()); diff != "" {
			t.Fatalf("another order, other lessons:\n%s", diff)
		}
	}
}

func TestLearnFromWhatStaffFind(t *testing.T) {
	s := script(t).Script
	p := s.Playbook("scan.huabei")
	cause := p.Causes[len(p.Causes)-1]
	prior := func(brand string, n int64) float64 {
		l := s.Learn([]dialog.Count{{Intent: "scan.huabei", Brand: "lakala", Step: cause.ID, Result: dialog.Found, N: n}})
		return l.For(dialog.State{Facts: map[string]string{intents.Brand: brand}}).Playbook("scan.huabei").Causes[len(p.Causes)-1].Prior
	}
	if prior("lakala", 0) != cause.Prior {
		t.Error("nothing teaches something")
	}
	last := cause.Prior
	for _, n := range []int64{1, 10, 50, 1000} {
		got := prior("lakala", n)
		if got <= last && got < 2*cause.Prior {
			t.Errorf("%d times found: %.4f, before %.4f", n, got, last)
		}
		last = got
	}
	if one := prior("lakala", 1); one > 1.25*cause.Prior+0.05 {
		t.Errorf("one case moves it from %.4f to %.4f", cause.Prior, one)
	}
	if of, others := prior("lakala", 20), prior("another", 20); others <= cause.Prior || of <= others {
		t.Errorf("the brand: %.4f, others: %.4f, at first: %.4f", of, others, cause.Prior)
	}
	if l := s.Learn(nil); l.For(dialog.State{}) != s || len(l.Shifts()) > 0 {
		t.Error("without counts it is not the script itself")
	}
	for _, unknown := range []dialog.Count{
		{Intent: "no.such", Step: "x", Result: dialog.Found, N: 5}, {Intent: "scan.huabei", Step: "own words", Result: dialog.Found, N: 5},
		{Intent: "scan.huabei", Step: "own words", Result: dialog.Fixed, N: 5},
	} {
		if shifts := s.Learn([]dialog.Count{unknown}).Shifts(); len(shifts) > 0 {
			t.Errorf("%+v teaches %+v", unknown, shifts)
		}
	}
}

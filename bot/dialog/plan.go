package dialog

import (
	"maps"
	"slices"
)

// What a person costs, in the merchant's seconds: a step is worth taking while
// it is expected to save more of them than it takes.
const handoffSeconds = 900

// What a referral does for a cause that it settles: it ends the search, but
// the merchant still waits for somebody else.
const referralCure = 0.9

// unnamed is the chance of "yes" for a cause that a check does not name.
const unnamed = 0.5

// recognised is the share of the rest of the search that is saved, on average,
// by words typed from the screen: often they name the cause by themselves.
const recognised = 0.35

// slip is the chance that a merchant answers a check wrongly; without it one
// slip would rule the true cause out for good.
const slip = 0.03

// unspoken is the weight of a cause when an error code speaks for another: a
// screen seldom errs about its cause, but providers put codes to uses of their
// own.
const unspoken = 0.05

// Evidence is what is known of a trouble.
type Evidence struct {
	Answers map[string]Result `json:"answers,omitempty"` // what came of each step, by its id
	Named   []string          `json:"named,omitempty"`   // the causes that error codes speak for
}

// with returns the evidence with one answer more; e is not changed.
func (e Evidence) with(step string, result Result) Evidence {
	answers := make(map[string]Result, len(e.Answers)+1)
	maps.Copy(answers, e.Answers)
	answers[step] = result
	e.Answers = answers
	return e
}

// without returns the evidence without what came of a step; e is not changed.
func (e Evidence) without(step string) Evidence {
	e.Answers = maps.Clone(e.Answers)
	delete(e.Answers, step)
	return e
}

func (e Evidence) clone() Evidence {
	return Evidence{maps.Clone(e.Answers), slices.Clone(e.Named)}
}

// Posterior returns the probability of each cause of p given what is known,
// by Bayes' rule under the single-fault assumption (Breese and Heckerman,
// "Decision-theoretic troubleshooting", 1996).
func (p *Playbook) Posterior(known Evidence) []float64 {
	post := make([]float64, len(p.Causes))
	sum := 0.0
	named := slices.ContainsFunc(p.Causes, func(c Fault) bool { return slices.Contains(known.Named, c.ID) })
	for i, c := range p.Causes {
		post[i] = c.Prior
		if named && !slices.Contains(known.Named, c.ID) {
			post[i] *= unspoken
		}
		for _, step := range p.Steps {
			if result, ok := known.Answers[step.ID]; ok {
				post[i] *= step.likelihood(c.ID, result)
			}
		}
		sum += post[i]
	}
	for i := range post {
		if sum > 0 {
			post[i] /= sum
		} else {
			post[i] = p.Causes[i].Prior
		}
	}
	return post
}

// likelihood is the chance of the result if cause is the true one.
func (s *Step) likelihood(cause string, result Result) float64 {
	switch {
	case s.Kind == Check && result == Yes:
		return s.yesGiven(cause)
	case s.Kind == Check && result == No:
		return 1 - s.yesGiven(cause)
	case s.Kind != Check && result == NotFixed:
		return 1 - s.cureOf(cause)
	}
	return 1
}

func (s *Step) yesGiven(cause string) float64 {
	yes, named := s.Yes[cause]
	if !named {
		return unnamed
	}
	return min(max(yes, slip), 1-slip)
}

func (s *Step) cureOf(cause string) float64 {
	if s.Kind == Refer {
		if slices.Contains(s.Settles, cause) {
			return referralCure
		}
		return 0
	}
	return min(s.Cures[cause], 1-slip)
}

// cure returns the chance that the step ends the trouble.
func (p *Playbook) cure(s *Step, post []float64) float64 {
	sum := 0.0
	for i, c := range p.Causes {
		sum += post[i] * s.cureOf(c.ID)
	}
	return sum
}

// Next returns the step to take now: the one with which the expected cost of
// the rest is least; nil when none is worth its cost any more. Same evidence,
// same step.
//
// Fixes and referrals go by the ratio of chance to cost, which is optimal for
// independent actions and a single fault. A check is taken when asking it and
// then going on by that ratio is expected to cost less than going on without.
// Before giving up, what other steps wait for is taken; an irreversible step
// waits until nothing reversible is left.
func (p *Playbook) Next(known Evidence) *Step {
	if step := p.best(known, false); step != nil {
		return step
	}
	if step := p.gate(known); step != nil {
		return step
	}
	return p.best(known, true)
}

func (p *Playbook) best(known Evidence, irreversible bool) *Step {
	post := p.Posterior(known)
	least, best := p.expectedCost(known, post, irreversible)
	for i := range p.Steps {
		check := &p.Steps[i]
		if check.Kind != Check || !check.open(known.Answers, irreversible) {
			continue
		}
		if cost := p.costOfAsking(check, known, post, irreversible); cost < least-1e-9 {
			best, least = check, cost
		}
	}
	return best
}

// gate returns an open check that a fix worth taking waits for. Looking one
// answer ahead does not see the worth of a check that is one of several gates.
func (p *Playbook) gate(known Evidence) *Step {
	post := p.Posterior(known)
	for i := range p.Steps {
		fix := &p.Steps[i]
		if _, done := known.Answers[fix.ID]; done || fix.Kind == Check || p.cure(fix, post)*handoffSeconds < fix.Seconds {
			continue
		}
		for _, id := range fix.After {
			if step := p.step(id); step.open(known.Answers, false) {
				return step
			}
		}
	}
	return nil
}

// open reports whether the step may be taken now.
func (s *Step) open(answers map[string]Result, irreversible bool) bool {
	if _, done := answers[s.ID]; done || s.Unasked || s.Irreversible && !irreversible {
		return false
	}
	return !slices.ContainsFunc(s.After, func(id string) bool {
		result, done := answers[id]
		return !done || s.Irreversible && result == Skipped
	})
}

// expectedCost returns what it is expected to cost, in seconds, to take the
// actions by falling ratio of chance to cost until one works or a person is
// cheaper, and the first of them. An action that waits for another comes after
// it; one that waits for a check is left out.
func (p *Playbook) expectedCost(known Evidence, post []float64, irreversible bool) (cost float64, first *Step) {
	left := slices.Clone(post)
	unsolved := 1.0
	taken := maps.Clone(known.Answers)
	if taken == nil {
		taken = map[string]Result{}
	}
	for {
		var best *Step
		cure, ratio := 0.0, 0.0
		for i := range p.Steps {
			step := &p.Steps[i]
			if step.Kind == Check || !step.open(taken, irreversible) {
				continue
			}
			c := p.cure(step, left)
			if r := c / step.Seconds * step.haste(); c*handoffSeconds > step.Seconds*unsolved && r > ratio {
				best, cure, ratio = step, c, r
			}
		}
		if best == nil {
			return cost + unsolved*handoffSeconds, first
		}
		if first == nil {
			first = best
		}
		taken[best.ID] = NotFixed
		cost += unsolved * best.Seconds
		for i, c := range p.Causes {
			left[i] *= 1 - best.cureOf(c.ID)
		}
		unsolved -= cure
	}
}

// haste weighs the ratio of a step: what can be done at the counter goes before
// what somebody else has to do, unless that is far likelier to help.
func (s *Step) haste() float64 {
	if s.Kind == Refer {
		return 0.4
	}
	return 1
}

// costOfAsking is the expected cost when the check is asked first. An answer
// that settles or hands over at once ends the search there.
func (p *Playbook) costOfAsking(check *Step, known Evidence, post []float64, irreversible bool) float64 {
	yes := 0.0
	for i, c := range p.Causes {
		yes += post[i] * check.yesGiven(c.ID)
	}
	cost := check.Seconds
	for _, answer := range []struct {
		result Result
		chance float64
		turn   *Turn
	}{{Yes, yes, check.On.Yes}, {No, 1 - yes, check.On.No}} {
		switch {
		case answer.turn != nil && !answer.turn.End.IsZero():
		case answer.turn != nil && answer.turn.Goto != "":
			// The other playbook takes over: half a person's cost stands for it.
			cost += answer.chance * handoffSeconds / 2
		case answer.turn != nil && answer.turn.Person != "":
			cost += answer.chance * handoffSeconds
		default:
			then := known.with(check.ID, answer.result)
			after, _ := p.expectedCost(then, p.Posterior(then), irreversible)
			if check.Expects == "text" && answer.result == Yes {
				after *= 1 - recognised
			}
			cost += answer.chance * after
		}
	}
	return cost
}

// Suspect returns the likeliest cause and its probability.
func (p *Playbook) Suspect(known Evidence) (Fault, float64) {
	post := p.Posterior(known)
	best := 0
	for i := range post {
		if post[i] > post[best] {
			best = i
		}
	}
	return p.Causes[best], post[best]
}

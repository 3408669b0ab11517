package dialog

import (
	"math/rand/v2"
)

// Unreached returns the steps of a playbook that no merchant was ever asked in
// n made-up cases: the true cause is drawn by its prior, checks are answered
// and fixes work by its numbers, and some steps cannot be tried. A step that
// never comes up is dead weight, or its numbers are wrong. The cases are the
// same on every call.
func (p *Playbook) Unreached(n int) []string {
	rng := rand.New(rand.NewPCG(uint64(n), uint64(len(p.Steps))))
	asked := map[string]bool{}
	for range n {
		p.play(rng, asked)
	}
	var never []string
	for _, step := range p.Steps {
		if !asked[step.ID] && !step.Unasked {
			never = append(never, step.ID)
		}
	}
	return never
}

// untried is the share of steps that a merchant cannot or will not try.
const untried = 0.15

func (p *Playbook) play(rng *rand.Rand, asked map[string]bool) {
	cause := p.draw(rng)
	answers := map[string]Result{}
	if p.Money == MoneyAsk && p.step(charged) != nil {
		asked[charged] = true
		answers[charged] = No
	}
	for {
		step := p.Next(Evidence{Answers: answers})
		if step == nil {
			return
		}
		asked[step.ID] = true
		switch {
		case rng.Float64() < untried:
			answers[step.ID] = Skipped
		case step.Kind == Check:
			answers[step.ID] = No
			on := step.On.No
			if rng.Float64() < step.yesGiven(cause) {
				answers[step.ID], on = Yes, step.On.Yes
			}
			if ends(on) {
				return
			}
		case step.Kind == Fix && rng.Float64() < step.cureOf(cause):
			return
		default:
			answers[step.ID] = NotFixed
		}
	}
}

func (p *Playbook) draw(rng *rand.Rand) string {
	x := rng.Float64()
	for _, c := range p.Causes {
		if x -= c.Prior; x < 0 {
			return c.ID
		}
	}
	return p.Causes[len(p.Causes)-1].ID
}

package dialog

import (
	"tilldesk/content/source"
	"tilldesk/intents"
)

// A Playbook is what is known about one symptom: what may cause it, and the
// checks and fixes that tell the causes apart or cure them.
type Playbook struct {
	Intent  string      `yaml:"intent"`
	Title   source.Text `yaml:"title"`
	Opening source.Text `yaml:"opening"`
	Money   Money       `yaml:"money"`
	Person  Cause       `yaml:"person"`
	Causes  []Fault     `yaml:"causes"`
	Steps   []Step      `yaml:"steps"`
}

// Money says how a playbook looks after the payment that is under way.
type Money string

// The ways to look after a payment.
const (
	MoneyNone  Money = "none"  // no payment is under way
	MoneyNote  Money = "note"  // say once not to scan again what was paid
	MoneyAsk   Money = "ask"   // ask whether it was paid before any other step
	MoneyFirst Money = "first" // the money is the subject: no further charge until it is known
)

// A Fault is a possible cause of a symptom. Exactly one is assumed to be there
// (single-fault assumption), so the priors of a playbook add up to 1.
type Fault struct {
	ID      string      `yaml:"id"`
	Name    source.Text `yaml:"name"`
	Prior   float64     `yaml:"prior"`
	By      string      `yaml:"by"`
	Article string      `yaml:"article"`
}

// Kind is what a step asks of the merchant.
type Kind string

// The kinds of step.
const (
	Check Kind = "check" // a yes/no question that tells causes apart
	Fix   Kind = "fix"   // an action that may cure
	Refer Kind = "refer" // somebody else has to act; says whom to ask for what
)

// A Step is a check, a fix or a referral.
type Step struct {
	Use  string      `yaml:"use"` // a shared step this one is made from
	ID   string      `yaml:"id"`
	Kind Kind        `yaml:"kind"`
	Text source.Text `yaml:"text"`
	How  source.Text `yaml:"how"` // said to a merchant who is unsure
	// Seconds is what the step costs the merchant.
	Seconds float64 `yaml:"seconds"`
	// Expects is "text" for a check that asks for words from the screen.
	Expects string `yaml:"expects"`

	Yes     map[string]float64 `yaml:"yes"`     // check: chance of "yes" under each cause; 0.5 if not named
	Cures   map[string]float64 `yaml:"cures"`   // fix: chance that it cures each cause; 0 if not named
	Settles []string           `yaml:"settles"` // refer: the causes it ends
	On      On                 `yaml:"on"`
	After   []string           `yaml:"after"` // steps that must have been taken before
	Covers  []string           `yaml:"covers"`
	Told    Told               `yaml:"told"`    // words that answer it unasked
	Said    Said               `yaml:"said"`    // words that answer a check when it is asked
	Unasked bool               `yaml:"unasked"` // a check that is never asked: it counts when it is told

	asks intents.Asked // what a check asks, read from its words

	Risk         source.Text `yaml:"risk"`
	Irreversible bool        `yaml:"irreversible"`
}

// On is what the answers to a check lead to at once.
type On struct {
	Yes *Turn `yaml:"yes"`
	No  *Turn `yaml:"no"`
}

// A Turn is where an answer leads: exactly one of Goto, End, Person and Say is
// set, or Say with Goto.
type Turn struct {
	Goto   string      `yaml:"goto"`   // the playbook of another symptom
	End    source.Text `yaml:"end"`    // settled, with these words
	Person Cause       `yaml:"person"` // hand over
	Say    source.Text `yaml:"say"`    // words before the next step
	// Known are checks of the playbook gone to that the answer settles as well:
	// whoever finds two payments need not be asked whether there is one.
	Known map[string]Result `yaml:"known"`
}

// leaves reports whether the answer leads out of the playbook.
func (t *Turn) leaves() bool {
	return t != nil && (t.Goto != "" || t.Person != "" || !t.End.IsZero())
}

// Cause is why a person is called.
type Cause string

// The reasons to call a person.
const (
	CauseAsked         Cause = "asked"
	CauseMoney         Cause = "money"
	CauseRestricted    Cause = "restricted"
	CauseStepsUsed     Cause = "steps_used"
	CauseNotUnderstood Cause = "not_understood"
	CauseAnger         Cause = "anger"
	CauseCashout       Cause = "cashout"
	CauseFraud         Cause = "fraud"
	CauseOutage        Cause = "outage"
	CauseDevice        Cause = "device"
	CauseFault         Cause = "fault" // the bot itself failed
)

// Causes lists every reason to call a person.
var Causes = []Cause{CauseAsked, CauseMoney, CauseRestricted, CauseStepsUsed, CauseNotUnderstood,
	CauseAnger, CauseCashout, CauseFraud, CauseOutage, CauseDevice, CauseFault}

// An Answer is the direct answer to an intent that is no symptom.
type Answer struct {
	Intent  string      `yaml:"intent"`
	Text    source.Text `yaml:"text"`
	Article string      `yaml:"article"`
	Next    []string    `yaml:"next"`
	Person  Cause       `yaml:"person"`
}

// on returns where a result of the step leads at once, or nil.
func (s *Step) on(result Result) *Turn {
	switch result {
	case Yes:
		return s.On.Yes
	case No:
		return s.On.No
	}
	return nil
}

// leads returns where an answer to the check leads at once, or nil.
func (s *Step) leads(act intents.Act) *Turn {
	switch act {
	case intents.ActYes:
		return s.On.Yes
	case intents.ActNo:
		return s.On.No
	}
	return nil
}

// step returns the step with the id, or nil.
func (p *Playbook) step(id string) *Step {
	for i := range p.Steps {
		if p.Steps[i].ID == id {
			return &p.Steps[i]
		}
	}
	return nil
}

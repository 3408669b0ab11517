package dialog

import (
	"maps"
	"slices"
	"strings"

	"tilldesk/content/source"
	"tilldesk/intents"
	"tilldesk/kb"
)

// Phase is where a conversation stands.
type Phase string

// The phases.
const (
	Idle       Phase = "idle"
	Clarifying Phase = "clarifying" // a choice of intents has been offered
	Guiding    Phase = "fixing"     // a step has been asked
	WithHuman  Phase = "with_human" // a person has the case; the bot is silent
)

// State is all that the dialog remembers of a conversation. It is a plain
// value: Step never changes the one it is given.
type State struct {
	Lang        source.Lang `json:"lang"`
	Traditional bool        `json:"traditional,omitempty"`
	// LangOpen is set until words have told the language, and no channel did.
	LangOpen   bool   `json:"lang_open,omitempty"`
	LangChosen bool   `json:"lang_chosen,omitempty"` // by the merchant, rather than read from what was written
	Phase      Phase  `json:"phase"`
	Ticket     string `json:"ticket,omitempty"` // set by the engine when it opens a case

	Fix    *Fixing  `json:"fix,omitempty"`
	Paused []Fixing `json:"paused,omitempty"` // fixes to come back to, latest last

	Offered []Choice `json:"offered,omitempty"` // the choices of the last reply
	Last    []Line   `json:"last,omitempty"`    // what was said last, to be said again
	Back    *Fixing  `json:"back,omitempty"`    // the fix before the last answer

	Unclear  string  `json:"unclear,omitempty"`  // the message that choices were offered for
	Answered string  `json:"answered,omitempty"` // the intent whose question was answered last
	Ended    *Fixing `json:"ended,omitempty"`    // the fix that has just ended, should it not hold

	Clarified    int  `json:"clarified,omitempty"`    // choices offered in a row
	Missed       int  `json:"missed,omitempty"`       // messages not understood in a row
	Unproductive int  `json:"unproductive,omitempty"` // turns in a row that led nowhere
	Greeted      bool `json:"greeted,omitempty"`
	Complained   bool `json:"complained,omitempty"`

	Before *Before `json:"before,omitempty"` // the trouble before this one

	Survey *Survey `json:"survey,omitempty"` // asked after a person had the case; never changed in place

	Facts map[string]string `json:"facts,omitempty"` // entity type: value; what the case card shows
	Codes []string          `json:"codes,omitempty"` // error codes named, scheme/code
	Tried []Tried           `json:"tried,omitempty"` // the steps taken or told of last, over all fixes
}

// Fixing is a guided fix under way.
type Fixing struct {
	Intent string `json:"intent"`
	Step   string `json:"step,omitempty"` // asked and not answered yet
	Evidence
	Heard []string `json:"heard,omitempty"` // steps answered unasked, and not said back yet
	// Mentioned is set for a trouble told of with another and not begun yet.
	Mentioned bool `json:"mentioned,omitempty"`
	Unsure    int  `json:"unsure,omitempty"` // times the merchant was unsure about Step
}

// Result is what came of a step.
type Result string

// The results of a step.
const (
	Yes      Result = "yes"
	No       Result = "no"
	Fixed    Result = "fixed"
	NotFixed Result = "not_fixed"
	Skipped  Result = "skipped"  // could not or would not be tried
	Referred Result = "referred" // somebody else was named
)

// Tried is a step taken, for the card that staff see.
type Tried struct {
	Intent string `json:"intent"`
	Step   string `json:"step"`
	Result Result `json:"result"`
	Note   string `json:"note,omitempty"` // what was typed, for steps that ask for words
}

// clone returns a copy of s that shares nothing that Step changes.
func (s State) clone() State {
	s.Fix = s.Fix.clone()
	s.Back = s.Back.clone()
	s.Ended = s.Ended.clone()
	s.Paused = slices.Clone(s.Paused)
	for i := range s.Paused {
		s.Paused[i] = *s.Paused[i].clone()
	}
	s.Facts = maps.Clone(s.Facts)
	s.Codes = slices.Clone(s.Codes)
	s.Tried = slices.Clone(s.Tried)
	return s
}

// maxTried is how many steps a state remembers: more than any trouble has. A
// state is stored with each turn, and a conversation may go on for years.
const maxTried = 60

// tried notes a step that was taken or told of.
func (s *State) tried(step Tried) {
	s.Tried = append(s.Tried, step)
	if n := len(s.Tried) - maxTried; n > 0 {
		s.Tried = slices.Delete(s.Tried, 0, n)
	}
}

// present returns a copy of a state without the fixes whose playbook is there no
// more: content may be replaced while somebody is led through it.
func (s *Script) present(from State) State {
	st := from.clone()
	gone := func(fix *Fixing) bool { return fix != nil && s.playbooks[fix.Intent] == nil }
	if gone(st.Fix) {
		st.Fix, st.Back = nil, nil
		if st.Phase == Guiding {
			st.Phase = Idle
		}
	}
	if gone(st.Back) {
		st.Back = nil
	}
	if gone(st.Ended) {
		st.Ended = nil
	}
	st.Paused = slices.DeleteFunc(st.Paused, func(fix Fixing) bool { return gone(&fix) })
	return st
}

// offers reports whether the last reply offered the choice.
func (s State) offers(id string) bool {
	return slices.ContainsFunc(s.Offered, func(c Choice) bool { return c.ID == id })
}

// endedUnasked reports whether the bot's last words ended a fix by what the
// merchant told unasked, and asked to be set right.
func (s State) endedUnasked() bool {
	return s.Ended != nil && slices.ContainsFunc(s.Last, func(l Line) bool { return strings.HasPrefix(l.Key, "end:") })
}

func (f *Fixing) clone() *Fixing {
	if f == nil {
		return nil
	}
	c := *f
	c.Evidence, c.Heard = f.Evidence.clone(), slices.Clone(f.Heard)
	return &c
}

// Input is a message as it was understood. The same input in the same state
// always gives the same outcome.
type Input struct {
	Text        string // masked; "" if there is nothing but what More has
	Said        string // Text normalised; after choices were offered, with the message they were offered for
	Choice      string // the id of a choice that was pressed, or ""
	Lang        source.Lang
	Traditional bool
	LangKnown   bool // whether the text tells its language

	Guesses  []intents.Guess // likeliest first
	Decision intents.Decision
	Also     []string    // two or more symptoms that parts of the message are surely about, in its order
	More     []Addition  // troubles told on top of the fix under way; the other fields leave them out
	Instead  bool        // the trouble is not the one under way but that of Guesses
	Act      intents.Act // what the message is as an answer to the question asked
	ActScore float64     // chance that it is that act
	Again    bool        // "say that again" rather than "one step back"
	Angry    bool
	Person   bool // asks for a person in words that mean nothing else
	NoPerson bool // says in such words that no person is wanted
	Help     bool // asks for help and does not say for what

	Known    map[string]source.Text // entity type: what is left of the trouble before, as people call it
	Entities []intents.Entity
	Secrets  []intents.Secret
	Codes    []kb.Found // error codes and screen texts named
	Empty    bool       // nothing to read: blanks, emoji, marks
	Media    bool       // a picture, voice or file came with it

	// Passages looks up what the knowledge base has on it, best first: the same
	// each time. It is asked only where that may be the answer, since to search
	// costs more than all the rest of understanding. Nil if there is nothing.
	Passages func() []kb.Hit
}

// An Addition is a trouble told of on top of the one under way: "oh, and the
// printer is out of paper".
type Addition struct {
	Intent string
	Said   string // what is said of it, normalised
}

// A Line is one message of the bot.
type Line struct {
	Key     string      `json:"key"`  // which text: a reply key, "step:…", "opening:…", "code:…"
	Kind    ReplyKind   `json:"kind"` // what it is for the channel
	Text    source.Text `json:"text"`
	Intent  string      `json:"intent,omitempty"`
	Step    string      `json:"step,omitempty"`
	Article string      `json:"article,omitempty"`
	Choices []Choice    `json:"choices,omitempty"`
}

// ReplyKind is the kind of a reply, as CONTRACT.md names it.
type ReplyKind string

// The kinds of reply.
const (
	KindAnswer    ReplyKind = "answer"
	KindStep      ReplyKind = "step"
	KindAsk       ReplyKind = "ask"
	KindClarify   ReplyKind = "clarify"
	KindNotice    ReplyKind = "notice"
	KindEscalated ReplyKind = "escalated"
	KindAgent     ReplyKind = "agent"
)

// A Choice is something to press instead of typing.
type Choice struct {
	ID    string      `json:"id"`
	Label source.Text `json:"label"`
}

// Outcome is everything that follows from one input.
type Outcome struct {
	State   State
	Say     []Line
	Handoff *Handoff // set when a person must take over now
	Solved  *Solved  // set when a fix ended with success
	// Feedback is set when the merchant answered a survey.
	Feedback *Feedback
	// Angry says that a message for the people who have the case has words of
	// anger in it.
	Angry  bool
	Reason Reason // why; logged, shown to staff, asserted in tests
}

// Handoff is what staff need to take over.
type Handoff struct {
	Cause   Cause             `json:"cause"`
	Intent  string            `json:"intent,omitempty"`
	Suspect string            `json:"suspect,omitempty"` // the likeliest cause, a fault id
	Chance  float64           `json:"chance,omitempty"`  // how likely it is
	Facts   map[string]string `json:"facts,omitempty"`
	Codes   []string          `json:"codes,omitempty"`
	Tried   []Tried           `json:"tried,omitempty"`
	Later   []string          `json:"later,omitempty"` // other symptoms told of, not settled yet
}

// Solved is the success that shifts the priors: which step ended which symptom.
type Solved struct {
	Intent string `json:"intent"`
	Step   string `json:"step"`
	Brand  string `json:"brand,omitempty"`
}

// Reason names why the dialog did what it did.
type Reason string

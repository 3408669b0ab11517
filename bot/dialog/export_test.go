package dialog

import (
	"slices"

	"tilldesk/intents"
)

// ToldBy returns what a normalised message says about steps unasked, as step
// and result; what it denies has a "not " before the result.
func (s *Script) ToldBy(text string) map[string]string {
	told := map[string]string{}
	for _, f := range s.told(text) {
		told[f.step] = string(f.result)
		if f.denied {
			told[f.step] = "not " + told[f.step]
		}
	}
	return told
}

// ToldWithoutCues is ToldBy, with all that could be said looked for.
func (s *Script) ToldWithoutCues(text string) map[string]string {
	blind := *s
	blind.cues = &cues{without: s.cues.all()}
	return blind.ToldBy(text)
}

func (c *cues) all() []*expression {
	all := slices.Clone(c.without)
	for _, of := range c.of {
		all = append(all, of...)
	}
	return all
}

// Uncued returns how many words that answer steps have no cue.
func (s *Script) Uncued() int { return len(s.cues.without) }

// SaidBy returns what a normalised answer says to a step that is asked.
func (s *Step) SaidBy(text string) intents.Act { return s.said(text) }

// RemarkOf names what is said by the way in a message, "" if it is something else.
func RemarkOf(text string) string {
	text = intents.Normalise(text)
	for _, is := range []struct {
		name string
		of   bool
	}{{"wait", putsOff(text, false)}, {"doing", putsOff(text, true)}, {"bot", asksBot.MatchString(text)}, {"vent", vents.MatchString(text) && vent.MatchString(text)}, {"why", asksWhy.MatchString(text)},
		{"long", asksLong.MatchString(text)}, {"vague", vague.MatchString(text)}, {"elsewhere", elsewhere.MatchString(text)},
		{"login", signIn.MatchString(text) && !ofTheCustomer.MatchString(text)}, {"not known", notKnown.MatchString(text)},
		{"in vain", inVain.MatchString(text)}, {"done", done.MatchString(text)}} {
		if is.of {
			return is.name
		}
	}
	return ""
}

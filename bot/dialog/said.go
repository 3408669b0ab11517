package dialog

import (
	"regexp"
	"slices"
	"strings"

	"tilldesk/content/source"
	"tilldesk/intents"
)

// Said are the words that answer a check once it is asked, and would say
// nothing unasked: 「小半卷」 says that there is paper left, and "at an angle"
// that a plug is loose, to those who asked.
type Said struct {
	Yes *Spoken `yaml:"yes"`
	No  *Spoken `yaml:"no"`
}

// Spoken are the ways to say one answer, written as those of [Words] are.
type Spoken struct {
	Zh []string `yaml:"zh"`
	En []string `yaml:"en"`

	zh, en *expression
}

// longestSaid is how many characters an answer has at most that is read by a
// few of its words: a story says more than one thing.
const longestSaid = 48

// readSaid is how sure such an answer is: sure enough to stay with the step, not
// to close a case with money in it. From sureOther on it is another kind of answer.
const (
	readSaid  = 0.85
	sureOther = 0.8
	saidTwice = 0.98 // "yes", and what only a yes would add
)

// said reads an answer by the words that the asked check knows its answers by.
// It returns "" if there are none in it, or those of both. Whoever says yes or no
// in so many words is read as everywhere.
func (s *Step) said(text string) intents.Act {
	if s.Kind != Check || len([]rune(text)) > longestSaid || asksBack.MatchString(text) || howTo.MatchString(text) {
		return ""
	}
	yes, no := s.Said.Yes.find(text), s.Said.No.find(text)
	if yesOrNoFirst.MatchString(text) {
		// "yes, from a link" says it twice; what else follows a yes or a no is read
		// as everywhere.
		if yesFirst.MatchString(text) && len(yes) > 0 && len(no) == 0 {
			return intents.ActYes
		}
		return ""
	}
	switch {
	case len(yes) == len(no): // most often neither
		return ""
	case len(no) == 0, len(yes) > 0 && len(yes) > len(no) && within(no, yes):
		return intents.ActYes
	case len(yes) == 0, within(yes, no):
		return intents.ActNo
	}
	return ""
}

// yesOrNoFirst begins an answer that says yes or no before what it tells.
var yesOrNoFirst = regexp.MustCompile(`^(?:是的?|对的?|嗯+|有的?|没有?|不是|不会|yes|yeah|yep|yup|ya|no|nope|nah)(?:$|[ ,.!。、])`)

var yesFirst = regexp.MustCompile(`^(?:是的?|对的?|嗯+|yes|yeah|yep|yup|ya)(?:$|[ ,.!。、])`)

// find returns the longest of the words that stand in the text and are not
// denied there, "" if none.
func (w *Spoken) find(text string) (longest string) {
	if w == nil {
		return ""
	}
	look := func(re *expression, letters, text string) {
		for _, at := range re.ready().FindAllStringIndex(letters, -1) {
			if found := text[at[0]:at[1]]; len(found) > len(longest) && !deniedSaid.MatchString(text[:at[0]]) {
				longest = found
			}
		}
	}
	if w.zh != nil {
		look(w.zh, text, text)
	}
	if w.en != nil {
		mixed := apart(text)
		look(w.en, inLetters(mixed), mixed)
	}
	return longest
}

// deniedSaid before words takes them back: 「没有被退回」, "it isn't really cracked".
var deniedSaid = regexp.MustCompile(`(?:没有?|不是?|未|别|冇|唔|并非)[^,.。、 ]{0,2}$|(?:\b(?:not|never|no|without|cannot)|n't)(?: \w+){0,2} $`)

// within reports whether the words of one answer are only part of those of the
// other: 「成功」 within 「两条成功」.
func within(part, whole string) bool {
	return strings.Contains(whole, part)
}

// checkSaid checks the words of a step and makes them ready to be found.
func (s *Script) checkSaid(doc *source.Document, step *Step, words groups, at []any) {
	if step.Said == (Said{}) {
		return
	}
	at = append(slices.Clone(at), "said")
	if step.Kind != Check || step.Expects == "text" {
		doc.Add(at, "`said` belongs to a check that is answered with yes or no")
	}
	for _, side := range []struct {
		key   string
		words *Spoken
	}{{"yes", step.Said.Yes}, {"no", step.Said.No}} {
		if side.words == nil {
			continue
		}
		for _, in := range []struct {
			lang source.Lang
			ways []string
			into **expression
		}{{source.Zh, side.words.Zh, &side.words.zh}, {source.En, side.words.En, &side.words.en}} {
			at := append(slices.Clone(at), side.key, string(in.lang))
			if len(in.ways) == 0 {
				doc.Add(at, "no way to say it in %s", in.lang)
				continue
			}
			if re := compile(doc, in.ways, in.lang, words, at); re != nil {
				re.longest = true
				*in.into = re
			}
			s.ways = append(s.ways, waysOf{doc, at, in.ways})
		}
	}
}

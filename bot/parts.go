package bot

import (
	"regexp"
	"slices"
	"strings"

	"tilldesk/intents"
)

// joint stands between two troubles told in one message. A full stop does not:
// a story of one trouble has many sentences.
var joint = regexp.MustCompile(`(?i)还有(?:就是|一?个|件)?|另外|而且|再就是|再一个|对了|顺便|除此之外|此外|第二|[;；]|` +
	`\b(?:and also|also|another (?:thing|problem|one)|besides|plus|on top of that|by the way|secondly|one more thing|apart from that)\b`)

// seam may stand between two troubles: what is on both its sides has to be
// surer, since it joins what happened, and what was tried, as well.
var seam = regexp.MustCompile(`(?i)[,，。;；]|\p{Han}(\s+)\p{Han}|\b(?:and|plus)\b|第[一二两]|[一另](?:个|是)`)

// From which probability a part of a message is about a trouble of its own: at
// a seam, at a joint, and after a joint where the part before is sure. To offer
// a trouble too many costs a glance, one that is forgotten another message.
const (
	sureAtSeam = 0.83
	surePart   = 0.7
	likelyPart = 0.5
)

// outsider is the probability of being out of scope up to which a part that
// stands after a trouble is taken for one too: 「wifi老掉」 alone may be about
// guests.
const outsider = 0.7

// also returns the troubles that parts of a message are surely about, in its
// order, if there are two or more, so that the second is not forgotten.
func (k *Knowledge) also(whole intents.Match) []string {
	if told := k.troubles(joint.Split(whole.Text, -1), whole.Guesses[0].Intent, surePart, likelyPart); len(told) > 0 {
		return about(told)
	}
	if len(whole.Normal) > oneLine || !doubled.MatchString(whole.Normal) {
		return nil
	}
	told := k.troubles(atSeams(whole.Text), whole.Guesses[0].Intent, sureAtSeam, sureAtSeam)
	if len(told) != 2 || !slices.Contains(about(told), whole.Guesses[0].Intent) || told[0].brings(told[1]) || told[1].brings(told[0]) && !added.MatchString(told[1].text) {
		return nil
	}
	return about(told)
}

// A part of a message tells of a trouble of its own.
type part struct{ intent, text string }

// about returns the troubles of parts, in their order.
func about(parts []part) []string {
	ids := make([]string, len(parts))
	for i, p := range parts {
		ids[i] = p.intent
	}
	return ids
}

// atSeams cuts a text at its seams. Of a blank between Chinese words the words
// stay.
func atSeams(text string) (parts []string) {
	from := 0
	for at := 0; at < len(text); {
		m := seam.FindStringSubmatchIndex(text[at:])
		if m == nil {
			break
		}
		start, end := at+m[0], at+m[1]
		if m[2] >= 0 {
			start, end = at+m[2], at+m[3]
		}
		parts = append(parts, text[from:start])
		from, at = end, end
	}
	return append(parts, text[from:])
}

// causes are what may stop a sale by itself. Told in one breath with a code that
// fails, or money that does not come, it is the cause, and one trouble with its
// effect.
var causes = regexp.MustCompile(`^(?:device\.(?:scanner|cable|power)|network\.|account\.|platform\.|software\.(?:settings|update)|code\.|customer\.)`)

// effects are what they bring about.
var effects = regexp.MustCompile(`^(?:scan\.|software\.error$|payment\.settlement$|platform\.outage$)`)

// brings reports whether another trouble is what this one brings about.
func (p part) brings(other part) bool {
	return causes.MatchString(p.intent) && effects.MatchString(other.intent)
}

// ruledOut says of a part what it is not, or that it is all right.
var ruledOut = regexp.MustCompile(`(?i)^\s*(?:应该|肯定|也|又)?(?:不是|不像)|^\s*(?:it |it's |its |is )*not\b|` +
	`(?:正常|好好的|好的|没问题|没毛病|满格)\s*$|\b(?:fine|ok|okay|good|normal|perfect|works|working|online)\s*$|` +
	`没(?:有|被)?(?:被|付|扣)|\b(?:not|no ?(?:body|one) (?:was|is|has been)|wasn't|weren't) (?:been )?charged`)

// oneLine is how many bytes a message has at most that is looked at for seams: a
// longer one tells a story of one trouble.
const oneLine = 120

// added is said of a trouble that comes on top of another.
var added = regexp.MustCompile(`(?i)也|\b(?:too|either|as well|also)\b`)

// doubled is said where one trouble is added to another.
var doubled = regexp.MustCompile(`也|又|两[个件样]|第二|\b(?:and|plus|too|two|either|as well|also)\b`)

// troubles returns what the parts are about, if that is two or more troubles:
// the first with a probability of sure at least, those after it of likely.
func (k *Knowledge) troubles(parts []string, main string, sure, likely float64) (told []part) {
	if len(parts) < 2 {
		return nil
	}
	same := func(a, b string) bool { return a == b || sameTrouble(a, b) }
	surely := false
	for _, text := range parts {
		if fragment(text) || ruledOut.MatchString(text) {
			continue
		}
		m := k.Engine.Match(text)
		top := inScope(m.Guesses)
		if top.Score < likely || k.Script.Playbook(top.Intent) == nil {
			continue
		}
		surely = surely || m.Decision == intents.Answer && top.Score >= sure
		if same(top.Intent, main) {
			top.Intent = main // what the whole message says of it is surer
		}
		if !slices.ContainsFunc(told, func(p part) bool { return same(p.intent, top.Intent) }) {
			told = append(told, part{top.Intent, text})
		}
	}
	if len(told) < 2 || !surely {
		return nil // one trouble, told in several breaths
	}
	return told
}

// inScope returns what a part is likeliest about, among what is in scope: where
// one part tells of a trouble, the next is hardly about the weather.
func inScope(guesses []intents.Guess) intents.Guess {
	top := guesses[0]
	if top.Intent == intents.OutOfScope && top.Score <= outsider && len(guesses) > 1 {
		return intents.Guess{Intent: guesses[1].Intent, Score: guesses[1].Score / (1 - top.Score)}
	}
	return top
}

// sameTrouble reports whether two intents are ways to tell of one trouble:
// scanning that fails is one, whichever code it is about.
func sameTrouble(a, b string) bool {
	return strings.HasPrefix(a, "scan.") && strings.HasPrefix(b, "scan.")
}

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
var seam = regexp.MustCompile(`(?i)[,，。;；]|\b(?:and|plus)\b|第[一二两]|[一另](?:个|是)`)

// From which probability a part of a message is about a trouble of its own: at
// a seam, at a joint, and after a joint where the part before is sure. To offer
// a trouble too many costs a glance, one that is forgotten another message.
const (
	sureAtSeam = 0.83
	surePart   = 0.78
	likelyPart = 0.5
)

// also returns the troubles that parts of a message are surely about, in its
// order, if there are two or more, so that the second is not forgotten.
func (k *Knowledge) also(whole intents.Match) []string {
	if troubles := k.troubles(joint.Split(whole.Text, -1), whole.Guesses[0].Intent, surePart, likelyPart); len(troubles) > 0 {
		return troubles
	}
	if len(whole.Normal) > oneLine || !doubled.MatchString(whole.Normal) {
		return nil
	}
	troubles := k.troubles(seam.Split(whole.Text, -1), whole.Guesses[0].Intent, sureAtSeam, sureAtSeam)
	if len(troubles) != 2 || !slices.Contains(troubles, whole.Guesses[0].Intent) {
		return nil
	}
	return troubles
}

// ruledOut says of a part what it is not, or that it is all right.
var ruledOut = regexp.MustCompile(`(?i)^\s*(?:应该|肯定|也|又)?(?:不是|不像)|^\s*(?:it |it's |its |is )*not\b|` +
	`(?:正常|好好的|好的|没问题|没毛病|满格)\s*$|\b(?:fine|ok|okay|good|normal|perfect|works|working|online)\s*$`)

// oneLine is how many bytes a message has at most that is looked at for seams: a
// longer one tells a story of one trouble.
const oneLine = 120

// doubled is said where one trouble is added to another.
var doubled = regexp.MustCompile(`也|又|两[个件样]|第二|\b(?:and|plus|too|two)\b`)

// troubles returns what the parts are about, if that is two or more troubles:
// the first with a probability of sure at least, those after it of likely.
func (k *Knowledge) troubles(parts []string, main string, sure, likely float64) (told []string) {
	if len(parts) < 2 {
		return nil
	}
	same := func(a, b string) bool { return a == b || sameTrouble(a, b) }
	surely := false
	for _, part := range parts {
		if fragment(part) || ruledOut.MatchString(part) {
			continue
		}
		m := k.Engine.Match(part)
		top := m.Guesses[0]
		if top.Score < likely || k.Script.Playbook(top.Intent) == nil {
			continue
		}
		surely = surely || m.Decision == intents.Answer && top.Score >= sure
		if same(top.Intent, main) {
			top.Intent = main // what the whole message says of it is surer
		}
		if !slices.ContainsFunc(told, func(id string) bool { return same(id, top.Intent) }) {
			told = append(told, top.Intent)
		}
	}
	if len(told) < 2 || !surely {
		return nil // one trouble, told in several breaths
	}
	return told
}

// sameTrouble reports whether two intents are ways to tell of one trouble:
// scanning that fails is one, whichever code it is about.
func sameTrouble(a, b string) bool {
	return strings.HasPrefix(a, "scan.") && strings.HasPrefix(b, "scan.")
}

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

// surePart is the probability from which a part of a message is about a
// trouble of its own.
const surePart = 0.7

// also returns the troubles that parts of a message are surely about, in its
// order, if there are two or more, so that the second is not forgotten.
func (k *Knowledge) also(whole intents.Match) []string {
	parts := joint.Split(whole.Text, -1)
	if len(parts) < 2 {
		return nil
	}
	main := whole.Guesses[0].Intent
	same := func(a, b string) bool { return a == b || sameTrouble(a, b) }
	var sure []string
	for _, part := range parts {
		if fragment(part) {
			continue
		}
		m := k.Engine.Match(part)
		top := m.Guesses[0]
		if m.Decision != intents.Answer || top.Score < surePart || k.Script.Playbook(top.Intent) == nil {
			continue
		}
		if same(top.Intent, main) {
			top.Intent = main // what the whole message says of it is surer
		}
		if !slices.ContainsFunc(sure, func(id string) bool { return same(id, top.Intent) }) {
			sure = append(sure, top.Intent)
		}
	}
	if len(sure) < 2 {
		return nil // one trouble, told in several breaths
	}
	return sure
}

// sameTrouble reports whether two intents are ways to tell of one trouble:
// scanning that fails is one, whichever code it is about.
func sameTrouble(a, b string) bool {
	return strings.HasPrefix(a, "scan.") && strings.HasPrefix(b, "scan.")
}

package dialog

import (
	"slices"

	"tilldesk/kb"
)

// SureHit is the score from which a passage answers a free question.
const SureHit = 0.45

func (t *turn) passages() []kb.Hit {
	if t.in.Passages == nil {
		return nil
	}
	return t.in.Passages()
}

// hit returns the passage that answers a free question: the foremost that says
// enough of it. One before it may only be likelier to be about the same.
func (t *turn) hit() (kb.Hit, bool) {
	for _, hit := range t.passages() {
		if slices.Contains(hit.Intents, cashout) && t.st.Fix != nil {
			continue // it would accuse who asks for the shop's own money
		}
		if hit.Score >= SureHit {
			return hit, true
		}
	}
	return kb.Hit{}, false
}

// hitFor returns the best passage among the articles of the intent.
func (t *turn) hitFor(intent string) (kb.Hit, bool) {
	for _, hit := range t.passages() {
		if slices.Contains(hit.Intents, intent) && hit.Score >= SureHit {
			return hit, true
		}
	}
	return kb.Hit{}, false
}

func (t *turn) passageLine(hit kb.Hit) Line {
	return Line{Key: "passage:" + hit.ID(), Kind: KindAnswer, Text: hit.Text, Article: hit.Article}
}

// free answers a free question from the knowledge base; it reports false if
// that has no answer.
func (t *turn) free() bool {
	hit, ok := t.hit()
	if !ok {
		return false
	}
	line := t.passageLine(hit)
	line.Choices = []Choice{t.script.choice("human")}
	t.productive()
	t.reason(Answered)
	t.say(line)
	return true
}

package intents

import (
	"cmp"
	"math"
	"slices"
	"unicode"
	"unicode/utf8"
)

// An Explanation says why a message is taken for what it is, in words that who
// edits the examples can act on.
type Explanation struct {
	Match Match
	// Reasons are those of the likeliest intents, likeliest first.
	Reasons []Reason
}

// A Reason is what spoke for an intent.
type Reason struct {
	Intent string  `json:"intent"`
	Score  float64 `json:"score"` // the chance that it is meant
	// Words are the parts of the message that count most, strongest first.
	Words []Weighed `json:"words"`
	// Examples are those of the intent's examples that the message resembles
	// most, the most alike first.
	Examples []Resemblance `json:"examples"`
}

// Weighed is a part of a message and what it does to an intent.
type Weighed struct {
	Text string `json:"text"` // as it was read: normalised
	// Weight is by how much the intent would lose without it; below 0 it speaks
	// against the intent. Where an intent is told from the others lies at 0, and
	// its examples at 1 or beyond.
	Weight float64 `json:"weight"`
}

// A Resemblance is an example and how alike it is to the message: from 0,
// nothing in common, to 1, the same.
type Resemblance struct {
	Text  string  `json:"text"`
	Alike float64 `json:"alike"`
}

const (
	explained    = 2   // intents that are explained
	weighedParts = 5   // parts named for each
	resembling   = 3   // examples named for each
	maxExplained = 120 // characters of a message that are weighed
	longestPart  = 4   // words or Han characters
	telling      = .03 // weight below which a part is not worth naming
)

// Explain says why the text is matched as it is. set is what the engine has
// learnt from. It takes thousands of times as long as Match: it asks again
// without each part of the text, and compares it with every example.
func (e *Engine) Explain(set *Set, text string) Explanation {
	x := Explanation{Match: e.Match(text)}
	alike := e.intents.Alike(x.Match.Normal)
	for _, g := range x.Match.Guesses[:min(explained, len(x.Match.Guesses))] {
		r := Reason{Intent: g.Intent, Score: g.Score, Words: e.weigh(x.Match.Normal, g.Intent)}
		for _, ex := range set.Examples {
			if ex.Intent != g.Intent {
				continue
			}
			if a := alike(e.read(ex.Text)); a > 0 {
				r.Examples = append(r.Examples, Resemblance{ex.Text, a})
			}
		}
		slices.SortStableFunc(r.Examples, func(a, b Resemblance) int { return cmp.Compare(b.Alike, a.Alike) })
		r.Examples = r.Examples[:min(resembling, len(r.Examples))]
		x.Reasons = append(x.Reasons, r)
	}
	return x
}

// weigh leaves out each part of the text in turn and returns those whose
// absence changes most, none of which overlap.
func (e *Engine) weigh(text, intent string) []Weighed {
	type part struct {
		from, to int
		weight   float64
		strength float64
	}
	whole := e.intents.Score(text, intent)
	units := unitsOf(text)
	var parts []part
	for i := range units {
		for n := 1; n <= longestPart && i+n <= len(units); n++ {
			if n > 1 && !joined(text, units[i+n-2], units[i+n-1]) {
				break
			}
			p := part{from: units[i].from, to: units[i+n-1].to}
			p.weight = whole - e.intents.Score(text[:p.from]+" "+text[p.to:], intent)
			// Of two that weigh the same the shorter one says more.
			p.strength = math.Abs(p.weight) / math.Sqrt(float64(n))
			parts = append(parts, p)
		}
	}
	slices.SortStableFunc(parts, func(a, b part) int { return cmp.Compare(b.strength, a.strength) })
	var taken []part
	for _, p := range parts {
		overlaps := slices.ContainsFunc(taken, func(t part) bool { return p.from < t.to && t.from < p.to })
		if !overlaps && math.Abs(p.weight) >= telling && len(taken) < weighedParts {
			taken = append(taken, p)
		}
	}
	words := make([]Weighed, len(taken))
	for i, p := range taken {
		words[i] = Weighed{text[p.from:p.to], p.weight}
	}
	slices.SortStableFunc(words, func(a, b Weighed) int { return cmp.Compare(math.Abs(b.Weight), math.Abs(a.Weight)) })
	return words
}

// A unit is a Latin word or a single Han character of a text: bytes from to
// before to.
type unit struct{ from, to int }

func unitsOf(text string) []unit {
	var units []unit
	word := -1 // where a word began
	runes := 0
	for i, r := range text {
		if runes++; runes > maxExplained {
			text = text[:i]
			break
		}
		latin := r < 0x2e80 && (unicode.IsLetter(r) || unicode.IsNumber(r) || r == '\'')
		if word >= 0 && !latin {
			units = append(units, unit{word, i})
			word = -1
		}
		switch {
		case latin && word < 0:
			word = i
		case !latin && (unicode.IsLetter(r) || unicode.IsSymbol(r)):
			units = append(units, unit{i, i + utf8.RuneLen(r)})
		}
	}
	if word >= 0 {
		units = append(units, unit{word, len(text)})
	}
	return units
}

// joined reports whether b follows a with nothing but a blank between them.
func joined(text string, a, b unit) bool {
	between := text[a.to:b.from]
	return between == "" || between == " "
}

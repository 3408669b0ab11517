package dialog

import (
	"maps"
	"regexp/syntax"
	"slices"
	"unicode/utf8"
)

// cues tell which of many expressions a text can match at all, by pieces of
// text that each of their matches has in it: a message says something of few
// steps, and to look for all of them took longer than to decide what to answer.
type cues struct {
	of      map[string][]*expression // by a piece, those that it is a cue for
	lengths []int                    // of the pieces, in bytes
	without []*expression            // those that have none: they must be tried
}

// maxCue is how many bytes of a piece are looked for: two Chinese characters,
// six letters.
const maxCue = 6

// maxCueClass is how many characters a class has at most to be taken for so
// many pieces.
const maxCueClass = 16

// newCues returns the cues of expressions.
func newCues(all []*expression) *cues {
	c := &cues{of: map[string][]*expression{}}
	lengths := map[int]bool{}
	for _, re := range all {
		parsed, err := syntax.Parse(re.text, syntax.Perl)
		var pieces []string
		if err == nil {
			pieces = needed(parsed)
		}
		if len(pieces) == 0 {
			c.without = append(c.without, re)
			continue
		}
		short := map[string]bool{}
		for _, piece := range pieces {
			short[cueOf(piece)] = true
		}
		for _, piece := range slices.Sorted(maps.Keys(short)) {
			c.of[piece] = append(c.of[piece], re)
			lengths[len(piece)] = true
		}
	}
	c.lengths = slices.Sorted(maps.Keys(lengths))
	return c
}

func cueOf(piece string) string {
	if len(piece) <= maxCue {
		return piece
	}
	end := maxCue
	for !utf8.RuneStart(piece[end]) {
		end--
	}
	return piece[:end]
}

// in returns the expressions that may match somewhere in a text: all that do,
// and some others.
func (c *cues) in(text string) map[*expression]bool {
	may := map[*expression]bool{}
	for _, re := range c.without {
		may[re] = true
	}
	for at := range text {
		for _, n := range c.lengths {
			if at+n > len(text) {
				break
			}
			for _, re := range c.of[text[at:at+n]] {
				may[re] = true
			}
		}
	}
	return may
}

// needed returns pieces of text of which each match of an expression has at
// least one in it, the longest that there are; none if that cannot be said.
func needed(re *syntax.Regexp) []string {
	switch re.Op {
	case syntax.OpLiteral:
		if re.Flags&syntax.FoldCase == 0 {
			return []string{string(re.Rune)}
		}
	case syntax.OpCharClass:
		var pieces []string
		for i := 0; i+1 < len(re.Rune); i += 2 {
			for r := re.Rune[i]; r <= re.Rune[i+1]; r++ {
				if len(pieces) == maxCueClass {
					return nil
				}
				pieces = append(pieces, string(r))
			}
		}
		return pieces
	case syntax.OpCapture, syntax.OpPlus:
		return needed(re.Sub[0])
	case syntax.OpRepeat:
		if re.Min > 0 {
			return needed(re.Sub[0])
		}
	case syntax.OpAlternate:
		var pieces []string
		for _, sub := range re.Sub {
			of := needed(sub)
			if len(of) == 0 {
				return nil
			}
			pieces = append(pieces, of...)
		}
		return pieces
	case syntax.OpConcat:
		var best []string
		for _, sub := range re.Sub {
			if of := needed(sub); len(of) > 0 && (best == nil || telling(of) > telling(best)) {
				best = of
			}
		}
		return best
	}
	return nil
}

// telling returns how many bytes the shortest of the pieces has as a cue.
func telling(pieces []string) int {
	least := maxCue
	for _, piece := range pieces {
		least = min(least, len(piece))
	}
	return least
}

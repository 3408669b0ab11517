package linear

import (
	"unicode"
	"unicode/utf8"
)

// maxRunes is how much of a text is read. It bounds the work that one message
// can cause; examples and messages worth classifying are far shorter.
const maxRunes = 2000

// A group is one kind of feature. Each is normalised by itself, so that the
// many n-grams of a text do not outweigh its few words.
type group uint8

const (
	latinWords  group = iota // stems
	latinSenses              // what they say, of those that others say it too
	latinPairs               // neighbouring senses, with the ends of the text
	latinSkips               // two senses in any order within skipWindow words
	latinGrams               // characters within a word, with its edges
	hanChars
	hanPairs // neighbouring characters, with the edges of the run
	hanSkips // the characters on both sides of another
	groups
)

// A script is a family of groups whose rarity is counted apart: how rare an
// English word is says nothing of Chinese rows.
type script uint8

const (
	latin script = iota
	han
	scripts
)

func (g group) script() script {
	if g >= hanChars {
		return han
	}
	return latin
}

const (
	skipWindow     = 5 // words
	minGram        = 3 // characters, edges included
	maxGram        = 4
	edge           = ' ' // of a word or a run
	latinWordUnits = 2   // a word says about as much as two Han characters
)

// A feature is what a text contains, known by its hash alone: 64 bits are
// enough for no two features of one corpus to meet.
type feature struct {
	hash  uint64
	group group
}

// An extractor turns texts into features. It keeps its buffers from text to
// text and is not safe for concurrent use.
type extractor struct {
	features []feature // distinct, in order of appearance
	seen     hashSet
	words    []uint64 // of the text: the sense of each, or its stem if it has none
	word     []rune
	run      []rune
}

// extract sets x.features to the distinct features of the text and returns
// how much of the text is of each script. How often a feature occurs is not
// counted: in a message, twice says no more than once.
func (x *extractor) extract(text string) (units [scripts]int) {
	x.features, x.words = x.features[:0], x.words[:0]
	x.word, x.run = x.word[:0], x.run[:0]
	x.seen.reset()
	runes := 0
	for _, r := range text {
		if runes++; runes > maxRunes {
			break
		}
		switch kindOf(r) {
		case ideograph:
			x.endWord()
			x.run = append(x.run, r)
			units[han]++
		case letter:
			x.endRun()
			x.word = append(x.word, r)
		case apostrophe: // people write can't and cant
			x.endRun()
		case symbol:
			x.endRun()
			x.endWord()
			x.add(hanChars, step(0, r))
			units[han]++
		default:
			x.endRun()
			x.endWord()
		}
	}
	x.endRun()
	x.endWord()
	x.endText()
	units[latin] = latinWordUnits * len(x.words)
	return units
}

func (x *extractor) endWord() {
	if len(x.word) == 0 {
		return
	}
	h := stemHash(x.word)
	x.add(latinWords, h)
	if sense, ok := senses()[h]; ok {
		x.add(latinSenses, sense)
		h = sense
	}
	x.words = append(x.words, h)

	for i := -1; i+minGram <= len(x.word)+1; i++ {
		h := uint64(0)
		for j := i; j < min(i+maxGram, len(x.word)+1); j++ {
			r := rune(edge)
			if j >= 0 && j < len(x.word) {
				r = x.word[j]
			}
			h = step(h, r)
			if j-i+1 >= minGram {
				x.add(latinGrams, h)
			}
		}
	}
	x.word = x.word[:0]
}

func (x *extractor) endRun() {
	if len(x.run) == 0 {
		return
	}
	before := rune(edge)
	for i, r := range x.run {
		x.add(hanChars, step(0, r))
		x.add(hanPairs, step(step(0, before), r))
		if i >= 2 {
			x.add(hanSkips, step(step(0, x.run[i-2]), r))
		}
		before = r
	}
	x.add(hanPairs, step(step(0, before), edge))
	x.run = x.run[:0]
}

func (x *extractor) endText() {
	if len(x.words) == 0 {
		return
	}
	before := uint64(edge)
	for i, s := range x.words {
		x.add(latinPairs, 3*before+s)
		for _, t := range x.words[i+1 : min(i+skipWindow, len(x.words))] {
			x.add(latinSkips, s+t)
		}
		before = s
	}
	x.add(latinPairs, 3*before+edge)
}

// add notes the feature of group g that h tells apart from the others of g.
func (x *extractor) add(g group, h uint64) {
	h = scramble(h + uint64(g+1)<<59)
	if x.seen.add(h) {
		x.features = append(x.features, feature{h, g})
	}
}

// step adds a rune to the hash of a sequence.
func step(h uint64, r rune) uint64 { return (h + uint64(r) + 1) * 0x9e3779b97f4a7c15 }

// scramble spreads a hash over all bits (the finaliser of SplitMix64).
func scramble(h uint64) uint64 {
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}

// A kind is the part that a character plays.
type kind uint8

const (
	other kind = iota
	letter
	ideograph // a character that stands for itself, in a run without blanks
	symbol    // an emoji or a currency sign: stands for itself, alone
	apostrophe
)

func kindOf(r rune) kind {
	switch {
	case 'a' <= r && r <= 'z', '0' <= r && r <= '9', 'A' <= r && r <= 'Z':
		return letter
	case 0x4e00 <= r && r <= 0x9fff: // most of what is written in Chinese
		return ideograph
	case r == '\'', r == '’':
		return apostrophe
	case r == '$':
		return symbol
	case r < 0x80:
		return other
	case r >= 0x2e80 && (unicode.IsLetter(r) || unicode.IsNumber(r)): // Han, kana, Hangul
		return ideograph
	case r < 0x2e80 && (unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsMark(r)):
		return letter
	case r != utf8.RuneError && unicode.In(r, unicode.Sc, unicode.So):
		return symbol
	}
	return other
}

package botapi

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/clipperhouse/uax29/v2/graphemes"
)

// MaxText is how long a message may be: 4096 characters (Bot API, sendMessage),
// counted as UTF-16 code units, which is the more careful reading.
const MaxText = 4096

// Units is the length of a text in UTF-16 code units.
func Units(text string) int {
	n := 0
	for _, r := range text {
		n += utf16.RuneLen(r)
	}
	return n
}

// Split cuts a text into pieces of at most limit UTF-16 units, none of them
// blank: at the end of a paragraph, else of a line, a sentence, a word, and
// never within what is seen as one character, unless that alone is longer.
// Blanks at the cuts are left out; nothing else is.
func Split(text string, limit int) []string {
	var pieces []string
	text = strings.TrimSpace(strings.ToValidUTF8(text, "\uFFFD"))
	for text != "" {
		end := cut(text, limit)
		if piece := strings.TrimSpace(text[:end]); piece != "" {
			pieces = append(pieces, piece)
		}
		text = strings.TrimSpace(text[end:])
	}
	return pieces
}

// cut returns where the first piece of a text ends, in bytes.
func cut(text string, limit int) int {
	if Units(text) <= limit {
		return len(text)
	}
	// The last border of each kind that fits; a better kind is taken if the
	// piece is at least half full with it.
	var paragraph, line, sentence, word, character int
	at, used := 0, 0
	clusters := graphemes.FromString(text)
	for clusters.Next() {
		c := clusters.Value()
		n := Units(c)
		if used+n > limit {
			break
		}
		used += n
		before := at
		at += len(c)
		character = at
		switch {
		case c == "\n" || c == "\r\n":
			line = at
			if strings.HasSuffix(text[:before], "\n") {
				paragraph = at
			}
		case c == " " || c == "\t":
			word = at
			if last, _ := utf8.DecodeLastRuneInString(text[:before]); strings.ContainsRune(".!?;:", last) {
				sentence = at
			}
		case strings.ContainsAny(c, "。！？；…"):
			sentence = at
		case strings.ContainsAny(c, "，、："):
			word = at
		}
	}
	if character == 0 { // one that is longer than a message
		return within(text, limit)
	}
	for _, border := range []int{paragraph, line, sentence, word} {
		if border > 0 && 2*Units(text[:border]) >= used {
			return border
		}
	}
	return character
}

// within returns how many bytes of a text fit, whole code points at least.
func within(text string, limit int) int {
	used := 0
	for i, r := range text {
		if used += utf16.RuneLen(r); used > limit && i > 0 {
			return i
		}
	}
	return len(text)
}

// Clip returns as much of a text as fits on one line of a button or a title.
func Clip(text string, limit int) string {
	text = strings.Join(strings.Fields(text), " ")
	if Units(text) <= limit {
		return text
	}
	end, used := 0, 0
	clusters := graphemes.FromString(text)
	for clusters.Next() {
		if used += Units(clusters.Value()); used > limit-1 {
			break
		}
		end += len(clusters.Value())
	}
	return text[:end] + "…"
}

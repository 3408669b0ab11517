package intents

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"tilldesk/content/source"
	"tilldesk/intents/hanzi"
)

// MaxRunes is how many characters of a message are understood. What a merchant
// needs is said in far less; the rest is kept with the conversation, but not read.
const MaxRunes = 2000

// Normalise returns s as the engine reads it: compatibility forms and width
// folded, lower case, Simplified script, without invisible characters, with
// runs of a repeated character cut to three and white space to one blank. Any
// bytes are accepted; only the first 2000 characters are read.
func Normalise(s string) string { return squeeze(fold(s)) }

// Key returns what makes two examples the same message: letters, digits and
// Han characters of the normalised text, nothing between them.
func Key(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsNumber(r) {
			return r
		}
		return -1
	}, Normalise(s))
}

// fold does what Normalise does character by character.
func fold(s string) string {
	if n := 4 * MaxRunes; len(s) > n {
		s = s[:n]
	}
	s = norm.NFKC.String(strings.ToValidUTF8(s, " "))
	var b strings.Builder
	b.Grow(len(s))
	count := 0
	for _, r := range s {
		if count++; count > MaxRunes {
			break
		}
		switch {
		// Most of what is written needs no table to tell what it is.
		case 0x4e00 <= r && r <= 0x9fff:
			b.WriteRune(hanzi.Simplify(r))
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9', r == ' ':
			b.WriteByte(byte(r))
		case r == '\n' || r == '\t' || r == '\r':
			b.WriteByte(' ')
		case invisible(r):
		case r == '’' || r == '‘' || r == '`':
			b.WriteByte('\'')
		default:
			b.WriteRune(hanzi.Simplify(unicode.ToLower(r)))
		}
	}
	return strings.TrimSpace(b.String())
}

// invisible characters carry no meaning and are used to hide words: controls,
// zero-width and direction marks, soft hyphens, variation selectors.
func invisible(r rune) bool {
	switch {
	case r == utf8.RuneError, unicode.IsControl(r), unicode.Is(unicode.Cf, r):
		return true
	case r >= 0xFE00 && r <= 0xFE0F, r >= 0xE0100 && r <= 0xE01EF:
		return true
	}
	return unicode.Is(unicode.Co, r) || unicode.Is(unicode.Cs, r)
}

func squeeze(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	var last rune
	run := 0
	for _, r := range s {
		if unicode.IsSpace(r) {
			r = ' '
		}
		if r == last {
			run++
		} else {
			last, run = r, 1
		}
		if run > 3 && !unicode.IsDigit(r) || run > 1 && r == ' ' {
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// Language says which language a message is written in and whether in
// Traditional script: Chinese as soon as a fair part of its letters is Han,
// since Chinese merchants mix in English words, not the other way round.
// ok is false when nothing in it tells, as in digits or emoji.
func Language(s string) (lang source.Lang, traditional, ok bool) {
	han, words, inWord := 0, 0, false
	for i, r := range s {
		if i > 4*MaxRunes {
			break
		}
		letter := r < 0x3400 && unicode.IsLetter(r)
		switch {
		case r >= 0x3400 && r <= 0x9fff || r >= 0x20000 && r <= 0x323af:
			han++
		case letter && !inWord:
			words++
		}
		inWord = letter
	}
	switch {
	case han == 0 && words == 0:
		return source.Zh, false, false
	case han == 0 || words > 2*han:
		return source.En, false, true
	}
	return source.Zh, hanzi.IsTraditional(s), true
}

// pinyin reports whether a text without Han characters was pinyin: rewriting
// has turned nearly all of it into Chinese words. The name of a wallet in an
// English sentence is not enough.
func pinyin(rewritten string) bool {
	han, words, inWord := 0, 0, false
	for _, r := range rewritten {
		letter := r < 0x3400 && unicode.IsLetter(r)
		switch {
		case r >= 0x3400:
			han++
		case letter && !inWord:
			words++
		}
		inWord = letter
	}
	return han >= 3 && han >= 3*words
}

// rewrite replaces the ways to write a word by the usual one, from left to
// right.
func rewrite(same *phrases[string], s string) string {
	var b strings.Builder
	last := 0
	for i := 0; i < len(s); {
		usual, n := same.at(s, i)
		if n == 0 {
			i++
			continue
		}
		b.WriteString(s[last:i])
		b.WriteString(usual)
		i += n
		last = i
	}
	if last == 0 {
		return s
	}
	b.WriteString(s[last:])
	return b.String()
}

package dialog

import (
	"strings"
	"unicode"
)

// An English sentence may have Chinese words in it, and names of wallets are
// normalised to Chinese ones: "支付宝works", "花呗 and 白条 both fail". The border of
// a word is where letters end, and Chinese characters are no letters to a regular
// expression, so that there is none around them. For English ways they are
// written in letters: a Chinese word is a word then.

// lettersOf is how many letters a Chinese character is written in: as many as it
// has bytes, so that a place in the one text is that place in the other.
const lettersOf = 3

// firstHan is the first character that is written so; there are fewer after it
// than words of lettersOf letters and digits.
const firstHan = 0x3400

// inLetters writes Chinese characters in letters.
func inLetters(s string) string {
	if strings.IndexFunc(s, written) < 0 {
		return s
	}
	const digits = "abcdefghijklmnopqrstuvwxyz0123456789"
	var b strings.Builder
	b.Grow(len(s))
	for _, r := range s {
		if !written(r) {
			b.WriteRune(r)
			continue
		}
		n := int(r) - firstHan
		for range lettersOf {
			b.WriteByte(digits[n%len(digits)])
			n /= len(digits)
		}
	}
	return b.String()
}

func written(r rune) bool { return r >= firstHan && r <= 0x9fff }

// apart puts a blank where a Chinese and an English word meet.
func apart(s string) string {
	var b strings.Builder
	var last rune
	for _, r := range s {
		if written(last) && latin(r) || latin(last) && written(r) {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
		last = r
	}
	return b.String()
}

func latin(r rune) bool { return r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r)) }

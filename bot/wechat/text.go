package wechat

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/clipperhouse/uax29/v2/graphemes"

	"tilldesk/bot"
)

const (
	// maxText is how many bytes of UTF-8 a text may have, passive or through the
	// API. It is not documented; longer ones fail with 45002.
	maxText = 2048
	// pieceText leaves room for what is added to a piece.
	pieceText = maxText - 148
)

// sanitise returns a text without what WeChat refuses: what XML 1.0 does not
// allow (2.2 Characters), and U+2028 and U+2029, which JSON would escape
// (40033).
func sanitise(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r == '\u2028' || r == '\u2029':
			return '\n'
		case r < ' ' || r == 0x7F || r == 0xFFFE || r == 0xFFFF:
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}

// chinese reports whether a text is to be continued in Chinese.
func chinese(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(unicode.Han, r) })
}

// render returns a reply as text. Its choices are numbered from the first on;
// 0 leaves them out, as they are past.
func render(r bot.Reply, from int) string {
	text := strings.TrimSpace(sanitise(r.Text))
	if from == 0 || len(r.Choices) == 0 {
		return text
	}
	var b strings.Builder
	b.WriteString(text)
	for i, choice := range r.Choices {
		fmt.Fprintf(&b, "\n%d. %s", from+i, oneLine(choice.Label))
	}
	if chinese(b.String()) {
		b.WriteString("\n回复数字就行。")
	} else {
		b.WriteString("\nReply with the number.")
	}
	return strings.TrimSpace(b.String())
}

func oneLine(s string) string { return strings.Join(strings.Fields(sanitise(s)), " ") }

// split cuts a text into pieces of at most limit bytes: between paragraphs,
// lines, sentences or words where it can, and never within what is seen as one
// character. Nothing but the blanks around a cut is lost.
func split(text string, limit int) []string {
	var pieces []string
	for len(text) > limit {
		at := cut(text, limit)
		if piece := strings.TrimSpace(text[:at]); piece != "" {
			pieces = append(pieces, piece)
		}
		text = strings.TrimLeftFunc(text[at:], unicode.IsSpace)
	}
	if text = strings.TrimSpace(text); text != "" || len(pieces) == 0 {
		pieces = append(pieces, text)
	}
	return pieces
}

// cut returns where to cut a text that is longer than limit.
func cut(text string, limit int) int {
	head, ends := text[:limit], boundaries(text, limit)
	for _, end := range []string{"\n\n", "\n", "。", "！", "？", ". ", "! ", "? ", "；", "，", " "} {
		for rest := head; ; {
			i := strings.LastIndex(rest, end)
			if i <= limit/2 {
				break
			}
			if _, whole := slices.BinarySearch(ends, i+len(end)); whole { // a mark may follow a full stop
				return i + len(end)
			}
			rest = head[:i]
		}
	}
	if len(ends) > 0 {
		return ends[len(ends)-1]
	}
	at := limit // marks without end on one character
	for at > 0 && !utf8.RuneStart(text[at]) {
		at--
	}
	return at
}

// boundaries returns where what is seen as one character ends, up to limit
// (UAX 29, extended grapheme clusters).
func boundaries(text string, limit int) (ends []int) {
	for all := graphemes.FromString(text); all.Next() && all.End() <= limit; {
		ends = append(ends, all.End())
	}
	return ends
}

// pieces returns a reply as the texts to send.
// one of pictures alone has no text.
func pieces(r bot.Reply) []string {
	text := render(r, 1)
	if text == "" && len(r.Media) > 0 {
		return nil
	}
	return split(text, pieceText)
}

// pack returns what one text can carry of replies, oldest first. Choices are
// shown of the last ones that have any, those of one moment together: others
// are past. If replies are left, and the merchant has to ask for them, the text
// says so.
func pack(out []bot.Outbound, asks bool) bot.Carried {
	texts := rendered(out)
	var c bot.Carried
	var b strings.Builder
	for i, text := range texts {
		if len(out[i].Reply.Media) > 0 && !asks {
			break // the API sends pictures
		}
		all := split(text, pieceText)
		if i == 0 && out[0].Pieces > 0 && out[0].Pieces < len(all) {
			all = all[out[0].Pieces:]
		}
		n := 0
		for _, piece := range all {
			if b.Len() > 0 && b.Len()+2+len(piece) > pieceText {
				break
			}
			if b.Len() > 0 {
				b.WriteString("\n\n")
			}
			b.WriteString(piece)
			n++
		}
		if n < len(all) {
			c.Pieces = n
			break
		}
		c.Whole++
	}
	if left := len(out) - c.Whole; left > 0 && asks {
		c.Invites = true
		if chinese(b.String()) {
			fmt.Fprintf(&b, "\n\n（还有 %d 条，回复“继续”接着看。）", left)
		} else {
			fmt.Fprintf(&b, "\n\n(%d more. Reply “more” to go on.)", left)
		}
	}
	c.Body = b.String()
	return c
}

// rendered are the texts of replies, with the choices that count.
func rendered(out []bot.Outbound) []string {
	last := -1
	for i, m := range out {
		if len(m.Reply.Choices) > 0 {
			last = i
		}
	}
	texts := make([]string, len(out))
	number := 1
	for i, m := range out {
		from := 0
		if last >= 0 && m.At.Equal(out[last].At) {
			from = number
			number += len(m.Reply.Choices)
		}
		texts[i] = render(m.Reply, from)
		if len(m.Reply.Media) > 0 {
			texts[i] = strings.TrimSpace(texts[i] + "\n" + noPicture)
		}
	}
	return texts
}

// askingForMore reports whether a text can be nothing but a request for what
// is left.
func askingForMore(text string) bool {
	text = strings.ToLower(strings.TrimSpace(text))
	switch text {
	case "继续", "繼續", "接着看", "还有呢", "more", "continue", "go on", "next", unsupported:
		return true
	}
	return utf8.RuneCountInString(text) <= 2
}

// Words that the channel itself says.
const (
	holdZh = "还在查，马上好。请过几秒回复“继续”看答案。"
	// noPicture stands for a picture where the account cannot send any.
	noPicture = "（有一张图片，这个公众号发不出去。There is a picture that this account cannot send.）"

	holdEn = "Still looking. Please reply “more” in a few seconds for the answer."
)

func holdText(asked string) string {
	if asked == "" || chinese(asked) {
		return holdZh
	}
	return holdEn
}

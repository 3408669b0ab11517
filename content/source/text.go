package source

import "strings"

// MaxTextBytes is the longest text of a WeChat message, in bytes of UTF-8
// (customer-service and passive replies, the narrowest of all channels).
const MaxTextBytes = 2048

// forbidden never stands in a text that the bot says: sellers' names and
// phrases of the source articles, and promises nobody can keep.
var forbidden = []string{"mepos", "qianpos", "免费领取", "首刷", "打印机驱动", "printer driver", "主扫", "被扫"}

// CheckText adds a problem if a text at keys is missing in a language, stands
// in the wrong one, is too long to be sent or says what must never be said.
func (d *Document) CheckText(t Text, keys ...any) {
	for _, side := range []struct {
		lang Lang
		text string
	}{{Zh, t.Zh}, {En, t.En}} {
		at := append(keys[:len(keys):len(keys)], string(side.lang))
		switch text := strings.TrimSpace(side.text); {
		case text == "":
			d.Add(at, "the %s text is missing", side.lang)
		case len(text) > MaxTextBytes:
			d.Add(at, "the %s text has %d bytes; WeChat takes %d", side.lang, len(text), MaxTextBytes)
		case side.lang == Zh && !hasHan(text):
			d.Add(at, "the zh text has no Chinese in it: %.40q", text)
		case side.lang == En && mostlyHan(text):
			d.Add(at, "the en text is Chinese: %.40q", text)
		}
		for _, word := range forbidden {
			if strings.Contains(strings.ToLower(side.text), word) {
				d.Add(at, "%q must never be said", word)
			}
		}
	}
}

func hasHan(s string) bool { return hanCount(s) > 0 }

func mostlyHan(s string) bool { return 2*hanCount(s) > len([]rune(s)) }

func hanCount(s string) int {
	n := 0
	for _, r := range s {
		if r >= 0x3400 && r <= 0x9fff {
			n++
		}
	}
	return n
}

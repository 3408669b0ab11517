package intents

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"tilldesk/content/source"
)

// Entity types besides the secrets of Mask.
const (
	Wallet    = "wallet"
	Brand     = "brand"
	ErrorCode = "error_code"
	Amount    = "amount"
)

// An Entity is something of the trade that a message names.
type Entity struct {
	Type  string `json:"type"`
	Value string `json:"value"` // a lexicon id, a number, or a masked number
	Text  string `json:"text"`  // as it stands in the normalised message; masked for numbers
}

// A named is what a word of the lexicon names.
type named struct{ typ, id string }

// gazetteer returns the words of wallets and brands, with what they name.
func gazetteer(lex *Lexicon) *phrases[named] {
	words := map[string]named{}
	for typ, terms := range map[string][]Term{Wallet: lex.Wallets, Brand: lex.Brands} {
		for _, t := range terms {
			for _, w := range t.Words {
				words[Normalise(w)] = named{typ, t.ID}
			}
		}
	}
	return newPhrases(words)
}

// namesOf returns how the wallets and brands are called.
func namesOf(lex *Lexicon) map[named]source.Text {
	names := map[named]source.Text{}
	for typ, terms := range map[string][]Term{Wallet: lex.Wallets, Brand: lex.Brands} {
		for _, t := range terms {
			names[named{typ, t.ID}] = t.Name
		}
	}
	return names
}

// Name returns how people are told of an entity of the type [Wallet] or
// [Brand] with this value; the zero Text if the lexicon has none.
func (e *Engine) Name(typ, value string) source.Text { return e.names[named{typ, value}] }

// terms returns what a normalised text names, in order, each once.
func terms(words *phrases[named], text string) []Entity {
	var found []Entity
	for i := 0; i < len(text); {
		name, n := words.at(text, i)
		if n == 0 {
			i++
			continue
		}
		if !slices.ContainsFunc(found, func(o Entity) bool { return o.Type == name.typ && o.Value == name.id }) {
			found = append(found, Entity{name.typ, name.id, text[i : i+n]})
		}
		i += n
	}
	return found
}

var (
	amountRE = regexp.MustCompile(`(?:[¥￥$]|rmb|cny|hk\$)\s?(\d{1,7}(?:[.,]\d{1,3})*)|(\d{1,7}(?:\.\d{1,2})?)\s?(?:元|块|圆|蚊|rmb|yuan|cny|kuai|bucks)|(\d{1,4}(?:\.\d{1,2})?)\s?万`)
	codeRE   = regexp.MustCompile(`(?:错误码|错误代码|返回码|应答码|代码|错误|报错|报|返回|error code|error|code|err)\s?[:：#]?\s?([a-z]{0,3}-?\d{2,6}|[a-z]\d)(?:[^\d.]|$)`)
	symbolRE = regexp.MustCompile(`\b(?:acq\.)?[a-z]+(?:_[a-z]+)+\b`)
)

// reach is how many bytes of a number's match may stand before its first digit
// and after its last, at least: "error code: abc-" and " bucks".
const reach = 24

// numbers returns the amounts and error codes that a normalised text names.
func numbers(text string) []Entity {
	var amounts, codes []Entity
	// Most messages have few digits or none: only what stands around them is
	// worth the expressions' time.
	for from := 0; from < len(text); {
		i := strings.IndexAny(text[from:], "0123456789")
		if i < 0 {
			break
		}
		start := max(from, from+i-reach)
		for start > from && !utf8.RuneStart(text[start]) {
			start--
		}
		end := from + i
		for next := end; next < len(text) && next <= end+2*reach; next++ {
			if text[next] >= '0' && text[next] <= '9' {
				end = next
			}
		}
		end = min(len(text), end+reach)
		for end < len(text) && !utf8.RuneStart(text[end]) {
			end++
		}
		part := text[start:end]
		from = end
		for _, m := range amountRE.FindAllStringSubmatch(part, -1) {
			value := cmp.Or(m[1], m[2])
			if m[3] != "" {
				value = m[3] + "e4"
			}
			amounts = append(amounts, Entity{Amount, strings.ReplaceAll(value, ",", ""), strings.TrimSpace(m[0])})
		}
		for _, m := range codeRE.FindAllStringSubmatch(part, -1) {
			codes = append(codes, Entity{ErrorCode, strings.ToUpper(m[1]), m[1]})
		}
	}
	found := append(amounts, codes...)
	if strings.Contains(text, "_") {
		for _, m := range symbolRE.FindAllString(text, -1) {
			found = append(found, Entity{ErrorCode, strings.ToUpper(m), m})
		}
	}
	return found
}

package intents

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
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

// gazetteer finds lexicon words in a normalised text.
type gazetteer struct {
	words   map[string]entry
	longest int // bytes
	first   [256]bool
}

type entry struct{ typ, id string }

func newGazetteer(lex *Lexicon) *gazetteer {
	g := &gazetteer{words: map[string]entry{}}
	for typ, terms := range map[string][]Term{Wallet: lex.Wallets, Brand: lex.Brands} {
		for _, t := range terms {
			for _, w := range t.Words {
				w = Normalise(w)
				if w == "" {
					continue
				}
				g.words[w] = entry{typ, t.ID}
				g.longest = max(g.longest, len(w))
				g.first[w[0]] = true
			}
		}
	}
	return g
}

// find returns the terms that text names, in order, each once.
func (g *gazetteer) find(text string) []Entity {
	var found []Entity
	for i := 0; i < len(text); {
		n := g.at(text, i)
		if n == 0 {
			i++
			continue
		}
		e := g.words[text[i:i+n]]
		entity := Entity{e.typ, e.id, text[i : i+n]}
		if !slices.ContainsFunc(found, func(o Entity) bool { return o.Type == entity.Type && o.Value == entity.Value }) {
			found = append(found, entity)
		}
		i += n
	}
	return found
}

// at returns the length of the longest word at i, or 0.
func (g *gazetteer) at(text string, i int) int {
	if !g.first[text[i]] {
		return 0
	}
	for n := min(g.longest, len(text)-i); n > 0; n-- {
		if _, ok := g.words[text[i:i+n]]; ok && free(text, i, i+n) {
			return n
		}
	}
	return 0
}

var (
	amountRE = regexp.MustCompile(`(?:[¥￥$]|rmb|cny|hk\$)\s?(\d{1,7}(?:[.,]\d{1,3})*)|(\d{1,7}(?:\.\d{1,2})?)\s?(?:元|块|圆|蚊|rmb|yuan|cny|kuai|bucks)|(\d{1,4}(?:\.\d{1,2})?)\s?万`)
	codeRE   = regexp.MustCompile(`(?:错误码|错误代码|返回码|应答码|代码|错误|报错|报|返回|error code|error|code|err)\s?[:：#]?\s?([a-z]{0,3}-?\d{2,6}|[a-z]\d)(?:[^\d.]|$)`)
	symbolRE = regexp.MustCompile(`\b(?:acq\.)?[a-z]+(?:_[a-z]+)+\b`)
)

// numbers returns the amounts and error codes that a normalised text names.
func numbers(text string) []Entity {
	var found []Entity
	for _, m := range amountRE.FindAllStringSubmatch(text, -1) {
		value := cmp.Or(m[1], m[2])
		if m[3] != "" {
			value = m[3] + "e4"
		}
		found = append(found, Entity{Amount, strings.ReplaceAll(value, ",", ""), strings.TrimSpace(m[0])})
	}
	for _, m := range codeRE.FindAllStringSubmatch(text, -1) {
		found = append(found, Entity{ErrorCode, strings.ToUpper(m[1]), m[1]})
	}
	for _, m := range symbolRE.FindAllString(text, -1) {
		found = append(found, Entity{ErrorCode, strings.ToUpper(m), m})
	}
	return found
}

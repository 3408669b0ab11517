package bot

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"tilldesk/bot/dialog"
	"tilldesk/content/source"
)

// A Card is what staff see of a case that was handed over.
type Card struct {
	Cause   dialog.Cause
	Symptom source.Text // zero if none was found
	Suspect source.Text // the likeliest cause
	Chance  float64     // how likely it is
	Facts   map[string]string
	Codes   []string
	Tried   []TriedStep
	Later   []source.Text // other symptoms told of, not settled yet
}

// A TriedStep is a step that the merchant was led through.
type TriedStep struct {
	Intent string // of the playbook
	Step   string // its id there
	Text   source.Text
	Result dialog.Result
	Note   string // what the merchant typed from the screen
}

// NewCard sets out a hand-over for staff.
func NewCard(k *Knowledge, st dialog.State, h dialog.Handoff) Card {
	card := Card{Cause: h.Cause, Chance: h.Chance, Facts: h.Facts, Codes: h.Codes}
	if p := k.Script.Playbook(h.Intent); p != nil {
		card.Symptom = p.Title
		for _, c := range p.Causes {
			if c.ID == h.Suspect {
				card.Suspect = c.Name
			}
		}
	} else if h.Intent != "" {
		card.Symptom = k.Script.Label(h.Intent)
	}
	for _, tried := range h.Tried {
		card.Tried = append(card.Tried, TriedStep{tried.Intent, tried.Step, k.Script.StepText(tried.Intent, tried.Step), tried.Result, tried.Note})
	}
	for _, intent := range h.Later {
		if p := k.Script.Playbook(intent); p != nil {
			card.Later = append(card.Later, p.Title)
		}
	}
	return card
}

var cardWords = map[string]source.Text{
	"cause":   {Zh: "转人工原因", En: "Why a person"},
	"symptom": {Zh: "问题", En: "Trouble"},
	"later":   {Zh: "还说到", En: "Also told of"},
	"suspect": {Zh: "最可能的原因", En: "Likeliest cause"},
	"tried":   {Zh: "已经试过", En: "Tried so far"},
	"nothing": {Zh: "还没有试过任何步骤", En: "nothing yet"},
	"codes":   {Zh: "错误码", En: "Error codes"},

	"asked": {Zh: "商户要求", En: "the merchant asked"}, "money": {Zh: "钱款待查", En: "money at risk"},
	"restricted": {Zh: "账户受限", En: "account restricted"}, "steps_used": {Zh: "步骤用完", En: "steps used up"},
	"not_understood": {Zh: "没听懂", En: "not understood"}, "anger": {Zh: "商户生气", En: "the merchant is angry"},
	"cashout": {Zh: "套现类请求", En: "cash-out request"}, "fraud": {Zh: "疑似诈骗", En: "signs of fraud"},
	"outage": {Zh: "平台故障", En: "platform outage"}, "device": {Zh: "机器要修换", En: "repair or replacement"},
	"fault": {Zh: "机器人出错", En: "a fault of the bot"},

	"yes": {Zh: "是", En: "yes"}, "no": {Zh: "不是", En: "no"}, "fixed": {Zh: "好了", En: "fixed"},
	"not_fixed": {Zh: "没好", En: "not fixed"}, "skipped": {Zh: "没做", En: "skipped"}, "referred": {Zh: "已转告", En: "referred"},

	"wallet": {Zh: "钱包", En: "Wallet"}, "brand": {Zh: "机器品牌", En: "Brand"},
	"amount": {Zh: "金额", En: "Amount"}, "merchant_no": {Zh: "商户号", En: "Merchant number"},
	"shop": {Zh: "门店或机器", En: "Shop or terminal"},
}

// Lines returns the card as text, a line per fact.
func (c Card) Lines(lang source.Lang) []string {
	word := func(key string) string {
		if w, ok := cardWords[key]; ok {
			return w.In(lang)
		}
		return key
	}
	lines := []string{fmt.Sprintf("%s: %s", word("cause"), word(string(c.Cause)))}
	if !c.Symptom.IsZero() {
		lines = append(lines, fmt.Sprintf("%s: %s", word("symptom"), c.Symptom.In(lang)))
	}
	for _, symptom := range c.Later {
		lines = append(lines, fmt.Sprintf("%s: %s", word("later"), symptom.In(lang)))
	}
	if !c.Suspect.IsZero() {
		lines = append(lines, fmt.Sprintf("%s: %s (%.0f%%)", word("suspect"), c.Suspect.In(lang), 100*c.Chance))
	}
	for _, key := range slices.Sorted(maps.Keys(c.Facts)) {
		lines = append(lines, fmt.Sprintf("%s: %s", word(key), c.Facts[key]))
	}
	if len(c.Codes) > 0 {
		lines = append(lines, fmt.Sprintf("%s: %s", word("codes"), strings.Join(c.Codes, ", ")))
	}
	if len(c.Tried) == 0 {
		return append(lines, fmt.Sprintf("%s: %s", word("tried"), word("nothing")))
	}
	lines = append(lines, word("tried")+":")
	for _, t := range c.Tried {
		line := fmt.Sprintf("  [%s] %s", word(string(t.Result)), t.Text.In(lang))
		if t.Note != "" {
			line += fmt.Sprintf("  “%s”", t.Note)
		}
		lines = append(lines, line)
	}
	return lines
}

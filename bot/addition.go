package bot

import (
	"regexp"
	"strings"

	"tilldesk/bot/dialog"
	"tilldesk/intents"
)

// onTop begins what is told on top of the fix under way. In English it begins a
// sentence or part of one: "the printer also has no paper" has no part before it.
var onTop = regexp.MustCompile(`(?i)(?:还有|另外|而且|再就是|再一个|对了|顺便|除此之外|此外)(?:就是|一?个|件)?(?:问题|毛病|事儿?)?|` +
	`(?:^|[,.;!?，。；！？\n])\s*(?:oh,? |ah,? |yes,? )?(?:and also|and|also|another (?:thing|problem|one)|besides|plus|on top of that|by the way|btw|one more thing|apart from that)\b(?: is)?|` +
	`\b(?:and also|on top of that|by the way|one more thing)\b`)

// mark ends a part of a message.
var mark = regexp.MustCompile(`[,.;!?，。；！？\n]`)

// instead begins a message that says that the trouble is another than the one
// under way, rather than one more: 「不是，是打印机」, "no, I mean the printer".
var instead = regexp.MustCompile(`(?i)^\s*(?:(?:不是|不对|不|没有|错了)[^,，。\s]{0,8}[,，。\s]+(?:我说的|我问的|应该|而)?是|(?:不对[,，。\s]*)?(?:其实|(?:我)?(?:搞|弄|说|讲)错了?)[,，。\s]*(?:应该)?(?:是)?|` +
	`(?:no|not that|nope|sorry|wait|not the \w+)\b[,.\s]*(?:but |sorry,? |wait,? )?(?:i mean(?:t)?|actually|(?:it'?s|it is|but|rather) (?:the|my|our))\b|i mean(?:t)?\b)`)

// From which probability a message inside a fix tells of a trouble on top of
// it: after a word that adds, and where 「也」 or "too" is all that says so.
const (
	sureOnTop = 0.7
	sureToo   = 0.83
)

// addition parts a message inside a fix in what it says to the fix, "" if
// nothing, and the troubles that it tells of on top, so that an answer is read
// for what it is and the fix is not left for what can wait.
func (k *Knowledge) addition(running string, asked intents.Asked, whole intents.Match) (rest string, more []dialog.Addition) {
	text := whole.Text
	if starts := onTop.FindAllStringIndex(text, -1); len(starts) > 0 {
		rest = text
		for i, at := range starts {
			end := len(text)
			if i+1 < len(starts) {
				end = starts[i+1][0]
			}
			if a, ok := k.another(running, text[at[1]:end], sureOnTop); ok && !instead.MatchString(text[:at[0]]) {
				if len(more) == 0 {
					rest = text[:at[0]]
				}
				more = append(more, a)
			}
		}
		if len(more) > 0 {
			return said(rest), more
		}
	}
	if !added.MatchString(text) || instead.MatchString(text) {
		return text, nil
	}
	from := 0
	for _, at := range append(mark.FindAllStringIndex(text, -1), []int{len(text), len(text)}) {
		part := text[from:at[0]]
		if a, ok := k.another(running, part, sureToo); ok && added.MatchString(part) && (!k.answers(part, asked) || plainly.MatchString(text[:from])) {
			a.Said = k.Engine.Match(text[from:]).Normal // with what is said of it after that
			return said(text[:from]), []dialog.Addition{a}
		}
		from = at[1]
	}
	return text, nil
}

// plainly is an answer by itself, so that what follows it answers nothing: "no,
// and the printer doesn't print either".
var plainly = regexp.MustCompile(`(?i)^\s*(?:no|nope|nah|yes|yep|yeah|没有?|不是|不会|是的?|对的?|有的?|嗯+)[,.;!，。；！\s]+$`)

// another reads a part of a message as another trouble than the one under way.
func (k *Knowledge) another(running, text string, sure float64) (dialog.Addition, bool) {
	if fragment(text) || ruledOut.MatchString(text) {
		return dialog.Addition{}, false
	}
	m := k.Engine.Match(text)
	top := inScope(m.Guesses)
	other := top.Score >= sure && top.Intent != running && !sameTrouble(top.Intent, running) && k.Script.Playbook(top.Intent) != nil
	return dialog.Addition{Intent: top.Intent, Said: m.Normal}, other
}

// answers reports whether a part of a message may be an answer to what was asked,
// or tells what was tried: 「重启了也没用」 adds no trouble.
func (k *Knowledge) answers(text string, asked intents.Asked) bool {
	act, score := k.Engine.Act(text, asked)
	return act != intents.ActTopic || score < intents.SureAct || k.Script.Tells(text)
}

// corrects reports whether a message inside a fix says that the trouble is
// another than the one under way, and which.
func (k *Knowledge) corrects(running string, asked intents.Asked, text string) (intents.Match, bool) {
	at := instead.FindStringIndex(text)
	if at == nil {
		return intents.Match{}, false
	}
	if _, ok := k.another(running, text[at[1]:], sureToo); !ok || k.answers(text[at[1]:], asked) {
		return intents.Match{}, false
	}
	return k.Engine.Match(text[at[1]:]), true
}

// filler is what stands before an addition and says nothing.
var filler = regexp.MustCompile(`(?i)^(?:[哦噢喔嗯啊呀诶欸\s,.;!?，。；！？]|对了|oh|ah|well|btw|by the way|hey|um|and)*$`)

// said returns what is left of a message before what it adds, "" if that says
// nothing.
func said(rest string) string {
	if filler.MatchString(rest) {
		return ""
	}
	return strings.TrimRight(strings.TrimSpace(rest), ",;，；")
}

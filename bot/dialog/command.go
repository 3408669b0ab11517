package dialog

import (
	"cmp"
	"regexp"
	"strings"

	"tilldesk/content/source"
	"tilldesk/intents"
)

// Commands are choices that hold at any time, whatever was offered: what the
// menu of a network has. No offered choice begins with a slash.
const (
	CommandStart = "/start" // the text may name the shop or terminal that the merchant came from
	CommandHelp  = "/help"
	CommandHuman = "/human"

	CommandSimplified  = "/language:zh-hans"
	CommandTraditional = "/language:zh-hant"
	CommandEnglish     = "/language:en"
)

// placeFact is the fact that a start brings along: what the sticker says that
// the merchant scanned.
const placeFact = "shop"

// maxPlace is how many characters of it are kept.
const maxPlace = 64

// command does what a command asks for and reports whether the message is one.
// A person who has the case is not spoken over; a language is kept all the same.
func (t *turn) command() bool {
	if !strings.HasPrefix(t.in.Choice, "/") {
		return false
	}
	t.st.Lang = cmp.Or(t.st.Lang, t.in.Lang, source.Zh)
	switch t.in.Choice {
	case CommandStart:
		if place := []rune(strings.TrimSpace(t.in.Text)); len(place) > 0 {
			t.fact(placeFact, string(place[:min(len(place), maxPlace)]))
		}
		t.courteous("greeting")
	case CommandHelp:
		if t.st.Fix == nil && t.st.Phase != WithHuman {
			t.helpWith(nil)
		} else {
			t.courteous("capabilities")
		}
	case CommandHuman:
		if t.st.Phase != WithHuman {
			t.handoff(CauseAsked)
		}
	case CommandSimplified, CommandTraditional, CommandEnglish:
		t.st.Lang, t.st.LangChosen = source.Zh, true
		t.st.Traditional = t.in.Choice == CommandTraditional
		if t.in.Choice == CommandEnglish {
			t.st.Lang = source.En
		}
		t.courteous("language")
	default:
		return false // one that was never there
	}
	if t.out.Reason == "" {
		t.reason(Silent)
	}
	t.close()
	return true
}

// Who asks for a language gets it, as who presses its button does.
var (
	wantsEnglish = regexp.MustCompile(`^(?:ok|okay|sorry|please|hi|hello|[,.!\s])*(?:(?:can|could|do|will) (?:you|we|u) )?(?:please )?(?:speak|write|talk|use|reply|answer|switch to|in) (?:in )?english(?: please| pls|[,.!?\s])*$|^(?:ok |okay )?english(?: please| pls|[,.!?\s])*$|^(?:i )?(?:don'?t|cannot|can'?t) (?:speak|read|understand) chinese[,.!\s]*$|^(?:请|能|可以|能不能|可不可以)*(?:说|用|讲|换成?)(?:英文|英语)(?:吗|吧|回复?|[,.!?。\s])*$`)
	wantsChinese = regexp.MustCompile(`^(?:好|还是|请|能|可以|能不能|可不可以|麻烦|[,.!。\s])*(?:说|用|讲|换成?|回)?(?:中文|普通话|汉语)(?:吗|吧|回复?|好了|行吗|[,.!?。\s])*$|^(?:我)?(?:不会|看不懂|不懂)(?:英文|英语)(?:啊|呀|[,.!。\s])*$|^(?:ok |please |can you |could you )*(?:speak|write|use|in|switch to|reply in) (?:in )?chinese(?: please|[,.!?\s])*$`)
)

// wantsLanguage changes the language where nothing else is asked for. It
// reports false if the message is something else.
func (t *turn) wantsLanguage() bool {
	text := intents.Normalise(t.in.Text)
	switch {
	case wantsEnglish.MatchString(text):
		t.st.Lang = source.En
	case wantsChinese.MatchString(text):
		t.st.Lang = source.Zh
	default:
		return false
	}
	t.st.LangChosen = true
	t.unproductive()
	t.courteous("language")
	return true
}

// courteous says a reply, and again what was asked, if no person has the case.
func (t *turn) courteous(key string) {
	if t.st.Phase == WithHuman {
		return
	}
	t.reason(Courtesy)
	t.st.Greeted = true
	t.say(t.reply(KindAnswer, key))
	t.again()
}

func (t *turn) fact(name, value string) {
	if t.st.Facts == nil {
		t.st.Facts = map[string]string{}
	}
	t.st.Facts[name] = value
}

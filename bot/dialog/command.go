package dialog

import (
	"cmp"
	"strings"

	"tilldesk/content/source"
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

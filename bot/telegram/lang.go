package telegram

import (
	"slices"
	"strings"

	"tilldesk/bot"
	"tilldesk/bot/dialog"
	"tilldesk/content/source"
)

// A locale is how somebody reads: a language, and for Chinese a script.
type locale struct {
	lang        source.Lang
	traditional bool
}

// localeOf reads the language_code of a user: an IETF language tag in any case,
// or nothing.
func localeOf(tag string) locale {
	parts := strings.FieldsFunc(strings.ToLower(tag), func(r rune) bool { return r == '-' || r == '_' })
	if len(parts) == 0 || parts[0] != "zh" && parts[0] != "yue" {
		return locale{lang: source.En}
	}
	traditional := parts[0] == "yue"
	for _, p := range parts[1:] {
		switch {
		case p == "hans":
			return locale{lang: source.Zh}
		case slices.Contains([]string{"hant", "tw", "hk", "mo"}, p):
			traditional = true
		}
	}
	return locale{source.Zh, traditional}
}

// state is the locale as a state of the dialog has it.
func (l locale) state() dialog.State {
	return dialog.State{Lang: l.lang, Traditional: l.traditional}
}

// say returns one of the channel's own texts.
func (l locale) say(key string) string { return bot.Localise(l.state(), texts[key]) }

// texts are what the channel itself says; all else is in the content.
var texts = map[string]source.Text{
	"language":    {Zh: "请选择语言。", En: "Which language would you like?"},
	"forget":      {Zh: "要删除我们的全部对话吗？照片和没办完的事也会一起删除，删了找不回来。", En: "Delete our whole conversation? Photos and anything still open go with it, and cannot be brought back."},
	"forget.yes":  {Zh: "删除", En: "Delete"},
	"forget.no":   {Zh: "保留", En: "Keep"},
	"forgotten":   {Zh: "已经全部删除。以后需要，直接发消息就行。", En: "All deleted. Write to me whenever you need to."},
	"kept":        {Zh: "好的，都保留着。", En: "All right, everything stays."},
	"stale":       {Zh: "这一步已经过去了，请看最新一条。", En: "That step is over; please look at the latest message."},
	"foreign":     {Zh: "这个按钮不是给您的。", En: "That button is not for you."},
	"group":       {Zh: "这个群的编号是 %d。要让它成为员工群：先在群设置里打开话题，把 telegram.staff_chat_id 设成群编号，重启服务，再把我加进来。", En: "The id of this group is %d. To make it the staff group, switch Topics on in its settings, set telegram.staff_chat_id to the id, start the service again, and add me once more."},
	"changed":     {Zh: "我看到您改了前面的一条。如果情况有变，请再发一条告诉我。", En: "I see that you changed an earlier message. If something is different now, please write it again."},
	"type":        {Zh: "请直接打字回复我。", En: "Please type your answer."},
	"menu.help":   {Zh: "我能帮什么", En: "What I can help with"},
	"menu.human":  {Zh: "找人工", En: "Get a person"},
	"menu.lang":   {Zh: "换语言", En: "Change the language"},
	"menu.forget": {Zh: "删除我的记录", En: "Delete my data"},
	"menu.start":  {Zh: "重新打招呼", En: "Say hello"},
	"link.off":    {Zh: "这里没有员工群，不需要关联。", En: "There is no staff group here, so there is nothing to link."},
}

// languages are what can be chosen, each named in itself.
var languages = []struct{ tag, name, command string }{
	{"zh-hans", "简体中文", dialog.CommandSimplified},
	{"zh-hant", "繁體中文", dialog.CommandTraditional},
	{"en", "English", dialog.CommandEnglish},
}

package staffgroup

import (
	"fmt"
	"strings"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/desk"
	"tilldesk/bot/telegram/botapi"
	"tilldesk/content/source"
)

// say returns a text of the group in its language, with its values filled in.
func (g *Group) say(key string, args ...any) string {
	return fmt.Sprintf(texts[key].In(g.opt.Lang), args...)
}

var texts = map[string]source.Text{
	"stranger":    {Zh: "我还不认识您。请在网页台「我的账号」里点「获取关联码」，把码私聊发给我，就能在这里接单。", En: "I do not know you yet. On your own page of the desk press “Get a link code” and send me the code in a private chat; then you can work here."},
	"anonymous":   {Zh: "请先关掉「匿名」再发言，这样我才知道是谁：群设置 → 管理员 → 您 → 匿名发言。", En: "Please switch off “Remain anonymous” so that I can tell who writes: group settings → Administrators → you."},
	"take_first":  {Zh: "还没有发给商户。先点「接手」或发 /take，之后写的每句都会发给商户。", En: "Not sent to the merchant yet. Press Take or write /take; what you write after that goes to them."},
	"of_other":    {Zh: "没有发给商户：这一单由 %s 负责。", En: "Not sent to the merchant: this case is with %s."},
	"no_case":     {Zh: "没有发给商户：这一单已经结束。商户再来消息会重新打开。", En: "Not sent to the merchant: this case is over. It opens again when they write."},
	"not_topic":   {Zh: "请在商户的话题里用这个命令。", En: "Please use this command in a merchant's topic."},
	"taken":       {Zh: "已接手。", En: "It is yours."},
	"taken_by":    {Zh: "已由 %s 接手。", En: "It is with %s."},
	"put_back":    {Zh: "已放回队列。", En: "Back in the queue."},
	"released":    {Zh: "已交还机器人。", En: "The bot has it again."},
	"given":       {Zh: "已交给 %s。", En: "Given to %s."},
	"noted":       {Zh: "已记下，商户看不到。", En: "Noted; the merchant does not see it."},
	"resolved":    {Zh: "已标记解决，正在问商户。", En: "Marked as solved; the merchant is being asked."},
	"blocked":     {Zh: "已屏蔽这位商户：之后的消息只保存，不回复，也不提醒。要恢复请发 /unblock %s", En: "This merchant is blocked: what they write is kept, but not answered, and nobody is alerted. To undo it write /unblock %s"},
	"unblocked":   {Zh: "已恢复，商户下次来消息时会照常回复。", En: "Undone: they are answered again from their next message on."},
	"not_blocked": {Zh: "这位商户没有被屏蔽。", En: "This merchant is not blocked."},
	"language":    {Zh: "语言已改。", En: "The language is set."},
	"who":         {Zh: "写给谁？例如 /assign 小王。同事：%s", En: "To whom? For example /assign Wang. Colleagues: %s"},
	"which_lang":  {Zh: "可以写：/lang zh-hans、/lang zh-hant 或 /lang en", En: "Write /lang zh-hans, /lang zh-hant or /lang en"},
	"what_note":   {Zh: "在 /note 后面写内容。", En: "Write the note after /note."},
	"edited":      {Zh: "改过的内容不会再发给商户，需要的话请再发一条。", En: "A changed message is not sent again; please write another one if it matters."},
	"unsupported": {Zh: "这种内容发不到商户那边，请打字或发照片。", En: "This cannot be sent to the merchant; please type, or send a photo."},
	"failed":      {Zh: "没有办成：%v", En: "That did not work: %v"},
	"undelivered": {Zh: "没有送到商户：%s", En: "This did not reach the merchant: %s"},
	"unsure":      {Zh: "不确定商户收到没有。请在网页台「待确认」里选择重发或算送到。", En: "It is not known whether the merchant got this. Decide on the desk's page: send again, or count as delivered."},
	"open":        {Zh: "进行中 %d 单：", En: "%d open:"},
	"none_open":   {Zh: "没有进行中的单。", En: "Nothing is open."},
	"nobody":      {Zh: "无人接", En: "nobody"},
	"many":        {Zh: "同时来了 %d 单，先列在这里，点一下就接：", En: "%d cases came at once. They are listed here; press one to take it:"},
	"no_rights":   {Zh: "我开不了话题。请群主：群设置 → 话题打开；管理员 → 我 → 打开「管理话题」和「置顶消息」。", En: "I cannot open topics. Please, an owner: group settings → Topics on; Administrators → me → Manage topics and Pin messages on."},
	"demoted":     {Zh: "我已不是管理员，开不了话题。群设置 → 管理员 → 添加我，打开「管理话题」和「置顶消息」。", En: "I am no administrator any more and cannot open topics. Group settings → Administrators → add me, with Manage topics and Pin messages."},
	"again":       {Zh: "这个话题是重新开的，原来的话题被删了。", En: "This topic is new, as the former one was deleted."},
	"linked":      {Zh: "关联好了，%s。现在可以在员工群接单。", En: "Linked, %s. You can take cases in the staff group now."},
	"link_bad":    {Zh: "这个关联码不对或过期了，请在网页台重新取一个。", En: "This code is wrong or too old; get another one on the desk's page."},
	"link_taken":  {Zh: "您的 Telegram 已关联在另一个账号上。", En: "Your Telegram is linked to another account already."},
	"help":        {Zh: "/take 接手 · /release 交还机器人 · /putback 放回队列 · /assign 转给同事 · /note 内部记录（或以 // 开头）· /resolve 解决 · /lang 改商户语言 · /block 屏蔽骚扰 · /unblock 恢复 · /open 全部进行中", En: "/take · /release to the bot · /putback to the queue · /assign to a colleague · /note for staff only (or begin with //) · /resolve · /lang of the merchant · /block abuse · /unblock · /open lists all"},

	"button.take": {Zh: "接手", En: "Take"}, "button.resolve": {Zh: "解决", En: "Resolve"},
	"button.putback": {Zh: "放回", En: "Put back"}, "button.release": {Zh: "交还机器人", En: "Back to the bot"},
	"button.log": {Zh: "全部记录", En: "Transcript"},

	"state.waiting": {Zh: "待接", En: "waiting"}, "state.taken": {Zh: "处理中", En: "taken"}, "state.waiting_on_merchant": {Zh: "等商户", En: "waiting for the merchant"},
	"state.resolved": {Zh: "已解决", En: "resolved"}, "state.closed": {Zh: "已关闭", En: "closed"}, "state.released": {Zh: "已交还机器人", En: "back with the bot"},
	"state.reopened": {Zh: "重新打开", En: "reopened"},
	"urgency.0":      {Zh: "不急", En: "low"}, "urgency.1": {Zh: "普通", En: "normal"}, "urgency.2": {Zh: "较急", En: "high"}, "urgency.3": {Zh: "紧急", En: "urgent"},

	"card.merchant": {Zh: "商户", En: "Merchant"}, "card.owner": {Zh: "负责人", En: "Owner"}, "card.down": {Zh: "已影响", En: "Down for"},
	"card.minutes": {Zh: "%d 分钟", En: "%d minutes"}, "card.blocked": {Zh: "已屏蔽", En: "Blocked since"}, "card.photos": {Zh: "照片", En: "Photos"}, "card.similar": {Zh: "同类进行中", En: "Similar and open"},
	"card.suggest": {Zh: "建议下一步", En: "Suggested next step"}, "card.last": {Zh: "最近对话", En: "Last messages"}, "card.solved": {Zh: "商户说", En: "The merchant says"},
	"card.rating": {Zh: "评分", En: "Rating"}, "solved.yes": {Zh: "已解决", En: "solved"}, "solved.no": {Zh: "没有解决", En: "not solved"},

	"menu.take": {Zh: "接手这一单", En: "Take this case"}, "menu.release": {Zh: "交还机器人", En: "Give it back to the bot"}, "menu.putback": {Zh: "放回队列", En: "Put it back into the queue"},
	"menu.assign": {Zh: "转给同事", En: "Give it to a colleague"}, "menu.note": {Zh: "内部记录，商户看不到", En: "A note for staff only"}, "menu.resolve": {Zh: "解决了", En: "It is solved"},
	"menu.lang": {Zh: "改商户的语言", En: "Set the merchant's language"}, "menu.block": {Zh: "骚扰：屏蔽这位商户", En: "Abuse: keep this merchant out"}, "menu.unblock": {Zh: "恢复被屏蔽的商户", En: "Let a blocked merchant in again"}, "menu.open": {Zh: "全部进行中的单", En: "All open cases"},
	"menu.help": {Zh: "有哪些命令", En: "What the commands are"},

	"media.image": {Zh: "[照片]", En: "[photo]"}, "media.voice": {Zh: "[语音]", En: "[voice]"}, "media.other": {Zh: "[%s]", En: "[%s]"},
}

// icons show the state of a case in the name of its topic.
var icons = map[desk.State]string{
	desk.Waiting: "⏳", desk.Taken: "🛠", desk.WaitingOnMerchant: "💬", desk.Resolved: "✅", desk.Closed: "✅", desk.Released: "🤖", desk.Reopened: "🔁",
}

// merchant is what staff read for a merchant.
func merchant(c desk.Case) string {
	if c.Merchant != "" {
		return c.Merchant
	}
	remote := c.Address.Remote
	if runes := []rune(remote); len(runes) > 8 {
		remote = "…" + string(runes[len(runes)-6:])
	}
	return c.Address.Channel + " " + remote
}

// maxTopic is how long the name of a topic may be (Bot API, createForumTopic).
const maxTopic = 128

func topicName(c desk.Case) string {
	name := icons[c.State] + " " + merchant(c) + " · " + c.Ticket
	if runes := []rune(name); len(runes) > maxTopic/2 { // a character may count twice
		name = string(runes[:maxTopic/2-1]) + "…"
	}
	return name
}

const (
	lastMessages = 6
	maxCard      = 3500 // UTF-16 units; a message may have 4096
)

// card writes the card of a case. name is that of the owner, or "".
func (g *Group) card(c desk.Card, name string) string {
	var b strings.Builder
	line := func(key, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s: %s\n", g.say(key), value)
		}
	}
	fmt.Fprintf(&b, "%s %s · %s · %s\n", icons[c.Case.State], c.Case.Ticket, g.say("state."+string(c.Case.State)), g.say(fmt.Sprintf("urgency.%d", c.Case.Urgency)))
	line("card.merchant", merchant(c.Case)+" · "+string(c.Case.Lang))
	line("card.owner", name)
	if since := c.Case.Blocked; !since.IsZero() {
		line("card.blocked", since.Local().Format("01-02 15:04"))
	}
	if c.Down >= time.Minute {
		line("card.down", g.say("card.minutes", int(c.Down/time.Minute)))
	}
	for _, l := range c.Case.Card.Lines(g.opt.Lang) {
		b.WriteString(l + "\n")
	}
	if len(c.Photos) > 0 {
		line("card.photos", fmt.Sprint(len(c.Photos)))
	}
	if len(c.Similar) > 0 {
		line("card.similar", fmt.Sprint(len(c.Similar)))
	}
	line("card.suggest", c.Suggestion)
	if c.Case.Solved != desk.Unasked {
		line("card.solved", g.say("solved."+string(c.Case.Solved)))
	}
	if c.Case.Rating > 0 {
		line("card.rating", strings.Repeat("★", c.Case.Rating))
	}
	messages := c.Messages
	if len(messages) > lastMessages {
		messages = messages[len(messages)-lastMessages:]
	}
	b.WriteString("\n" + g.say("card.last") + ":\n")
	for _, e := range messages {
		b.WriteString(g.transcriptLine(e))
	}
	return botapi.Split(b.String(), maxCard)[0]
}

const maxLine = 300 // characters of a message on a card

func (g *Group) transcriptLine(e bot.Entry) string {
	mark := map[bot.Author]string{bot.Merchant: "👤", bot.Bot: "🤖", bot.Staff: "🧑‍💼"}[e.Author]
	return mark + " " + g.content(e, maxLine) + "\n"
}

// content is what a message says, in one text.
func (g *Group) content(e bot.Entry, most int) string {
	parts := []string{}
	for _, m := range append(e.Media, e.Reply.Media...) {
		if _, known := texts["media."+m.Kind]; known {
			parts = append(parts, g.say("media."+m.Kind))
		} else {
			parts = append(parts, g.say("media.other", m.Kind))
		}
	}
	text := e.Reply.Text
	if text == "" && e.Choice != "" {
		text = "▸ " + e.Choice
	}
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most]) + "…"
	}
	if text != "" {
		parts = append(parts, text)
	}
	return strings.Join(parts, " ")
}

package telegram

import (
	"context"
	"fmt"
	"time"

	"github.com/go-telegram/bot/models"

	"tilldesk/bot"
	"tilldesk/bot/telegram/botapi"
	"tilldesk/content/source"
)

// A Checkup is what there should be.
type Checkup struct {
	WebhookURL string // "" if updates are fetched
	Group      int64  // the staff group; 0: none
}

func found(ok bool, zh, en string, args ...any) bot.Finding {
	return bot.Finding{OK: ok, Say: source.Text{Zh: fmt.Sprintf(zh, args...), En: fmt.Sprintf(en, args...)}}
}

// Check looks at the bot as Telegram has it, and changes nothing.
func Check(ctx context.Context, api *botapi.Client, want Checkup) []bot.Finding {
	me, err := api.GetMe(ctx)
	switch botapi.KindOf(err) {
	case "":
		if err != nil {
			return []bot.Finding{found(false, "%v", "%v", err)}
		}
	case botapi.Unauthorized:
		return []bot.Finding{found(false, "token 无效：打开 @BotFather，发送 /mybots，选您的机器人，点 API Token，复制到 telegram.token",
			"the token is not valid: open @BotFather, send /mybots, choose your bot, press API Token and copy it to telegram.token")}
	default:
		return []bot.Finding{found(false, "连不上 Telegram：%v。检查这台机器的网络、代理（HTTPS_PROXY）和 telegram.api_url",
			"Telegram cannot be reached: %v. Look at this machine's network, its proxy (HTTPS_PROXY) and telegram.api_url", err)}
	}
	all := []bot.Finding{found(true, "token 有效，机器人是 @%s，商户打开 https://t.me/%[1]s 就能对话",
		"the token is good; the bot is @%s, and merchants find it at https://t.me/%[1]s", me.Username)}
	all = append(all, checkDelivery(ctx, api, want.WebhookURL)...)
	if want.Group != 0 {
		all = append(all, checkGroup(ctx, api, want.Group)...)
	}
	return all
}

// checkDelivery looks at how updates come.
func checkDelivery(ctx context.Context, api *botapi.Client, url string) []bot.Finding {
	info, err := api.GetWebhookInfo(ctx)
	if err != nil {
		return []bot.Finding{found(false, "读不到 webhook 设置：%v", "the webhook settings cannot be read: %v", err)}
	}
	var all []bot.Finding
	switch {
	case url == "" && info.URL == "":
		all = append(all, found(true, "由 tilldesk 主动收取消息（poll），不需要公网地址", "tilldesk fetches messages (poll); no public address is needed"))
	case url == "":
		all = append(all, found(true, "现在设了 webhook，服务启动时会去掉它，改为主动收取（poll）",
			"a webhook is set; the service takes it away when it starts, and fetches messages (poll)"))
	case info.URL == url:
		all = append(all, found(true, "webhook 指向 %s", "the webhook points to %s", url))
	default:
		all = append(all, found(true, "webhook 还没有指向 %s，服务启动时会设好", "the webhook does not point to %s yet; the service sets it when it starts", url))
	}
	if url != "" && info.LastErrorDate != 0 && time.Since(time.Unix(int64(info.LastErrorDate), 0)) < time.Hour {
		all = append(all, found(false, "Telegram 最近一次送消息失败：%s。检查 http.public_url 能否从公网打开、证书是否有效、端口是否为 443、80、88 或 8443",
			"Telegram failed to deliver lately: %s. See that http.public_url opens from the internet, its certificate is good, and its port is 443, 80, 88 or 8443", info.LastErrorMessage))
	}
	const many = 100
	if info.PendingUpdateCount > many {
		all = append(all, found(false, "有 %d 条消息在等待收取：服务在运行吗？", "%d messages wait to be taken: is the service running?", info.PendingUpdateCount))
	}
	return all
}

// checkGroup looks at the staff group and what the bot may do there.
func checkGroup(ctx context.Context, api *botapi.Client, group int64) []bot.Finding {
	chat, err := api.GetChat(ctx, group)
	if moved := new(botapi.Error); asMoved(err, &moved) {
		return []bot.Finding{found(false, "群升级后换了编号，请把 telegram.staff_chat_id 改成 %d", "the group has another id since it was upgraded: set telegram.staff_chat_id to %d", moved.To)}
	}
	if err != nil {
		return []bot.Finding{found(false, "机器人看不到员工群 %d（%v）：把机器人加进群里。群编号以 -100 开头；编号不对时，服务运行着把机器人加进群，它会说出编号再退出",
			"the bot does not see the staff group %d (%v): add the bot to the group. The id begins with -100; if it is another one, the running bot says so when it is added, and leaves", group, err)}
	}
	all := []bot.Finding{
		either(chat.Type == models.ChatTypeSupergroup && chat.Username == "",
			found(true, "员工群「%s」是私有超级群", "the staff group “%s” is a private supergroup", chat.Title),
			found(false, "员工群「%s」要改成私有超级群：群设置 → 群类型 → 私有", "the staff group “%s” must be a private supergroup: group settings → Group type → Private", chat.Title)),
		either(chat.IsForum, found(true, "话题功能已打开", "topics are on"),
			found(false, "话题功能没有打开：群设置 → 话题（Topics）→ 打开", "topics are off: group settings → Topics → on")),
	}
	member, err := api.GetChatMember(ctx, group, api.ID())
	if err != nil {
		return append(all, found(false, "读不到机器人在群里的权限：%v", "the bot's rights in the group cannot be read: %v", err))
	}
	admin := member.Administrator
	all = append(all, either(admin != nil, found(true, "机器人是管理员", "the bot is an administrator"),
		found(false, "机器人还不是管理员：群设置 → 管理员 → 添加 → 选机器人", "the bot is no administrator yet: group settings → Administrators → Add admin → choose the bot")))
	if admin != nil {
		all = append(all,
			either(admin.CanManageTopics, found(true, "机器人可以管理话题", "the bot may manage topics"),
				found(false, "机器人不能管理话题：管理员 → 机器人 → 打开「管理话题」", "the bot may not manage topics: Administrators → the bot → Manage topics on")),
			either(admin.CanPinMessages, found(true, "机器人可以置顶消息", "the bot may pin messages"),
				found(false, "机器人不能置顶消息：管理员 → 机器人 → 打开「置顶消息」", "the bot may not pin messages: Administrators → the bot → Pin messages on")))
	}
	return all
}

// either is what is said of a thing that is as it should be, or that is not.
func either(ok bool, good, bad bot.Finding) bot.Finding {
	if ok {
		return good
	}
	return bad
}

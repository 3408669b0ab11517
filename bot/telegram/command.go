package telegram

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	tg "github.com/go-telegram/bot"
	"github.com/go-telegram/bot/models"

	"tilldesk/bot"
	"tilldesk/bot/dialog"
	"tilldesk/content/source"
)

// parseCommand reads "/take@ourbot T12 now" as "take" and "T12 now". It reports
// false for what is no command, or one for another bot. name is ours in lower
// case, "" if it is not known yet.
func parseCommand(text, name string) (command, args string, ok bool) {
	word, args, _ := strings.Cut(strings.TrimSpace(text), " ")
	if first, rest, cut := strings.Cut(word, "\n"); cut {
		word, args = first, rest+" "+args
	}
	word, ok = strings.CutPrefix(word, "/")
	if !ok {
		return "", "", false
	}
	word, to, _ := strings.Cut(word, "@")
	if word == "" || to != "" && name != "" && !strings.EqualFold(to, name) {
		return "", "", false
	}
	return strings.ToLower(word), strings.TrimSpace(args), true
}

func (c *Channel) botName() string {
	if name := c.name.Load(); name != nil {
		return *name
	}
	return ""
}

// linkCode is what the desk gives staff to send to the bot.
var linkCode = regexp.MustCompile(`^(?i)\s*[a-z0-9]{4}-[a-z0-9]{4}-[a-z0-9]{4}\s*$`)

// linkPrefix begins the parameter of a link that makes staff of a user.
const linkPrefix = "link_"

// command does what a command asks for and reports whether the message was one
// that needs no more.
func (c *Channel) command(ctx context.Context, m *models.Message, edited bool) (done bool, err error) {
	name, args, ok := parseCommand(m.Text, c.botName())
	l := localeOf(m.From.LanguageCode)
	if c.opt.Group != nil && !edited && linkCode.MatchString(m.Text) {
		return true, c.link(ctx, m, l, strings.TrimSpace(m.Text))
	}
	if !ok || edited {
		return ok && edited, nil
	}
	at := address(m.Chat.ID)
	if talk, known, err := c.store.ConversationOf(ctx, at.Channel, at.Remote); err != nil {
		return true, err
	} else if known {
		l = locale{talk.State.Lang, talk.State.Traditional}
	}
	in := bot.Inbound{Address: at, Remote: remoteMessage(m, false), Lang: l.lang, Traditional: l.traditional}
	switch name {
	case "start":
		if code, isLink := strings.CutPrefix(args, linkPrefix); isLink {
			return true, c.link(ctx, m, l, code)
		}
		in.Choice, in.Text = dialog.CommandStart, args
	case "help":
		in.Choice = dialog.CommandHelp
	case "human":
		in.Choice = dialog.CommandHuman
	case "language":
		var rows [][]models.InlineKeyboardButton
		for _, lang := range languages {
			rows = append(rows, []models.InlineKeyboardButton{{Text: lang.name, CallbackData: data(languageData, lang.tag)}})
		}
		c.ask(m.Chat.ID, l.say("language"), rows...)
		return true, nil
	case "forget":
		c.ask(m.Chat.ID, l.say("forget"), []models.InlineKeyboardButton{
			{Text: l.say("forget.yes"), CallbackData: data(forgetData, "yes")},
			{Text: l.say("forget.no"), CallbackData: data(forgetData, "no")},
		})
		return true, nil
	default:
		return false, nil // words like others
	}
	return true, c.accept(ctx, in)
}

// link makes a user staff by the one-time code that the desk has shown.
func (c *Channel) link(ctx context.Context, m *models.Message, l locale, code string) error {
	answer := l.say("link.off")
	if c.opt.Group != nil {
		var err error
		if answer, err = c.opt.Group.Link(ctx, m.From, code); err != nil {
			return err
		}
	}
	c.ask(m.Chat.ID, answer)
	return nil
}

// ask sends a message of the channel's own, with buttons below it.
func (c *Channel) ask(chat int64, text string, rows ...[]models.InlineKeyboardButton) {
	p := &tg.SendMessageParams{ChatID: chat, Text: text}
	if len(rows) > 0 {
		p.ReplyMarkup = &models.InlineKeyboardMarkup{InlineKeyboard: rows}
	}
	c.courier.send("asking", chat, func(ctx context.Context) error {
		_, err := c.api.SendMessage(ctx, p)
		return err
	})
}

// chooseLanguage takes the language that was pressed.
func (c *Channel) chooseLanguage(ctx context.Context, q *models.CallbackQuery, tag string) error {
	chat, _ := whereOf(q)
	for _, lang := range languages {
		if lang.tag != tag {
			continue
		}
		// Each press counts: the language may go to and fro.
		err := c.accept(ctx, bot.Inbound{Address: address(chat.ID), Remote: bot.RemoteID("c:" + q.ID), Choice: lang.command, At: c.opt.Now()})
		if err != nil {
			return err
		}
		c.notice(q, "")
		c.showChosen(q)
		l := localeOf(tag)
		c.courier.send("setting a merchant's menu", chat.ID, func(ctx context.Context) error {
			return c.api.SetMyCommands(ctx, &tg.SetMyCommandsParams{Commands: menu(l), Scope: &models.BotCommandScopeChat{ChatID: chat.ID}})
		})
		return nil
	}
	c.notice(q, localeOf(q.From.LanguageCode).say("stale"))
	return nil
}

// chooseForget erases everything about the merchant, or keeps it.
func (c *Channel) chooseForget(ctx context.Context, q *models.CallbackQuery, yes bool) error {
	chat, id := whereOf(q)
	at := address(chat.ID)
	l := localeOf(q.From.LanguageCode)
	talk, known, err := c.store.ConversationOf(ctx, at.Channel, at.Remote)
	if err != nil {
		return err
	}
	if known {
		l = locale{talk.State.Lang, talk.State.Traditional}
	}
	answer := "kept"
	if yes {
		answer = "forgotten"
		if known {
			if err := c.forget(ctx, talk.ID); err != nil {
				return err
			}
		}
	}
	c.notice(q, "")
	c.edit(chat.ID, id, l.say(answer), nil)
	return nil
}

func (c *Channel) forget(ctx context.Context, id bot.ConversationID) error {
	files, err := c.store.Erase(ctx, id)
	for _, name := range files {
		if c.opt.Data == nil {
			break
		}
		if err := c.opt.Data.Remove(name); err != nil {
			c.log.Error("a file of an erased conversation could not be deleted", "file", name, "error", err)
		}
	}
	if err != nil {
		return fmt.Errorf("erasing all about a merchant: %w", err)
	}
	c.log.Info("a merchant had everything erased", "conversation", id, "files", len(files))
	return nil
}

// menu is the list of commands for merchants.
func menu(l locale) []models.BotCommand {
	var commands []models.BotCommand
	for _, entry := range []struct{ command, text string }{
		{"help", "menu.help"}, {"human", "menu.human"}, {"language", "menu.lang"}, {"forget", "menu.forget"}, {"start", "menu.start"},
	} {
		commands = append(commands, models.BotCommand{Command: entry.command, Description: l.say(entry.text)})
	}
	return commands
}

// setMenus sets the menus of all private chats. Telegram tells no script of
// Chinese from another here; who has chosen traditional has a menu of their own.
func (c *Channel) setMenus(ctx context.Context) error {
	for code, l := range map[string]locale{"": {lang: source.En}, "zh": {lang: source.Zh}} {
		err := c.api.SetMyCommands(ctx, &tg.SetMyCommandsParams{Commands: menu(l), Scope: &models.BotCommandScopeAllPrivateChats{}, LanguageCode: code})
		if err != nil {
			return err
		}
	}
	return nil
}

// chatOf reads the chat out of an address of this channel.
func chatOf(a bot.Address) (int64, error) {
	chat, err := strconv.ParseInt(a.Remote, 10, 64)
	if err != nil || chat <= 0 {
		return 0, &refusedError{"the address is no private chat of Telegram"}
	}
	return chat, nil
}

package telegram

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"

	tg "github.com/go-telegram/bot"
	"github.com/go-telegram/bot/models"

	"tilldesk/bot"
	"tilldesk/bot/telegram/botapi"
)

// Data of buttons: version, what it is, and what that needs, with bars between.
// A merchant's client sends back whatever it was given, or anything else.
//
//	1|o|SEQ|ID     choice ID of the reply with this sequence number, in base 36
//	1|l|TAG        a language
//	1|f|yes or no  whether to forget everything
//
// What begins with 1|g| belongs to the staff group.
const (
	dataVersion  = "1"
	offerData    = "o"
	languageData = "l"
	forgetData   = "f"
	// MaxData is how many bytes the data of a button may have (Bot API,
	// InlineKeyboardButton).
	MaxData = 64
)

func offer(seq int64, choice string) string {
	return strings.Join([]string{dataVersion, offerData, strconv.FormatInt(seq, 36), choice}, "|")
}

func data(kind, value string) string { return dataVersion + "|" + kind + "|" + value }

// press handles the press of a button.
func (c *Channel) press(ctx context.Context, u rawUpdate) error {
	q := new(models.CallbackQuery)
	if err := json.Unmarshal(u.Press, q); err != nil {
		// The message that it was on has something newer than the library.
		var plain struct {
			ID      string       `json:"id"`
			From    models.User  `json:"from"`
			Data    string       `json:"data"`
			Message plainMessage `json:"message"`
		}
		if json.Unmarshal(u.Press, &plain) != nil {
			return &unreadableError{"its press of a button cannot be read"}
		}
		q = &models.CallbackQuery{ID: plain.ID, From: plain.From, Data: plain.Data}
		q.Message.InaccessibleMessage = &models.InaccessibleMessage{Chat: plain.Message.message().Chat, MessageID: plain.Message.ID}
	}
	if q.ID == "" {
		return &unreadableError{"its press of a button has no id"}
	}
	chat, _ := whereOf(q)
	if c.opt.Group != nil && chat != nil && c.opt.Group.Is(chat.ID) {
		return c.opt.Group.Update(ctx, &models.Update{ID: u.ID, CallbackQuery: q})
	}
	l := localeOf(q.From.LanguageCode)
	switch {
	case chat == nil:
		c.notice(q, l.say("type"))
		return nil
	case chat.ID != q.From.ID:
		c.notice(q, l.say("foreign"))
		return nil
	}
	parts := strings.SplitN(q.Data, "|", 4)
	switch {
	case len(parts) == 4 && parts[0] == dataVersion && parts[1] == offerData:
		seq, err := strconv.ParseInt(parts[2], 36, 64)
		if err == nil && seq > 0 && parts[3] != "" && !strings.HasPrefix(parts[3], "/") {
			return c.choose(ctx, q, seq, parts[3])
		}
	case len(parts) == 3 && parts[0] == dataVersion && parts[1] == languageData:
		return c.chooseLanguage(ctx, q, parts[2])
	case len(parts) == 3 && parts[0] == dataVersion && parts[1] == forgetData:
		return c.chooseForget(ctx, q, parts[2] == "yes")
	}
	c.notice(q, l.say("stale"))
	return nil
}

// whereOf returns the chat and id of the message that a button was on; nil if
// that is not known.
func whereOf(q *models.CallbackQuery) (*models.Chat, int) {
	switch {
	case q.Message.Message != nil:
		return &q.Message.Message.Chat, q.Message.Message.ID
	case q.Message.InaccessibleMessage != nil && q.Message.InaccessibleMessage.Chat.ID != 0:
		return &q.Message.InaccessibleMessage.Chat, q.Message.InaccessibleMessage.MessageID
	}
	return nil, 0
}

// choose takes a choice. All presses of what one reply offered are the same
// message: whoever presses twice has pressed once.
func (c *Channel) choose(ctx context.Context, q *models.CallbackQuery, seq int64, choice string) error {
	chat, _ := whereOf(q)
	at := address(chat.ID)
	l := localeOf(q.From.LanguageCode)
	talk, known, err := c.store.ConversationOf(ctx, at.Channel, at.Remote)
	if err != nil {
		return err
	}
	over := !known
	if known {
		l = locale{talk.State.Lang, talk.State.Traditional}
		if over, err = c.store.Followed(ctx, talk.ID, seq); err != nil {
			return err
		}
	}
	if over {
		c.notice(q, l.say("stale"))
		c.clear(q)
		return nil
	}
	err = c.accept(ctx, bot.Inbound{
		Address: at, Remote: bot.RemoteID("p:" + strconv.FormatInt(seq, 10)), Choice: choice, Offer: seq,
		Lang: l.lang, Traditional: l.traditional, At: c.opt.Now(),
	})
	if err != nil {
		return err
	}
	c.notice(q, "")
	c.showChosen(q)
	return nil
}

// notice answers a press, so that the button stops waiting.
func (c *Channel) notice(q *models.CallbackQuery, text string) {
	id := q.ID
	c.courier.send("answering a press", 0, func(ctx context.Context) error { return c.api.AnswerCallbackQuery(ctx, id, text) })
}

// chosenMark stands before what was pressed.
const chosenMark = "\n\n✅ "

// showChosen puts what was pressed below the message, in place of the buttons.
func (c *Channel) showChosen(q *models.CallbackQuery) {
	m := q.Message.Message
	label := labelOf(m, q.Data)
	if m == nil || m.Text == "" || label == "" || botapi.Units(m.Text+chosenMark+label) > botapi.MaxText {
		c.clear(q)
		return
	}
	c.edit(m.Chat.ID, m.ID, m.Text+chosenMark+label, m.Entities)
}

// labelOf returns what stands on the button with the data.
func labelOf(m *models.Message, data string) string {
	if m == nil || m.ReplyMarkup == nil {
		return ""
	}
	for _, row := range m.ReplyMarkup.InlineKeyboard {
		for _, b := range row {
			if b.CallbackData == data {
				return b.Text
			}
		}
	}
	return ""
}

// edit replaces the text of a message; its buttons go away.
func (c *Channel) edit(chat int64, id int, text string, entities []models.MessageEntity) {
	c.courier.send("showing what was chosen", chat, func(ctx context.Context) error {
		_, err := c.api.EditMessageText(ctx, &tg.EditMessageTextParams{ChatID: chat, MessageID: id, Text: text, Entities: entities})
		return err
	})
}

// clear takes the buttons away from the message that was pressed.
func (c *Channel) clear(q *models.CallbackQuery) {
	chat, id := whereOf(q)
	if chat == nil || id == 0 || q.Message.Message == nil {
		return
	}
	at := chat.ID
	c.courier.send("taking buttons away", at, func(ctx context.Context) error {
		_, err := c.api.EditMessageReplyMarkup(ctx, &tg.EditMessageReplyMarkupParams{ChatID: at, MessageID: id})
		return err
	})
}

package telegram

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"strconv"
	"time"

	tg "github.com/go-telegram/bot"
	"github.com/go-telegram/bot/models"

	"tilldesk/bot/store"
	"tilldesk/intents"
)

// handleTime bounds the storing of what one update brings.
const handleTime = 10 * time.Second

// take handles one update. It returns an error only if the update must come
// again, because what it brings could not be stored; whatever else is wrong
// with it is settled here. It may be called again with the same update.
func (c *Channel) take(ctx context.Context, raw json.RawMessage) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), handleTime)
	defer cancel()
	err := c.guarded(ctx, raw)
	var unreadable *unreadableError
	if !errors.As(err, &unreadable) {
		return err
	}
	var u rawUpdate
	_ = json.Unmarshal(raw, &u) // as much as there is
	c.log.Error("an update cannot be read and is put aside", "update", u.ID, "error", err)
	return c.store.BuryUpdate(ctx, store.DeadUpdate{
		Bot: c.api.ID(), Update: u.ID, Remote: remoteOf(u), Raw: masked(raw), Why: err.Error(), Received: c.opt.Now(),
	})
}

// An unreadableError says that an update will not be better the next time.
type unreadableError struct{ why string }

func (e *unreadableError) Error() string { return e.why }

// guarded handles an update; a panic is a fault of this update alone.
func (c *Channel) guarded(ctx context.Context, raw json.RawMessage) (err error) {
	defer func() {
		if p := recover(); p != nil {
			c.log.Error("handling an update panicked", "stack", string(debug.Stack()))
			err = &unreadableError{fmt.Sprintf("handling it panicked with a %T", p)}
		}
	}()
	return c.handle(ctx, raw)
}

func (c *Channel) handle(ctx context.Context, raw json.RawMessage) error {
	var u rawUpdate
	if err := json.Unmarshal(raw, &u); err != nil {
		return &unreadableError{"it is not an update"}
	}
	switch {
	case given(u.Message):
		return c.message(ctx, u, u.Message, false)
	case given(u.Edited):
		return c.message(ctx, u, u.Edited, true)
	case given(u.Press):
		return c.press(ctx, u)
	case given(u.MyMember):
		return c.member(ctx, u)
	}
	c.log.Debug("an update of a kind that is not wanted", "update", u.ID)
	return nil
}

func given(raw json.RawMessage) bool { return len(raw) > 0 && !bytes.Equal(raw, []byte("null")) }

// message handles a message, or the new text of one.
func (c *Channel) message(ctx context.Context, u rawUpdate, raw json.RawMessage, edited bool) error {
	m := new(models.Message)
	if err := json.Unmarshal(raw, m); err != nil {
		// Something in it is newer than the library. Where it came from can still
		// be read, and its text.
		var plain plainMessage
		if json.Unmarshal(raw, &plain) != nil {
			return &unreadableError{"its message is none"}
		}
		m = plain.message()
	}
	if m.Chat.ID == 0 || m.ID == 0 {
		return &unreadableError{"its message has no chat or no id"}
	}
	if m.BusinessConnectionID != "" {
		return nil // of a person's own account, not of the bot
	}
	if m.Chat.Type != models.ChatTypePrivate {
		return c.groupMessage(ctx, u, m, edited)
	}
	if m.From == nil || m.From.IsBot {
		return nil
	}
	if done, err := c.command(ctx, m, edited); done || err != nil {
		return err
	}
	in, ok := inbound(m, raw, edited)
	if ok && edited {
		var err error
		if ok, err = c.counts(ctx, m, in); err != nil {
			return err
		}
	}
	if !ok {
		return nil
	}
	return c.accept(ctx, in)
}

// plainMessage is the part of a message that is as old as the Bot API.
type plainMessage struct {
	ID       int    `json:"message_id"`
	Date     int    `json:"date"`
	EditDate int    `json:"edit_date"`
	Text     string `json:"text"`
	Caption  string `json:"caption"`
	Chat     struct {
		ID   int64           `json:"id"`
		Type models.ChatType `json:"type"`
	} `json:"chat"`
	From *struct {
		ID    int64  `json:"id"`
		IsBot bool   `json:"is_bot"`
		Lang  string `json:"language_code"`
	} `json:"from"`
}

func (p plainMessage) message() *models.Message {
	m := &models.Message{ID: p.ID, Date: p.Date, EditDate: p.EditDate, Text: cmp.Or(p.Text, p.Caption)}
	m.Chat.ID, m.Chat.Type = p.Chat.ID, p.Chat.Type
	if p.From != nil {
		m.From = &models.User{ID: p.From.ID, IsBot: p.From.IsBot, LanguageCode: p.From.Lang}
	}
	return m
}

// groupMessage passes on what is said in the staff group. Other groups are no
// place for merchants: the bot leaves them.
func (c *Channel) groupMessage(ctx context.Context, u rawUpdate, m *models.Message, edited bool) error {
	chat := m.Chat.ID
	if c.opt.Group != nil && (c.opt.Group.Is(chat) || m.MigrateFromChatID != 0 && c.opt.Group.Is(m.MigrateFromChatID)) {
		update := &models.Update{ID: u.ID, Message: m}
		if edited {
			update = &models.Update{ID: u.ID, EditedMessage: m}
		}
		return c.opt.Group.Update(ctx, update)
	}
	var l locale
	if m.From != nil {
		l = localeOf(m.From.LanguageCode)
	}
	c.leave(chat, l)
	return nil
}

// leaveOnce is for how long a group that is being left is not left again: being
// put into it brings several updates.
const leaveOnce = 30 * time.Second

// leave leaves a group that is not the staff group, and says its id there:
// whoever sets up the staff group finds it nowhere else in Telegram.
func (c *Channel) leave(chat int64, l locale) {
	now := c.opt.Now()
	if last, leaving := c.leaving.Swap(chat, now); leaving && now.Sub(last.(time.Time)) < leaveOnce {
		return
	}
	c.courier.send("leaving a group", chat, func(ctx context.Context) error {
		text := fmt.Sprintf(l.say("group"), chat)
		if _, err := c.api.SendMessage(ctx, &tg.SendMessageParams{ChatID: chat, Text: text}); err != nil {
			c.log.Debug("a group could not be told its id", "group", chat, "error", err)
		}
		return c.api.LeaveChat(ctx, chat)
	})
}

// member handles what became of the bot in a chat: blocked, removed, made an
// administrator.
func (c *Channel) member(ctx context.Context, u rawUpdate) error {
	var m models.ChatMemberUpdated
	if err := json.Unmarshal(u.MyMember, &m); err != nil {
		return &unreadableError{"its change of membership cannot be read"}
	}
	status := m.NewChatMember.Type
	switch {
	case m.Chat.Type == models.ChatTypePrivate:
		// A message to somebody who has blocked the bot fails, and says so.
		c.log.Info("a merchant has blocked or unblocked the bot", "status", status)
	case c.opt.Group != nil && c.opt.Group.Is(m.Chat.ID):
		return c.opt.Group.Update(ctx, &models.Update{ID: u.ID, MyChatMember: &m})
	case status == models.ChatMemberTypeMember || status == models.ChatMemberTypeAdministrator:
		c.log.Warn("somebody put the bot into a group that is not the staff group; it leaves", "group", m.Chat.ID)
		c.leave(m.Chat.ID, localeOf(m.From.LanguageCode))
	}
	return nil
}

// remoteOf returns the conversation that an update is about, "" if it is not
// known.
func remoteOf(u rawUpdate) string {
	var m struct {
		Chat struct {
			ID int64 `json:"id"`
		} `json:"chat"`
		From struct {
			ID int64 `json:"id"`
		} `json:"from"`
	}
	for _, raw := range []json.RawMessage{u.Message, u.Edited, u.Press} {
		if given(raw) && json.Unmarshal(raw, &m) == nil {
			if id := cmp.Or(m.Chat.ID, m.From.ID); id != 0 {
				return strconv.FormatInt(id, 10)
			}
		}
	}
	return ""
}

// lane names the updates that must be taken in order.
func lane(u rawUpdate) string {
	var m struct {
		Message struct {
			Chat struct {
				ID int64 `json:"id"`
			} `json:"chat"`
		} `json:"message"`
	}
	if given(u.Press) && json.Unmarshal(u.Press, &m) == nil && m.Message.Chat.ID != 0 {
		return strconv.FormatInt(m.Message.Chat.ID, 10)
	}
	return remoteOf(u)
}

// maxRaw bounds what is kept of an update that cannot be read.
const maxRaw = 64 << 10

// masked returns an update with the numbers hidden that must not be stored: in
// each of its texts, or, if it is no JSON, in the whole.
func masked(raw []byte) string {
	if len(raw) > maxRaw {
		raw = raw[:maxRaw]
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil {
		text, _ := intents.Mask(string(bytes.ToValidUTF8(raw, []byte("\uFFFD"))))
		return text
	}
	out, err := json.Marshal(maskTexts(v))
	if err != nil {
		return "{}"
	}
	return string(out)
}

func maskTexts(v any) any {
	switch v := v.(type) {
	case string:
		text, _ := intents.Mask(v)
		return text
	case []any:
		for i := range v {
			v[i] = maskTexts(v[i])
		}
	case map[string]any:
		for key := range v {
			v[key] = maskTexts(v[key])
		}
	}
	return v
}

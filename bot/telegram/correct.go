package telegram

import (
	"context"
	"errors"
	"strconv"

	tg "github.com/go-telegram/bot"
	"github.com/go-telegram/bot/models"

	"tilldesk/bot"
	"tilldesk/bot/store"
	"tilldesk/bot/telegram/botapi"
)

// correct gives a message that the merchant has another text. It reports false
// if that is not possible, and the correction has to be a message of its own.
// Doing it twice is like doing it once, so that a change whose outcome is not
// known is made again rather than left to a person.
func (c *Channel) correct(ctx context.Context, m bot.Outbound, chat int64, to bot.Correction) (bot.RemoteID, bool, error) {
	was, err := c.store.Entry(ctx, m.Conversation, to.Message)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return "", false, nil
	case err != nil:
		return "", false, &bot.RetryError{Err: err}
	}
	id, err := strconv.Atoi(string(was.Remote))
	if err != nil || !inOne(was.Reply.Text) || !inOne(to.Text) {
		return "", false, nil // it never arrived, or is more than one message there
	}
	if err := c.turn(ctx); err != nil {
		return "", false, err
	}
	_, err = c.api.EditMessageText(ctx, &tg.EditMessageTextParams{ChatID: chat, MessageID: id, Text: to.Text,
		LinkPreviewOptions: &models.LinkPreviewOptions{IsDisabled: tg.True()}})
	switch botapi.KindOf(err) {
	case botapi.NotModified:
		err = nil
	case botapi.NoMessage, botapi.Rejected: // deleted, too old, or a picture without a text
		return "", false, nil
	case botapi.Unknown:
		return "", false, &bot.RetryError{Err: err}
	}
	if err != nil {
		return "", false, c.outcome(chat, err)
	}
	return was.Remote, true, nil
}

// inOne reports whether a text is one message, as only the last of several is
// known by its id.
func inOne(text string) bool { return text != "" && len(botapi.Split(text, botapi.MaxText)) == 1 }

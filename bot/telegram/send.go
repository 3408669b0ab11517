package telegram

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"

	tg "github.com/go-telegram/bot"
	"github.com/go-telegram/bot/models"

	"tilldesk/bot"
	"tilldesk/bot/telegram/botapi"
)

// A refusedError says that Telegram will never take a message.
type refusedError struct{ why string }

func (e *refusedError) Error() string { return e.why }

// Permanent reports true.
func (e *refusedError) Permanent() bool { return true }

// A piece is what one call sends of a message.
type piece func(ctx context.Context, chat int64, keyboard models.ReplyMarkup) (*models.Message, error)

// Send sends a message in as many pieces as it needs, with its choices as
// buttons below the last. How many have been sent is stored, so that a message
// that fails halfway goes on where it stopped.
func (c *Channel) Send(ctx context.Context, m bot.Outbound) (bot.RemoteID, error) {
	chat, err := chatOf(m.Address)
	if err != nil {
		return "", err
	}
	if ctx.Err() != nil {
		return "", &bot.RetryError{Err: ctx.Err()}
	}
	if wait := c.pause.left(chat, c.opt.Now()); wait > 0 {
		return "", &bot.RetryError{After: wait, Err: errors.New("fewer messages are wanted by Telegram for a while"), Reached: true}
	}
	if fix := m.Reply.Corrects; fix != nil {
		if id, done, err := c.correct(ctx, m, chat, *fix); done || err != nil {
			return id, err
		}
	}
	pieces, err := c.pieces(m.Reply)
	if err != nil {
		return "", err
	}
	from := 0
	if len(pieces) > 1 {
		if from, err = c.store.PartsSent(ctx, m.ID); err != nil {
			return "", &bot.RetryError{Err: err}
		}
		from = min(from, len(pieces)-1)
	}
	for i, send := range pieces[from:] {
		var keyboard models.ReplyMarkup
		if from+i == len(pieces)-1 {
			keyboard = keyboardOf(m.Seq, m.Reply.Choices)
		}
		if err := c.turn(ctx); err != nil {
			return "", err
		}
		sent, err := send(ctx, chat, keyboard)
		if err != nil {
			return "", c.outcome(chat, err)
		}
		if from+i == len(pieces)-1 {
			return bot.RemoteID(strconv.Itoa(sent.ID)), nil
		}
		if err := c.store.SetPartsSent(ctx, m.ID, from+i+1); err != nil {
			return "", fmt.Errorf("part %d of %d was sent: %w", from+i+1, len(pieces), err)
		}
	}
	return "", &refusedError{"there is nothing in the message"}
}

// pieces cuts a message up: its files first, then its text.
func (c *Channel) pieces(r bot.Reply) ([]piece, error) {
	var all []piece
	for _, m := range r.Media {
		p, err := c.filePiece(m)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	for _, text := range botapi.Split(r.Text, botapi.MaxText) {
		all = append(all, func(ctx context.Context, chat int64, keyboard models.ReplyMarkup) (*models.Message, error) {
			return c.api.SendMessage(ctx, &tg.SendMessageParams{ChatID: chat, Text: text, ReplyMarkup: keyboard,
				LinkPreviewOptions: &models.LinkPreviewOptions{IsDisabled: tg.True()}})
		})
	}
	if len(all) == 0 {
		return nil, &refusedError{"there is nothing in the message"}
	}
	return all, nil
}

// filePiece sends a picture that is here, or a file that Telegram has.
func (c *Channel) filePiece(m bot.Media) (piece, error) {
	switch {
	case m.Path != "" && m.Kind == "image" && c.opt.Data != nil:
		f, err := c.opt.Data.Open(m.Path)
		if err != nil {
			return nil, &refusedError{"the picture is not there any more"}
		}
		defer f.Close()
		body, err := io.ReadAll(io.LimitReader(f, maxUpload+1))
		if err != nil || len(body) > maxUpload {
			return nil, &refusedError{fmt.Sprintf("the picture cannot be read, or has more than %d bytes", maxUpload)}
		}
		return func(ctx context.Context, chat int64, keyboard models.ReplyMarkup) (*models.Message, error) {
			return c.api.SendPhoto(ctx, &tg.SendPhotoParams{ChatID: chat, ReplyMarkup: keyboard,
				Photo: &models.InputFileUpload{Filename: "photo.jpg", Data: bytes.NewReader(body)}})
		}, nil
	case m.Remote != "":
		file := &models.InputFileString{Data: m.Remote}
		return func(ctx context.Context, chat int64, keyboard models.ReplyMarkup) (*models.Message, error) {
			switch m.Kind {
			case "image":
				return c.api.SendPhoto(ctx, &tg.SendPhotoParams{ChatID: chat, ReplyMarkup: keyboard, Photo: file})
			case "voice":
				return c.api.SendVoice(ctx, &tg.SendVoiceParams{ChatID: chat, ReplyMarkup: keyboard, Voice: file})
			}
			return c.api.SendDocument(ctx, &tg.SendDocumentParams{ChatID: chat, ReplyMarkup: keyboard, Document: file})
		}, nil
	}
	return nil, &refusedError{fmt.Sprintf("a %s that is not here cannot be sent", m.Kind)}
}

// maxUpload is how large a picture may be (Bot API, sendPhoto).
const maxUpload = 10 << 20

// Buttons: two stand beside each other if both are short.
const (
	maxLabel   = 64
	shortLabel = 10
)

// keyboardOf makes buttons of choices. A choice whose id is too long for a
// button is left out; it can be typed.
func keyboardOf(seq int64, choices []bot.Choice) models.ReplyMarkup {
	var rows [][]models.InlineKeyboardButton
	beside := false
	for _, choice := range choices {
		d := offer(seq, choice.ID)
		if len(d) > MaxData || choice.Label == "" {
			continue
		}
		b := models.InlineKeyboardButton{Text: botapi.Clip(choice.Label, maxLabel), CallbackData: d}
		short := width(b.Text) <= shortLabel
		if beside && short {
			rows[len(rows)-1] = append(rows[len(rows)-1], b)
			beside = false
			continue
		}
		rows = append(rows, []models.InlineKeyboardButton{b})
		beside = short
	}
	if len(rows) == 0 {
		return nil
	}
	return &models.InlineKeyboardMarkup{InlineKeyboard: rows}
}

// width is how much room a label takes: a Chinese character twice a Latin one.
func width(label string) int {
	n := 0
	for _, r := range label {
		n++
		if utf8.RuneLen(r) > 2 {
			n++
		}
	}
	return n
}

// outcome says what a failed call means for the message.
func (c *Channel) outcome(chat int64, err error) error {
	var e *botapi.Error
	if !errors.As(err, &e) {
		return err
	}
	switch e.Kind {
	case botapi.Flood:
		c.pause.flooded(chat, e.After, c.opt.Now())
		return &bot.RetryError{After: e.After, Err: e, Reached: true}
	case botapi.NotSent, botapi.Unauthorized, botapi.Conflict:
		return &bot.RetryError{Err: e}
	case botapi.Unreachable, botapi.NoChat, botapi.Forbidden:
		return fmt.Errorf("%w: %w", bot.ErrUnreachable, e)
	}
	return e
}

package telegram

import (
	"context"
	"fmt"
	"strings"
	"unicode"

	"github.com/go-telegram/bot/models"

	"tilldesk/bot"
	"tilldesk/bot/dialog"
	"tilldesk/intents"
)

// counts reports whether the new text of a message is to be answered like a
// message. One that says the same is not, nor is a live location that moves.
// One of a message that others have followed would be taken for an answer to
// what was asked since; the merchant is asked to write again, unless it is a
// person who reads it.
func (c *Channel) counts(ctx context.Context, m *models.Message, in bot.Inbound) (bool, error) {
	if m.Location != nil {
		return false, nil
	}
	talk, known, err := c.store.ConversationOf(ctx, in.Address.Channel, in.Address.Remote)
	if err != nil || !known {
		return !known, err
	}
	was, known, err := c.store.Wording(ctx, talk.ID, remoteMessage(m, false), fmt.Sprintf("e:%d:", m.ID))
	if err != nil || !known {
		return !known, err
	}
	if now, _ := intents.Mask(in.Text); len(in.Media) == 0 && gist(now) == gist(was.Text) {
		return false, nil
	}
	if was.Last || talk.State.Phase == dialog.WithHuman {
		return true, nil
	}
	l := locale{talk.State.Lang, talk.State.Traditional}
	c.ask(m.Chat.ID, l.say("changed"))
	return false, nil
}

// gist is a text without what changes nothing in what it says: case, width,
// blanks and punctuation, but for question marks and what stands between digits.
func gist(text string) string {
	runes := []rune(intents.Normalise(text))
	digit := func(i int) bool { return i >= 0 && i < len(runes) && unicode.IsDigit(runes[i]) }
	var b strings.Builder
	for i, r := range runes {
		switch {
		case r == '?' || r == '？':
		case digit(i-1) && digit(i+1):
		case unicode.IsSpace(r), unicode.IsPunct(r):
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

package staffgroup

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/go-telegram/bot/models"

	"tilldesk/bot"
	"tilldesk/bot/desk"
	"tilldesk/bot/store"
	"tilldesk/intents"
)

// edited passes on to the merchant the new text of what went to them. In
// Telegram their copy changes, as often as staff change it. Elsewhere a
// correction is a message of its own, of which a merchant gets one at most for
// each message: after that staff write another one themselves.
func (g *Group) edited(ctx context.Context, m *models.Message) error {
	if !m.IsTopicMessage || !hasContent(m) {
		return nil
	}
	// Of what was never sent, a note or talk among staff, there is nothing to say.
	sent, err := g.store.Posted(ctx, m.Chat.ID, m.ID)
	if err != nil || len(sent) == 0 {
		return err
	}
	last, text := sent[len(sent)-1], m.Text+m.Caption
	if masked, _ := intents.Mask(strings.TrimSpace(text)); masked == saysNow(last) {
		// The same text comes again when Telegram adds a preview of a link, and
		// when only the file is another one.
		if len(last.Reply.Media) > 0 {
			g.explainEdit(m)
		}
		return nil
	}
	t, known, err := g.store.TopicAt(ctx, m.Chat.ID, m.MessageThreadID)
	if err != nil || !known {
		return err
	}
	who, known, err := g.actor(ctx, m.From)
	if err != nil || !known {
		return err
	}
	c, mine, err := g.caseFor(ctx, m, t, who)
	if err != nil || !mine {
		return err
	}
	// A note or a command that it has become does not take back what was said.
	if text == "" || strings.HasPrefix(text, "/") || c.Address.Channel != "telegram" && len(sent) > 1 {
		g.explainEdit(m)
		return nil
	}
	_, id, err := g.desk.Reply(ctx, c.Ticket, who, desk.Message{
		Client: fmt.Sprintf("%s%d:%d:%d:%d", clients, m.Chat.ID, m.ID, m.EditDate, len(sent)), Text: text, Corrects: last.ID, To: t.Conversation,
	})
	if err != nil {
		return g.refused(t.Thread, m.ID, err)
	}
	return g.store.SavePost(ctx, store.Post{Message: id, Chat: m.Chat.ID, Thread: t.Thread, Post: m.ID})
}

// saysNow is how a message reads that may be a correction of another.
func saysNow(e bot.Entry) string {
	if e.Reply.Corrects != nil {
		return e.Reply.Corrects.Text
	}
	return e.Reply.Text
}

// explainEdit says once that a changed message is not sent again.
func (g *Group) explainEdit(m *models.Message) {
	if g.once(fmt.Sprint("edited ", m.ID), time.Hour) {
		g.tell(m.MessageThreadID, m.ID, g.say("edited"))
	}
}

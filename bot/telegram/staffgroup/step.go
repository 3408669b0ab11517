package staffgroup

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	tg "github.com/go-telegram/bot"
	"github.com/go-telegram/bot/models"

	"tilldesk/bot"
	"tilldesk/bot/desk"
	"tilldesk/bot/store"
	"tilldesk/bot/telegram/botapi"
)

// A rank says how long staff can wait for a step; the lowest goes first.
type rank int

const (
	rankRelay rank = iota // what the merchant says
	rankOpen              // the topic of a case that somebody has taken
	rankAlert             // a new case
	rankCard              // what the card says
	rankName              // the look of the topic
	rankList              // a topic of a case that was listed with others
	rankLater             // nothing now; look again soon
)

// surge is how many new cases are shown one by one; more go into one list.
const surge = 4

// A step brings a topic nearer to its case, with one call that counts.
type step struct {
	rank rank
	c    desk.Case
	do   func(context.Context) error
}

// next returns the next step for a case, nil if its topic is as it should be.
func (g *Group) next(ctx context.Context, ticket string) (*step, error) {
	c, err := g.desk.Case(ctx, ticket)
	if err != nil {
		return nil, err
	}
	t, known, err := g.store.Topic(ctx, c.Conversation)
	if err != nil {
		return nil, err
	}
	if !known {
		t = store.Topic{Conversation: c.Conversation}
	}
	if chat := g.chat.Load(); t.Chat != chat { // the group has moved
		t.Chat, t.Thread, t.Card, t.Shown, t.Closed = chat, 0, 0, 0, false
	}
	if t.Ticket != "" && t.Ticket != c.Ticket {
		shown, err := g.desk.Case(ctx, t.Ticket)
		if err == nil && shown.Number > c.Number {
			return nil, nil // the topic belongs to a newer case of this merchant
		}
	}
	now, err := g.current(ctx, c)
	if err != nil {
		return nil, err
	}
	open := now.Open()
	does := func(r rank, do func(context.Context, desk.Case, store.Topic) error) (*step, error) {
		return &step{r, c, func(ctx context.Context) error { return g.heal(ctx, t, do(ctx, c, t)) }}, nil
	}
	switch {
	case t.Thread == 0 && !open:
		return nil, nil
	case t.Thread == 0 && t.Listed && c.Owner == "":
		return does(rankList, g.openTopic)
	case t.Thread == 0 && c.Owner == "":
		return does(rankAlert, g.openTopic)
	case t.Thread == 0:
		return does(rankOpen, g.openTopic)
	case t.Closed && open:
		return does(rankOpen, g.reopenTopic)
	case t.Card == 0 || t.Ticket != c.Ticket && c.Open():
		return does(rankOpen, g.sendCard)
	}
	entries, err := g.news(ctx, c, t, open)
	if err != nil {
		return nil, err
	}
	name := topicName(c)
	switch {
	case len(entries) > 0:
		return does(rankRelay, func(ctx context.Context, c desk.Case, t store.Topic) error { return g.relay(ctx, c, t, entries) })
	case t.Ticket == c.Ticket && t.Shown < c.Version:
		if !g.once("card "+c.Ticket, cardEvery) {
			return &step{rank: rankLater, c: c}, nil
		}
		return does(rankCard, g.editCard)
	case t.Name != name:
		return does(rankName, g.rename)
	case !open && !t.Closed:
		return does(rankName, g.closeTopic)
	}
	return nil, nil
}

// cardEvery is how often a card is edited at most.
const cardEvery = 3 * time.Second

// heal takes what a failed call says about the topic, so that the next step
// mends it.
func (g *Group) heal(ctx context.Context, t store.Topic, err error) error {
	switch botapi.KindOf(err) {
	case botapi.NoTopic:
		g.log.Warn("a topic of the staff group was deleted; it is made again", "ticket", t.Ticket)
		t.Thread, t.Card, t.Shown = 0, 0, 0
	case botapi.TopicClosed:
		t.Closed = true // and is opened again
	case botapi.NoMessage:
		t.Card, t.Shown = 0, 0
	default:
		return err
	}
	return g.store.SaveTopic(ctx, t)
}

func (g *Group) openTopic(ctx context.Context, c desk.Case, t store.Topic) error {
	name := topicName(c)
	thread, err := g.api.CreateForumTopic(ctx, t.Chat, name)
	if err != nil {
		return err
	}
	t.Thread, t.Name, t.Card, t.Closed, t.Listed = thread, name, 0, false, false
	return g.store.SaveTopic(ctx, t)
}

func (g *Group) reopenTopic(ctx context.Context, _ desk.Case, t store.Topic) error {
	err := g.api.ReopenForumTopic(ctx, t.Chat, t.Thread)
	if err != nil && botapi.KindOf(err) != botapi.NotModified {
		return err
	}
	t.Closed = false
	return g.store.SaveTopic(ctx, t)
}

func (g *Group) closeTopic(ctx context.Context, _ desk.Case, t store.Topic) error {
	err := g.api.CloseForumTopic(ctx, t.Chat, t.Thread)
	if err != nil && botapi.KindOf(err) != botapi.NotModified {
		return err
	}
	t.Closed = true
	return g.store.SaveTopic(ctx, t)
}

func (g *Group) rename(ctx context.Context, c desk.Case, t store.Topic) error {
	t.Name = topicName(c)
	err := g.api.EditForumTopic(ctx, t.Chat, t.Thread, t.Name)
	if err != nil && botapi.KindOf(err) != botapi.NotModified {
		return err
	}
	return g.store.SaveTopic(ctx, t)
}

// sendCard posts the card of a case and pins it. What the merchant has said by
// then is on it.
func (g *Group) sendCard(ctx context.Context, c desk.Case, t store.Topic) error {
	text, card, err := g.cardOf(ctx, c)
	if err != nil {
		return err
	}
	m, err := g.api.SendMessage(ctx, &tg.SendMessageParams{ChatID: t.Chat, MessageThreadID: t.Thread, Text: text, ReplyMarkup: g.buttons(c)})
	if err != nil {
		return err
	}
	t.Card, t.Ticket, t.Shown = m.ID, c.Ticket, card.Case.Version
	if n := len(card.Messages); n > 0 {
		t.Relayed = max(t.Relayed, card.Messages[n-1].Seq)
	}
	if err := g.store.SaveTopic(ctx, t); err != nil {
		return err
	}
	if err := g.turn(ctx); err != nil {
		return nil // a card that is not pinned is a card
	}
	if err := g.api.PinChatMessage(ctx, t.Chat, m.ID); err != nil {
		g.log.Warn("a card could not be pinned", "ticket", c.Ticket, "error", err)
		if e := new(botapi.Error); errors.As(err, &e) && e.Kind == botapi.Flood {
			g.flooded(ctx, e.After)
		}
	}
	return nil
}

func (g *Group) editCard(ctx context.Context, c desk.Case, t store.Topic) error {
	text, card, err := g.cardOf(ctx, c)
	if err != nil {
		return err
	}
	_, err = g.api.EditMessageText(ctx, &tg.EditMessageTextParams{ChatID: t.Chat, MessageID: t.Card, Text: text, ReplyMarkup: g.buttons(card.Case)})
	if err != nil && botapi.KindOf(err) != botapi.NotModified {
		return err
	}
	t.Shown = card.Case.Version
	return g.store.SaveTopic(ctx, t)
}

func (g *Group) cardOf(ctx context.Context, c desk.Case) (string, desk.Card, error) {
	card, err := g.desk.Card(ctx, c.Ticket)
	if err != nil {
		return "", desk.Card{}, err
	}
	name, err := g.nameOf(ctx, card.Case.Owner)
	return g.card(card, name), card, err
}

func (g *Group) nameOf(ctx context.Context, id string) (string, error) {
	if id == "" {
		return "", nil
	}
	members, err := g.desk.Members(ctx)
	for _, m := range members {
		if m.ID == id {
			return m.Name, err
		}
	}
	return id, err
}

// groupData begins the data of all buttons in the group.
const groupData = "1|g|"

func (g *Group) buttons(c desk.Case) models.ReplyMarkup {
	button := func(action string) models.InlineKeyboardButton {
		return models.InlineKeyboardButton{Text: g.say("button." + action), CallbackData: groupData + action + "|" + c.Ticket}
	}
	var rows [][]models.InlineKeyboardButton
	switch {
	case c.Open() && c.Owner == "":
		rows = append(rows, []models.InlineKeyboardButton{button("take")})
	case c.Open():
		rows = append(rows, []models.InlineKeyboardButton{button("resolve"), button("putback")}, []models.InlineKeyboardButton{button("release")})
	}
	return &models.InlineKeyboardMarkup{InlineKeyboard: append(rows, []models.InlineKeyboardButton{button("log")})}
}

// maxListed is how many cases one list names.
const maxListed = 20

// list names many new cases in one message, in place of a topic for each.
func (g *Group) list(ctx context.Context, cases []desk.Case) error {
	slices.SortFunc(cases, func(a, b desk.Case) int {
		return cmp.Or(cmp.Compare(b.Urgency, a.Urgency), cmp.Compare(a.Number, b.Number))
	})
	cases = cases[:min(len(cases), maxListed)]
	var text strings.Builder
	text.WriteString(g.say("many", len(cases)) + "\n")
	var rows [][]models.InlineKeyboardButton
	for i, c := range cases {
		text.WriteString("\n" + g.openLine(c, "", ""))
		b := models.InlineKeyboardButton{Text: g.say("button.take") + " " + c.Ticket, CallbackData: groupData + "take|" + c.Ticket}
		if i%2 == 0 {
			rows = append(rows, nil)
		}
		rows[len(rows)-1] = append(rows[len(rows)-1], b)
	}
	chat := g.chat.Load()
	if _, err := g.api.SendMessage(ctx, &tg.SendMessageParams{ChatID: chat, Text: botapi.Split(text.String(), maxCard)[0],
		ReplyMarkup: &models.InlineKeyboardMarkup{InlineKeyboard: rows}}); err != nil {
		return err
	}
	for _, c := range cases {
		t := store.Topic{Conversation: c.Conversation, Chat: chat, Ticket: c.Ticket, Listed: true}
		if old, known, err := g.store.Topic(ctx, c.Conversation); err != nil {
			return err
		} else if known {
			t.Relayed = old.Relayed
		}
		if err := g.store.SaveTopic(ctx, t); err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
	}
	return nil
}

// news returns what was said since the last time and belongs into the topic:
// what the merchant said while a case is open, and what staff answered elsewhere.
func (g *Group) news(ctx context.Context, c desk.Case, t store.Topic, open bool) ([]bot.Entry, error) {
	const most = 20
	all, err := g.store.History(ctx, c.Conversation, t.Relayed, most)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	var news []bot.Entry
	for _, e := range all {
		switch {
		case e.Author == bot.Bot:
			continue
		case e.Author == bot.Staff:
			if ours, err := g.store.IsPost(ctx, e.ID, clients); err != nil {
				return nil, err
			} else if ours {
				continue
			}
		case !open:
			continue // what is said to the bot, before or after
		}
		news = append(news, e)
	}
	if len(news) == 0 { // nothing of it is for here
		t.Relayed = all[len(all)-1].Seq
		return nil, g.store.SaveTopic(ctx, t)
	}
	return news, nil
}

// relay brings over the next message, or several texts of the merchant in one.
func (g *Group) relay(ctx context.Context, c desk.Case, t store.Topic, entries []bot.Entry) error {
	first := entries[0]
	var err error
	switch media := slices.Concat(first.Media, first.Reply.Media); {
	case len(media) > 0:
		err = g.relayFile(ctx, c, t, first, media)
	default:
		lines, n := "", 0
		for _, e := range entries {
			line := g.spoken(ctx, e)
			if e.Author != first.Author || len(e.Media)+len(e.Reply.Media) > 0 || n > 0 && botapi.Units(lines+line) > maxCard {
				break
			}
			lines += line + "\n"
			first = e
			n++
		}
		_, err = g.api.SendMessage(ctx, &tg.SendMessageParams{ChatID: t.Chat, MessageThreadID: t.Thread, Text: botapi.Split(lines, maxCard)[0]})
	}
	if err != nil {
		return err
	}
	t.Relayed = first.Seq
	return g.store.SaveTopic(ctx, t)
}

// spoken is a message with who said it.
func (g *Group) spoken(ctx context.Context, e bot.Entry) string {
	mark := "👤 "
	if e.Author == bot.Staff {
		mark = "🧑‍💼 "
	}
	if strings.HasPrefix(string(e.Remote), "e:") {
		mark += "✏️ "
	}
	return mark + g.content(e, maxCard/2)
}

// relayFile copies what came with a message: within Telegram without fetching
// it, else as it is kept here.
func (g *Group) relayFile(ctx context.Context, c desk.Case, t store.Topic, e bot.Entry, media []bot.Media) error {
	if id, ok := strings.CutPrefix(string(e.Remote), "m:"); ok && c.Address.Channel == "telegram" && e.Author == bot.Merchant {
		chat, _ := strconv.ParseInt(c.Address.Remote, 10, 64)
		message, _ := strconv.Atoi(id)
		_, err := g.api.CopyMessage(ctx, &tg.CopyMessageParams{ChatID: t.Chat, MessageThreadID: t.Thread, FromChatID: chat, MessageID: message})
		if kind := botapi.KindOf(err); kind != botapi.NoMessage && kind != botapi.Rejected {
			return err
		}
		// The merchant has deleted it; what is known of it is said.
	}
	text := g.spoken(ctx, e)
	if m := media[0]; m.Kind == "image" && m.Path != "" && g.opt.Data != nil {
		if body, err := g.read(m.Path); err == nil {
			_, err := g.api.SendPhoto(ctx, &tg.SendPhotoParams{ChatID: t.Chat, MessageThreadID: t.Thread,
				Photo: &models.InputFileUpload{Filename: "photo.jpg", Data: bytes.NewReader(body)}, Caption: botapi.Split(text, maxCaption)[0]})
			return err
		}
	}
	_, err := g.api.SendMessage(ctx, &tg.SendMessageParams{ChatID: t.Chat, MessageThreadID: t.Thread, Text: botapi.Split(text, maxCard)[0]})
	return err
}

// maxCaption is how long the text with a picture may be (Bot API, sendPhoto).
const maxCaption = 1024

func (g *Group) read(name string) ([]byte, error) {
	f, err := g.opt.Data.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	const most = 10 << 20
	return io.ReadAll(io.LimitReader(f, most))
}

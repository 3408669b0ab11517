package staffgroup

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/go-telegram/bot/models"

	"tilldesk/bot/desk"
	"tilldesk/bot/store"
	"tilldesk/bot/telegram/botapi"
	"tilldesk/content/source"
)

// commanded does what a command of staff asks for.
func (g *Group) commanded(ctx context.Context, m *models.Message, t store.Topic, inTopic bool, who desk.Actor, command, args string) error {
	answer := func(text string) { g.tell(t.Thread, m.ID, text) }
	switch command {
	case "open":
		return g.listOpen(ctx, t.Thread, m.ID)
	case "help":
		answer(g.say("help"))
		return nil
	case "take", "release", "putback", "assign", "note", "resolve", "lang", "block":
	case "unblock": // its topic may be closed
		if args != "" {
			return g.unblockTicket(ctx, m, who, args)
		}
	default:
		return nil // for another bot
	}
	if !inTopic {
		thread := 0
		if m.IsTopicMessage {
			thread = m.MessageThreadID
		}
		g.tell(thread, m.ID, g.say("not_topic"))
		return nil
	}
	c, err := g.caseOf(ctx, t)
	if err != nil {
		return err
	}
	if c.Ticket == "" { // erased
		answer(g.say("failed", desk.ErrNotFound))
		return nil
	}
	var said string
	switch {
	case command == "note" && args == "":
		said = g.say("what_note")
	case command == "assign":
		said, err = g.assign(ctx, c, who, args)
	case command == "block":
		said, err = g.block(ctx, c, who, args)
	case command == "unblock":
		said, err = g.unblock(ctx, c, who)
	case command == "lang":
		said, err = g.language(ctx, c, args)
	default:
		said, err = g.move(ctx, who, c.Ticket, command, args)
	}
	if err != nil {
		return g.refused(t.Thread, m.ID, err)
	}
	g.touch(c.Ticket)
	answer(said)
	return nil
}

// assign gives a case to a colleague by name.
func (g *Group) assign(ctx context.Context, c desk.Case, who desk.Actor, name string) (string, error) {
	members, err := g.desk.Members(ctx)
	if err != nil {
		return "", err
	}
	name = strings.TrimPrefix(name, "@")
	var names []string
	for _, m := range members {
		if strings.EqualFold(m.Name, name) {
			_, err := g.desk.Give(ctx, c.Ticket, who, m.ID, "")
			return g.say("given", m.Name), err
		}
		names = append(names, m.Name)
	}
	return g.say("who", strings.Join(names, ", ")), nil
}

// block closes the case of a merchant and keeps them out.
func (g *Group) block(ctx context.Context, c desk.Case, who desk.Actor, why string) (string, error) {
	if !c.Blocked.IsZero() {
		return g.say("blocked", c.Ticket), nil
	}
	return g.say("blocked", c.Ticket), g.desk.Block(ctx, c.Conversation, who, why)
}

// unblock lets a merchant in again.
func (g *Group) unblock(ctx context.Context, c desk.Case, who desk.Actor) (string, error) {
	if c.Blocked.IsZero() {
		return g.say("not_blocked"), nil
	}
	return g.say("unblocked"), g.desk.Unblock(ctx, c.Conversation, who)
}

// unblockTicket does so for the merchant of a case, from anywhere in the group.
func (g *Group) unblockTicket(ctx context.Context, m *models.Message, who desk.Actor, ticket string) error {
	thread := 0
	if m.IsTopicMessage {
		thread = m.MessageThreadID
	}
	c, err := g.desk.Case(ctx, strings.ToUpper(ticket))
	said := ""
	if err == nil {
		said, err = g.unblock(ctx, c, who)
	}
	if err != nil {
		return g.refused(thread, m.ID, err)
	}
	g.touch(c.Ticket)
	g.tell(thread, m.ID, said)
	return nil
}

// language sets what the merchant is spoken to in.
func (g *Group) language(ctx context.Context, c desk.Case, tag string) (string, error) {
	lang, traditional := source.Zh, false
	switch strings.ToLower(tag) {
	case "zh", "zh-hans":
	case "zh-hant":
		traditional = true
	case "en":
		lang = source.En
	default:
		return g.say("which_lang"), nil
	}
	return g.say("language"), g.store.SetLanguage(ctx, c.Conversation, lang, traditional)
}

// listOpen lists the open cases, the most urgent first.
func (g *Group) listOpen(ctx context.Context, thread, to int) error {
	const most = 40
	page, err := g.desk.Cases(ctx, desk.Filter{Limit: most})
	if err != nil {
		return err
	}
	if len(page.Cases) == 0 {
		g.tell(thread, to, g.say("none_open"))
		return nil
	}
	var text strings.Builder
	text.WriteString(g.say("open", len(page.Cases)))
	for _, c := range page.Cases {
		name, err := g.nameOf(ctx, c.Owner)
		if err != nil {
			return err
		}
		if name == "" {
			name = g.say("nobody")
		}
		link := ""
		if t, known, err := g.store.Topic(ctx, c.Conversation); err == nil && known && t.Thread != 0 {
			link = topicLink(t)
		}
		text.WriteString("\n" + g.openLine(c, name, link))
	}
	g.tell(thread, to, text.String())
	return nil
}

// openLine is a case in a list.
func (g *Group) openLine(c desk.Case, owner, link string) string {
	age := g.opt.Now().Sub(c.Handed).Round(time.Minute)
	line := fmt.Sprintf("%s %s · %s · %s · %s", icons[c.State], c.Ticket, merchant(c), g.say(fmt.Sprintf("urgency.%d", c.Urgency)), g.say("card.minutes", int(age/time.Minute)))
	if !c.Card.Symptom.IsZero() {
		line += " · " + c.Card.Symptom.In(g.opt.Lang)
	}
	if owner != "" {
		line += " · " + owner
	}
	return strings.TrimSpace(line + " " + link)
}

// topicLink is the address of a topic in a private supergroup, whose id is
// -100 and then the number in links.
func topicLink(t store.Topic) string {
	return fmt.Sprintf("https://t.me/c/%s/%d", strings.TrimPrefix(fmt.Sprint(t.Chat), "-100"), t.Thread)
}

// transcript says all that was said about a case, in as few messages as it
// takes.
func (g *Group) transcript(ctx context.Context, ticket string) error {
	card, err := g.desk.Card(ctx, ticket)
	if err != nil {
		if _, ok := g.why(err); ok {
			return nil // gone
		}
		return err
	}
	t, _, err := g.store.Topic(ctx, card.Case.Conversation)
	if err != nil {
		return err
	}
	var text strings.Builder
	for _, e := range card.Messages {
		text.WriteString(e.At.Local().Format("15:04 ") + g.transcriptLine(e))
	}
	for i, piece := range botapi.Split(text.String(), botapi.MaxText) {
		const most = 3
		if i == most {
			break
		}
		g.tell(t.Thread, 0, piece)
	}
	return nil
}

package desk

import (
	"context"
	"slices"
	"strings"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/dialog"
	"tilldesk/content/source"
	"tilldesk/kb"
)

// How much of each thing a card has.
const (
	cardMessages = 50
	cardEarlier  = 10
	cardSimilar  = 5
	cardPassages = 3
)

// A Card is all that staff should know about a case at a glance.
type Card struct {
	Case Case
	Down time.Duration // since the merchant's first message about it
	// Talks are the conversations of the merchant, that of the case first.
	Talks    []bot.Conversation
	Messages []bot.Entry // the last ones of all of them, oldest first
	Photos   []Photo
	Earlier  []Case // of the same merchant, newest first
	Doubles  []Case // that were merged into this one, newest first
	Similar  []Case // open ones with the same symptom: perhaps an outage
	// Passages are what the knowledge base has on it, best first, in the
	// language of the merchant and ready to send.
	Passages []kb.Hit
	// Suggestion is the next step of the playbook, ready to send; "" if there is
	// none.
	Suggestion string
	// Causes and Fixes are what the playbook knows of the symptom, to be named
	// when the case is resolved; their Counts are how often they were it.
	Causes []Option
	Fixes  []Option
	// Remembered are facts of the latest earlier case that this one lacks, such
	// as the brand of the terminal: to be offered, not asked.
	Remembered map[string]string
}

// A Photo is a picture that the merchant sent.
type Photo struct {
	Conversation bot.ConversationID
	Message      bot.MessageID
	Media        bot.Media
	At           time.Time
}

// An Option is something that can be named when a case is resolved.
type Option struct {
	ID   string
	Text source.Text
}

// Card returns the card of a case.
func (d *Desk) Card(ctx context.Context, ticket string) (Card, error) {
	c, err := d.Case(ctx, ticket)
	if err != nil {
		return Card{}, err
	}
	card := Card{Case: c}
	if err := d.talks(ctx, &card); err != nil {
		return Card{}, err
	}
	others, err := d.CasesOfMerchant(ctx, c.Conversation, cardEarlier+1)
	if err != nil {
		return Card{}, err
	}
	for _, e := range others {
		switch {
		case e.MergedInto == c.Ticket:
			card.Doubles = append(card.Doubles, e)
		case e.Number < c.Number:
			card.Earlier = append(card.Earlier, e)
		}
	}
	if c.Intent != "" {
		page, err := d.Cases(ctx, Filter{Intent: c.Intent, Limit: cardSimilar + 1})
		if err != nil {
			return Card{}, err
		}
		card.Similar = slices.DeleteFunc(page.Cases, func(s Case) bool { return s.Ticket == c.Ticket })
	}
	card.fromTranscript(d.opt.Now())
	card.remember()
	k := d.opt.Knowledge()
	if k == nil {
		return card, nil // while it learns, the rest is there already
	}
	card.fromPlaybook(k.Script)
	card.Passages, err = passages(ctx, k, card)
	return card, err
}

// talks reads what was said last in the conversations of the merchant.
func (d *Desk) talks(ctx context.Context, card *Card) (err error) {
	if card.Talks, err = d.store.ConversationsOf(ctx, card.Case.Conversation); err != nil {
		return err
	}
	for _, c := range card.Talks {
		messages, err := d.store.Recent(ctx, c.ID, cardMessages)
		if err != nil {
			return err
		}
		card.Messages = append(card.Messages, messages...)
	}
	slices.SortStableFunc(card.Messages, func(a, b bot.Entry) int { return a.At.Compare(b.At) })
	card.Messages = card.Messages[max(0, len(card.Messages)-cardMessages):]
	return nil
}

// lull is how long a conversation must have been quiet for what follows to be
// another trouble.
const lull = 6 * time.Hour

func (c *Card) fromTranscript(now time.Time) {
	var began, last, before time.Time
	if len(c.Earlier) > 0 {
		before = later(c.Earlier[0].Closed, c.Earlier[0].Handed)
	}
	for _, e := range c.Messages {
		if e.Author == bot.Merchant {
			for _, m := range e.Media {
				if m.Kind == "image" && m.Path != "" { // one that is still to be fetched comes with an event
					c.Photos = append(c.Photos, Photo{e.Conversation, e.ID, m, e.At})
				}
			}
			if (began.IsZero() || e.At.Sub(last) > lull) && e.At.After(before) && !e.At.After(c.Case.Handed) {
				began = e.At
			}
		}
		last = e.At
	}
	if began.IsZero() {
		began = c.Case.Opened
	}
	end := now
	if !c.Case.Open() {
		end = later(c.Case.Resolved, c.Case.Closed)
	}
	c.Down = max(end.Sub(began), 0)
}

// worthRemembering are the facts that outlast a case.
var worthRemembering = []string{"brand", "wallet", "merchant_no"}

func (c *Card) remember() {
	for _, earlier := range slices.Concat(c.Doubles, c.Earlier) {
		for _, key := range worthRemembering {
			v := earlier.Card.Facts[key]
			if v == "" || c.Case.Card.Facts[key] != "" || c.Remembered[key] != "" {
				continue
			}
			if c.Remembered == nil {
				c.Remembered = map[string]string{}
			}
			c.Remembered[key] = v
		}
	}
}

func (c *Card) fromPlaybook(script *dialog.Script) {
	p := script.Playbook(c.Case.Intent)
	if p == nil {
		return
	}
	for _, cause := range p.Causes {
		c.Causes = append(c.Causes, Option{cause.ID, cause.Name})
	}
	for i := range p.Steps {
		step := &p.Steps[i]
		if step.Kind != dialog.Check {
			c.Fixes = append(c.Fixes, Option{step.ID, step.Text})
		}
	}
	answers := map[string]dialog.Result{}
	for _, t := range c.Case.Card.Tried {
		if t.Intent == c.Case.Intent {
			answers[t.Step] = t.Result
		}
	}
	if next := p.Next(dialog.Evidence{Answers: answers}); next != nil {
		lang := c.Case.Lang
		c.Suggestion = strings.TrimSpace(strings.Join([]string{next.Risk.In(lang), next.Text.In(lang)}, "\n"))
	}
}

// passages asks the knowledge base with what the merchant wrote last, and with
// the symptom.
func passages(ctx context.Context, k *bot.Knowledge, card Card) ([]kb.Hit, error) {
	lang := card.Case.Lang
	query := card.Case.Card.Symptom.In(lang)
	for _, e := range slices.Backward(card.Messages) {
		if e.Author == bot.Merchant && strings.TrimSpace(e.Reply.Text) != "" {
			query += "\n" + clip(e.Reply.Text, 300)
			break
		}
	}
	if strings.TrimSpace(query) == "" {
		return nil, nil
	}
	return k.Search(ctx, lang, query, cardPassages)
}

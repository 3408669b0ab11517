package desk

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"tilldesk/bot"
	"tilldesk/bot/dialog"
	"tilldesk/content/source"
	"tilldesk/intents"
)

// Bounds on what staff enter.
const (
	MaxReplyRunes = 4000 // of a message to a merchant
	MaxNoteRunes  = 10_000
	maxFound      = 200 // characters of a cause or fix in own words
	maxName       = 80
	maxMedia      = 10
)

// change lets decide change a case, tells who follows, and returns the case as
// it is now. A *TakenError gets the name of the owner.
func (d *Desk) change(ctx context.Context, ticket, client string, decide func(Situation) (Change, error)) (Case, []Event, error) {
	c, events, err := d.store.Change(ctx, ticket, client, func(s Situation) (Change, error) {
		change, err := decide(s)
		channel := s.Case.Address.Channel
		for _, double := range s.Doubles {
			if double.ID == change.To {
				channel = double.Address.Channel
			}
		}
		change.Pull = d.opt.Pull(channel)
		return change, err
	})
	if taken := new(TakenError); errors.As(err, &taken) {
		taken.Name = d.nameOf(ctx, taken.Owner)
	}
	if err != nil {
		return Case{}, nil, err
	}
	if len(events) > 0 {
		d.live.wake()
	}
	for _, e := range events {
		if e.Message != "" {
			d.opt.Said(e.Conversation)
		}
	}
	return d.dated(c), events, nil
}

// do is change for what leaves only the case to be returned.
func (d *Desk) do(ctx context.Context, ticket string, decide func(Situation) (Change, error)) (Case, error) {
	c, _, err := d.change(ctx, ticket, "", decide)
	return c, err
}

func (d *Desk) nameOf(ctx context.Context, id string) string {
	members, err := d.Members(ctx)
	if err != nil {
		return "" // the id will do
	}
	for _, m := range members {
		if m.ID == id {
			return m.Name
		}
	}
	return ""
}

// scripted is do for what the bot has words for.
func (d *Desk) scripted(ctx context.Context, ticket string, decide func(Situation, *dialog.Script) (Change, error)) (Case, error) {
	k := d.opt.Knowledge()
	if k == nil {
		return Case{}, ErrNotReady
	}
	return d.do(ctx, ticket, func(s Situation) (Change, error) { return decide(s, k.Script) })
}

// Take makes the actor the owner of a case that nobody has. Taking one's own
// case changes nothing. It fails with a [*TakenError] if somebody else has it,
// and with a [*StateError] if it is not with people.
func (d *Desk) Take(ctx context.Context, ticket string, who Actor) (Case, error) {
	return d.do(ctx, ticket, func(s Situation) (Change, error) { return take(s, who, d.opt.Now()) })
}

// PutBack returns a case to the queue for others to take. Only its owner and
// leads may. why is for staff and may be empty.
func (d *Desk) PutBack(ctx context.Context, ticket string, who Actor, why string) (Case, error) {
	return d.do(ctx, ticket, func(s Situation) (Change, error) { return putBack(s, who, clip(why, maxFound), d.opt.Now()) })
}

// Give makes somebody else the owner: it assigns a case that nobody has, and
// transfers one's own; leads may do so with any. why is for staff and may be
// empty. It fails with an [*InputError] if to is not a member of the staff.
func (d *Desk) Give(ctx context.Context, ticket string, who Actor, to, why string) (Case, error) {
	members, err := d.Members(ctx)
	if err != nil {
		return Case{}, err
	}
	known := to == who.ID || slices.ContainsFunc(members, func(m Member) bool { return m.ID == to })
	if to == "" || !known {
		return Case{}, &InputError{"to", source.Text{Zh: "请选一位在职、账号没有停用的同事", En: "somebody of the staff whose account is not disabled"}}
	}
	return d.do(ctx, ticket, func(s Situation) (Change, error) { return give(s, who, to, clip(why, maxFound), d.opt.Now()) })
}

// A Message is what staff write to a merchant.
type Message struct {
	// Client is made by the client for each message; the same one sent again is
	// the same message. Without it each call sends one.
	Client string
	Text   string // 1 to MaxReplyRunes characters, or empty with Media
	Media  []bot.Media
	// Corrects is an earlier message of staff to the same merchant that is to
	// read as Text; "" if this one stands for itself.
	Corrects bot.MessageID
	// To is the conversation to answer in, if the merchant has several with the
	// people of the case; that of the case if "".
	To bot.ConversationID
}

// correction is said where an earlier message cannot be changed any more.
var correction = source.Text{Zh: "更正：%s", En: "Correction: %s"}

// Reply sends a message to the merchant of a case through the outbox, and
// returns the case and the id of the message. Card numbers, passwords and the
// like are masked as in what merchants write. A reply to a case that nobody has
// takes it. It fails with a [*TakenError] if somebody else has the case.
func (d *Desk) Reply(ctx context.Context, ticket string, who Actor, m Message) (Case, bot.MessageID, error) {
	text, _ := intents.Mask(strings.TrimSpace(tidy(m.Text)))
	switch n := utf8.RuneCountInString(text); {
	case n == 0 && len(m.Media) == 0:
		return Case{}, "", &InputError{"text", source.Text{Zh: "请写点内容，或者加一张图片", En: "write something, or add a picture"}}
	case n > MaxReplyRunes:
		return Case{}, "", &InputError{"text", bounded("最多 %d 个字，现在有 %d 个", "%d characters at most, these are %d", MaxReplyRunes, n)}
	case len(m.Media) > maxMedia:
		return Case{}, "", &InputError{"media", bounded("最多 %d 个文件", "%d files at most", maxMedia)}
	case len(m.Client) > bot.MaxIDBytes:
		return Case{}, "", &InputError{"client", bounded("最多 %d 字节", "%d bytes at most", bot.MaxIDBytes)}
	}
	r := bot.Reply{Text: text, Kind: dialog.KindAgent, Choices: []bot.Choice{}, Media: m.Media}
	c, events, err := d.change(ctx, ticket, m.Client, func(s Situation) (Change, error) {
		r := r
		if m.Corrects != "" {
			r.Corrects = &bot.Correction{Message: m.Corrects, Text: text}
			r.Text = fmt.Sprintf(correction.In(s.Case.Lang), text)
		}
		return reply(s, who, m.To, r, d.opt.Now())
	})
	if err != nil {
		return Case{}, "", err
	}
	for _, e := range events {
		if e.Kind == EventReply {
			return c, e.Message, nil
		}
	}
	return Case{}, "", fmt.Errorf("replying to case %s: the store has no message of it", ticket)
}

// Note writes something down that only staff see. mentions are the ids of
// those who should look.
func (d *Desk) Note(ctx context.Context, ticket string, who Actor, text string, mentions []string) (Case, error) {
	text, _ = intents.Mask(strings.TrimSpace(tidy(text)))
	if n := utf8.RuneCountInString(text); n == 0 || n > MaxNoteRunes {
		return Case{}, &InputError{"text", bounded("请写 1 到 %d 个字", "1 to %d characters", MaxNoteRunes)}
	}
	return d.do(ctx, ticket, func(s Situation) (Change, error) { return note(s, who, text, mentions, d.opt.Now()) })
}

// Resolve ends the work on a case and asks the merchant whether it is solved.
// What was wrong and what helped, ids of the playbook or own words, is counted
// for the next time; both may be empty.
func (d *Desk) Resolve(ctx context.Context, ticket string, who Actor, f Finding) (Case, error) {
	f.Cause, _ = intents.Mask(clip(f.Cause, maxFound))
	f.Fix, _ = intents.Mask(clip(f.Fix, maxFound))
	return d.scripted(ctx, ticket, func(s Situation, script *dialog.Script) (Change, error) {
		return resolve(s, who, f, script, d.opt.Now())
	})
}

// Close ends a case without a word to the merchant: abuse, or nothing to do.
func (d *Desk) Close(ctx context.Context, ticket string, who Actor, why string) (Case, error) {
	return d.scripted(ctx, ticket, func(s Situation, script *dialog.Script) (Change, error) {
		return shut(s, who, clip(why, maxFound), script, d.opt.Now())
	})
}

// Reopen takes up a case that was resolved, closed or released; the actor has
// it then. It fails with a [*StateError] if the merchant has another open case.
func (d *Desk) Reopen(ctx context.Context, ticket string, who Actor) (Case, error) {
	return d.scripted(ctx, ticket, func(s Situation, script *dialog.Script) (Change, error) {
		return reopen(s, who, script, d.opt.Now())
	})
}

// Release gives the case back to the bot, which says so to the merchant.
func (d *Desk) Release(ctx context.Context, ticket string, who Actor) (Case, error) {
	return d.scripted(ctx, ticket, func(s Situation, script *dialog.Script) (Change, error) {
		return release(s, who, script, d.opt.Now())
	})
}

// Snooze takes the case out of the queue until a time, or until the merchant
// writes; the zero time brings it back.
func (d *Desk) Snooze(ctx context.Context, ticket string, who Actor, until time.Time) (Case, error) {
	now := d.opt.Now()
	if !until.IsZero() && (until.Before(now) || until.After(now.AddDate(0, 3, 0))) {
		return Case{}, &InputError{"until", source.Text{Zh: "请选三个月以内、还没到的时间", En: "a time within the next three months"}}
	}
	return d.do(ctx, ticket, func(s Situation) (Change, error) { return snooze(s, who, until.Truncate(time.Millisecond), now) })
}

// Tag sets the tags of a case, instead of those it has.
func (d *Desk) Tag(ctx context.Context, ticket string, who Actor, tags []string) (Case, error) {
	return d.do(ctx, ticket, func(s Situation) (Change, error) { return tag(s, who, tags, d.opt.Now()) })
}

// SetUrgency sets how urgent a case is.
func (d *Desk) SetUrgency(ctx context.Context, ticket string, who Actor, u Urgency) (Case, error) {
	return d.do(ctx, ticket, func(s Situation) (Change, error) { return urge(s, who, u, d.opt.Now()) })
}

// Merge closes a case as the double of another one, of the same merchant in
// another conversation, and tells the merchant so. The two conversations have
// one merchant from then on: name and block, and what is remembered and exported,
// are those of both. While the other case is with people they hear what is said in either.
func (d *Desk) Merge(ctx context.Context, ticket string, who Actor, into string) (Case, error) {
	other, err := d.store.Case(ctx, into)
	if err != nil {
		return Case{}, err
	}
	return d.scripted(ctx, ticket, func(s Situation, script *dialog.Script) (Change, error) {
		return merge(s, who, other, script, d.opt.Now())
	})
}

// Split takes a merge back: the conversation of the case has a merchant of its
// own again, with the name and the block that it had before or was given by
// itself since; so have those that it leaves. The case is reopened for the actor, unless its merchant has another
// one that is not closed. A case that was not merged is left alone.
func (d *Desk) Split(ctx context.Context, ticket string, who Actor) (Case, error) {
	return d.scripted(ctx, ticket, func(s Situation, script *dialog.Script) (Change, error) {
		return split(s, who, script, d.opt.Now())
	})
}

// Rename sets what staff call the merchant: the name of the shop.
func (d *Desk) Rename(ctx context.Context, ticket string, who Actor, name string) (Case, error) {
	name, _ = intents.Mask(clip(strings.Join(strings.Fields(tidy(name)), " "), maxName))
	c, err := d.store.Case(ctx, ticket)
	if err != nil {
		return Case{}, err
	}
	if err := d.store.NameMerchant(ctx, c.Conversation, name); err != nil {
		return Case{}, err
	}
	return d.do(ctx, ticket, func(s Situation) (Change, error) {
		m := begin(s.Case, who, "rename the merchant", d.opt.Now())
		m.event(EventRenamed, name)
		return m.Change, nil
	})
}

// Block closes the cases of a merchant and keeps them out: what they write is
// stored, and neither answered nor shown as something new. why is for staff and
// may be empty. Who may not close the case may not block its merchant.
func (d *Desk) Block(ctx context.Context, conversation bot.ConversationID, who Actor, why string) error {
	conversations, err := d.store.ConversationsOf(ctx, conversation)
	if err != nil {
		return err
	}
	for _, c := range conversations {
		cases, err := d.CasesOf(ctx, c.ID, 1) // only the newest may not be closed
		if err != nil {
			return err
		}
		if len(cases) > 0 && cases[0].State != Closed {
			if _, err := d.Close(ctx, cases[0].Ticket, who, why); err != nil {
				return err
			}
		}
	}
	return d.block(ctx, conversation, who, d.opt.Now(), EventBlocked, clip(why, maxFound))
}

// Unblock lets a merchant in again, from their next message on.
func (d *Desk) Unblock(ctx context.Context, conversation bot.ConversationID, who Actor) error {
	return d.block(ctx, conversation, who, time.Time{}, EventUnblocked, "")
}

// block stores since when a merchant is kept out, and writes that down in their
// newest case, if they have one, for all who have it open.
func (d *Desk) block(ctx context.Context, conversation bot.ConversationID, who Actor, since time.Time, kind EventKind, why string) error {
	if err := d.store.Block(ctx, conversation, since); err != nil {
		return err
	}
	cases, err := d.CasesOf(ctx, conversation, 1)
	if err != nil || len(cases) == 0 {
		return err
	}
	_, err = d.do(ctx, cases[0].Ticket, func(s Situation) (Change, error) {
		m := begin(s.Case, who, "block the merchant", d.opt.Now())
		m.event(kind, why)
		return m.Change, nil
	})
	return err
}

// tidy takes out what a database may refuse and what hides on a page.
func tidy(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r == '\r', r < ' ', r == utf8.RuneError, r == 0x7f:
			return -1
		case r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069: // turn the direction of text
			return -1
		}
		return r
	}, text)
}

func clip(text string, n int) string {
	runes := []rune(strings.TrimSpace(tidy(text)))
	return string(runes[:min(len(runes), n)])
}

package console

import (
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/desk"
	"tilldesk/content/source"
)

// A line is what one message, note or event is in a talk.
type line struct {
	Key    string
	At     time.Time
	Gap    bool   // it was quiet before
	Event  string // what happened; "" for what was said
	Author bot.Author
	By     string
	Text   string
	Photos []string
	Files  []string

	Choices  string
	Masked   bool
	Delivery string
	Failed   bool // it has not arrived
	Held     bool // or nobody knows
}

// lull is how long a talk is quiet before the time is said again.
const lull = 10 * time.Minute

// lines sets out messages and what happened to the case between them. Where the
// merchant has several talks, each message says from which one it is.
func (c *Console) lines(lang source.Lang, talks []bot.Conversation, messages []bot.Entry, events []desk.Event, names map[string]string) []line {
	by := map[bot.MessageID]string{} // who wrote for staff
	for _, e := range events {
		if e.Kind == desk.EventReply {
			by[e.Message] = nameIn(names, e.Actor)
		}
	}
	var all []line
	for _, m := range messages {
		one := messageLine(lang, m, by[m.ID])
		if len(talks) > 1 {
			one.By = say(lang, "by.on", one.By, talkName(lang, talks, m.Conversation))
		}
		all = append(all, one)
	}
	for _, e := range events {
		if len(messages) > 0 && e.At.Before(messages[0].At) {
			continue
		}
		if one, ok := eventLine(lang, e, names); ok {
			all = append(all, one)
		}
	}
	slices.SortStableFunc(all, func(a, b line) int { return a.At.Compare(b.At) })
	var last time.Time
	for i := range all {
		all[i].Gap = all[i].At.Sub(last) > lull
		last = all[i].At
	}
	return all
}

// talkName is what a conversation is called beside others of the merchant: the
// channel, with a number if there are more of it.
func talkName(lang source.Lang, talks []bot.Conversation, id bot.ConversationID) string {
	name, n, same := "", 0, 0
	for _, c := range talks {
		if c.ID == id {
			name = sayOr(lang, "channel."+c.Address.Channel, c.Address.Channel)
			for _, other := range talks {
				if other.Address.Channel != c.Address.Channel {
					continue
				}
				same++
				if other.ID <= id {
					n++
				}
			}
		}
	}
	if same > 1 {
		name += " " + strconv.Itoa(n)
	}
	return name
}

func messageLine(lang source.Lang, m bot.Entry, by string) line {
	one := line{
		Key: string(m.ID), At: m.At, Author: m.Author, By: say(lang, "by."+string(m.Author)), Text: m.Reply.Text,
		Masked: len(m.Secrets) > 0,
	}
	if by != "" {
		one.By = by
	}
	for i, file := range slices.Concat(m.Media, m.Reply.Media) {
		switch {
		case file.Kind == "image" && file.Path != "":
			one.Photos = append(one.Photos, photoURL(m.Conversation, m.ID, i))
		default:
			one.Files = append(one.Files, say(lang, "case.file", file.Kind+" "+path.Base(file.Type)))
		}
	}
	if m.Author == bot.Merchant {
		if m.Choice != "" {
			one.Choices = say(lang, "case.chose")
		}
		return one
	}
	var labels []string
	for _, choice := range m.Reply.Choices {
		labels = append(labels, "["+choice.Label+"]")
	}
	one.Choices = strings.Join(labels, " ")
	one.Held = m.Delivery == bot.Held
	one.Failed = one.Held || m.Delivery == bot.Dead
	if m.Delivery != "" && (m.Author == bot.Staff || m.Delivery != bot.Sent) {
		one.Delivery = say(lang, "delivery."+string(m.Delivery))
	}
	return one
}

// eventLine says what an event of a case was; what is a message is not said
// again.
func eventLine(lang source.Lang, e desk.Event, names map[string]string) (line, bool) {
	one := line{Key: "e" + strconv.FormatInt(e.ID, 10), At: e.At}
	actor, owner := nameIn(names, e.Actor), nameIn(names, e.Owner)
	key := "event." + string(e.Kind)
	switch e.Kind {
	case desk.EventNote:
		one.Author, one.By, one.Text = "note", say(lang, "by.note", actor), e.Text
		return one, true
	case desk.EventWaiting:
		one.Event = say(lang, key, sayOr(lang, "cause."+e.Text, e.Text))
	case desk.EventGiven:
		one.Event = say(lang, key, actor, owner)
		if e.Actor == "" {
			one.Event = say(lang, "event.assigned", owner)
		}
		if e.Text != "" {
			one.Event += " · " + e.Text
		}
	case desk.EventUrgency:
		urgency := sayOr(lang, "urgency."+e.Text, e.Text)
		one.Event = say(lang, key, actor, urgency)
		if e.Actor == "" {
			one.Event = say(lang, "event.urged", urgency)
		}
	case desk.EventReopened:
		one.Event = say(lang, key)
		if e.Actor != "" {
			one.Event = say(lang, "event.reopened_by", actor)
		}
	case desk.EventClosed:
		one.Event = say(lang, key)
		if e.Actor != "" {
			one.Event = say(lang, "event.closed_by", actor)
			if e.Text != "" {
				one.Event += " · " + e.Text
			}
		}
	case desk.EventBlocked:
		one.Event = say(lang, key, actor)
		if e.Text != "" {
			one.Event += " · " + e.Text
		}
	case desk.EventRated:
		one.Event = say(lang, key, e.Text)
	case desk.EventTaken, desk.EventPutBack, desk.EventTags, desk.EventSnoozed, desk.EventWoken, desk.EventOverdue,
		desk.EventResolved, desk.EventConfirmed, desk.EventReleased, desk.EventMerged, desk.EventSplit, desk.EventErased, desk.EventRenamed, desk.EventUnblocked:
		one.Event = say(lang, key, actor, e.Text)
	default:
		return line{}, false
	}
	return one, true
}

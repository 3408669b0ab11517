package trial

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"tilldesk/bot"
	"tilldesk/bot/dialog"
	"tilldesk/bot/store"
	"tilldesk/content/source"
)

// A Report is what a trial has shown. Its String counts it in one line.
type Report struct {
	Conversations int
	Messages      int // of merchants that were sent
	Acknowledged  int
	Again         int // deliveries of messages that had been sent before
	Turns         int
	Replies       int // stored
	Arrived       int // replies that reached merchants over the network
	Held          int // replies of which nobody knows whether they arrived
	Dead          int // messages and replies that were put aside

	Lost, Twice, Disorder, Hidden, Wrong int
	// Problems are all of these in words, the first hundred.
	Problems []string
}

// OK reports whether nothing was wrong.
func (r Report) OK() bool { return r.Lost+r.Twice+r.Disorder+r.Hidden+r.Wrong == 0 }

func (r Report) String() string {
	return fmt.Sprintf("%d messages in %d conversations (%d acknowledged, %d sent again), %d turns, %d replies, %d arrived, %d held, %d dead: "+
		"%d lost, %d answered twice, %d out of order, %d hidden, %d wrong",
		r.Messages, r.Conversations, r.Acknowledged, r.Again, r.Turns, r.Replies, r.Arrived, r.Held, r.Dead,
		r.Lost, r.Twice, r.Disorder, r.Hidden, r.Wrong)
}

const maxProblems = 100

func (r *Report) note(kind *int, format string, args ...any) {
	if *kind++; len(r.Problems) < maxProblems {
		r.Problems = append(r.Problems, fmt.Sprintf(format, args...))
	}
}

// Expect says what a trial is to end in.
type Expect struct {
	// Arrived is what reached merchants over a network, oldest first.
	Arrived []bot.Outbound
	// Knowledge is what the service knew. With it each conversation is gone
	// through once more, undisturbed, and must come out the same; nil leaves
	// that out.
	Knowledge *bot.Knowledge
	// Unfinished says that work may still wait, such as when the service was
	// stopped in the middle of it.
	Unfinished bool
}

// Check compares what the ledger has noted with what is stored in db.
func (l *Ledger) Check(ctx context.Context, db *store.DB, want Expect) (Report, error) {
	var stored []export
	for _, a := range l.Addresses() {
		c, known, err := db.ConversationOf(ctx, a.Channel, a.Remote)
		if err != nil {
			return Report{}, err
		}
		if !known {
			continue
		}
		body, err := db.Export(ctx, c.ID)
		if err != nil {
			return Report{}, err
		}
		var e export
		if err := json.Unmarshal(body, &e); err != nil {
			return Report{}, fmt.Errorf("reading the export of conversation %s: %w", c.ID, err)
		}
		stored = append(stored, e)
	}
	held, err := db.Held(ctx, 1_000_000)
	if err != nil {
		return Report{}, err
	}
	shown := map[bot.MessageID]bool{}
	for _, h := range held {
		shown[h.ID] = true
	}
	return l.judge(ctx, stored, shown, want)
}

// export is what the export of a conversation has of interest here.
type export struct {
	Conversation struct {
		ID      bot.ConversationID `json:"id"`
		Channel string             `json:"channel"`
		Remote  string             `json:"remote"`
		State   dialog.State       `json:"state"`
	} `json:"conversation"`
	Messages []exported `json:"messages"`
	Turns    []struct {
		ID    string       `json:"id"`
		State dialog.State `json:"state"`
	} `json:"turns"`
}

// exported is a message of either side.
type exported struct {
	ID      bot.MessageID `json:"id"`
	Seq     int64         `json:"seq"`
	Author  bot.Author    `json:"author"`
	Kind    string        `json:"kind"`
	Text    string        `json:"text"`
	Choice  string        `json:"choice"`
	Details struct {
		Media   []bot.Media `json:"media"`
		Secrets []string    `json:"secrets"`
		Lang    source.Lang `json:"lang"`
		Intent  *string     `json:"intent"`
		Step    *string     `json:"step"`
		Article *string     `json:"article"`
	} `json:"details"`
	Remote bot.RemoteID `json:"remote"`
	Turn   string       `json:"turn"`
	State  string       `json:"state"`
}

func (l *Ledger) judge(ctx context.Context, stored []export, shown map[bot.MessageID]bool, want Expect) (Report, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := Report{Conversations: len(l.talks), Again: l.again, Arrived: len(want.Arrived)}
	for _, odd := range l.odd {
		r.note(&r.Twice, "%s", odd)
	}
	kept := map[bot.Address]export{}
	for _, e := range stored {
		kept[bot.Address{Channel: e.Conversation.Channel, Remote: e.Conversation.Remote}] = e
	}
	arrivals := r.arrivals(want.Arrived)
	for a, t := range l.talks {
		e := kept[a]
		r.merchants(a, t, e, want.Unfinished)
		turns := r.turns(a, t, e)
		r.replies(a, e, arrivals, shown, want.Unfinished)
		if want.Knowledge != nil {
			if err := r.rehearse(ctx, want.Knowledge, a, e, turns); err != nil {
				return r, err
			}
		}
	}
	for id := range arrivals {
		r.note(&r.Wrong, "%s reached a merchant and is not stored", id)
	}
	return r, nil
}

// merchants holds the stored messages of a merchant against what was sent.
func (r *Report) merchants(a bot.Address, t *talk, e export, unfinished bool) {
	r.Messages += len(t.order)
	copies := map[bot.RemoteID]int{}
	place := map[bot.RemoteID]int{}
	for i, id := range t.order {
		place[id] = i
	}
	last := -1
	for _, m := range e.Messages {
		if m.Author != bot.Merchant {
			continue
		}
		s := t.sent[m.Remote]
		if s == nil {
			r.note(&r.Wrong, "%s: %s is stored and was never sent", a.Remote, m.Remote)
			continue
		}
		if copies[m.Remote]++; copies[m.Remote] > 1 {
			r.note(&r.Twice, "%s: %s is stored %d times", a.Remote, m.Remote, copies[m.Remote])
		}
		if m.Text != s.text {
			r.note(&r.Wrong, "%s: %s is stored as %.40q, was %.40q", a.Remote, m.Remote, m.Text, s.text)
		}
		if !t.mixed && place[m.Remote] < last {
			r.note(&r.Disorder, "%s: %s is stored after a later one", a.Remote, m.Remote)
		}
		last = max(last, place[m.Remote])
		switch {
		case m.State == "dead":
			r.Dead++
		case m.State != "done" && !unfinished:
			r.note(&r.Lost, "%s: %s was never answered: it is %s", a.Remote, m.Remote, m.State)
		}
	}
	for _, id := range t.order {
		if !t.sent[id].acked {
			continue
		}
		r.Acknowledged++
		if copies[id] == 0 {
			r.note(&r.Lost, "%s: %s was acknowledged and is not stored", a.Remote, id)
		}
	}
}

// A turn is what was answered together, and with what.
type turn struct {
	messages []exported
	replies  []exported
	state    *dialog.State
}

// turns puts the messages of both sides together by turn, in order, and holds
// the answers that merchants were given against them.
func (r *Report) turns(a bot.Address, t *talk, e export) []*turn {
	states := map[string]*dialog.State{}
	for i := range e.Turns {
		states[e.Turns[i].ID] = &e.Turns[i].State
	}
	r.Turns += len(states)
	byID := map[string]*turn{}
	var all []*turn
	for _, m := range e.Messages {
		if m.Turn == "" {
			continue
		}
		now := byID[m.Turn]
		if now == nil {
			now = &turn{state: states[m.Turn]}
			byID[m.Turn] = now
			all = append(all, now)
			if now.state == nil {
				r.note(&r.Wrong, "%s: the turn of %s is not stored", a.Remote, m.ID)
			}
		}
		if m.Author == bot.Merchant {
			now.messages = append(now.messages, m)
		} else {
			now.replies = append(now.replies, m)
		}
	}
	for id := range states {
		if now := byID[id]; now == nil || len(now.messages) == 0 {
			r.note(&r.Twice, "%s: turn %s answers no message", a.Remote, id)
		}
	}
	for _, now := range all {
		for i, m := range now.messages {
			if s := t.sent[m.Remote]; s != nil && s.answered {
				var want []exported // a turn's replies are given to the last of its messages
				if i == len(now.messages)-1 {
					want = now.replies
				}
				r.answer(a, m, s.answer, want)
			}
		}
	}
	return all
}

// answer holds the answer that a merchant was given against the stored one.
func (r *Report) answer(a bot.Address, m exported, raw string, want []exported) {
	var got struct {
		Replies []bot.Reply `json:"replies"`
	}
	if err := json.Unmarshal([]byte(raw), &got); err != nil {
		r.note(&r.Wrong, "%s: %s was answered %.80q", a.Remote, m.Remote, raw)
		return
	}
	if len(got.Replies) != len(want) {
		r.note(&r.Wrong, "%s: %s was answered with %d replies, %d are stored", a.Remote, m.Remote, len(got.Replies), len(want))
		return
	}
	for i, reply := range got.Replies {
		if reply.Text != want[i].Text {
			r.note(&r.Wrong, "%s: %s was answered %.40q, stored is %.40q", a.Remote, m.Remote, reply.Text, want[i].Text)
		}
	}
}

// arrival is what reached a merchant.
type arrival struct {
	bot.Outbound
	copies int
}

// arrivals counts what reached merchants and holds it to the order in which it
// was said.
func (r *Report) arrivals(all []bot.Outbound) map[bot.MessageID]*arrival {
	found := map[bot.MessageID]*arrival{}
	last := map[bot.ConversationID]int64{}
	for _, m := range all {
		if a := found[m.ID]; a != nil {
			a.copies++
			r.note(&r.Twice, "%s: %s arrived %d times", m.Address.Remote, m.ID, a.copies)
			continue
		}
		found[m.ID] = &arrival{m, 1}
		if m.Seq < last[m.Conversation] {
			r.note(&r.Disorder, "%s: %s, number %d, arrived after number %d", m.Address.Remote, m.ID, m.Seq, last[m.Conversation])
		}
		last[m.Conversation] = max(last[m.Conversation], m.Seq)
	}
	return found
}

// replies holds what is stored of each reply against what became of it. What
// it has dealt with is taken out of arrivals.
func (r *Report) replies(a bot.Address, e export, arrivals map[bot.MessageID]*arrival, shown map[bot.MessageID]bool, unfinished bool) {
	for _, m := range e.Messages {
		if m.Author == bot.Merchant {
			continue
		}
		r.Replies++
		came := arrivals[m.ID]
		delete(arrivals, m.ID)
		if came != nil && came.Reply.Text != m.Text {
			r.note(&r.Wrong, "%s: %s arrived as %.40q, stored is %.40q", a.Remote, m.ID, came.Reply.Text, m.Text)
		}
		switch delivery := bot.Delivery(m.State); {
		case delivery == bot.Held:
			r.Held++
			if !shown[m.ID] {
				r.note(&r.Hidden, "%s: %s is held and not shown to anybody", a.Remote, m.ID)
			}
		case delivery == bot.Dead:
			r.Dead++
			if came != nil {
				r.note(&r.Wrong, "%s: %s arrived and counts as dead", a.Remote, m.ID)
			}
		case delivery == bot.Sent && a.Channel != NetworkName: // its client fetches what is stored
		case delivery == bot.Sent && came == nil:
			r.note(&r.Lost, "%s: %s counts as sent and never arrived", a.Remote, m.ID)
		case delivery == bot.Unsent && came != nil:
			r.note(&r.Hidden, "%s: %s arrived and would be sent again", a.Remote, m.ID)
		case (delivery == bot.Unsent || delivery == bot.Sending) && !unfinished:
			r.note(&r.Lost, "%s: %s was never sent: it is %s", a.Remote, m.ID, m.State)
		}
	}
}

// rehearse goes through a conversation once more, as if nothing had happened,
// and compares. What a turn says when it hands over to a person may depend on
// the hour; there, only where it leads is compared.
func (r *Report) rehearse(ctx context.Context, k *bot.Knowledge, a bot.Address, e export, turns []*turn) error {
	var st dialog.State
	for i, t := range turns {
		if len(t.messages) == 0 || t.state == nil || t.messages[0].State == "dead" {
			return nil // told already, or not a plain turn
		}
		if st.Lang == "" {
			st.Lang = t.messages[0].Details.Lang
		}
		out, err := k.Turn(ctx, st, together(t.messages))
		if err != nil {
			return fmt.Errorf("rehearsing turn %d of %s: %w", i+1, a.Remote, err)
		}
		st = out.State
		st.Ticket = t.state.Ticket
		if got, want := place(*t.state), place(st); got != want {
			r.note(&r.Wrong, "%s: turn %d led to %s; undisturbed, it leads to %s", a.Remote, i+1, got, want)
			return nil
		}
		if out.Handoff != nil {
			continue
		}
		var got, want []string
		for _, m := range t.replies {
			got = append(got, sign(m.Kind, m.Details.Intent, m.Details.Step, m.Details.Article))
		}
		for _, reply := range bot.Render(out.State, out.Say) {
			want = append(want, sign(string(reply.Kind), reply.Intent, reply.Step, reply.Article))
		}
		if g, w := strings.Join(got, ", "), strings.Join(want, ", "); g != w {
			r.note(&r.Wrong, "%s: turn %d said [%s]; undisturbed, it says [%s]", a.Remote, i+1, g, w)
			return nil
		}
	}
	if got, want := place(e.Conversation.State), place(st); len(turns) > 0 && got != want {
		r.note(&r.Wrong, "%s stands at %s; undisturbed, it stands at %s", a.Remote, got, want)
	}
	return nil
}

// together makes one message of those that were answered together.
func together(messages []exported) bot.Message {
	var m bot.Message
	var texts []string
	for _, e := range messages {
		if strings.TrimSpace(e.Text) != "" {
			texts = append(texts, e.Text)
		}
		m.Choice = e.Choice
		m.Media = m.Media || len(e.Details.Media) > 0
		m.Secrets = append(m.Secrets, e.Details.Secrets...)
	}
	m.Text = strings.Join(texts, "\n")
	return m
}

// place says where a conversation stands.
func place(st dialog.State) string {
	s := bot.StatusOf(st)
	return sign(string(s.Phase), s.Intent, s.Step, s.Ticket)
}

func sign(kind string, more ...*string) string {
	for _, m := range more {
		kind += "/"
		if m != nil {
			kind += *m
		}
	}
	return kind
}

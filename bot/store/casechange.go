package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/desk"
	"tilldesk/bot/dialog"
)

// Change implements desk.Store. It locks the conversation first, as everybody
// does, so that neither a turn nor another change comes between. A change of
// the dialog's state ends the claim of a worker that answers with the old one.
func (db *DB) Change(ctx context.Context, ticket, client string, decide func(desk.Situation) (desk.Change, error)) (c desk.Case, events []desk.Event, err error) {
	err = db.inTx(ctx, func(tx querier) (err error) {
		c, events, err = db.change(ctx, tx, ticket, clean(client), decide)
		return err
	})
	if err != nil {
		return desk.Case{}, nil, fmt.Errorf("changing case %s: %w", ticket, err)
	}
	return c, events, nil
}

func (db *DB) change(ctx context.Context, tx querier, ticket, client string, decide func(desk.Situation) (desk.Change, error)) (desk.Case, []desk.Event, error) {
	to := listener{}
	err := tx.QueryRowContext(ctx, "SELECT conversation_id FROM cases WHERE ticket = $1", key(ticket)).Scan(&to.conversation)
	if errors.Is(err, sql.ErrNoRows) {
		err = desk.ErrNotFound
	}
	if err != nil {
		return desk.Case{}, nil, err
	}
	conversation, err := scanConversation(tx.QueryRowContext(ctx, "SELECT id, channel, remote, state, state_sum, last_seq FROM conversations WHERE id = $1"+db.dialect.forUpdate,
		to.conversation).Scan, &to.seq)
	if errors.Is(err, sql.ErrNoRows) {
		err = desk.ErrNotFound // erased between
	}
	if err != nil {
		return desk.Case{}, nil, err
	}
	to.channel = conversation.Address.Channel
	k, err := readCase(ctx, tx, "WHERE k.ticket = $1", key(ticket))
	if err != nil {
		return desk.Case{}, nil, err
	}
	if client != "" {
		done, err := collect(ctx, tx, scanEvent, selectEvent+"WHERE case_id = $1 AND client = $2 AND client <> ''", k.id, client)
		if err != nil || len(done) > 0 {
			return k.Case, done, err
		}
	}
	s := desk.Situation{Case: k.Case, State: conversation.State}
	other, err := readCase(ctx, tx, notClosed+" AND k.ticket <> $2", to.conversation, k.Ticket)
	if err != nil {
		return desk.Case{}, nil, err
	}
	if other != nil {
		s.Other = other.Ticket
	}
	if s.Doubles, err = db.doublesOf(ctx, tx, k.Ticket, to.conversation); err != nil {
		return desk.Case{}, nil, err
	}
	change, err := decide(s)
	if err != nil || len(change.Events) == 0 {
		return k.Case, nil, err
	}
	if change.To != "" && string(change.To) != to.conversation { // a double, which is locked
		to.conversation = string(change.To)
		if err := tx.QueryRowContext(ctx, "SELECT channel, last_seq FROM conversations WHERE id = $1", to.conversation).Scan(&to.channel, &to.seq); err != nil {
			return desk.Case{}, nil, err
		}
	}
	to.pull = change.Pull
	return db.apply(ctx, tx, k, &to, client, change)
}

// apply stores a change of a case whose conversation is locked.
func (db *DB) apply(ctx context.Context, tx querier, k *storedCase, to *listener, client string, change desk.Change) (desk.Case, []desk.Event, error) {
	c := change.Case
	values, err := changing(c)
	if err != nil {
		return c, nil, err
	}
	if err := execOne(ctx, tx, errors.New("it was changed by somebody else at the same time"),
		"UPDATE cases SET "+setCase+" WHERE id = $1 AND version = $2 AND ticket = $3", append([]any{k.id, k.Version, k.Ticket}, values...)...); err != nil {
		return c, nil, err
	}
	c.Version = k.Version + 1
	if err := setTags(ctx, tx, k.Case, c); err != nil {
		return c, nil, err
	}
	said, err := db.say(ctx, tx, to, change.Author, change.Say, millis(c.Updated))
	if err != nil {
		return c, nil, err
	}
	for i, next := 0, said; i < len(change.Events); i++ {
		e := &change.Events[i]
		e.Version = c.Version
		if (e.Kind == desk.EventReply || e.Kind == desk.EventBotMessage) && len(next) > 0 {
			e.Message, next = bot.MessageID(next[0].id), next[1:]
		}
	}
	if len(said) > 0 {
		if _, err := exec(ctx, tx, "UPDATE conversations SET last_seq = $2, updated_at = $3 WHERE id = $1", to.conversation, to.seq, millis(db.now())); err != nil {
			return c, nil, err
		}
	}
	if change.State != nil {
		if err := db.setState(ctx, tx, string(c.Conversation), *change.State); err != nil {
			return c, nil, err
		}
	}
	for _, id := range slices.Sorted(maps.Keys(change.Freed)) {
		if err := db.setState(ctx, tx, string(id), change.Freed[id]); err != nil {
			return c, nil, err
		}
	}
	if change.Join != "" {
		if err := join(ctx, tx, string(c.Conversation), string(change.Join)); err != nil {
			return c, nil, err
		}
	}
	if change.Part {
		if err := db.part(ctx, tx, string(c.Conversation)); err != nil {
			return c, nil, err
		}
	}
	for _, n := range change.Counts {
		if err := count(ctx, tx, n); err != nil {
			return c, nil, err
		}
	}
	if err := indexChange(ctx, tx, c, change); err != nil {
		return c, nil, err
	}
	return c, change.Events, db.addEvents(ctx, tx, k.id, client, change.Events)
}

// setState sets the dialog's state of a conversation from outside of a turn.
// Whoever is answering with the old one has lost its claim, and the messages
// are answered anew.
func (db *DB) setState(ctx context.Context, tx querier, conversation string, st dialog.State) error {
	state, err := newState(st)
	if err != nil {
		return err
	}
	_, err = exec(ctx, tx, freeConversation+`state = $2, phase = $3, ticket = $4, state_sum = $5, updated_at = $6, attempts = 0, next_at = 0 WHERE id = $1`,
		conversation, state.text, string(bot.StatusOf(st).Phase), clean(st.Ticket), state.sum, millis(db.now()))
	return err
}

// heard stores what a turn means for the cases of its conversation, and sets
// the ticket in the state if it hands over.
func (db *DB) heard(ctx context.Context, tx querier, t bot.Turn, st *dialog.State, before string) error {
	if t.Handoff == nil && t.Feedback == nil && before != string(dialog.WithHuman) {
		return nil
	}
	conversation := string(t.Work.Conversation.ID)
	var ids []bot.MessageID
	for _, m := range t.Work.Messages {
		ids = append(ids, m.ID)
	}
	store := func(k *storedCase, change desk.Change) error {
		if len(change.Events) == 0 {
			return nil
		}
		_, _, err := db.apply(ctx, tx, k, &listener{conversation: conversation}, "", change)
		return err
	}
	if t.Feedback != nil {
		k, err := readCase(ctx, tx, "WHERE k.ticket = $1 AND k.conversation_id = $2", key(t.Feedback.Ticket), conversation)
		if err != nil || k == nil {
			return err
		}
		return store(k, desk.Answered(k.Case, *t.Feedback, ids, t.Angry, t.At))
	}
	k, err := readCase(ctx, tx, notClosed, conversation)
	if err != nil {
		return err
	}
	hears := func(k *storedCase) error {
		if st.Phase == dialog.WithHuman && k.Open() {
			st.Ticket = k.Ticket
		}
		change := desk.Heard(k.Case, ids, t.Angry, t.At)
		for i := range change.Events { // of the conversation that it was said in
			change.Events[i].Conversation = bot.ConversationID(conversation)
		}
		return store(k, change)
	}
	if k == nil {
		if k, err = db.openElsewhere(ctx, tx, conversation); err != nil {
			return err
		}
	}
	if t.Handoff == nil && k == nil {
		if st.Phase != dialog.WithHuman {
			return nil
		}
		// Nobody has the case that silences the bot here: somebody must look.
		t.Handoff = &dialog.Handoff{Cause: dialog.CauseAsked}
	}
	if t.Handoff == nil {
		return hears(k)
	}
	if k != nil && k.Open() {
		return hears(k)
	}
	n := int64(0)
	if k != nil && !desk.Inherits(k.Case, *t.Handoff) {
		// Always before events are numbered, or two could wait for each other.
		if n, err = nextTicket(ctx, tx); err != nil {
			return err
		}
		if err := store(k, desk.Superseded(k.Case, t.At)); err != nil {
			return err
		}
		k = nil
	}
	if k != nil {
		st.Ticket = k.Ticket
		return store(k, desk.HandOver(&k.Case, t, t.At))
	}
	if n == 0 {
		if n, err = nextTicket(ctx, tx); err != nil {
			return err
		}
	}
	st.Ticket, err = db.openCase(ctx, tx, conversation, n, desk.HandOver(nil, t, t.At))
	return err
}

func nextTicket(ctx context.Context, tx querier) (n int64, err error) {
	err = tx.QueryRowContext(ctx, `INSERT INTO counters (name, n) VALUES ('ticket', 1)
		ON CONFLICT (name) DO UPDATE SET n = counters.n + 1 RETURNING n`).Scan(&n)
	return n, err
}

// openCase adds case n and returns its ticket.
func (db *DB) openCase(ctx context.Context, tx querier, conversation string, n int64, change desk.Change) (string, error) {
	c := change.Case
	c.Number, c.Ticket, c.Conversation = n, fmt.Sprintf("T%d", n), bot.ConversationID(conversation)
	id := db.newID()
	if _, err := exec(ctx, tx, `INSERT INTO cases (id, ticket, number, conversation_id, cause, intent, card, state, opened_at, version, channel)
		VALUES ($1, $2, $3, $4, '', '', '{}', '', $5, 0, (SELECT channel FROM conversations WHERE id = $4))`,
		id, c.Ticket, c.Number, conversation, millis(c.Opened)); err != nil {
		return "", err
	}
	for i := range change.Events {
		change.Events[i].Ticket, change.Events[i].Conversation = c.Ticket, c.Conversation
	}
	change.Case = c
	if err := indexTalk(ctx, tx, c); err != nil {
		return "", err
	}
	k := &storedCase{id: id}
	k.Ticket, k.Number = c.Ticket, c.Number
	_, _, err := db.apply(ctx, tx, k, &listener{conversation: conversation}, "", change)
	return c.Ticket, err
}

func setTags(ctx context.Context, tx querier, was, is desk.Case) error {
	if strings.Join(was.Tags, ",") == strings.Join(is.Tags, ",") {
		return nil
	}
	if _, err := exec(ctx, tx, "DELETE FROM case_tags WHERE number = $1", is.Number); err != nil {
		return err
	}
	for _, tag := range is.Tags {
		if _, err := exec(ctx, tx, "INSERT INTO case_tags (tag, number) VALUES ($1, $2)", clean(tag), is.Number); err != nil {
			return err
		}
	}
	return nil
}

// NameMerchant implements desk.Store.
func (db *DB) NameMerchant(ctx context.Context, conversation bot.ConversationID, name string) error {
	err := db.inTx(ctx, func(tx querier) error {
		ids, err := merchantOf(ctx, tx, key(conversation))
		if err != nil {
			return err
		}
		if _, err := exec(ctx, tx, "UPDATE conversations SET own_merchant = $2 WHERE id = $1", ids[0], clean(name)); err != nil {
			return err
		}
		_, err = exec(ctx, tx, "UPDATE conversations SET merchant = $1, updated_at = $2 WHERE id IN "+list(3, len(ids)), append([]any{clean(name), millis(db.now())}, anys(ids)...)...)
		return err
	})
	if err != nil {
		return fmt.Errorf("naming the merchant of conversation %s: %w", conversation, err)
	}
	return nil
}

// Snoozed implements desk.Store.
func (db *DB) Snoozed(ctx context.Context, now time.Time, limit int) ([]string, error) {
	return db.tickets(ctx, "snoozes that are over", "SELECT ticket FROM cases WHERE snoozed_until > 0 AND snoozed_until <= $1 ORDER BY snoozed_until LIMIT $2", millis(now), limit)
}

// Quiet implements desk.Store.
func (db *DB) Quiet(ctx context.Context, since time.Time, limit int) ([]string, error) {
	return db.tickets(ctx, "cases to be closed", "SELECT ticket FROM cases WHERE is_open = 0 AND closed_at IS NULL AND updated_at < $1 ORDER BY updated_at LIMIT $2", millis(since), limit)
}

func (db *DB) tickets(ctx context.Context, what, query string, args ...any) ([]string, error) {
	tickets, err := collect(ctx, db.reader, scanOne[string], query, args...)
	if err != nil {
		return nil, fmt.Errorf("finding %s: %w", what, db.dialect.explain(err))
	}
	return tickets, nil
}

// Overdue implements desk.Store.
func (db *DB) Overdue(ctx context.Context, late desk.Late, limit int) (map[desk.DueKind][]string, error) {
	all := map[desk.DueKind][]string{}
	for kind, is := range map[desk.DueKind]string{desk.FirstAnswer: "IS NULL", desk.NextAnswer: "IS NOT NULL"} {
		cutoffs := late.First
		if kind == desk.NextAnswer {
			cutoffs = late.Next
		}
		for urgency, cutoff := range cutoffs {
			tickets, err := db.tickets(ctx, "overdue answers", "SELECT ticket FROM cases WHERE is_open = 1 AND rank = $1 AND unanswered_at <= $2 AND snoozed_until = 0 AND answered_at "+is+
				" AND escalated NOT LIKE $3 ORDER BY unanswered_at LIMIT $4", int64(desk.Urgent)-int64(urgency), millis(cutoff), "%"+string(kind)+"%", limit)
			if err != nil {
				return nil, err
			}
			all[kind] = append(all[kind], tickets...)
		}
	}
	tickets, err := db.tickets(ctx, "overdue cases", "SELECT ticket FROM cases WHERE is_open = 1 AND opened_at <= $1 AND snoozed_until = 0 AND escalated NOT LIKE $2 LIMIT $3",
		millis(late.Resolution), "%"+string(desk.Resolution)+"%", limit)
	all[desk.Resolution] = tickets
	return all, err
}

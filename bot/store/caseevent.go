package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/desk"
)

const selectEvent = "SELECT n, ticket, conversation_id, kind, from_state, to_state, actor, owner, text, mentions, message, version, at FROM case_events "

func scanEvent(scan func(...any) error) (e desk.Event, err error) {
	var mentions string
	var at int64
	err = scan(&e.ID, &e.Ticket, &e.Conversation, &e.Kind, &e.From, &e.To, &e.Actor, &e.Owner, &e.Text, &mentions, &e.Message, &e.Version, &at)
	e.Mentions, e.At = split(mentions), fromMillis(at)
	return e, err
}

// addEvents numbers and stores events. It should be among the last things that
// a transaction does: later events are not read before it has ended.
func (db *DB) addEvents(ctx context.Context, tx querier, caseID, client string, events []desk.Event) error {
	if len(events) == 0 {
		return nil
	}
	numbers, err := db.number(ctx, tx, len(events))
	if err != nil {
		return err
	}
	var rows []any
	for i := range events {
		e := &events[i]
		e.ID = numbers[i]
		by := ""
		if i == len(events)-1 {
			by = client
		}
		rows = append(rows, e.ID, caseID, string(e.Conversation), e.Ticket, string(e.Kind), string(e.From), string(e.To), clean(e.Actor), clean(e.Owner),
			clean(e.Text), clean(strings.Join(e.Mentions, ",")), string(e.Message), by, e.Version, millis(e.At))
	}
	for some := range chunks(rows, 15, 32) {
		if _, err := exec(ctx, tx, `INSERT INTO case_events (n, case_id, conversation_id, ticket, kind, from_state, to_state, actor, owner, text, mentions,
			message, client, version, at) VALUES `+tuples(1, len(some)/15, 15), some...); err != nil {
			return err
		}
	}
	return nil
}

// chunks are up to n rows of so many columns at a time.
func chunks(rows []any, columns, n int) func(func([]any) bool) {
	return func(yield func([]any) bool) {
		for len(rows) > 0 {
			some := rows[:min(len(rows), columns*n)]
			if !yield(some) {
				return
			}
			rows = rows[len(some):]
		}
	}
}

// Events implements desk.Store.
func (db *DB) Events(ctx context.Context, ticket string, after int64, limit int) ([]desk.Event, error) {
	if ticket == "" {
		return db.eventsOfAll(ctx, after, limit)
	}
	// The changes of a case wait for each other, so its events have no gaps to be filled later.
	events, err := collect(ctx, db.reader, scanEvent, selectEvent+"WHERE ticket = $3 AND n > $1 ORDER BY n LIMIT $2", after, limit, key(ticket))
	if err != nil {
		return nil, fmt.Errorf("reading the events of cases: %w", db.dialect.explain(err))
	}
	return events, nil
}

func (db *DB) eventsOfAll(ctx context.Context, after int64, limit int) ([]desk.Event, error) {
	newest, err := db.settled(ctx, db.reader)
	if err == nil && newest <= after {
		return nil, nil
	}
	var events []desk.Event
	if err == nil {
		events, err = collect(ctx, db.reader, scanEvent, selectSettled, after, limit, newest)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the events of all cases: %w", db.dialect.explain(err))
	}
	return events, nil
}

// selectSettled selects up to $2 events after $1 and up to $3, which must be settled.
const selectSettled = selectEvent + "WHERE n > $1 AND n <= $3 ORDER BY n LIMIT $2"

// LastEvent implements desk.Store.
func (db *DB) LastEvent(ctx context.Context) (int64, error) {
	n, err := db.settled(ctx, db.reader)
	if err != nil {
		return 0, fmt.Errorf("reading the number of the newest event: %w", db.dialect.explain(err))
	}
	return n, nil
}

// delivered adds the event that a message of staff has come so far.
func (db *DB) delivered(ctx context.Context, tx querier, m bot.Outbound, d bot.Delivery) error {
	if m.Author != bot.Staff {
		return nil
	}
	k, err := readCase(ctx, tx, "WHERE k.id = (SELECT e.case_id FROM case_events e WHERE e.conversation_id = $1 AND e.message = $2 AND e.kind = 'reply')",
		string(m.Conversation), string(m.ID))
	if err != nil || k == nil {
		return err
	}
	return db.addEvents(ctx, tx, k.id, "", []desk.Event{{
		Ticket: k.Ticket, Conversation: m.Conversation, Kind: desk.EventDelivery, From: k.State, To: k.State, Owner: k.Owner,
		Text: string(d), Message: m.ID, Version: k.Version, At: db.now(),
	}})
}

// See implements desk.Store.
func (db *DB) See(ctx context.Context, p desk.Presence) error {
	err := db.inTx(ctx, func(tx querier) error {
		_, err := exec(ctx, tx, `INSERT INTO case_viewers (case_id, staff, typing, gone, seen_at)
			SELECT id, CAST($2 AS TEXT), CAST($3 AS BIGINT), CAST($4 AS BIGINT), CAST($5 AS BIGINT) FROM cases WHERE ticket = $1
			ON CONFLICT (case_id, staff) DO UPDATE SET typing = excluded.typing, gone = excluded.gone, seen_at = excluded.seen_at`,
			key(p.Ticket), clean(p.Staff), number(p.Typing), number(p.Gone), millis(p.At))
		return err
	})
	if err != nil {
		return fmt.Errorf("noting who looks at case %s: %w", p.Ticket, err)
	}
	return nil
}

// Viewers implements desk.Store.
func (db *DB) Viewers(ctx context.Context, since time.Time, tickets ...string) ([]desk.Presence, error) {
	query, args := "SELECT k.ticket, v.staff, v.typing, v.gone, v.seen_at FROM case_viewers v CROSS JOIN cases k WHERE k.id = v.case_id AND v.seen_at >= $1", []any{millis(since)}
	if len(tickets) > 0 {
		query += " AND v.gone = 0 AND k.ticket IN " + list(2, len(tickets))
		for _, ticket := range tickets {
			args = append(args, key(ticket))
		}
	}
	all, err := collect(ctx, db.reader, func(scan func(...any) error) (p desk.Presence, err error) {
		var typing, gone, at int64
		err = scan(&p.Ticket, &p.Staff, &typing, &gone, &at)
		p.Typing, p.Gone, p.At = typing != 0, gone != 0, fromMillis(at)
		return p, err
	}, query+" ORDER BY v.seen_at, v.staff", args...)
	if err != nil {
		return nil, fmt.Errorf("reading who looks at cases: %w", db.dialect.explain(err))
	}
	return all, nil
}

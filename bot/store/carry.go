package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"tilldesk/bot"
)

// carriedFor is how long it is kept what the answer to a call carried. A
// network repeats a call within seconds; a day is for replays.
const carriedFor = 24 * time.Hour

// Carry decides what the answer to a call carries, once: pack is given the
// replies of the conversation that are not sent yet, oldest first, and what it
// takes counts as sent from then on, in the same transaction. Each repetition
// of the call is given the same answer, by any replica. What pack leaves is due
// to be sent at once. pack may be called more than once; nil carries nothing.
//
// A reply whose sender is at work is left to it, with all after it.
func (db *DB) Carry(ctx context.Context, call bot.Call, pack func([]bot.Outbound) bot.Carried) (c bot.Carried, err error) {
	err = db.inTx(ctx, func(tx querier) (err error) {
		c, err = db.carry(ctx, tx, call, pack)
		return err
	})
	if err != nil {
		return bot.Carried{}, fmt.Errorf("answering a call in conversation %s: %w", call.Conversation, err)
	}
	return c, nil
}

func (db *DB) carry(ctx context.Context, tx querier, call bot.Call, pack func([]bot.Outbound) bot.Carried) (bot.Carried, error) {
	id := key(call.Conversation)
	if locked, err := collect(ctx, tx, scanOne[string], "SELECT id FROM conversations WHERE id = $1"+db.dialect.forUpdate, id); err != nil || len(locked) == 0 {
		return bot.Carried{}, orNotFound(err)
	}
	c, known, err := carried(ctx, tx, id, key(call.Remote))
	if err != nil || known {
		return c, err
	}
	if err := openWindow(ctx, tx, id, call.Window); err != nil {
		return c, err
	}
	c = bot.Carried{}
	if pack != nil {
		if c, err = db.packed(ctx, tx, id, call.At, pack); err != nil {
			return c, err
		}
	}
	c.At, c.Body = call.At, clean(c.Body)
	if _, err := exec(ctx, tx, "DELETE FROM carried WHERE conversation_id = $1 AND at < $2", id, millis(call.At.Add(-carriedFor))); err != nil {
		return c, err
	}
	invites := 0
	if c.Invites {
		invites = 1
	}
	_, err = exec(ctx, tx, "INSERT INTO carried (conversation_id, remote, body, invites, at, sum) VALUES ($1, $2, $3, $4, $5, $6)",
		id, string(call.Remote), c.Body, invites, millis(call.At), sumOf(c.Body))
	return c, err
}

// packed lets pack take of what is to be sent, and records what it took.
func (db *DB) packed(ctx context.Context, tx querier, conversation string, at time.Time, pack func([]bot.Outbound) bot.Carried) (bot.Carried, error) {
	type row struct{ id, state string }
	rows, err := collect(ctx, tx, func(scan func(...any) error) (r row, err error) {
		err = scan(&r.id, &r.state)
		return r, err
	}, "SELECT message_id, state FROM outbox WHERE conversation_id = $1 AND state IN ('new', 'sending') ORDER BY seq"+db.dialect.forUpdate, conversation)
	if err != nil {
		return bot.Carried{}, err
	}
	var ids []string
	for _, r := range rows {
		if r.state != string(bot.Unsent) {
			break
		}
		ids = append(ids, r.id)
	}
	var found []outbound
	if len(ids) > 0 {
		if found, err = collect(ctx, tx, scanOutbound, selectOutbound+"WHERE o.message_id IN "+list(1, len(ids))+" ORDER BY o.seq", anys(ids)...); err != nil {
			return bot.Carried{}, err
		}
	}
	var out []bot.Outbound
	for _, f := range found {
		if f.damaged != nil {
			break // the sender puts it aside
		}
		out = append(out, f.Outbound)
	}
	c := pack(out)
	if c.Whole > 0 {
		args := append([]any{millis(at)}, anys(ids[:c.Whole])...)
		if _, err := exec(ctx, tx, "UPDATE outbox SET state = 'sent', sent_at = $1, attempts = attempts + 1, last_error = '' WHERE message_id IN "+
			list(2, c.Whole), args...); err != nil {
			return c, err
		}
	}
	if c.Whole < len(ids) {
		if _, err := exec(ctx, tx, "UPDATE outbox SET pieces = pieces + $2 WHERE message_id = $1", ids[c.Whole], c.Pieces); err != nil {
			return c, err
		}
		_, err = exec(ctx, tx, "UPDATE outbox SET next_at = 0 WHERE state = 'new' AND conversation_id = $1", conversation)
	}
	return c, err
}

// Carried returns what the answer to a call carried; known is false if it has
// not been decided yet.
func (db *DB) Carried(ctx context.Context, conversation bot.ConversationID, remote bot.RemoteID) (c bot.Carried, known bool, err error) {
	c, known, err = carried(ctx, db.reader, key(conversation), key(remote))
	if err != nil {
		return c, false, fmt.Errorf("reading the answer to a call in conversation %s: %w", conversation, db.dialect.explain(err))
	}
	return c, known, nil
}

const selectCarried = "SELECT body, invites, at, sum FROM carried WHERE conversation_id = $1"

func carried(ctx context.Context, q querier, conversation, remote string) (bot.Carried, bool, error) {
	return scanCarried(q.QueryRowContext(ctx, selectCarried+" AND remote = $2", conversation, remote).Scan, conversation)
}

func scanCarried(scan func(...any) error, conversation string) (c bot.Carried, known bool, err error) {
	var invites, at int64
	var sum []byte
	err = scan(&c.Body, &invites, &at, &sum)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return bot.Carried{}, false, nil
	case err == nil && !bytes.Equal(sum, sumOf(c.Body)):
		err = &SumError{Conversation: bot.ConversationID(conversation)}
	}
	c.Invites, c.At = invites == 1, fromMillis(at)
	return c, err == nil, err
}

// Invited reports whether the last answer that said something told the
// merchant how to get the rest, and there is a rest.
func (db *DB) Invited(ctx context.Context, conversation bot.ConversationID) (bool, error) {
	c, known, err := scanCarried(db.reader.QueryRowContext(ctx, selectCarried+" AND body <> '' ORDER BY at DESC LIMIT 1", key(conversation)).Scan, string(conversation))
	var waiting bool
	if err == nil && known && c.Invites {
		err = db.reader.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM outbox WHERE conversation_id = $1 AND state IN ('new', 'sending'))",
			key(conversation)).Scan(&waiting)
	}
	if err != nil {
		return false, fmt.Errorf("looking for what conversation %s was told: %w", conversation, db.dialect.explain(err))
	}
	return waiting, nil
}

// PieceSent records that so many pieces of a claimed message are delivered, the
// first ones. It fails with bot.ErrLost if the claim is not held any more.
func (db *DB) PieceSent(ctx context.Context, m bot.Outbound, pieces int) error {
	err := db.inTx(ctx, func(tx querier) error {
		return execOne(ctx, tx, bot.ErrLost, "UPDATE outbox SET pieces = $3"+whenClaimed+orHeld, string(m.ID), m.Lease, pieces)
	})
	if err != nil {
		return fmt.Errorf("recording a piece of message %s: %w", m.ID, err)
	}
	return nil
}

package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"tilldesk/bot"
)

// Held returns up to limit messages that may have been delivered or not,
// oldest first.
func (db *DB) Held(ctx context.Context, limit int) ([]bot.Parked, error) {
	return db.parked(ctx, bot.Held, limit)
}

// DeadOut returns up to limit messages that could not be delivered, oldest
// first. The reply of one whose content is damaged is empty.
func (db *DB) DeadOut(ctx context.Context, limit int) ([]bot.Parked, error) {
	return db.parked(ctx, bot.Dead, limit)
}

func (db *DB) parked(ctx context.Context, delivery bot.Delivery, limit int) ([]bot.Parked, error) {
	all, err := collect(ctx, db.reader, func(scan func(...any) error) (bot.Parked, error) {
		o, err := scanOutbound(scan)
		return o.Parked, err
	}, selectOutbound+"WHERE o.state IN ('held', 'dead') AND o.state = $1 ORDER BY o.created_at, o.message_id LIMIT $2", string(delivery), limit)
	if err != nil {
		return nil, fmt.Errorf("listing messages that are %s: %w", delivery, db.dialect.explain(err))
	}
	return all, nil
}

const whenParked = " WHERE message_id = $1 AND state IN ('held', 'dead')"

// Resend lets a held or dead message be sent again, as the next one of its
// conversation. It fails with ErrNotFound if there is no such message.
func (db *DB) Resend(ctx context.Context, id bot.MessageID) error {
	return db.decide(ctx, id, "resending", "UPDATE outbox SET state = 'new', lease_token = '', lease_until = 0, attempts = 0, next_at = 0"+whenParked)
}

// Settle records that a held or dead message was delivered after all, or need
// not be any more. It fails with ErrNotFound if there is no such message.
func (db *DB) Settle(ctx context.Context, id bot.MessageID, at time.Time) error {
	return db.decide(ctx, id, "settling", "UPDATE outbox SET state = 'sent', lease_token = '', lease_until = 0, sent_at = $2"+whenParked, millis(at))
}

// Dead returns up to limit messages of merchants that were put aside, oldest
// first.
func (db *DB) Dead(ctx context.Context, limit int) ([]bot.PutAside, error) {
	all, err := collect(ctx, db.reader, func(scan func(...any) error) (m bot.PutAside, err error) {
		var received int64
		err = scan(&m.ID, &m.Conversation, &m.Address.Channel, &m.Address.Remote, &m.Why, &received)
		m.Received = fromMillis(received)
		return m, err
	}, `SELECT i.message_id, i.conversation_id, c.channel, c.remote, i.last_error, i.received_at
		FROM inbox i JOIN conversations c ON c.id = i.conversation_id
		WHERE i.state = 'dead' ORDER BY i.received_at, i.message_id LIMIT $1`, limit)
	if err != nil {
		return nil, fmt.Errorf("listing messages that were put aside: %w", db.dialect.explain(err))
	}
	return all, nil
}

// Requeue lets a message that was put aside be answered after all. It fails
// with ErrNotFound if there is no such message.
func (db *DB) Requeue(ctx context.Context, id bot.MessageID) error {
	err := db.inTx(ctx, func(tx querier) error {
		// The conversation first, as everybody locks it first.
		conversation, err := collect(ctx, tx, scanOne[string], `SELECT c.id FROM conversations c
			WHERE c.id = (SELECT conversation_id FROM inbox WHERE message_id = $1)`+db.dialect.forUpdate, key(id))
		if err != nil || len(conversation) == 0 {
			return orNotFound(err)
		}
		if err := execOne(ctx, tx, ErrNotFound, "UPDATE inbox SET state = 'new', turn_id = NULL, last_error = '' WHERE message_id = $1 AND state = 'dead'", key(id)); err != nil {
			return err
		}
		_, err = exec(ctx, tx, "UPDATE conversations SET next_at = 0, attempts = 0, waiting_since = "+oldestWaiting+" WHERE id = $1", conversation[0])
		return err
	})
	if err != nil {
		return fmt.Errorf("queueing message %s again: %w", id, err)
	}
	return nil
}

func orNotFound(err error) error {
	if err == nil {
		return ErrNotFound
	}
	return err
}

// Drop ends the matter of a message that was put aside: it stays in the
// transcript and is not listed any more. It fails with ErrNotFound if there is
// no such message.
func (db *DB) Drop(ctx context.Context, id bot.MessageID) error {
	return db.decide(ctx, id, "dropping", "UPDATE inbox SET state = 'done' WHERE message_id = $1 AND state = 'dead'")
}

// CountParked counts the messages of either side that wait for a person.
func (db *DB) CountParked(ctx context.Context) (n int, err error) {
	err = db.reader.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM inbox WHERE state = 'dead')
		+ (SELECT count(*) FROM outbox WHERE state IN ('held', 'dead'))`).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("counting messages that wait for a person: %w", db.dialect.explain(err))
	}
	return n, nil
}

func (db *DB) decide(ctx context.Context, id bot.MessageID, what, query string, args ...any) error {
	err := db.inTx(ctx, func(tx querier) error {
		return execOne(ctx, tx, ErrNotFound, query, append([]any{key(id)}, args...)...)
	})
	if err != nil {
		return fmt.Errorf("%s message %s: %w", what, id, err)
	}
	return nil
}

// Queue is what waits, for metrics and alerts. Times are those of the oldest,
// zero if there is none.
type Queue struct {
	Waiting      int // messages of merchants that are not answered yet
	WaitingSince time.Time
	Dead         int // messages of merchants that were put aside
	Unsent       int // messages to merchants that are not sent yet
	UnsentSince  time.Time
	Held         int // messages to merchants that may have been delivered or not
	HeldSince    time.Time
	DeadOut      int // messages to merchants that could not be delivered
	Cases        int // that are with people
}

// Queue counts what waits, at one moment.
func (db *DB) Queue(ctx context.Context) (Queue, error) {
	var q Queue
	var waiting, unsent, held sql.NullInt64
	err := db.reader.QueryRowContext(ctx, `SELECT
		(SELECT count(*) FROM inbox WHERE state = 'new'),
		(SELECT min(waiting_since) FROM conversations WHERE waiting_since IS NOT NULL),
		(SELECT count(*) FROM inbox WHERE state = 'dead'),
		(SELECT count(*) FROM outbox WHERE state IN ('new', 'sending')),
		(SELECT min(created_at) FROM outbox WHERE state IN ('new', 'sending')),
		(SELECT count(*) FROM outbox WHERE state IN ('held', 'dead') AND state = 'held'),
		(SELECT min(created_at) FROM outbox WHERE state IN ('held', 'dead') AND state = 'held'),
		(SELECT count(*) FROM outbox WHERE state IN ('held', 'dead') AND state = 'dead'),
		(SELECT count(*) FROM cases WHERE is_open = 1)`).
		Scan(&q.Waiting, &waiting, &q.Dead, &q.Unsent, &unsent, &q.Held, &held, &q.DeadOut, &q.Cases)
	if err != nil {
		return Queue{}, fmt.Errorf("counting what waits: %w", db.dialect.explain(err))
	}
	q.WaitingSince, q.UnsentSince, q.HeldSince = fromNull(waiting), fromNull(unsent), fromNull(held)
	return q, nil
}

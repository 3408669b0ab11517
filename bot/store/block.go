package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"tilldesk/bot"
)

// Block keeps the merchant of a conversation out from a time on, in all of
// theirs: what they write is stored, and neither answered nor shown to staff as
// something new. The zero time lets them
// in again, from their next message on. It fails with ErrNotFound if there is
// no such conversation.
func (db *DB) Block(ctx context.Context, id bot.ConversationID, since time.Time) error {
	at := int64(0)
	if !since.IsZero() {
		at = millis(since)
	}
	err := db.inTx(ctx, func(tx querier) error {
		ids, err := merchantOf(ctx, tx, key(id))
		if err == nil {
			err = execOne(ctx, tx, ErrNotFound, "UPDATE conversations SET own_blocked_at = $2 WHERE id = $1", ids[0], at)
		}
		for _, one := range ids {
			if err != nil {
				return err
			}
			// Whoever answers now has lost its claim.
			err = execOne(ctx, tx, ErrNotFound, freeConversation+"blocked_at = $2, updated_at = $3 WHERE id = $1", one, at, millis(db.now()))
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("blocking the merchant of conversation %s: %w", id, err)
	}
	return nil
}

// Blocked returns since when the merchant of a conversation is kept out; zero
// if they are not. It fails with ErrNotFound if there is no such conversation.
func (db *DB) Blocked(ctx context.Context, id bot.ConversationID) (since time.Time, err error) {
	var at int64
	err = db.reader.QueryRowContext(ctx, "SELECT blocked_at FROM conversations WHERE id = $1", key(id)).Scan(&at)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("asking whether the merchant of conversation %s is blocked: %w", id, db.dialect.explain(err))
	}
	if at == 0 {
		return time.Time{}, nil
	}
	return fromMillis(at), nil
}

// passOver settles what waits in the conversation of a blocked merchant with a
// turn in which nothing is said, so that nobody waits for an answer.
func (db *DB) passOver(ctx context.Context, tx querier, conversation string, now int64) error {
	turn := db.newID()
	if _, err := exec(ctx, tx, `INSERT INTO turns (id, conversation_id, reason, state, state_sum, at)
		SELECT $2, id, 'blocked', state, state_sum, $3 FROM conversations WHERE id = $1`, conversation, turn, now); err != nil {
		return err
	}
	_, err := exec(ctx, tx, "UPDATE inbox SET state = 'done', turn_id = $2 WHERE conversation_id = $1 AND state = 'new'", conversation, turn)
	return err
}

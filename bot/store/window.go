package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"tilldesk/bot"
)

// openWindow records what a merchant's action grants. A message grants anew
// what messages grant. A lesser action takes nothing away from a window that
// has something left, and what is known of later is not undone by an action
// that arrives late.
func openWindow(ctx context.Context, tx querier, conversation string, w bot.Window) error {
	if w.Kind == "" {
		return nil
	}
	_, err := exec(ctx, tx, `INSERT INTO windows (conversation_id, kind, opened_at, until, allowed, used)
		VALUES ($1, $2, $3, $4, $5, 0)
		ON CONFLICT (conversation_id) DO UPDATE SET kind = excluded.kind, opened_at = excluded.opened_at,
			until = excluded.until, allowed = excluded.allowed, used = 0
		WHERE excluded.opened_at > windows.opened_at
			AND (excluded.kind = 'message' OR windows.until <= excluded.opened_at OR windows.used >= windows.allowed)`,
		conversation, string(w.Kind), millis(w.Opened), millis(w.Until), w.Allowed)
	return err
}

// Window returns what may be sent in a conversation; the zero Window if
// nothing ever could.
func (db *DB) Window(ctx context.Context, conversation bot.ConversationID) (bot.Window, error) {
	w, err := scanWindow(db.reader.QueryRowContext(ctx, "SELECT "+windowColumns+" FROM windows WHERE conversation_id = $1", key(conversation)).Scan)
	if err != nil {
		return bot.Window{}, fmt.Errorf("reading the window of conversation %s: %w", conversation, db.dialect.explain(err))
	}
	return w, nil
}

const windowColumns = "kind, opened_at, until, allowed, used"

func scanWindow(scan func(...any) error) (w bot.Window, err error) {
	var opened, until int64
	err = scan(&w.Kind, &opened, &until, &w.Allowed, &w.Used)
	if errors.Is(err, sql.ErrNoRows) {
		return bot.Window{}, nil
	}
	w.Opened, w.Until = fromMillis(opened), fromMillis(until)
	return w, err
}

// TakeWindow takes one message from the window of a conversation if more than
// keep are left at now; ok says whether it did. It returns the window after
// that.
func (db *DB) TakeWindow(ctx context.Context, conversation bot.ConversationID, keep int, now time.Time) (w bot.Window, ok bool, err error) {
	err = db.inTx(ctx, func(tx querier) error {
		w, err = scanWindow(tx.QueryRowContext(ctx, `UPDATE windows SET used = used + 1
			WHERE conversation_id = $1 AND until > $2 AND allowed - used > $3 RETURNING `+windowColumns, key(conversation), millis(now), keep).Scan)
		if ok = err == nil && w.Kind != ""; ok || err != nil {
			return err
		}
		w, err = scanWindow(tx.QueryRowContext(ctx, "SELECT "+windowColumns+" FROM windows WHERE conversation_id = $1", key(conversation)).Scan)
		return err
	})
	if err != nil {
		return bot.Window{}, false, fmt.Errorf("taking from the window of conversation %s: %w", conversation, err)
	}
	return w, ok, nil
}

// ReturnWindow gives back what TakeWindow took for a message that the network
// did not take, unless the window is another one by now.
func (db *DB) ReturnWindow(ctx context.Context, conversation bot.ConversationID, w bot.Window) error {
	return db.setWindow(ctx, conversation, w, "used = used - 1", " AND used > 0")
}

// EmptyWindow records that the network counts no more messages as left.
func (db *DB) EmptyWindow(ctx context.Context, conversation bot.ConversationID, w bot.Window) error {
	return db.setWindow(ctx, conversation, w, "used = allowed", "")
}

// CloseWindow records that the network sees the window as over.
func (db *DB) CloseWindow(ctx context.Context, conversation bot.ConversationID, w bot.Window) error {
	return db.setWindow(ctx, conversation, w, "until = opened_at", "")
}

func (db *DB) setWindow(ctx context.Context, conversation bot.ConversationID, w bot.Window, set, where string) error {
	err := db.inTx(ctx, func(tx querier) error {
		_, err := exec(ctx, tx, "UPDATE windows SET "+set+" WHERE conversation_id = $1 AND opened_at = $2"+where, key(conversation), millis(w.Opened))
		return err
	})
	if err != nil {
		return fmt.Errorf("correcting the window of conversation %s: %w", conversation, err)
	}
	return nil
}

// ReopenWindow opens the window of a conversation again if a message of the
// merchant was received after it was opened: the process that took it stopped
// before it could say so. So many messages are allowed within a time of that
// message.
func (db *DB) ReopenWindow(ctx context.Context, conversation bot.ConversationID, allowed int, within time.Duration) (reopened bool, err error) {
	err = db.inTx(ctx, func(tx querier) error {
		reopened = false
		var heard, opened int64
		if err := tx.QueryRowContext(ctx, `SELECT coalesce(max(received_at), 0),
			coalesce((SELECT opened_at FROM windows WHERE conversation_id = $1), 0) FROM inbox WHERE conversation_id = $1`,
			key(conversation)).Scan(&heard, &opened); err != nil || heard <= opened {
			return err
		}
		reopened = true
		at := fromMillis(heard)
		return openWindow(ctx, tx, key(conversation), bot.Window{Kind: bot.WindowMessage, Opened: at, Until: at.Add(within), Allowed: allowed})
	})
	if err != nil {
		return false, fmt.Errorf("looking for what was received in conversation %s: %w", conversation, err)
	}
	return reopened, nil
}

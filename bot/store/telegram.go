package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"tilldesk/bot"
)

// A PollLease lets one process fetch the updates of a Telegram bot.
type PollLease struct {
	Bot    int64
	Token  string // proves that it still holds
	Offset int64  // the first update that is not stored yet; 0: whatever waits
}

// LeasePoll takes the lease on a bot's updates, or reports false if another
// process has it.
func (db *DB) LeasePoll(ctx context.Context, botID int64, owner string, now time.Time, lease time.Duration) (l PollLease, ok bool, err error) {
	l = PollLease{Bot: botID, Token: db.newID()}
	l.Offset, ok, err = db.takeLease(ctx, "INSERT INTO telegram_bots (bot_id) VALUES ($1) ON CONFLICT (bot_id) DO NOTHING",
		"telegram_bots", "bot_id", "next_offset", botID, owner, l.Token, now, lease)
	if err != nil {
		return PollLease{}, false, fmt.Errorf("taking the lease on the updates of bot %d: %w", botID, err)
	}
	return l, ok, nil
}

// takeLease takes the lease of a row of table by its key, after insert has made
// it if it was not there, and returns what stands in its column value; ok is
// false if another process has the lease.
func (db *DB) takeLease(ctx context.Context, insert, table, key, value string, id int64, owner, token string, now time.Time, lease time.Duration) (has int64, ok bool, err error) {
	err = db.inTx(ctx, func(tx querier) error {
		if _, err := exec(ctx, tx, insert, id); err != nil {
			return err
		}
		err := tx.QueryRowContext(ctx, "UPDATE "+table+" SET lease_owner = $2, lease_token = $3, lease_until = $4 WHERE "+key+" = $1 AND lease_until <= $5 RETURNING "+value,
			id, clean(owner), token, millis(now.Add(lease)), millis(now)).Scan(&has)
		ok = err == nil
		if errors.Is(err, sql.ErrNoRows) {
			err = nil
		}
		return err
	})
	return has, ok, err
}

// RenewPoll lengthens a lease. It fails with bot.ErrLost if it has ended.
func (db *DB) RenewPoll(ctx context.Context, l PollLease, until time.Time) error {
	return db.polled(ctx, l, "renewing", "lease_until = $3", millis(until))
}

// SavePoll records the first update that is not stored yet. It fails with
// bot.ErrLost if the lease has ended.
func (db *DB) SavePoll(ctx context.Context, l PollLease, offset int64) error {
	return db.polled(ctx, l, "moving", "next_offset = $3", offset)
}

// EndPoll gives a lease back.
func (db *DB) EndPoll(ctx context.Context, l PollLease) error {
	return db.polled(ctx, l, "ending", "lease_token = '', lease_until = $3", int64(0))
}

func (db *DB) polled(ctx context.Context, l PollLease, what, set string, arg int64) error {
	err := db.inTx(ctx, func(tx querier) error {
		return execOne(ctx, tx, bot.ErrLost, "UPDATE telegram_bots SET "+set+" WHERE bot_id = $1 AND lease_token = $2", l.Bot, l.Token, arg)
	})
	if err != nil {
		return fmt.Errorf("%s the lease on the updates of bot %d: %w", what, l.Bot, err)
	}
	return nil
}

// A DeadUpdate is one of Telegram that could not be read.
type DeadUpdate struct {
	Bot, Update int64
	Remote      string // of the conversation, as far as it can be told
	Raw         string // with its texts masked
	Why         string
	Received    time.Time
}

// BuryUpdate stores an update that cannot be read, once.
func (db *DB) BuryUpdate(ctx context.Context, u DeadUpdate) error {
	err := db.inTx(ctx, func(tx querier) error {
		_, err := exec(ctx, tx, `INSERT INTO telegram_dead (bot_id, update_id, remote, raw, why, received_at) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (bot_id, update_id) DO NOTHING`, u.Bot, u.Update, clean(u.Remote), clean(u.Raw), cleanWhy(u.Why), millis(u.Received))
		return err
	})
	if err != nil {
		return fmt.Errorf("putting aside update %d: %w", u.Update, err)
	}
	return nil
}

// DeadUpdates returns up to limit updates that could not be read, newest first.
func (db *DB) DeadUpdates(ctx context.Context, botID int64, limit int) ([]DeadUpdate, error) {
	all, err := collect(ctx, db.reader, func(scan func(...any) error) (u DeadUpdate, err error) {
		var received int64
		err = scan(&u.Bot, &u.Update, &u.Remote, &u.Raw, &u.Why, &received)
		u.Received = fromMillis(received)
		return u, err
	}, "SELECT bot_id, update_id, remote, raw, why, received_at FROM telegram_dead WHERE bot_id = $1 ORDER BY received_at DESC, update_id DESC LIMIT $2", botID, limit)
	if err != nil {
		return nil, fmt.Errorf("listing updates that could not be read: %w", db.dialect.explain(err))
	}
	return all, nil
}

// purgeDeadUpdates deletes those received before a time.
func (db *DB) purgeDeadUpdates(ctx context.Context, before time.Time) error {
	return db.inTx(ctx, func(tx querier) error {
		_, err := exec(ctx, tx, "DELETE FROM telegram_dead WHERE received_at < $1", millis(before))
		return err
	})
}

// PartsSent returns how many parts of a long message have been sent.
func (db *DB) PartsSent(ctx context.Context, id bot.MessageID) (n int, err error) {
	err = db.reader.QueryRowContext(ctx, "SELECT sent FROM telegram_parts WHERE message_id = $1", key(id)).Scan(&n)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("reading how much of message %s is sent: %w", id, db.dialect.explain(err))
	}
	return n, nil
}

// A Wording is the newest text of a message that its writer may have changed.
type Wording struct {
	Text string // masked
	Last bool   // the merchant has sent nothing since
}

// Wording returns how a merchant's message reads now, by what the network calls
// it and what begins the names of its changes; known is false if it is not
// stored.
func (db *DB) Wording(ctx context.Context, conversation bot.ConversationID, remote bot.RemoteID, changes string) (w Wording, known bool, err error) {
	err = db.reader.QueryRowContext(ctx, `SELECT m.text, NOT EXISTS (SELECT 1 FROM inbox later WHERE later.conversation_id = i.conversation_id AND later.seq > i.seq)
		FROM inbox i JOIN messages m ON m.id = i.message_id
		WHERE i.conversation_id = $1 AND (i.remote = $2 OR i.remote LIKE $3) ORDER BY i.seq DESC LIMIT 1`,
		key(conversation), key(remote), clean(changes)+"%").Scan(&w.Text, &w.Last)
	if errors.Is(err, sql.ErrNoRows) {
		return Wording{}, false, nil
	}
	if err != nil {
		return Wording{}, false, fmt.Errorf("reading a message of conversation %s: %w", conversation, db.dialect.explain(err))
	}
	return w, true, nil
}

// SetPartsSent records it.
func (db *DB) SetPartsSent(ctx context.Context, id bot.MessageID, n int) error {
	err := db.inTx(ctx, func(tx querier) error {
		_, err := exec(ctx, tx, `INSERT INTO telegram_parts (message_id, sent) VALUES ($1, $2)
			ON CONFLICT (message_id) DO UPDATE SET sent = excluded.sent`, string(id), n)
		return err
	})
	if err != nil {
		return fmt.Errorf("recording how much of message %s is sent: %w", id, err)
	}
	return nil
}

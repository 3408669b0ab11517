package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/dialog"
	"tilldesk/bot/figures"
)

// maxFigures bounds how many rows are read to be counted: the newest ones.
const maxFigures = 100_000

// CasesSince returns what is counted of the cases that were opened since a
// time.
func (db *DB) CasesSince(ctx context.Context, since time.Time) ([]figures.Case, error) {
	all, err := collect(ctx, db.reader, func(scan func(...any) error) (c figures.Case, err error) {
		var opened int64
		var answered sql.NullInt64
		err = scan(&opened, &answered, &c.Cause, &c.Intent, &c.Channel, &c.Rating)
		c.Opened, c.Answered = fromMillis(opened), fromNull(answered)
		return c, err
	}, `SELECT opened_at, answered_at, cause, intent, channel, rating FROM cases
		WHERE opened_at >= $1 ORDER BY opened_at DESC LIMIT $2`, millis(since), maxFigures)
	if err != nil {
		return nil, fmt.Errorf("reading cases to be counted: %w", db.dialect.explain(err))
	}
	return all, nil
}

// FixesSince returns the guided fixes that began or were confirmed since a
// time.
func (db *DB) FixesSince(ctx context.Context, since time.Time) ([]figures.Fix, error) {
	all, err := collect(ctx, db.reader, func(scan func(...any) error) (f figures.Fix, err error) {
		var reason dialog.Reason
		var at int64
		var text string
		if err := scan(&reason, &at, &f.Channel, &text); err != nil {
			return f, err
		}
		f.At, f.Fixed = fromMillis(at), reason == dialog.Confirmed
		var state struct {
			Fix struct {
				Intent string `json:"intent"`
			} `json:"fix"`
		}
		err = json.Unmarshal([]byte(text), &state)
		f.Intent = state.Fix.Intent
		return f, err
	}, `SELECT t.reason, t.at, c.channel, t.state FROM turns t JOIN conversations c ON c.id = t.conversation_id
		WHERE t.reason IN ('fix_started', 'fixed') AND t.at >= $1 ORDER BY t.at DESC LIMIT $2`, millis(since), maxFigures)
	if err != nil {
		return nil, fmt.Errorf("reading fixes to be counted: %w", db.dialect.explain(err))
	}
	return all, nil
}

// Before returns the last messages of a conversation with a seq below before,
// or of all if it is 0, oldest first. It fails with a *SumError if one of them
// is damaged.
func (db *DB) Before(ctx context.Context, conversation bot.ConversationID, before int64, limit int) ([]bot.Entry, error) {
	if before <= 0 {
		before = 1<<62 - 1
	}
	entries, err := collect(ctx, db.reader, scanEntry,
		selectEntry+"WHERE m.conversation_id = $1 AND m.seq < $2 ORDER BY m.seq DESC LIMIT $3", key(conversation), before, limit)
	if err != nil {
		return nil, fmt.Errorf("reading the messages of conversation %s: %w", conversation, db.dialect.explain(err))
	}
	slices.Reverse(entries)
	return entries, nil
}

// Entry returns a message of a conversation, or ErrNotFound.
func (db *DB) Entry(ctx context.Context, conversation bot.ConversationID, id bot.MessageID) (bot.Entry, error) {
	entries, err := collect(ctx, db.reader, scanEntry, selectEntry+"WHERE m.conversation_id = $1 AND m.id = $2", key(conversation), key(id))
	if err == nil && len(entries) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return bot.Entry{}, fmt.Errorf("reading message %s: %w", id, db.dialect.explain(err))
	}
	return entries[0], nil
}

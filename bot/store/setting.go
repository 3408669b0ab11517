package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"tilldesk/bot"
	"tilldesk/bot/desk"
)

// Setting returns what SetSetting has stored under a name, "" if nothing.
func (db *DB) Setting(ctx context.Context, name string) (value string, err error) {
	err = db.reader.QueryRowContext(ctx, "SELECT value FROM settings WHERE name = $1", key(name)).Scan(&value)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("reading the setting %s: %w", name, db.dialect.explain(err))
	}
	return value, nil
}

// SetSetting stores a value under a name, for all replicas.
func (db *DB) SetSetting(ctx context.Context, name, value string) error {
	err := db.inTx(ctx, func(tx querier) error {
		_, err := exec(ctx, tx, "INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value", clean(name), clean(value))
		return err
	})
	if err != nil {
		return fmt.Errorf("storing the setting %s: %w", name, err)
	}
	return nil
}

// Canned implements desk.Store.
func (db *DB) Canned(ctx context.Context) ([]desk.Canned, error) {
	all, err := collect(ctx, db.reader, func(scan func(...any) error) (c desk.Canned, err error) {
		var at int64
		err = scan(&c.ID, &c.Name, &c.Text.Zh, &c.Text.En, &c.By, &at)
		c.Updated = fromMillis(at)
		return c, err
	}, "SELECT id, name, zh, en, changed_by, updated_at FROM canned ORDER BY name")
	if err != nil {
		return nil, fmt.Errorf("reading the canned replies: %w", db.dialect.explain(err))
	}
	return all, nil
}

// SaveCanned implements desk.Store.
func (db *DB) SaveCanned(ctx context.Context, c desk.Canned) error {
	err := db.inTx(ctx, func(tx querier) error {
		_, err := exec(ctx, tx, `INSERT INTO canned (id, name, zh, en, changed_by, updated_at) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (id) DO UPDATE SET name = excluded.name, zh = excluded.zh, en = excluded.en, changed_by = excluded.changed_by, updated_at = excluded.updated_at`,
			clean(c.ID), clean(c.Name), clean(c.Text.Zh), clean(c.Text.En), clean(c.By), millis(c.Updated))
		return err
	})
	if err != nil {
		return fmt.Errorf("storing the canned reply %q: %w", c.Name, err)
	}
	return nil
}

// DeleteCanned implements desk.Store.
func (db *DB) DeleteCanned(ctx context.Context, id string) error {
	err := db.inTx(ctx, func(tx querier) error {
		return execOne(ctx, tx, desk.ErrNotFound, "DELETE FROM canned WHERE id = $1", key(id))
	})
	if err != nil {
		return fmt.Errorf("deleting the canned reply %s: %w", id, err)
	}
	return nil
}

// Recent returns up to limit of the last messages of a conversation, oldest
// first. It fails with a *SumError if one of them is damaged.
func (db *DB) Recent(ctx context.Context, conversation bot.ConversationID, limit int) ([]bot.Entry, error) {
	entries, err := collect(ctx, db.reader, scanEntry, selectEntry+"WHERE m.conversation_id = $1 ORDER BY m.seq DESC LIMIT $2", key(conversation), limit)
	if err != nil {
		return nil, fmt.Errorf("reading the last messages of conversation %s: %w", conversation, db.dialect.explain(err))
	}
	slices.Reverse(entries)
	return entries, nil
}

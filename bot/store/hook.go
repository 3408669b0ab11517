package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"tilldesk/bot/desk"
	"tilldesk/bot/hook"
)

var _ hook.Store = (*DB)(nil)

// Spread implements hook.Store.
func (db *DB) Spread(ctx context.Context, target string, kinds []desk.EventKind, limit int) (n int, err error) {
	// Mostly there is nothing, and nothing need be locked to see that.
	var last int64
	newest, err := db.settled(ctx, db.reader)
	if err == nil {
		err = db.reader.QueryRowContext(ctx, "SELECT event FROM hook_targets WHERE target = $1", key(target)).Scan(&last)
	}
	if err == nil && last >= newest {
		return 0, nil
	}
	if err == nil || errors.Is(err, sql.ErrNoRows) {
		err = db.inTx(ctx, func(tx querier) (err error) {
			n, err = db.spread(ctx, tx, clean(target), kinds, limit)
			return err
		})
	}
	if err != nil {
		return 0, fmt.Errorf("passing events on to %s: %w", target, err)
	}
	return n, nil
}

func (db *DB) spread(ctx context.Context, tx querier, target string, kinds []desk.EventKind, limit int) (int, error) {
	newest, err := db.settled(ctx, tx)
	if err != nil {
		return 0, err
	}
	if _, err := exec(ctx, tx, "INSERT INTO hook_targets (target, event) VALUES ($1, $2) ON CONFLICT (target) DO NOTHING", target, newest); err != nil {
		return 0, err
	}
	var last int64
	if err := tx.QueryRowContext(ctx, "SELECT event FROM hook_targets WHERE target = $1"+db.dialect.forUpdate, target).Scan(&last); err != nil {
		return 0, err
	}
	events, err := collect(ctx, tx, scanEvent, selectSettled, last, limit, newest)
	if err != nil {
		return 0, err
	}
	reached := newest // not every number has an event
	if len(events) == limit {
		reached = events[limit-1].ID
	}
	if reached <= last {
		return 0, nil
	}
	for _, e := range events {
		if !slices.Contains(kinds, e.Kind) {
			continue
		}
		if _, err := exec(ctx, tx, "INSERT INTO hook_deliveries (id, target, event, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT (target, event) DO NOTHING",
			db.newID(), target, e.ID, millis(db.now())); err != nil {
			return 0, err
		}
	}
	_, err = exec(ctx, tx, "UPDATE hook_targets SET event = $2 WHERE target = $1", target, reached)
	return len(events), err
}

// ClaimHooks implements hook.Store.
func (db *DB) ClaimHooks(ctx context.Context, targets []string, now, until time.Time, n int) ([]hook.Delivery, error) {
	if len(targets) == 0 {
		return nil, nil
	}
	var all []hook.Delivery
	err := db.inTx(ctx, func(tx querier) (err error) {
		all, err = db.claimHooks(ctx, tx, targets, millis(now), millis(until), n)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("claiming web-hooks: %w", err)
	}
	return all, nil
}

func (db *DB) claimHooks(ctx context.Context, tx querier, targets []string, now, until int64, n int) ([]hook.Delivery, error) {
	ids, err := collect(ctx, tx, scanOne[string], `WITH due AS MATERIALIZED (
			SELECT id FROM hook_deliveries WHERE state = 'new' AND next_at <= $1 AND target IN `+list(4, len(targets))+`
			ORDER BY next_at, event LIMIT $2`+db.dialect.skipLocked+`)
		UPDATE hook_deliveries SET next_at = $3, attempts = attempts + 1 WHERE id IN (SELECT id FROM due) RETURNING id`,
		append([]any{now, n, until}, anys(targets)...)...)
	if err != nil {
		return nil, err
	}
	var all []hook.Delivery
	for _, id := range ids {
		d := hook.Delivery{ID: id}
		var event, created int64
		if err := tx.QueryRowContext(ctx, "SELECT target, attempts - 1, event, created_at FROM hook_deliveries WHERE id = $1", id).Scan(&d.Target, &d.Attempts, &event, &created); err != nil {
			return nil, err
		}
		d.Created = fromMillis(created)
		if d.Event, err = scanEvent(tx.QueryRowContext(ctx, selectEvent+"WHERE n = $1", event).Scan); err != nil {
			return nil, err
		}
		k, err := readCase(ctx, tx, "WHERE k.ticket = $1", d.Event.Ticket)
		if err != nil || k == nil {
			return nil, err
		}
		d.Case = k.Case
		if d.Event.Kind == desk.EventMessage {
			err := tx.QueryRowContext(ctx, "SELECT text FROM messages WHERE id = $1", string(d.Event.Message)).Scan(&d.Text)
			if err != nil && !errors.Is(err, sql.ErrNoRows) {
				return nil, err
			}
		}
		all = append(all, d)
	}
	return all, nil
}

// HookDone implements hook.Store.
func (db *DB) HookDone(ctx context.Context, id string) error {
	return db.hookIs(ctx, id, "UPDATE hook_deliveries SET state = 'done', last_error = '' WHERE id = $1")
}

// HookAgain implements hook.Store.
func (db *DB) HookAgain(ctx context.Context, id string, at time.Time, why string) error {
	return db.hookIs(ctx, id, "UPDATE hook_deliveries SET next_at = $2, last_error = $3 WHERE id = $1 AND state = 'new'", millis(at), cleanWhy(why))
}

// HookDead implements hook.Store.
func (db *DB) HookDead(ctx context.Context, id string, why string) error {
	return db.hookIs(ctx, id, "UPDATE hook_deliveries SET state = 'dead', last_error = $2 WHERE id = $1", cleanWhy(why))
}

func (db *DB) hookIs(ctx context.Context, id, query string, args ...any) error {
	err := db.inTx(ctx, func(tx querier) error {
		_, err := exec(ctx, tx, query, append([]any{id}, args...)...) // none if its case was erased
		return err
	})
	if err != nil {
		return fmt.Errorf("storing what became of web-hook %s: %w", id, err)
	}
	return nil
}

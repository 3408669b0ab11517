package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"time"

	"tilldesk/bot/staff"
)

const auditColumns = "seq, at, actor, name, action, object, details, address, sum"

func scanAudit(scan func(...any) error) (e staff.Entry, err error) {
	var at int64
	err = scan(&e.Seq, &at, &e.Actor, &e.Name, &e.Action, &e.Object, &e.Details, &e.Address, &e.Sum)
	e.At = fromMillis(at)
	return e, err
}

// AddEntry appends an entry to the audit log.
func (db *DB) AddEntry(ctx context.Context, e staff.Entry) error {
	if err := db.inTx(ctx, func(tx querier) error { return db.addEntry(ctx, tx, e) }); err != nil {
		return fmt.Errorf("writing to the audit log: %w", err)
	}
	return nil
}

// addEntry appends an entry, as the last thing that a transaction does: from
// here on others wait with theirs.
func (db *DB) addEntry(ctx context.Context, tx querier, e staff.Entry) error {
	if err := tx.QueryRowContext(ctx, `INSERT INTO counters (name, n) VALUES ('audit', 1)
		ON CONFLICT (name) DO UPDATE SET n = counters.n + 1 RETURNING n`).Scan(&e.Seq); err != nil {
		return err
	}
	var before []byte
	err := tx.QueryRowContext(ctx, "SELECT sum FROM audit WHERE seq = $1", e.Seq-1).Scan(&before)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	e.At = fromMillis(millis(db.now()))
	for _, text := range []*string{(*string)(&e.Actor), &e.Name, &e.Action, &e.Object, &e.Details, &e.Address} {
		*text = clean(*text)
	}
	_, err = exec(ctx, tx, "INSERT INTO audit ("+auditColumns+") VALUES "+tuples(1, 1, 9),
		e.Seq, millis(e.At), string(e.Actor), e.Name, e.Action, e.Object, e.Details, e.Address, e.Chain(before))
	return err
}

// Entries returns up to limit entries of the audit log before the number,
// newest first; 0 begins at the newest.
func (db *DB) Entries(ctx context.Context, before int64, limit int) ([]staff.Entry, error) {
	if before == 0 {
		before = math.MaxInt64
	}
	all, err := collect(ctx, db.reader, scanAudit, "SELECT "+auditColumns+" FROM audit WHERE seq < $1 ORDER BY seq DESC LIMIT $2", before, limit)
	if err != nil {
		return nil, fmt.Errorf("reading the audit log: %w", db.dialect.explain(err))
	}
	return all, nil
}

// PurgeAudit deletes the entries of the audit log from before the time given,
// and records that it did.
func (db *DB) PurgeAudit(ctx context.Context, before time.Time) error {
	err := db.inTx(ctx, func(tx querier) error {
		var last int64
		var sum []byte
		err := tx.QueryRowContext(ctx, "SELECT seq, sum FROM audit WHERE at < $1 ORDER BY seq DESC LIMIT 1", millis(before)).Scan(&last, &sum)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := db.addEntry(ctx, tx, staff.CutEntry(last, sum)); err != nil { // while there is one for it to follow
			return err
		}
		_, err = exec(ctx, tx, "DELETE FROM audit WHERE seq <= $1", last)
		return err
	})
	if err != nil {
		return fmt.Errorf("deleting old entries of the audit log: %w", err)
	}
	return nil
}

// CheckAudit reads the audit log through and fails with staff.ErrTampered if
// an entry was changed, removed or put in by anything but this program.
func (db *DB) CheckAudit(ctx context.Context) error {
	err := db.inSnapshot(ctx, func(tx querier) error { return checkAudit(ctx, tx) })
	if err != nil {
		return fmt.Errorf("checking the audit log: %w", err)
	}
	return nil
}

func checkAudit(ctx context.Context, tx querier) error {
	var chain staff.Chained
	if _, err := collect(ctx, tx, func(scan func(...any) error) (struct{}, error) {
		e, err := scanAudit(scan)
		if err == nil {
			err = chain.Next(e)
		}
		return struct{}{}, err
	}, "SELECT "+auditColumns+" FROM audit ORDER BY seq"); err != nil {
		return err
	}
	var written int64
	err := tx.QueryRowContext(ctx, "SELECT n FROM counters WHERE name = 'audit'").Scan(&written)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	return chain.End(written)
}

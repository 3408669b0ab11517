package store

import (
	"context"
	"fmt"

	"tilldesk/bot/dialog"
)

// count adds one to the outcomes.
func count(ctx context.Context, tx querier, c dialog.Count) error {
	_, err := exec(ctx, tx, `INSERT INTO outcomes (intent, brand, step, result, n) VALUES ($1, $2, $3, $4, 1)
		ON CONFLICT (intent, brand, step, result) DO UPDATE SET n = outcomes.n + 1`,
		clean(c.Intent), clean(c.Brand), clean(c.Step), string(c.Result))
	return err
}

// Outcomes returns all counts, in no particular order. With the result
// dialog.Found, Step is a cause that staff named.
func (db *DB) Outcomes(ctx context.Context) ([]dialog.Count, error) {
	all, err := collect(ctx, db.reader, func(scan func(...any) error) (o dialog.Count, err error) {
		err = scan(&o.Intent, &o.Brand, &o.Step, &o.Result, &o.N)
		return o, err
	}, "SELECT intent, brand, step, result, n FROM outcomes")
	if err != nil {
		return nil, fmt.Errorf("reading the outcomes: %w", db.dialect.explain(err))
	}
	return all, nil
}

package store

import (
	"context"
	"fmt"
	"time"
)

// maxAhead bounds how far ahead of a clock turns can be reserved, beyond a
// burst: no more than that is waited for because another process has a clock
// that is fast.
const maxAhead = time.Minute

// Reserve takes a turn of what may be done once in so long, with bursts of so
// many after a rest, by all processes that share the store together. It returns
// when the turn is, now or later. A turn that is not used is lost.
func (db *DB) Reserve(ctx context.Context, what string, now time.Time, every time.Duration, burst int) (time.Time, error) {
	// The theoretical arrival time of the generic cell rate algorithm (ITU-T I.371).
	var until int64
	err := db.inTx(ctx, func(tx querier) error {
		return tx.QueryRowContext(ctx, `INSERT INTO counters (name, n) VALUES ($1, CAST($2 AS BIGINT) + CAST($3 AS BIGINT))
			ON CONFLICT (name) DO UPDATE SET n = CAST($3 AS BIGINT) +
				CASE WHEN counters.n < $2 THEN $2 WHEN counters.n > $4 THEN $4 ELSE counters.n END
			RETURNING n`, "turns of "+clean(what), now.UnixMilli(), every.Milliseconds(), now.Add(time.Duration(burst)*every+maxAhead).UnixMilli()).Scan(&until)
	})
	if err != nil {
		return time.Time{}, fmt.Errorf("reserving a turn of %s: %w", what, err)
	}
	if at := time.UnixMilli(until).Add(-time.Duration(burst) * every); at.After(now) {
		return at, nil
	}
	return now, nil
}

package store

import (
	"context"
	"fmt"
)

// numbering is how events get numbers that count up in the order in which they
// become visible.
//
// SQLite has one writer: a counter will do. In PostgreSQL the row of a counter
// would stay locked until the commit is on the disk, and all that have events
// would stand in line for one sync of the disk each. There a sequence gives the
// numbers, and who takes some says so before, with a lock that hinders nobody
// and goes with the transaction: the newest number given out until then. No
// transaction that is under way has a number up to the lowest of those, and
// what nobody has up to there is either visible or will never be.
type numbering struct {
	take    string // takes $1 numbers: a row each, ascending
	settled string // up to which number all events are visible
}

var counting = numbering{
	take: `INSERT INTO counters (name, n) VALUES ('event', CAST($1 AS BIGINT)) ON CONFLICT (name) DO UPDATE SET n = counters.n + excluded.n
		RETURNING n`,
	settled: "SELECT coalesce((SELECT n FROM counters WHERE name = 'event'), 0)",
}

// The number is kept in the lock by its lower half; transactions under way are
// not that far behind the newest one. The newest is read first, as the row that
// the locks are looked for with: who takes a number up to it is seen among the
// locks, or has come to its end.
var sequenced = numbering{
	take: `WITH mine AS MATERIALIZED (
			SELECT pg_try_advisory_xact_lock_shared(CAST(CAST('case_event_numbers' AS regclass) AS oid)::int4, (last_value % 2147483648)::int4) AS told
			FROM case_event_numbers)
		SELECT nextval('case_event_numbers') FROM mine, generate_series(1, CAST($1 AS INT)) WHERE mine.told`,
	settled: `SELECT coalesce((SELECT min(s.last_value - (s.last_value - l.objid::bigint) % 2147483648) FROM pg_locks l
			WHERE l.locktype = 'advisory' AND l.classid = CAST('case_event_numbers' AS regclass) AND l.objsubid = 2 AND s.last_value IS NOT NULL
			AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())), s.last_value)
		FROM case_event_numbers s`,
}

// number takes n numbers for events.
func (db *DB) number(ctx context.Context, tx querier, n int) ([]int64, error) {
	numbers, err := collect(ctx, tx, scanOne[int64], db.dialect.numbering.take, n)
	if err != nil {
		return nil, fmt.Errorf("numbering events: %w", err)
	}
	if len(numbers) == 1 && n > 1 { // a counter, which has moved on by n
		last := numbers[0]
		numbers = make([]int64, n)
		for i := range numbers {
			numbers[i] = last - int64(n-1-i)
		}
	}
	if len(numbers) != n {
		return nil, fmt.Errorf("numbering events: %d numbers for %d events", len(numbers), n)
	}
	return numbers, nil
}

// settled returns the number up to which all events are visible to statements
// that begin from now on, and none will be added.
func (db *DB) settled(ctx context.Context, q querier) (n int64, err error) {
	err = q.QueryRowContext(ctx, db.dialect.numbering.settled).Scan(&n)
	return n, err
}

package store

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// maxTries is how often a transaction is begun that others got in the way of.
const maxTries = 5

// inTx runs f in a transaction that is committed if f returns nil. f may run
// more than once and must start anew each time.
func (db *DB) inTx(ctx context.Context, f func(querier) error) error {
	once := func() error { return tryTx(ctx, db.writer, nil, f) }
	if db.group != nil {
		once = func() error { return db.group.do(ctx, f) }
	}
	for try := 1; ; try++ {
		err := once()
		if err == nil || try == maxTries || !db.dialect.again(err) {
			return db.dialect.explain(err)
		}
	}
}

// inSnapshot runs f, which only reads, in a transaction in which it sees the
// database as of one moment.
func (db *DB) inSnapshot(ctx context.Context, f func(querier) error) error {
	return db.dialect.explain(tryTx(ctx, db.reader.DB, &db.dialect.snapshot, f))
}

func tryTx(ctx context.Context, pool *sql.DB, opt *sql.TxOptions, f func(querier) error) (err error) {
	tx, err := pool.BeginTx(ctx, opt)
	if err != nil {
		return err
	}
	defer func() {
		if rerr := tx.Rollback(); rerr != nil && !errors.Is(rerr, sql.ErrTxDone) && err != nil {
			err = errors.Join(err, rerr)
		}
	}()
	if err := f(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// A querier is a pool or a transaction.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// exec runs a statement and returns how many rows it changed.
func exec(ctx context.Context, q querier, query string, args ...any) (int64, error) {
	res, err := q.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// execOne runs a statement that changes one row; it fails with otherwise if
// there is no such row.
func execOne(ctx context.Context, q querier, otherwise error, query string, args ...any) error {
	n, err := exec(ctx, q, query, args...)
	if err == nil && n == 0 {
		return otherwise
	}
	return err
}

// collect returns what scan makes of each row of a query.
func collect[T any](ctx context.Context, q querier, scan func(func(...any) error) (T, error), query string, args ...any) ([]T, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		one, err := scan(rows.Scan)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

// scanOne is the scan of a query with one column.
func scanOne[T any](scan func(...any) error) (T, error) {
	var v T
	err := scan(&v)
	return v, err
}

// tuples returns the rows of VALUES: n times the columns given as
// placeholders, numbered from first, and then what all rows share, such as
// ($2, $3, $1), ($4, $5, $1).
func tuples(first, n, columns int, shared ...string) string {
	b := make([]byte, 0, n*(6*columns+8*len(shared)+4))
	for i := range n {
		if i > 0 {
			b = append(b, "), ("...)
		}
		for j := range columns {
			if j > 0 {
				b = append(b, ", "...)
			}
			b = strconv.AppendInt(append(b, '$'), int64(first+i*columns+j), 10)
		}
		for _, s := range shared {
			b = append(append(b, ", "...), s...)
		}
	}
	return "(" + string(b) + ")"
}

// limit2 is a LIMIT of $2. SQLite would look at the value of a bare placeholder to
// choose its plan, and prepare the statement anew whenever another is given.
const limit2 = " LIMIT CAST($2 AS BIGINT)"

// list returns a list of n placeholders, numbered from first: ($1, $2).
func list(first, n int) string { return tuples(first, 1, n) }

// anys returns the values as arguments.
func anys[T any](values []T) []any {
	args := make([]any, len(values))
	for i, v := range values {
		args[i] = v
	}
	return args
}

// clean returns a text as both databases can hold it: PostgreSQL refuses NUL
// and invalid UTF-8, SQLite would keep both.
func clean(s string) string {
	if utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 {
		return s
	}
	return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "\uFFFD")
}

// key returns an id to look for. One that could not have been stored is found
// nowhere; cleaned it could be found as another.
func key[T ~string](id T) string {
	if clean(string(id)) != string(id) {
		return ""
	}
	return string(id)
}

// maxWhy is how many bytes of an error are kept; a panic brings its stack.
const maxWhy = 4000

func cleanWhy(why string) string {
	if len(why) > maxWhy {
		why = why[:maxWhy]
	}
	return clean(why)
}

func millis(t time.Time) int64 { return t.UnixMilli() }

func fromMillis(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

// fromNull returns the zero time for NULL.
func fromNull(ms sql.NullInt64) time.Time {
	if !ms.Valid {
		return time.Time{}
	}
	return fromMillis(ms.Int64)
}

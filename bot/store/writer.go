package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"strings"
	"sync"
)

// writer is the connection that writes to SQLite, with its statements kept
// prepared: most take longer to read than to run. The driver of PostgreSQL does
// the like by itself.
//
// Its transactions are begun and ended by statements. Those of database/sql
// start a goroutine for each query, to end it with its context, which costs more
// than many of the queries; these here run to their end.
type writer struct {
	pool *sql.DB

	mu     sync.Mutex // held during a transaction
	conn   *sql.Conn  // nil before it is needed
	ready  map[string]prepared
	closed bool
}

func newWriter(pool *sql.DB) *writer { return &writer{pool: pool, ready: map[string]prepared{}} }

// prepared is a statement and, if that is not the order of its arguments, which
// of them each placeholder is for.
type prepared struct {
	*sql.Stmt
	order []int
}

// ordered returns arguments in the order of the placeholders; ok is false if
// there are too few.
func (p prepared) ordered(args []any) (in []any, ok bool) {
	if p.order == nil {
		return args, true
	}
	in = make([]any, len(p.order))
	for i, n := range p.order {
		if n >= len(args) {
			return nil, false
		}
		in[i] = args[n]
	}
	return in, true
}

// maxPrepared is how many statements are kept prepared. Their texts are few,
// but for those with as many placeholders as there are rows.
const maxPrepared = 512

// keepInMemory is said to a connection before its first transaction. Of each page
// that a statement of several rows changes, SQLite keeps a copy until the
// statement is over; a transaction of many would write them to a temporary file,
// a twentieth of the service's time. Nothing of them is needed after a crash.
const keepInMemory = "PRAGMA temp_store = MEMORY"

// transaction runs f in a transaction that is committed if f returns nil.
func (w *writer) transaction(ctx context.Context, f func(querier) error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return sql.ErrConnDone
	}
	if w.conn == nil {
		conn, err := w.pool.Conn(ctx)
		if err != nil {
			return err
		}
		w.conn = conn
		if _, err := w.ExecContext(ctx, keepInMemory); err != nil {
			return errors.Join(err, w.giveUp())
		}
	}
	if _, err := w.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return errors.Join(err, w.giveUp()) // the next one gets another connection
	}
	err := f(w)
	if err == nil {
		_, err = w.ExecContext(ctx, "COMMIT")
	}
	if err == nil {
		return nil
	}
	if _, failed := w.ExecContext(ctx, "ROLLBACK"); failed != nil && !strings.Contains(failed.Error(), "no transaction is active") {
		return errors.Join(err, failed, w.giveUp()) // likewise, without its remains
	} // else SQLite has rolled back by itself, as it does on a full disk
	return err
}

// close waits for the transaction that is under way; there is none afterwards.
func (w *writer) close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	return w.giveUp()
}

// giveUp closes the connection: given back to the pool, it would be used again.
func (w *writer) giveUp() error {
	if w.conn == nil {
		return nil
	}
	var errs []error
	for _, p := range w.ready {
		errs = append(errs, p.Close())
	}
	if err := w.conn.Raw(func(any) error { return driver.ErrBadConn }); !errors.Is(err, driver.ErrBadConn) && !errors.Is(err, sql.ErrConnDone) {
		errs = append(errs, err)
	}
	clear(w.ready)
	w.conn = nil
	return errors.Join(errs...)
}

// find returns a statement, prepared, and its arguments in the order of its
// placeholders; ok is false if it is to be run as it is.
func (w *writer) find(ctx context.Context, query string, args []any) (p prepared, in []any, ok bool) {
	p, ok = w.ready[query]
	if !ok {
		if len(w.ready) >= maxPrepared {
			return p, nil, false
		}
		plain, order := positional(query)
		stmt, err := w.conn.PrepareContext(ctx, plain)
		if err != nil {
			return p, nil, false // that will be found where it is run
		}
		p = prepared{stmt, order}
		w.ready[query] = p
	}
	in, ok = p.ordered(args)
	return p, in, ok
}

func (w *writer) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if p, in, ok := w.find(ctx, query, args); ok {
		return p.ExecContext(ctx, in...)
	}
	return w.conn.ExecContext(ctx, query, args...)
}

func (w *writer) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if p, in, ok := w.find(ctx, query, args); ok {
		return p.QueryContext(ctx, in...)
	}
	return w.conn.QueryContext(ctx, query, args...)
}

func (w *writer) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	if p, in, ok := w.find(ctx, query, args); ok {
		return p.QueryRowContext(ctx, in...)
	}
	return w.conn.QueryRowContext(ctx, query, args...)
}

// positional makes the placeholders of a query bare ones: $2 is the name of a
// parameter to SQLite, and for each argument it looks for the name among all of
// them. order says which argument each is for, from 0; it is nil if that is the
// order in which they are.
func positional(query string) (plain string, order []int) {
	b := make([]byte, 0, len(query))
	same := true
	for i := 0; i < len(query); {
		end, c := i+1, query[i]
		switch {
		case c == '\'' || c == '"': // up to the quote that ends it; one that is doubled begins another
			for end < len(query) && query[end] != c {
				end++
			}
			end = min(end+1, len(query))
		case c == '$':
			n := 0
			for ; end < len(query) && '0' <= query[end] && query[end] <= '9'; end++ {
				n = 10*n + int(query[end]-'0')
			}
			if n == 0 {
				break
			}
			b = append(b, '?')
			same = same && n-1 == len(order)
			order = append(order, n-1)
			i = end
			continue
		}
		b = append(b, query[i:end]...)
		i = end
	}
	if same {
		order = nil
	}
	return string(b), order
}

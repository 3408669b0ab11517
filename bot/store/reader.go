package store

import (
	"context"
	"database/sql"
	"sync"
)

// reader is the pool of connections that read. With SQLite their statements are
// kept prepared, like those of the writer: most take longer to read than to
// run. The driver of PostgreSQL does so by itself.
type reader struct {
	*sql.DB
	prepares bool

	mu    sync.Mutex
	ready map[string]prepared
}

// maxPreparedReads is how many statements are kept prepared to read, on each of
// the connections that have run them. What a message or an open page asks for
// is always the same; only searches and lists of cases have texts of their own.
const maxPreparedReads = 128

// find returns a statement, prepared, and its arguments in the order of its
// placeholders; ok is false if it is to be run as it is.
func (r *reader) find(ctx context.Context, query string, args []any) (p prepared, in []any, ok bool) {
	if !r.prepares {
		return p, nil, false
	}
	r.mu.Lock()
	p, ok = r.ready[query]
	full := len(r.ready) >= maxPreparedReads
	r.mu.Unlock()
	if !ok {
		if full {
			return p, nil, false
		}
		plain, order := positional(query)
		stmt, err := r.DB.PrepareContext(ctx, plain) // it may wait for a connection, which must not make others wait
		if err != nil {
			return p, nil, false // that will be found where it is run
		}
		p = r.keep(query, prepared{stmt, order})
	}
	in, ok = p.ordered(args)
	return p, in, ok
}

// keep keeps a statement, unless another has been kept meanwhile, and returns
// the one that is kept.
func (r *reader) keep(query string, p prepared) prepared {
	r.mu.Lock()
	defer r.mu.Unlock()
	if first, ok := r.ready[query]; ok {
		_ = p.Close() // nobody has used it
		return first
	}
	if r.ready == nil {
		r.ready = map[string]prepared{}
	}
	r.ready[query] = p
	return p
}

// QueryContext is that of a [querier].
func (r *reader) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if p, in, ok := r.find(ctx, query, args); ok {
		return p.QueryContext(ctx, in...)
	}
	return r.DB.QueryContext(ctx, query, args...)
}

// QueryRowContext is that of a [querier].
func (r *reader) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	if p, in, ok := r.find(ctx, query, args); ok {
		return p.QueryRowContext(ctx, in...)
	}
	return r.DB.QueryRowContext(ctx, query, args...)
}

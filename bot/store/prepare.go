package store

import (
	"context"
	"database/sql"
	"sync"
)

// maxPrepared is how many statements are kept prepared. Their texts are few,
// but for those with as many placeholders as there are rows.
const maxPrepared = 256

// statements keeps statements prepared on the connection that writes to
// SQLite, which takes longer to read most of them than to run them. The driver
// of PostgreSQL does this by itself.
type statements struct {
	pool *sql.DB

	mu     sync.Mutex
	ready  map[string]*sql.Stmt
	wanted map[string]bool // seen, and to be prepared between transactions
}

func newStatements(pool *sql.DB) *statements {
	return &statements{pool: pool, ready: map[string]*sql.Stmt{}, wanted: map[string]bool{}}
}

// find returns a statement if it is prepared; else it will be for the next
// transaction.
func (s *statements) find(query string) *sql.Stmt {
	s.mu.Lock()
	defer s.mu.Unlock()
	stmt := s.ready[query]
	if stmt == nil && len(s.ready)+len(s.wanted) < maxPrepared {
		s.wanted[query] = true
	}
	return stmt
}

// prepare prepares what was wanted. It needs the connection, so it must not be
// called within a transaction. One that fails is found out where it is run.
func (s *statements) prepare(ctx context.Context) {
	s.mu.Lock()
	wanted := s.wanted
	s.wanted = map[string]bool{}
	s.mu.Unlock()
	for query := range wanted {
		stmt, err := s.pool.PrepareContext(ctx, query)
		if err != nil {
			continue
		}
		s.mu.Lock()
		if s.ready[query] == nil {
			s.ready[query] = stmt
		} else {
			stmt.Close() // somebody else wanted it at the same time
		}
		s.mu.Unlock()
	}
}

// preparedTx is a transaction that runs what is prepared as such.
type preparedTx struct {
	*sql.Tx
	statements *statements
}

func (t preparedTx) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if stmt := t.statements.find(query); stmt != nil {
		return t.StmtContext(ctx, stmt).ExecContext(ctx, args...)
	}
	return t.Tx.ExecContext(ctx, query, args...)
}

func (t preparedTx) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if stmt := t.statements.find(query); stmt != nil {
		return t.StmtContext(ctx, stmt).QueryContext(ctx, args...)
	}
	return t.Tx.QueryContext(ctx, query, args...)
}

func (t preparedTx) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	if stmt := t.statements.find(query); stmt != nil {
		return t.StmtContext(ctx, stmt).QueryRowContext(ctx, args...)
	}
	return t.Tx.QueryRowContext(ctx, query, args...)
}

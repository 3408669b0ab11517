package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"

	"modernc.org/sqlite"
)

// group lets transactions that come at the same time share one commit. SQLite
// has one writer, and a disk that takes five milliseconds to sync lets it
// commit two hundred times a second: what waits for it meanwhile goes with the
// next one. Each is told that it is stored only once all of them are.
//
// If one fails after it has written, all are begun anew, each held apart from
// the others by a savepoint. That is left for then: with savepoints SQLite
// keeps a copy of every page that one of them changes.
type group struct {
	writer *writer // of the goroutine that works, if one does

	mu      sync.Mutex
	waiting []*member
	working bool
}

// maxGroup is how many transactions share a commit.
const maxGroup = 64

// member is one transaction of a group.
type member struct {
	f        func(querier) error
	done     chan struct{}
	err      error
	panicked any

	mu    sync.Mutex
	state memberState
}

type memberState int

const (
	queued memberState = iota
	begun
	withdrawn
)

// move changes the state of a member that is queued still, and reports whether
// it was.
func (m *member) move(to memberState) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.state != queued {
		return false
	}
	m.state = to
	return true
}

func (m *member) is(state memberState) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.state == state
}

// do runs f in a transaction that may share its commit with others. It can be
// given up while it waits; once it runs, it is over soon and is waited for.
func (g *group) do(ctx context.Context, f func(querier) error) error {
	if err := ctx.Err(); err != nil {
		return err // else it would be over or withdrawn, as chance has it
	}
	m := &member{f: f, done: make(chan struct{})}
	g.mu.Lock()
	g.waiting = append(g.waiting, m)
	if !g.working {
		g.working = true
		go g.work()
	}
	g.mu.Unlock()
	select {
	case <-m.done:
	case <-ctx.Done():
		if m.move(withdrawn) {
			return ctx.Err()
		}
		<-m.done
	}
	if m.panicked != nil {
		panic(m.panicked)
	}
	return m.err
}

// work commits group after group until nothing waits.
func (g *group) work() {
	for {
		runtime.Gosched() // whoever was told of the last commit has more to write, and goes with this one
		g.mu.Lock()
		n := min(len(g.waiting), maxGroup)
		if n == 0 {
			g.waiting, g.working = nil, false
			g.mu.Unlock()
			return
		}
		members := g.waiting[:n:n]
		g.waiting = g.waiting[n:]
		g.mu.Unlock()
		g.commit(members)
	}
}

// commit runs members in one transaction. If that fails as a whole, because of
// one of them or of the disk, each is tried by itself, to be told its own
// error.
func (g *group) commit(members []*member) {
	ctx := context.Background()
	alone := func(m *member) error { return g.writer.transaction(ctx, m.run) }
	began := false
	together := func(run func(m *member, q querier) error) error {
		return g.writer.transaction(ctx, func(q querier) error {
			began = true // until then all of them may still be withdrawn: another process may be writing
			for _, m := range members {
				if m.panicked != nil || !m.move(begun) && m.is(withdrawn) {
					continue
				}
				if err := run(m, q); err != nil {
					return err
				}
			}
			return nil
		})
	}
	var err error
	if len(members) == 1 {
		err = together((*member).run)
	} else if err = together((*member).cleanly); errors.Is(err, errUnclean) {
		err = together(func(m *member, q querier) error { return m.apart(ctx, q) })
	}
	for _, m := range members {
		switch m.move(begun); {
		case m.is(withdrawn):
			continue
		case err != nil && (!began || len(members) == 1):
			m.err = err
		case err != nil && m.panicked == nil:
			m.err = alone(m)
		}
		close(m.done)
	}
}

// errUnclean says that a member of a transaction failed and left something in
// it.
var errUnclean = errors.New("a part of the transaction failed half-way")

// cleanly runs a member among others. It fails if the member did so and may
// have left something behind: rows, or a transaction that SQLite has rolled
// back. What has found that there is nothing to do has just its own error.
func (m *member) cleanly(q querier) error {
	w := &watched{querier: q}
	m.err = m.run(w)
	var lite *sqlite.Error
	if w.failed || m.err != nil && (w.wrote || m.panicked != nil || errors.As(m.err, &lite)) {
		return errUnclean
	}
	return nil
}

// watched notes whether statements may have changed something, and whether one
// failed.
type watched struct {
	querier
	wrote, failed bool
}

func (w *watched) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	result, err := w.querier.ExecContext(ctx, query, args...)
	if err != nil {
		w.failed = true
		return result, err
	}
	n, err := result.RowsAffected()
	if err != nil || n > 0 || !strings.HasPrefix(query, "UPDATE ") && !strings.HasPrefix(query, "INSERT ") {
		w.wrote = true // the number says nothing of other statements
	}
	return result, nil
}

func (w *watched) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	w.reads(query)
	rows, err := w.querier.QueryContext(ctx, query, args...)
	w.failed = w.failed || err != nil
	return rows, err
}

func (w *watched) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	w.reads(query)
	return w.querier.QueryRowContext(ctx, query, args...)
}

func (w *watched) reads(query string) {
	w.wrote = w.wrote || !strings.HasPrefix(query, "SELECT ")
}

// apart runs a member such that it leaves nothing behind if it fails. Its own
// failure is kept; what is returned is a failure of the transaction.
func (m *member) apart(ctx context.Context, q querier) error {
	if _, err := q.ExecContext(ctx, "SAVEPOINT member"); err != nil {
		return fmt.Errorf("beginning: %w", err)
	}
	if m.err = m.run(q); m.err != nil {
		if _, err := q.ExecContext(ctx, "ROLLBACK TO member"); err != nil {
			// The database has rolled back all of it, as it does on a full disk.
			return errors.Join(m.err, err)
		}
	}
	if _, err := q.ExecContext(ctx, "RELEASE member"); err != nil {
		return fmt.Errorf("ending: %w", err)
	}
	return nil
}

var errPanicked = errors.New("it panicked")

// run runs the member's function. Its panic is for whoever waits for it.
func (m *member) run(q querier) (err error) {
	defer func() {
		if p := recover(); p != nil {
			m.panicked, err = p, errPanicked
		}
	}()
	return m.f(unhurried{q})
}

// unhurried runs statements to their end though their context ends: SQLite
// would roll back the whole transaction, and what others have in it.
type unhurried struct{ querier }

func (u unhurried) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return u.querier.ExecContext(context.WithoutCancel(ctx), query, args...)
}

func (u unhurried) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return u.querier.QueryContext(context.WithoutCancel(ctx), query, args...)
}

func (u unhurried) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	return u.querier.QueryRowContext(context.WithoutCancel(ctx), query, args...)
}

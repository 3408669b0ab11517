package store

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func openGroup(t *testing.T) *DB {
	t.Helper()
	db, err := Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "tilldesk.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// gathered queues transactions behind one that waits until all are there, so
// that they are one group, and returns their errors.
func gathered(t *testing.T, db *DB, fs ...func(querier) error) []error {
	t.Helper()
	var all sync.WaitGroup
	first, go1 := make(chan struct{}), make(chan struct{})
	all.Go(func() {
		if err := db.inTx(t.Context(), func(querier) error { close(first); <-go1; return nil }); err != nil {
			t.Error(err)
		}
	})
	<-first
	errs := make([]error, len(fs))
	for i, f := range fs {
		all.Go(func() {
			defer func() {
				if p := recover(); p != nil {
					errs[i] = fmt.Errorf("panicked: %v", p)
				}
			}()
			errs[i] = db.inTx(t.Context(), f)
		})
	}
	for { // until all are queued
		db.group.mu.Lock()
		n := len(db.group.waiting)
		db.group.mu.Unlock()
		if n == len(fs) {
			break
		}
	}
	close(go1)
	all.Wait()
	return errs
}

func counter(name string) func(querier) error {
	return func(q querier) error {
		_, err := exec(context.Background(), q, "INSERT INTO counters (name, n) VALUES ($1, 1)", name)
		return err
	}
}

func counters(t *testing.T, db *DB) string {
	t.Helper()
	names, err := collect(t.Context(), db.reader, scanOne[string], "SELECT name FROM counters ORDER BY name")
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(names)
}

// TestGroup has one member of a group fail in each way: it leaves nothing
// behind, and the others are stored.
func TestGroup(t *testing.T) {
	errOwn := errors.New("its own")
	for _, tt := range []struct {
		name string
		bad  func(querier) error
		want string
	}{
		{"an error of its own", func(q querier) error { return errors.Join(counter("bad")(q), errOwn) }, "its own"},
		{"a statement that fails, of which it says nothing", func(q querier) error { _ = counter("bad")(q); _ = counter("bad")(q); return errOwn }, "its own"},
		{"a row that a query writes", func(q querier) error {
			_, err := collect(t.Context(), q, scanOne[string], "INSERT INTO counters (name, n) VALUES ('bad', 1) RETURNING name")
			return errors.Join(err, errOwn)
		}, "its own"},
		{"a statement that fails", func(q querier) error { return errors.Join(counter("bad")(q), counter("bad")(q)) }, "UNIQUE"},
		{"a panic", func(q querier) error { _ = counter("bad")(q); panic("odd") }, "panicked: odd"},
		{"it ends the whole transaction", func(q querier) error {
			_ = counter("bad")(q)
			_, err := q.ExecContext(t.Context(), "ROLLBACK")
			return errors.Join(err, errOwn)
		}, "its own"},
		{"what only the commit finds", func(q querier) error {
			_, err := q.ExecContext(t.Context(), "INSERT INTO inbox (message_id, conversation_id, remote, seq, received_at) SELECT 'none', id, 'r', 1, 1 FROM conversations LIMIT 1")
			return err
		}, "FOREIGN KEY"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			db := openGroup(t)
			if _, err := db.writer.Exec("INSERT INTO conversations (id, channel, remote, state, state_sum, phase, created_at, updated_at) VALUES ('c', 'web', 'r', '{}', x'00', 'idle', 1, 1)"); err != nil {
				t.Fatal(err)
			}
			errs := gathered(t, db, counter("a"), tt.bad, counter("b"))
			for i, err := range errs {
				if i == 1 && (err == nil || !strings.Contains(err.Error(), tt.want)) || i != 1 && err != nil {
					t.Errorf("member %d: %v", i, err)
				}
			}
			if got := counters(t, db); got != "[a b]" {
				t.Errorf("stored are %s, want [a b]", got)
			}
		})
	}
}

// TestGroupGoesOn has members that find nothing to do: nobody is begun anew
// for them.
func TestGroupGoesOn(t *testing.T) {
	db := openGroup(t)
	errNone := errors.New("nothing to do")
	runs := 0
	counted := func(f func(querier) error) func(querier) error {
		return func(q querier) error { runs++; return f(q) } // by the one goroutine that writes
	}
	idle := counted(func(q querier) error {
		var n int
		err := q.QueryRowContext(t.Context(), "SELECT n FROM counters WHERE name = 'none'").Scan(&n)
		return errors.Join(errNone, err, execOne(t.Context(), q, errNone, "UPDATE counters SET n = 2 WHERE name = 'none'"))
	})
	errs := gathered(t, db, counted(counter("a")), idle, counted(counter("b")), idle)
	failed := 0
	for _, err := range errs {
		if errors.Is(err, errNone) {
			failed++
		} else if err != nil {
			t.Error(err)
		}
	}
	if got := counters(t, db); got != "[a b]" || failed != 2 || runs != 4 {
		t.Errorf("%d transactions of 4 failed and %d ran; stored are %s", failed, runs, got)
	}
}

// TestGroupWithdraws gives up a transaction that waits: it is never run.
func TestGroupWithdraws(t *testing.T) {
	db := openGroup(t)
	first, goOn := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		if err := db.inTx(t.Context(), func(querier) error { close(first); <-goOn; return nil }); err != nil {
			t.Error(err)
		}
	})
	<-first
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := db.inTx(ctx, counter("late")); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want it to end with its context", err)
	}
	close(goOn)
	all.Wait()
	if err := db.inTx(t.Context(), counter("next")); err != nil {
		t.Fatal(err)
	}
	if got := counters(t, db); got != "[next]" {
		t.Errorf("stored are %s", got)
	}
}

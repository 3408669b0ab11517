package store

import (
	"context"
	"fmt"
	"sync"
	"testing"
)

// A statement that is kept holds no reading transaction open: the write-ahead
// log could not be emptied.
func TestReaderKeepsNothingOpen(t *testing.T) {
	db := openTest(t)
	for range 3 {
		if err := db.inTx(t.Context(), func(tx querier) error {
			_, err := tx.ExecContext(t.Context(), "INSERT INTO counters (name, n) VALUES ('a', 1), ('b', 2) ON CONFLICT (name) DO UPDATE SET n = counters.n + 1")
			return err
		}); err != nil {
			t.Fatal(err)
		}
		var name string
		if err := db.reader.QueryRowContext(t.Context(), "SELECT name FROM counters ORDER BY name").Scan(&name); name != "a" || err != nil {
			t.Fatal(name, err) // of the two rows, one is fetched
		}
		ended, end := context.WithCancel(t.Context())
		rows, err := db.reader.QueryContext(ended, "SELECT name FROM counters ORDER BY name DESC")
		if err != nil || !rows.Next() {
			t.Fatal(err)
		}
		end()
		if err := rows.Close(); err != nil {
			t.Fatal(err)
		}
		var busy, pages, moved int
		if err := db.writer.QueryRowContext(t.Context(), "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &pages, &moved); busy != 0 || err != nil {
			t.Errorf("the log could not be emptied: %d, %v", busy, err)
		}
	}
}

// What is read is what is stored, however many statements there are and
// whatever becomes of the tables meanwhile.
func TestReaderStatements(t *testing.T) {
	db := openTest(t)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for i := range maxPreparedReads + 20 {
				var n int
				if err := db.reader.QueryRowContext(t.Context(), fmt.Sprintf("SELECT $2 - $1 + %d", i), 3, 5).Scan(&n); n != i+2 || err != nil {
					t.Errorf("statement %d gives %d, %v", i, n, err)
				}
			}
		})
	}
	all.Wait()
	if n := len(db.reader.ready); n < maxPreparedReads || n > maxPreparedReads+8 {
		t.Errorf("%d statements are kept, want %d", n, maxPreparedReads)
	}

	clear(db.reader.ready)
	for i, columns := range []string{"a INTEGER", "b TEXT, a INTEGER"} {
		if err := db.inTx(t.Context(), func(tx querier) error {
			for _, change := range []string{"DROP TABLE IF EXISTS changing", "CREATE TABLE changing (" + columns + ")", fmt.Sprintf("INSERT INTO changing (a) VALUES (%d)", i+1)} {
				if _, err := tx.ExecContext(t.Context(), change); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		var a int
		if err := db.reader.QueryRowContext(t.Context(), "SELECT a FROM changing").Scan(&a); a != i+1 || err != nil {
			t.Errorf("after %d changes of the schema: %d, %v", i, a, err)
		}
	}
	ended, end := context.WithCancel(t.Context())
	end()
	var n int
	if err := db.reader.QueryRowContext(ended, "SELECT 1 WHERE 1 = 1").Scan(&n); err == nil {
		t.Error("it was read though nobody waits for it")
	}
}

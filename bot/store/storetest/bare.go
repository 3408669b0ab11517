package storetest

import (
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/store"
)

// Bare writes what a SQLite store has once more, into fresh ones with the same
// durability, with nothing around it: no lookup, no update, no second look.
// What a store cannot be faster than.
type Bare struct {
	testing.TB
	columns map[string][]string
	rows    map[string][]map[string]any
	heard   []map[string]any // the rows of messages of merchants, in the order in which they came
	inbox   map[any]map[string]any
}

// NewBare reads what the store at from has. Only what stands in order of time,
// as ids do, is written in the order in which it was.
func NewBare(t testing.TB, from string) *Bare {
	t.Helper()
	b := &Bare{TB: t, columns: Tables(t, from), rows: Dump(t, from), inbox: map[any]map[string]any{}}
	for _, row := range b.rows["inbox"] {
		row = maps.Clone(row)
		row["state"], row["turn_id"] = "new", nil // as it came
		b.inbox[row["message_id"]] = row
	}
	for _, row := range b.rows["messages"] {
		if b.inbox[row["id"]] != nil {
			b.heard = append(b.heard, row)
		}
	}
	return b
}

// Heard returns how many messages of merchants there are.
func (b *Bare) Heard() int { return len(b.heard) }

// All writes all rows of the store in so many commits of equal size, and
// returns how many rows and how long that took.
func (b *Bare) All(commits int) (rows int, took time.Duration) {
	b.Helper()
	to := b.fresh()
	var tables []string
	for _, table := range slices.Sorted(maps.Keys(b.rows)) {
		var there int
		if err := to.QueryRow("SELECT count(*) FROM " + table).Scan(&there); err != nil {
			b.Fatal(err)
		}
		if there == 0 { // else the schema comes with rows
			tables, rows = append(tables, table), rows+len(b.rows[table])
		}
	}
	begin := time.Now()
	for i := range commits {
		if err := to.commit(func(tx *sql.Tx) error {
			for _, table := range tables {
				n := len(b.rows[table])
				for _, row := range b.rows[table][n*i/commits : n*(i+1)/commits] {
					if err := to.insert(tx, table, row); err != nil {
						return err
					}
				}
			}
			return nil
		}); err != nil {
			b.Fatal(err)
		}
	}
	return rows, time.Since(begin)
}

// Acceptor returns a function that writes the rows that messages are
// acknowledged for: message, inbox and, the first time, conversation. It writes
// the messages from number i to before number end in one commit, and must be
// called in order.
func (b *Bare) Acceptor() func(i, end int) error {
	b.Helper()
	to := b.fresh()
	conversations := map[any]map[string]any{}
	for _, row := range b.rows["conversations"] {
		conversations[row["id"]] = row
	}
	return func(i, end int) error {
		return to.commit(func(tx *sql.Tx) error {
			for _, row := range b.heard[i:end] {
				of := row["conversation_id"]
				if first := conversations[of]; first != nil {
					delete(conversations, of)
					if err := to.insert(tx, "conversations", first); err != nil {
						return err
					}
				}
				if err := errors.Join(to.insert(tx, "inbox", b.inbox[row["id"]]), to.insert(tx, "messages", row)); err != nil {
					return err
				}
			}
			return nil
		})
	}
}

// bareStore is a fresh SQLite store, as a database and nothing else.
type bareStore struct {
	*sql.DB
	columns map[string][]string
	inserts map[string]*sql.Stmt
}

func (b *Bare) fresh() *bareStore {
	b.Helper()
	dsn := SQLite(b)
	db, err := store.Open(b.Context(), dsn, store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	if err := db.Close(); err != nil {
		b.Fatal(err)
	}
	pool, err := sql.Open("sqlite", "file:"+strings.TrimPrefix(dsn, "sqlite:")+"?_journal_mode=WAL&_synchronous=FULL&_txlock=immediate")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { pool.Close() })
	pool.SetMaxOpenConns(1)
	to := &bareStore{pool, b.columns, map[string]*sql.Stmt{}}
	for table, columns := range b.columns {
		if to.inserts[table], err = pool.Prepare("INSERT INTO " + table + " (" + strings.Join(columns, ", ") + ") VALUES (" +
			strings.TrimSuffix(strings.Repeat("?, ", len(columns)), ", ") + ")"); err != nil {
			b.Fatal(err)
		}
	}
	return to
}

func (s *bareStore) commit(f func(*sql.Tx) error) error {
	tx, err := s.Begin()
	if err != nil {
		return err
	}
	if err := f(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

func (s *bareStore) insert(tx *sql.Tx, table string, row map[string]any) error {
	values := make([]any, len(s.columns[table]))
	for i, column := range s.columns[table] {
		values[i] = row[column]
	}
	_, err := tx.Stmt(s.inserts[table]).Exec(values...)
	return err
}

// History fills a SQLite store, which must not be there yet, with messages that
// were answered, a hundred to a conversation.
func History(t testing.TB, dsn string, messages int) {
	t.Helper()
	const each, together = 100, 1000
	db, err := store.Open(t.Context(), dsn, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for from := 0; from < messages; from += together {
		var in []bot.Arrival
		for n := from; n < min(from+together, messages); n++ {
			in = append(in, bot.Arrival{Inbound: bot.Inbound{
				Address: bot.Address{Channel: "web", Remote: fmt.Sprintf("history-%08d", n/each)},
				Remote:  bot.RemoteID(fmt.Sprintf("m%d", n%each)),
				Text:    "花呗扫不了，收银台一直转圈",
			}})
		}
		if _, err := db.Accept(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	pool := Raw(t, dsn)
	for _, query := range []string{"UPDATE inbox SET state = 'done'", "UPDATE conversations SET waiting_since = NULL"} {
		if _, err := pool.ExecContext(t.Context(), query); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
	}
}

package storetest

import (
	"database/sql"
	"slices"
	"strings"
	"testing"
	"time"

	"tilldesk/bot/store"
)

// Rewrite writes all rows that a SQLite store has into a fresh one, in so many
// commits of equal size, with the same durability and with nothing around it:
// no lookup, no update, no second look. It returns how many rows there were and
// how long that took, which is what a store cannot be faster than.
func Rewrite(t testing.TB, from string, commits int) (rows int, took time.Duration) {
	t.Helper()
	to := SQLite(t)
	db, err := store.Open(t.Context(), to, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	pool, err := sql.Open("sqlite", "file:"+strings.TrimPrefix(to, "sqlite:")+"?_journal_mode=WAL&_synchronous=FULL&_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	pool.SetMaxOpenConns(1)
	type table struct {
		insert *sql.Stmt
		rows   [][]any
	}
	var tables []table
	all, columns := Dump(t, from), Tables(t, from)
	for _, name := range []string{"conversations", "messages", "turns", "inbox", "outbox", "cases"} {
		insert, err := pool.Prepare("INSERT INTO " + name + " (" + strings.Join(columns[name], ", ") + ") VALUES (" +
			strings.TrimSuffix(strings.Repeat("?, ", len(columns[name])), ", ") + ")")
		if err != nil {
			t.Fatal(err)
		}
		one := table{insert: insert}
		for _, row := range all[name] {
			var values []any
			for _, column := range columns[name] {
				values = append(values, row[column])
			}
			one.rows = append(one.rows, values)
			rows++
		}
		tables = append(tables, one)
	}
	begin := time.Now()
	for i := range commits {
		tx, err := pool.Begin()
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range tables {
			n := len(one.rows)
			for _, values := range slices.Clip(one.rows[n*i/commits : n*(i+1)/commits]) {
				if _, err := tx.Stmt(one.insert).Exec(values...); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := tx.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	return rows, time.Since(begin)
}

// History fills a SQLite store, which must not be there yet, with messages that
// were answered long ago, a hundred to a conversation.
func History(t testing.TB, dsn string, messages int) {
	t.Helper()
	db, err := store.Open(t.Context(), dsn, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	pool := Raw(t, dsn)
	for _, query := range []string{
		`INSERT INTO conversations (id, channel, remote, state, state_sum, phase, last_seq, created_at, updated_at)
			WITH RECURSIVE c (n) AS (VALUES (0) UNION ALL SELECT n + 1 FROM c WHERE n + 1 < (?1 + 99) / 100)
			SELECT printf('history-%08d', n), 'web', printf('history-%08d', n), '{}', x'', 'idle', 100, n, n FROM c`,
		`INSERT INTO messages (id, conversation_id, seq, author, kind, text, choice, payload, at, sum)
			WITH RECURSIVE m (n) AS (VALUES (0) UNION ALL SELECT n + 1 FROM m WHERE n + 1 < ?1)
			SELECT printf('history-%08d', n), printf('history-%08d', n / 100), n % 100 + 1, 'merchant', 'text', '花呗扫不了，收银台一直转圈', '', '{}', n, x'' FROM m`,
		`INSERT INTO inbox (message_id, conversation_id, remote, seq, state, received_at)
			SELECT id, conversation_id, id, seq, 'done', at FROM messages WHERE ?1 > 0`,
	} {
		if _, err := pool.ExecContext(t.Context(), query, messages); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
	}
}

package storetest

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tilldesk/bot"
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

package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
	"pgregory.net/rapid"

	"tilldesk/bot"
)

func openTest(t *testing.T) *DB {
	t.Helper()
	db, err := Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "tilldesk.db"), Options{Conns: 3})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// TestEveryConnection asks each connection for what makes it safe: a commit
// that is not on disk is no commit.
func TestEveryConnection(t *testing.T) {
	db := openTest(t)
	for _, pool := range []struct {
		name  string
		pool  *sql.DB
		conns int
		only  string
		trust string // in what is written, as to lists of states
	}{{"writer", db.writer, 1, "0", "1"}, {"reader", db.reader.DB, 3, "1", "0"}} {
		want := map[string]string{
			"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "15000", "secure_delete": "1",
			"trusted_schema": "0", "cell_size_check": "1", "query_only": pool.only,
			"ignore_check_constraints": pool.trust,
		}
		for i := range pool.conns {
			conn, err := pool.pool.Conn(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close() // all at once, so that each is another one
			got := map[string]string{}
			for pragma := range maps.Keys(want) {
				var value string
				if err := conn.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&value); err != nil {
					t.Fatal(pragma, err)
				}
				got[pragma] = value
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s %d (-want +got):\n%s", pool.name, i, diff)
			}
		}
	}
}

func TestTablesAreStrict(t *testing.T) {
	db := openTest(t)
	loose, err := collect(t.Context(), db.reader, scanOne[string],
		"SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND NOT strict AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'goose_%'")
	if err != nil {
		t.Fatal(err)
	}
	if len(loose) > 0 {
		t.Errorf("not STRICT: %v", loose)
	}
}

// TestFullDisk lets the file grow no more, as a full disk does.
func TestFullDisk(t *testing.T) {
	db := openTest(t)
	limit := func(pages int) {
		t.Helper()
		if err := db.inTx(t.Context(), func(q querier) error { // each connection has a limit of its own
			_, err := q.ExecContext(t.Context(), fmt.Sprintf("PRAGMA max_page_count = %d", pages))
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	limit(200)
	accept := func(i int) error {
		_, err := db.Accept(t.Context(), []bot.Arrival{{Inbound: bot.Inbound{
			Address: bot.Address{Channel: "web", Remote: "shop"}, Remote: bot.RemoteID(fmt.Sprint(i)), Text: strings.Repeat("x", 500),
		}}})
		return err
	}
	n := 0
	var err error
	for ; err == nil; n++ {
		err = accept(n)
	}
	n-- // the last was not acknowledged
	var lite *sqlite.Error
	if !errors.As(err, &lite) || lite.Code() != sqlite3.SQLITE_FULL || !strings.Contains(err.Error(), "free some space") {
		t.Errorf("Accept on a full disk: %v", err)
	}
	c, _, err := db.ConversationOf(t.Context(), "web", "shop")
	if err != nil {
		t.Fatal(err)
	}
	entries, err := db.History(t.Context(), c.ID, 0, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != n {
		t.Errorf("%d messages are stored, %d were acknowledged", len(entries), n)
	}
	limit(1 << 20)
	if err := accept(n); err != nil {
		t.Errorf("Accept once there is space: %v", err)
	}
	if err := db.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestBrokenMigration leaves nothing of a migration that fails half-way.
func TestBrokenMigration(t *testing.T) {
	db := openTest(t)
	files := fstest.MapFS{}
	names, err := migrations.ReadDir("migrations")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		data, err := migrations.ReadFile("migrations/" + name.Name())
		if err != nil {
			t.Fatal(err)
		}
		files[name.Name()] = &fstest.MapFile{Data: data}
	}
	const broken = "09999_broken.sql"
	files[broken] = &fstest.MapFile{Data: []byte("-- +goose Up\nCREATE TABLE half (id TEXT);\nINSERT INTO half VALUES ('x');\nINSERT INTO nowhere VALUES (1);\n")}
	err = migrate(t.Context(), db.writer, goose.DialectSQLite3, files, Options{})
	if err == nil || !strings.Contains(err.Error(), "to 9999") {
		t.Errorf("migrate: %v", err)
	}
	var n int
	if err := db.reader.QueryRow("SELECT count(*) FROM sqlite_schema WHERE name = 'half'").Scan(&n); n != 0 || err != nil {
		t.Errorf("%d tables of the broken migration are left, %v", n, err)
	}
	if err := migrate(t.Context(), db.writer, goose.DialectSQLite3, sqliteSchema, Options{}); err != nil {
		t.Errorf("the program from before: %v", err)
	}
	files[broken].Data = []byte("-- +goose Up\nCREATE TABLE whole (id TEXT);\n")
	if err := migrate(t.Context(), db.writer, goose.DialectSQLite3, files, Options{Beside: true}); err == nil || !strings.Contains(err.Error(), "start the service") {
		t.Errorf("migrate beside the service: %v", err)
	}
	if err := migrate(t.Context(), db.writer, goose.DialectSQLite3, files, Options{}); err != nil {
		t.Error(err)
	}
}

func TestInTx(t *testing.T) {
	db := openTest(t)
	conflict := errors.New("conflict")
	db.dialect.again = func(err error) bool { return errors.Is(err, conflict) }
	for _, tt := range []struct{ conflicts, calls int }{{0, 1}, {2, 3}, {maxTries, maxTries}, {100, maxTries}} {
		calls := 0
		err := db.inTx(t.Context(), func(tx querier) error {
			if _, err := tx.ExecContext(t.Context(), "INSERT INTO counters VALUES ($1, 1)", fmt.Sprint(tt.conflicts)); err != nil {
				return err
			}
			if calls++; calls <= tt.conflicts {
				return conflict
			}
			return nil
		})
		if calls != tt.calls || (err == nil) != (tt.conflicts < maxTries) {
			t.Errorf("%d conflicts: %d calls, %v", tt.conflicts, calls, err)
		}
	}
	func() {
		defer func() { recover() }()
		db.inTx(t.Context(), func(tx querier) error { panic("within") })
	}()
	if err := db.inTx(t.Context(), func(querier) error { return nil }); err != nil {
		t.Errorf("after a panic: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := db.inTx(ended, func(querier) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("with an ended context: %v", err)
	}
}

func TestTuples(t *testing.T) {
	for _, tt := range []struct {
		first, n, columns int
		shared            []string
		want              string
	}{{1, 1, 1, nil, "($1)"}, {3, 2, 2, nil, "($3, $4), ($5, $6)"}, {3, 2, 1, []string{"$1", "$2"}, "($3, $1, $2), ($4, $1, $2)"}} {
		if got := tuples(tt.first, tt.n, tt.columns, tt.shared...); got != tt.want {
			t.Errorf("tuples(%d, %d, %d, %v) = %s, want %s", tt.first, tt.n, tt.columns, tt.shared, got, tt.want)
		}
	}
	if got := list(2, 3); got != "($2, $3, $4)" {
		t.Errorf("list(2, 3) = %s", got)
	}
}

func TestClean(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := string(rapid.SliceOf(rapid.Byte()).Draw(t, "in"))
		if rapid.Bool().Draw(t, "text") {
			in = rapid.String().Draw(t, "in")
		}
		got := clean(in)
		if !utf8.ValidString(got) || strings.Contains(got, "\x00") {
			t.Fatalf("clean(%q) = %q", in, got)
		}
		if utf8.ValidString(in) && !strings.Contains(in, "\x00") && got != in {
			t.Fatalf("clean(%q) = %q, and it was clean", in, got)
		}
		if key(in) != in && (key(in) != "" || got == in) {
			t.Fatalf("key(%q) = %q", in, key(in))
		}
		if why := cleanWhy(in); len(why) > 3*maxWhy || !utf8.ValidString(why) {
			t.Fatalf("cleanWhy(%q) = %q", in, why)
		}
	})
}

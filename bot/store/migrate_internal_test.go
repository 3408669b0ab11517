package store

import (
	"database/sql"
	"fmt"
	"io/fs"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/pressly/goose/v3"
)

// TestMigrationFailsHalfWay lets each migration fail at its last statement, as
// one that is killed there would: nothing of it is left, the one before it
// stands, and the next start brings the schema to where it would have been.
func TestMigrationFailsHalfWay(t *testing.T) {
	if testing.Short() {
		t.Skip("not with -short: all migrations again and again, one after the other, are a minute under the race detector")
	}
	names, err := fs.Glob(sqliteSchema, "*.sql")
	if err != nil || len(names) < 2 {
		t.Fatal(names, err)
	}
	whole := blank(t)
	if err := migrate(t.Context(), whole, goose.DialectSQLite3, sqliteSchema, Options{}); err != nil {
		t.Fatal(err)
	}
	want := tablesOf(t, whole)

	stands := blank(t) // what stands after the migrations before
	for i, name := range names {
		half, before := fstest.MapFS{}, fstest.MapFS{}
		for j, other := range names[:i+1] {
			text, err := fs.ReadFile(sqliteSchema, other)
			if err != nil {
				t.Fatal(err)
			}
			if j == i {
				text = append(text, "\nINSERT INTO no_such_table VALUES (1);\n"...)
			} else {
				before[other] = &fstest.MapFile{Data: text}
			}
			half[other] = &fstest.MapFile{Data: text}
		}
		pool := blank(t)
		if err := migrate(t.Context(), pool, goose.DialectSQLite3, half, Options{}); err == nil {
			t.Fatalf("%s: the broken migration did not fail", name)
		}
		if i > 0 {
			if err := migrate(t.Context(), stands, goose.DialectSQLite3, before, Options{}); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tablesOf(t, stands), tablesOf(t, pool)); diff != "" {
				t.Errorf("%s failed and left something (-without it +with it):\n%s", name, diff)
			}
		}
		if err := migrate(t.Context(), pool, goose.DialectSQLite3, sqliteSchema, Options{}); err != nil {
			t.Fatalf("%s: the next start: %v", name, err)
		}
		if diff := cmp.Diff(want, tablesOf(t, pool)); diff != "" {
			t.Errorf("%s: after the next start (-want +got):\n%s", name, diff)
		}
	}
}

// blank is a database without anything in it.
func blank(t *testing.T) *sql.DB {
	t.Helper()
	dsn, err := sqliteDSN(filepath.Join(t.TempDir(), "blank.db"), true)
	if err != nil {
		t.Fatal(err)
	}
	pool, err := sql.Open("sqlite", dsn)
	if err != nil {
		t.Fatal(err)
	}
	pool.SetMaxOpenConns(1)
	t.Cleanup(func() { pool.Close() })
	return pool
}

// tablesOf returns how all tables and indexes were made, by name.
func tablesOf(t *testing.T, pool *sql.DB) map[string]string {
	t.Helper()
	made := map[string]string{}
	_, err := collect(t.Context(), pool, func(scan func(...any) error) (struct{}, error) {
		var name, text string
		err := scan(&name, &text)
		made[name] = text
		return struct{}{}, err
	}, "SELECT name, coalesce(sql, '') FROM sqlite_schema")
	if err != nil {
		t.Fatal(fmt.Errorf("reading the schema: %w", err))
	}
	return made
}

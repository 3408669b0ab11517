// Package storetest gives tests fresh, real databases, and has the suite that
// every store must pass.
package storetest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver pgx
	_ "modernc.org/sqlite"             // the driver sqlite

	"tilldesk/bot/store"
)

// Each runs a test on a fresh database of each kind, given by its DSN.
func Each(t *testing.T, f func(t *testing.T, dsn string)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { f(t, SQLite(t)) })
	t.Run("postgres", func(t *testing.T) { f(t, Postgres(t)) })
}

// SQLite returns the DSN of a store without rows, whose schema is up to date,
// in a folder that goes with the test.
func SQLite(t testing.TB) string {
	t.Helper()
	data, err := emptyFile()
	if err != nil {
		t.Fatal(err)
	}
	dsn := NoFile(t)
	if err := os.WriteFile(strings.TrimPrefix(dsn, "sqlite:"), data, 0o600); err != nil {
		t.Fatal(err)
	}
	return dsn
}

// NoFile returns the DSN of a database file that is not there yet, in a folder
// that goes with the test.
func NoFile(t testing.TB) string {
	return "sqlite:" + filepath.Join(t.TempDir(), "tilldesk.db")
}

// emptyFile returns the bytes of an empty store. Hundreds of tests want one,
// and under the race detector migrations take seconds: they run once.
var emptyFile = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "tilldesk")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "tilldesk.db")
	db, err := store.Open(context.Background(), "sqlite:"+file, store.Options{})
	if err != nil {
		return nil, err
	}
	if err := db.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(file)
})

const defaultPostgres = "postgres://postgres@127.0.0.1:5432/postgres?sslmode=disable"

// Postgres returns the DSN of an empty schema that goes with the test, in the
// database that TILLDESK_TEST_POSTGRES names or else in the one of a local
// server. Without any the test is skipped, or fails if CI is "true".
func Postgres(t testing.TB) string {
	t.Helper()
	base := os.Getenv("TILLDESK_TEST_POSTGRES")
	if base == "" {
		base = defaultPostgres
	}
	dsn, err := url.Parse(base)
	if err != nil || dsn.Scheme == "" {
		t.Fatal("TILLDESK_TEST_POSTGRES is not a URL such as " + defaultPostgres)
	}
	pool, err := sql.Open("pgx", base)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	name := "tilldesk_test_" + strings.ReplaceAll(uuid.NewString(), "-", "")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := reach(ctx, pool); err != nil {
		const hint = "no PostgreSQL to test with; set TILLDESK_TEST_POSTGRES"
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s: %v", hint, err)
		}
		t.Skipf("%s: %v", hint, err)
	}
	if _, err := pool.ExecContext(ctx, "CREATE SCHEMA "+name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		pool, err := sql.Open("pgx", base)
		if err == nil {
			defer pool.Close()
			_, err = pool.Exec("DROP SCHEMA " + name + " CASCADE")
		}
		if err != nil {
			t.Errorf("the schema %s stays behind: %v", name, err)
		}
	})
	q := dsn.Query()
	q.Set("search_path", name)
	dsn.RawQuery = q.Encode()
	return dsn.String()
}

// reach waits until the server has a connection to spare: tests of other
// packages may have all of them for a moment, or it may be starting up. One
// that is not there is told at once.
func reach(ctx context.Context, pool *sql.DB) error {
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for {
		err := pool.PingContext(ctx)
		var refused *pgconn.PgError
		if !errors.As(err, &refused) || refused.Code != "53300" && refused.Code != "57P03" { // too_many_connections, cannot_connect_now
			return err
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return err
		}
	}
}

// Open opens a store that is closed with the test.
func Open(t testing.TB, dsn string, opt store.Options) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), dsn, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// Raw opens the database beneath a store, to look into it or to damage it. It
// is closed with the test.
func Raw(t testing.TB, dsn string) *sql.DB {
	t.Helper()
	pool := raw(t, dsn)
	t.Cleanup(func() { pool.Close() })
	return pool
}

// raw opens the database beneath a store. Whoever looks into it many times in
// one test closes it: PostgreSQL has a hundred connections and no more.
func raw(t testing.TB, dsn string) *sql.DB {
	t.Helper()
	driver, name := "pgx", dsn
	if path, ok := strings.CutPrefix(dsn, "sqlite:"); ok {
		driver, name = "sqlite", fmt.Sprintf("file:%s?_busy_timeout=10000&_foreign_keys=on", path)
	}
	pool, err := sql.Open(driver, name)
	if err != nil {
		t.Fatal(err)
	}
	return pool
}

// Tables returns the names of the tables of a store, without those of the
// migrations, and the names of the columns of each.
func Tables(t testing.TB, dsn string) map[string][]string {
	t.Helper()
	query := `SELECT m.name, c.name FROM sqlite_schema m, pragma_table_info(m.name) c
		WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' ORDER BY m.name, c.cid`
	if !strings.HasPrefix(dsn, "sqlite:") {
		query = `SELECT table_name, column_name FROM information_schema.columns
			WHERE table_schema = current_schema() ORDER BY table_name, ordinal_position`
	}
	pool := raw(t, dsn)
	defer pool.Close()
	rows, err := pool.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	tables := map[string][]string{}
	for rows.Next() {
		var table, column string
		if err := rows.Scan(&table, &column); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(table, "goose_") {
			tables[table] = append(tables[table], column)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return tables
}

// Dump returns all rows of all tables of a store, by table and column.
func Dump(t testing.TB, dsn string) map[string][]map[string]any {
	t.Helper()
	pool := raw(t, dsn)
	defer pool.Close()
	all := map[string][]map[string]any{}
	for table, columns := range Tables(t, dsn) {
		rows, err := pool.QueryContext(t.Context(), "SELECT "+strings.Join(columns, ", ")+" FROM "+table+" ORDER BY 1")
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			values, pointers := make([]any, len(columns)), make([]any, len(columns))
			for i := range values {
				pointers[i] = &values[i]
			}
			if err := rows.Scan(pointers...); err != nil {
				t.Fatal(err)
			}
			row := map[string]any{}
			for i, column := range columns {
				row[column] = values[i]
			}
			all[table] = append(all[table], row)
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// Count returns how many rows of a table a condition holds for.
func Count(t testing.TB, dsn, table, where string) (n int) {
	t.Helper()
	pool := raw(t, dsn)
	defer pool.Close()
	if err := pool.QueryRowContext(t.Context(), "SELECT count(*) FROM "+table+" WHERE "+where).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// busyTimeout is how long a statement waits for another process that writes.
const busyTimeout = 15 * time.Second

// checkTime bounds the check of the file at start: a small one is checked
// whole, a large one must not keep merchants waiting.
const checkTime = 500 * time.Millisecond

var sqliteSchema = schema("BIGINT", "INTEGER", "BYTEA", "BLOB", "\n);", "\n) STRICT;")

// sqliteDSN returns the driver's name for a file. Whatever a connection must
// know stands in it: a PRAGMA that is executed reaches one connection only.
func sqliteDSN(path string, write bool) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	q := url.Values{
		"_busy_timeout": {fmt.Sprint(busyTimeout.Milliseconds())},
		"_journal_mode": {"WAL"},
		"_synchronous":  {"FULL"}, // a commit is on disk before it is told
		"_foreign_keys": {"on"},
		"_txlock":       {"immediate"}, // or a transaction could fail half-way, when it first writes
		"_dqs":          {"0"},
		"_defensive":    {"1"},
		"_pragma": {
			"secure_delete(on)", // what is erased is overwritten
			"trusted_schema(off)",
			"cell_size_check(on)",
			"journal_size_limit(67108864)",
		},
	}
	if write {
		// A CHECK with a list makes a temporary table of it for each row. What
		// is written are constants of this package, which PostgreSQL checks in
		// the same tests, and `tilldesk check` does on the file.
		q.Add("_pragma", "ignore_check_constraints(on)")
	} else {
		q.Set("_query_only", "on")
		q.Set("_txlock", "deferred")
	}
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(abs), RawQuery: q.Encode()}).String(), nil
}

func openSQLite(ctx context.Context, path string, opt Options) (_ *DB, err error) {
	if path == "" {
		return nil, errors.New("opening the store: sqlite: needs the path of a file, such as sqlite:data/tilldesk.db")
	}
	db := &DB{now: opt.Now, newID: opt.NewID}
	defer func() {
		if err == nil {
			return
		}
		err = fmt.Errorf("opening the store in %s: %w", path, err)
		if db.reader != nil {
			err = errors.Join(err, db.Close())
		} else if db.unlock != nil {
			err = errors.Join(err, db.unlock())
		}
	}()
	db.dialect = sqliteDialect(path)
	if opt.Beside {
		if _, err := os.Stat(path); err != nil {
			return nil, err
		}
	} else {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return nil, err
		}
		if db.unlock, err = lock(path + ".lock"); err != nil {
			return nil, err
		}
		if err := makeFile(path); err != nil {
			return nil, err
		}
	}
	if err := db.connectSQLite(path, opt.Conns); err != nil {
		return nil, err
	}
	if err := checkBriefly(ctx, db.writer); err != nil {
		return nil, db.dialect.explain(err)
	}
	if err := migrate(ctx, db.writer, goose.DialectSQLite3, sqliteSchema, opt); err != nil {
		return nil, db.dialect.explain(err)
	}
	if opt.Beside {
		return db, nil
	}
	return db, db.inTx(ctx, func(tx querier) error { return release(ctx, tx) })
}

// makeFile makes the database file with the access it should have; SQLite
// gives the files beside it the same. One that is there stays as it is and is
// not even opened: closing it would drop the locks of this process on it.
func makeFile(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.Close()
}

func (db *DB) connectSQLite(path string, readers int) error {
	if readers == 0 {
		readers = 4
	}
	writer, err := sqliteDSN(path, true)
	if err != nil {
		return err
	}
	readDSN, err := sqliteDSN(path, false)
	if err != nil {
		return err
	}
	if db.writer, err = sql.Open("sqlite", writer); err != nil {
		return err
	}
	db.writer.SetMaxOpenConns(2) // the group keeps one
	db.writer.SetMaxIdleConns(0) // the other has filled its cache of pages with the check, and is hardly needed again
	db.group = &group{writer: newWriter(db.writer)}
	pool, err := sql.Open("sqlite", readDSN)
	if err != nil {
		return errors.Join(err, db.writer.Close())
	}
	pool.SetMaxOpenConns(readers)
	pool.SetMaxIdleConns(readers)
	db.reader = &reader{DB: pool, prepares: true}
	return nil
}

// release frees what a process held that is gone: this one holds the lock, so
// no other can be there.
func release(ctx context.Context, tx querier) error {
	if _, err := exec(ctx, tx, "UPDATE conversations SET lease_until = 0 WHERE waiting_since IS NOT NULL AND lease_until > 0"); err != nil {
		return err
	}
	for _, query := range []string{
		"UPDATE outbox SET lease_until = 0 WHERE state = 'sending'",
		"UPDATE telegram_bots SET lease_until = 0 WHERE lease_until > 0",
		"UPDATE telegram_groups SET lease_until = 0 WHERE lease_until > 0",
	} {
		if _, err := exec(ctx, tx, query); err != nil {
			return err
		}
	}
	return nil
}

// checkBriefly looks for damage in the structure of the file, as far as it
// gets in checkTime.
func checkBriefly(ctx context.Context, pool *sql.DB) error {
	limited, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	var verdict string
	err := pool.QueryRowContext(limited, "PRAGMA quick_check(1)").Scan(&verdict)
	switch {
	case err != nil && limited.Err() != nil && ctx.Err() == nil:
		return nil // too large to be checked now
	case err != nil:
		return err
	case verdict != "ok":
		return fmt.Errorf("%s: %w", verdict, ErrDamaged)
	}
	return nil
}

func sqliteDialect(path string) dialect {
	return dialect{
		name:      "sqlite",
		rows:      32,
		numbering: counting,
		again:     func(error) bool { return false },
		explain:   func(err error) error { return explainSQLite(path, err) },
		scrub:     scrubSQLite,
		backup:    func(ctx context.Context, file string) error { return backupSQLite(ctx, path, file) },
	}
}

// explainSQLite adds to the driver's words what can be done.
func explainSQLite(path string, err error) error {
	const restore = "stop the service and restore a backup with `tilldesk restore FILE`"
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		switch lite.Code() & 0xff {
		case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
			return fmt.Errorf("%s: %w: %s: %w", path, ErrDamaged, restore, err)
		case sqlite3.SQLITE_FULL:
			return fmt.Errorf("%s: the disk is full: free some space there: %w", path, err)
		case sqlite3.SQLITE_BUSY:
			return fmt.Errorf("%s: another process has been writing for over %v: %w", path, busyTimeout, err)
		}
	} else if errors.Is(err, ErrDamaged) {
		return fmt.Errorf("%s: %w; %s", path, err, restore)
	}
	return err
}

// scrubSQLite empties the WAL, where erased content may still stand.
func scrubSQLite(ctx context.Context, db *DB) error {
	var busy, pages, moved int
	if err := db.writer.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &pages, &moved); err != nil {
		return fmt.Errorf("emptying the write-ahead log: %w", db.dialect.explain(err))
	}
	return nil // if somebody was reading all the time, the next one will empty it
}

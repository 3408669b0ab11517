package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Backup writes a copy of the database, as of one moment, to a file that must
// not exist yet, while the service goes on. The copy has been read through
// before it gets its name: if the file is there, it is whole. A PostgreSQL
// database is backed up with pg_dump instead.
func (db *DB) Backup(ctx context.Context, file string) error {
	if err := db.dialect.backup(ctx, file); err != nil {
		return fmt.Errorf("backing up to %s: %w", file, err)
	}
	return nil
}

// backupSQLite reads the database at path through a connection of its own: it
// takes long, and those of the pools have others waiting for them.
func backupSQLite(ctx context.Context, path, file string) (err error) {
	if err := mustNotExist(file); err != nil {
		return err
	}
	partial := file + ".partial"
	if err := os.Remove(partial); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, removeDatabase(partial))
		}
	}()
	if err := makeFile(partial); err != nil { // an empty file is taken, with its access
		return err
	}
	dsn, err := sqliteDSN(path, true)
	if err != nil {
		return err
	}
	pool, err := sql.Open("sqlite", dsn)
	if err != nil {
		return err
	}
	_, err = pool.ExecContext(ctx, "VACUUM INTO $1", partial)
	if err = errors.Join(explainSQLite(path, err), pool.Close()); err != nil {
		return err
	}
	if err := verify(ctx, partial); err != nil {
		return err
	}
	return settle(partial, file)
}

// Restore makes the database that dsn names a copy of a backup, after reading
// the backup through. The service must be stopped; a database that is there is
// kept beside it with the ending .before-restore.
func Restore(ctx context.Context, file, dsn string) error {
	path, ok := cutSQLite(dsn)
	if !ok {
		return errors.New("restoring: a PostgreSQL database is restored by its own tools: pg_restore --clean --dbname=DATABASE FILE")
	}
	if err := restore(ctx, file, path); err != nil {
		return fmt.Errorf("restoring %s from %s: %w", path, file, err)
	}
	return nil
}

func restore(ctx context.Context, file, path string) (err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	unlock, err := lock(path + ".lock")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	old := path + ".before-restore"
	if _, err := os.Stat(path); err == nil {
		if err := mustNotExist(old); err != nil {
			return err
		}
	}
	partial := path + ".partial"
	if err := copyFile(file, partial); err != nil {
		return errors.Join(err, removeDatabase(partial))
	}
	if err := verify(ctx, partial); err != nil {
		var sum *SumError
		if errors.Is(err, ErrDamaged) || errors.As(err, &sum) {
			err = fmt.Errorf("it is no sound backup, and the database is as it was; restore another one: %w", err)
		}
		return errors.Join(err, removeDatabase(partial))
	}
	// Its WAL moves with the old database: it would be taken for the new one's.
	for _, suffix := range databaseFiles {
		if err := os.Rename(path+suffix, old+suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return settle(partial, path)
}

// databaseFiles are the endings of the files of one database.
var databaseFiles = []string{"-shm", "-wal", ""}

func removeDatabase(path string) error {
	var errs []error
	for _, suffix := range databaseFiles {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func mustNotExist(file string) error {
	_, err := os.Stat(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = fmt.Errorf("%s exists already: move it away", file)
	}
	return err
}

func copyFile(from, to string) error {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = dst.ReadFrom(src)
	return errors.Join(err, dst.Close())
}

// settle gives a finished file its name, durably.
func settle(partial, file string) error {
	f, err := os.Open(partial)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(partial, file); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(file))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// verify reads a database file through: its structure, that it is one of ours
// and of a version that is known, and the checksum of every message.
func verify(ctx context.Context, path string) (err error) {
	db, err := Open(ctx, "sqlite:"+path, Options{Beside: true, old: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return db.Check(ctx)
}

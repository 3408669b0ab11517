package store

import (
	"io/fs"
	"testing/fstest"
)

// What tests outside of the package look into.
const (
	SelectEvent = selectEvent
	SelectSaid  = selectSaid
)

var Listing = (*DB).listing

// TakeNumbers takes numbers of events in PostgreSQL.
var TakeNumbers = sequenced.take

// AddMigration adds a migration after those that there are, until undo is
// called.
func AddMigration(text string) (undo func()) {
	lite, pg := sqliteSchema, postgresSchema
	sqliteSchema, postgresSchema = withMigration(lite, text), withMigration(pg, text)
	return func() { sqliteSchema, postgresSchema = lite, pg }
}

func withMigration(files fs.FS, text string) fs.FS {
	all := fstest.MapFS{"99999_added.sql": {Data: []byte("-- +goose Up\n" + text)}}
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		panic(err)
	}
	for _, name := range names {
		content, err := fs.ReadFile(files, name)
		if err != nil {
			panic(err)
		}
		all[name] = &fstest.MapFile{Data: content}
	}
	return all
}

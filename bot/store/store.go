package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/google/uuid"

	"tilldesk/bot"

	"tilldesk/bot/desk"
)

// Errors to be told apart. Each is wrapped in one that names the thing.
var (
	// ErrNotFound says that there is no such thing, or not in the state that
	// was asked for.
	ErrNotFound = desk.ErrNotFound
	// ErrInUse says that another process serves this SQLite database.
	ErrInUse = errors.New("in use by another process")
	// ErrNewer says that a newer program has changed the schema.
	ErrNewer = errors.New("the database is of a newer version of tilldesk")
	// ErrDamaged says that the database file cannot be trusted.
	ErrDamaged = errors.New("the database is damaged")
)

// A SumError says that what is stored is not what was stored: the checksum of
// a message differs, or that of the state of a conversation if no message is
// named. Nothing of it is shown, sent or acted on.
type SumError struct {
	Message      bot.MessageID
	Conversation bot.ConversationID
}

func (e *SumError) Error() string {
	what := "message " + string(e.Message)
	if e.Message == "" {
		what = "the state of conversation " + string(e.Conversation)
	}
	return what + " is damaged in the database: its checksum differs; restore a backup"
}

// Options of a DB; zero values are good.
type Options struct {
	// Beside opens the database next to the process that serves it, for a
	// command: without the lock of SQLite, without changing the schema, without
	// freeing what a dead process held.
	Beside bool
	// Conns is how many connections there are at most: to read from SQLite
	// (4 if 0; it has one more to write), to PostgreSQL (16 if 0, unless its DSN
	// says otherwise).
	Conns int
	// Wait is for how long a PostgreSQL server that is not up yet, or has no
	// connection free, is tried again; not at all if 0.
	Wait  time.Duration
	Log   *slog.Logger     // nothing is logged if nil
	Now   func() time.Time // time.Now if nil
	NewID func() string    // ids of new rows; UUIDs of version 7 if nil

	old bool // with Beside: a schema that is not up to date will do
}

// DB is an open database. It is safe for concurrent use and is a [bot.Store].
type DB struct {
	writer  *sql.DB
	reader  *reader
	dialect dialect
	now     func() time.Time
	newID   func() string
	unlock  func() error // gives up the lock of SQLite

	group *group // writes to SQLite
}

var _ bot.Store = (*DB)(nil)

// dialect is where the two databases differ.
type dialect struct {
	name string
	// forUpdate and skipLocked end a SELECT of rows that the transaction will
	// change: wait for them, or leave out those that others hold. SQLite has one
	// writer at a time and needs neither.
	forUpdate, skipLocked string
	// rows is how many rows an INSERT should have at most. A round trip to
	// PostgreSQL is saved by many. SQLite has none, and looks for each
	// parameter among all others.
	rows int
	// snapshot makes all reads of a transaction see the same moment.
	snapshot sql.TxOptions
	// again reports whether a transaction failed only because of another one
	// and would succeed now.
	again func(error) bool
	// numbering gives events their numbers.
	numbering numbering
	// explain adds what to do to an error that people can do something about.
	explain func(error) error
	// scrub makes deleted content unreadable in the files, as far as the
	// database lets us.
	scrub func(context.Context, *DB) error
	// backup writes a copy of the database to a file that does not exist.
	backup func(ctx context.Context, file string) error
}

// Open opens the database that dsn names and brings its schema up to date:
//
//	sqlite:PATH       a file, made with its folder if it is not there
//	postgres://...    a PostgreSQL database, as libpq's URLs name it; pool_max_conns=N
//	                  among its parameters is how many connections to open at
//	                  most, pool_max_conn_idle_time and pool_max_conn_lifetime
//	                  after which time to close one, as for pgxpool
//
// It fails with ErrInUse if another process serves the SQLite file, with
// ErrNewer if the schema is newer than this program, with ErrDamaged if the
// file is not sound.
func Open(ctx context.Context, dsn string, opt Options) (*DB, error) {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.NewID == nil {
		opt.NewID = func() string { return uuid.Must(uuid.NewV7()).String() }
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if path, ok := cutSQLite(dsn); ok {
		return openSQLite(ctx, path, opt)
	}
	if strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://") {
		return openPostgres(ctx, dsn, opt)
	}
	scheme, _, _ := strings.Cut(dsn, ":") // the rest may hold a password
	return nil, fmt.Errorf("opening the store: %q is neither sqlite:PATH nor postgres://USER:PASSWORD@HOST/DATABASE", scheme)
}

// cutSQLite returns the path in the DSN of a SQLite database.
func cutSQLite(dsn string) (path string, ok bool) { return strings.CutPrefix(dsn, "sqlite:") }

// Close ends all connections. What is under way fails.
func (db *DB) Close() error {
	err := db.reader.Close()
	if db.group != nil {
		err = errors.Join(err, db.group.writer.close())
	}
	if db.writer != db.reader.DB {
		err = errors.Join(err, db.writer.Close()) // last, to fold the WAL into the file
	}
	if db.unlock != nil {
		err = errors.Join(err, db.unlock())
	}
	if err != nil {
		return fmt.Errorf("closing the store: %w", err)
	}
	return nil
}

// Ping reports whether the database answers.
func (db *DB) Ping(ctx context.Context) error {
	if err := db.reader.PingContext(ctx); err != nil {
		return fmt.Errorf("reaching the store: %w", err)
	}
	return nil
}

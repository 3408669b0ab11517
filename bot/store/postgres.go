package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/fnv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

var postgres = dialect{
	name:       "postgres",
	forUpdate:  " FOR NO KEY UPDATE",
	skipLocked: " FOR NO KEY UPDATE SKIP LOCKED",
	rows:       256,
	numbering:  sequenced,
	snapshot:   sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true},
	again: func(err error) bool {
		var pg *pgconn.PgError
		return errors.As(err, &pg) && (pg.Code == "40001" || pg.Code == "40P01") // serialization failure, deadlock
	},
	explain: explainPostgres,
	scrub:   func(context.Context, *DB) error { return nil }, // VACUUM is the server's
	backup: func(context.Context, string) error {
		return errors.New("a PostgreSQL database is backed up by its own tools: pg_dump --format=custom --file=FILE DATABASE, and pg_restore to restore")
	},
}

var postgresSchema = schema("-- only PostgreSQL: ", "")

// sessionDefaults hold unless the DSN says otherwise. A replica that is frozen
// within a transaction must not keep the others from its conversations.
var sessionDefaults = map[string]string{
	"application_name":                    "tilldesk",
	"lock_timeout":                        "15s",
	"idle_in_transaction_session_timeout": "10s",
}

func openPostgres(ctx context.Context, dsn string, opt Options) (_ *DB, err error) {
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("opening the store: %w", err) // the password is left out of it
	}
	for name, value := range sessionDefaults {
		if _, ok := cfg.RuntimeParams[name]; !ok {
			cfg.RuntimeParams[name] = value
		}
	}
	size, err := takePoolSize(cfg.RuntimeParams, opt.Conns)
	if err != nil {
		return nil, fmt.Errorf("opening the store: %w", err)
	}
	pool := stdlib.OpenDB(*cfg)
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("opening the store in the PostgreSQL database %q on %s: %w", cfg.Database, cfg.Host, err), pool.Close())
		}
	}()
	pool.SetMaxOpenConns(size.conns)
	pool.SetMaxIdleConns(size.conns)
	pool.SetConnMaxIdleTime(size.idle)
	pool.SetConnMaxLifetime(size.life)
	if err := awaitServer(ctx, opt, func() error { return preparePostgres(ctx, pool, opt) }); err != nil {
		return nil, explainPostgres(err)
	}
	return &DB{writer: pool, reader: &reader{DB: pool}, dialect: postgres, now: opt.Now, newID: opt.NewID}, nil
}

// preparePostgres makes the database what the store needs. It may be tried
// again after a failure.
func preparePostgres(ctx context.Context, pool *sql.DB, opt Options) error {
	var durable string
	if err := pool.QueryRowContext(ctx, "SHOW synchronous_commit").Scan(&durable); err != nil {
		return err
	}
	if durable == "off" {
		return errors.New("synchronous_commit is off: the server would lose messages that were acknowledged; set it to on")
	}
	return migratePostgres(ctx, pool, opt)
}

// migratePostgres updates the schema, one process at a time.
func migratePostgres(ctx context.Context, pool *sql.DB, opt Options) (err error) {
	conn, err := pool.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	var name string
	if err := conn.QueryRowContext(ctx, "SELECT coalesce(current_schema(), '')").Scan(&name); err != nil {
		return err
	}
	if name == "" {
		return errors.New("there is no schema to make tables in: the search_path names none that exists")
	}
	h := fnv.New64a()
	fmt.Fprint(h, "tilldesk migrations ", name)
	lock := int64(h.Sum64())
	// Another process may be updating a large database.
	if _, err := conn.ExecContext(ctx, "SET lock_timeout = '10min'"); err != nil {
		return err
	}
	if _, err := conn.ExecContext(ctx, "SELECT pg_advisory_lock($1)", lock); err != nil {
		return fmt.Errorf("waiting for another process that updates the schema: %w", err)
	}
	defer func() {
		_, uerr := conn.ExecContext(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock($1)", lock)
		_, rerr := conn.ExecContext(context.WithoutCancel(ctx), "RESET lock_timeout")
		err = errors.Join(err, uerr, rerr)
	}()
	return migrate(ctx, pool, goose.DialectPostgres, postgresSchema, opt)
}

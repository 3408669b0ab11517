package store

import (
	"context"
	"fmt"
	"time"

	"github.com/pressly/goose/v3"
)

// Probe is what a database says of itself.
type Probe struct {
	Name    string        // of the database with its version
	Schema  int64         // number of the last migration
	Clock   time.Time     // of its server; zero if it runs in this process
	Took    time.Duration // of asking for the clock
	Standby int           // replicas of PostgreSQL that may lack what was acknowledged
}

// Probe asks the database for its version, clock and replicas.
func (db *DB) Probe(ctx context.Context) (p Probe, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("asking the database about itself: %w", db.dialect.explain(err))
		}
	}()
	if err := db.reader.QueryRowContext(ctx, "SELECT max(version_id) FROM "+goose.DefaultTablename+" WHERE is_applied").Scan(&p.Schema); err != nil {
		return p, err
	}
	if db.dialect.name == "sqlite" {
		err := db.reader.QueryRowContext(ctx, "SELECT 'SQLite ' || sqlite_version()").Scan(&p.Name)
		return p, err
	}
	var now int64
	began := time.Now()
	if err := db.reader.QueryRowContext(ctx, "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)").Scan(&now); err != nil {
		return p, err
	}
	p.Took = time.Since(began)
	p.Clock = fromMillis(now)
	err = db.reader.QueryRowContext(ctx, `SELECT 'PostgreSQL ' || current_setting('server_version'),
		(SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'async' AND current_setting('synchronous_standby_names') = '')`).Scan(&p.Name, &p.Standby)
	return p, err
}

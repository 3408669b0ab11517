package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"tilldesk/bot"
)

// A Job is something that one process at a time does now and then, claimed by
// that process.
type Job struct {
	Name  string
	Lease string // proves that the claim still holds
}

// TakeJob claims a job until the lease ends, or reports false if it is not due
// yet or another process has it. A job that nobody has done yet is due.
func (db *DB) TakeJob(ctx context.Context, name, owner string, now time.Time, lease time.Duration) (j Job, ok bool, err error) {
	j = Job{name, db.newID()}
	err = db.inTx(ctx, func(tx querier) error {
		if _, err := exec(ctx, tx, "INSERT INTO jobs (name) VALUES ($1) ON CONFLICT (name) DO NOTHING", name); err != nil {
			return err
		}
		n, err := exec(ctx, tx, `UPDATE jobs SET lease_owner = $2, lease_token = $3, lease_until = $4
			WHERE name = $1 AND next_at <= $5 AND lease_until <= $5`, name, clean(owner), j.Lease, millis(now.Add(lease)), millis(now))
		ok = n == 1
		return err
	})
	if err != nil {
		return Job{}, false, fmt.Errorf("claiming the job %s: %w", name, err)
	}
	return j, ok, nil
}

// EndJob ends the claim on a job: it is due again at next. why is what went
// wrong, "" if the job was done. It fails with bot.ErrLost if the claim is not
// held any more.
func (db *DB) EndJob(ctx context.Context, j Job, now, next time.Time, why string) error {
	err := db.inTx(ctx, func(tx querier) error {
		return execOne(ctx, tx, bot.ErrLost, `UPDATE jobs SET lease_token = '', lease_until = 0, next_at = $3, last_error = $4,
			done_at = CASE WHEN $4 = '' THEN $5 ELSE done_at END
			WHERE name = $1 AND lease_token = $2`, j.Name, j.Lease, millis(next), cleanWhy(why), millis(now))
	})
	if err != nil {
		return fmt.Errorf("ending the job %s: %w", j.Name, err)
	}
	return nil
}

// JobDone returns when a job was done last, zero if never, and what went wrong
// since.
func (db *DB) JobDone(ctx context.Context, name string) (at time.Time, why string, err error) {
	var done int64
	err = db.reader.QueryRowContext(ctx, "SELECT done_at, last_error FROM jobs WHERE name = $1", name).Scan(&done, &why)
	if errors.Is(err, sql.ErrNoRows) || err == nil && done == 0 {
		return time.Time{}, why, nil
	}
	if err != nil {
		return time.Time{}, "", fmt.Errorf("reading when the job %s was done: %w", name, db.dialect.explain(err))
	}
	return fromMillis(done), why, nil
}

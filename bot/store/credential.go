package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"tilldesk/bot"
)

// Credential returns the credential of a name; the zero one if there is none.
func (db *DB) Credential(ctx context.Context, name string) (c bot.Credential, err error) {
	var expires int64
	err = db.reader.QueryRowContext(ctx, "SELECT sealed, version, expires_at FROM credentials WHERE name = $1", key(name)).Scan(&c.Sealed, &c.Version, &expires)
	if errors.Is(err, sql.ErrNoRows) {
		return bot.Credential{}, nil
	}
	if err != nil {
		return bot.Credential{}, fmt.Errorf("reading the credential %s: %w", name, db.dialect.explain(err))
	}
	c.Expires = fromMillis(expires)
	return c, nil
}

// LeaseCredential lets one caller at a time get a new credential. It returns a
// lease that StoreCredential wants, or "" while another one has it.
func (db *DB) LeaseCredential(ctx context.Context, name string, now time.Time, d time.Duration) (lease string, err error) {
	token := db.newID()
	err = db.inTx(ctx, func(tx querier) error {
		n, err := exec(ctx, tx, `INSERT INTO credentials (name, sealed, version, expires_at, lease_token, lease_until)
			VALUES ($1, '', 0, 0, $2, $3)
			ON CONFLICT (name) DO UPDATE SET lease_token = excluded.lease_token, lease_until = excluded.lease_until
			WHERE credentials.lease_until <= $4`, name, token, millis(now.Add(d)), millis(now))
		if lease = token; n == 0 {
			lease = ""
		}
		return err
	})
	if err != nil {
		return "", fmt.Errorf("taking the lease on the credential %s: %w", name, err)
	}
	return lease, nil
}

// StoreCredential stores a new credential and ends the lease. It fails with
// bot.ErrLost if the lease is not held any more. A credential without Sealed
// only ends the lease.
func (db *DB) StoreCredential(ctx context.Context, name, lease string, c bot.Credential) error {
	err := db.inTx(ctx, func(tx querier) error {
		if c.Sealed == "" {
			return execOne(ctx, tx, bot.ErrLost, "UPDATE credentials SET lease_until = 0 WHERE name = $1 AND lease_token = $2", name, lease)
		}
		return execOne(ctx, tx, bot.ErrLost, `UPDATE credentials SET sealed = $3, version = version + 1, expires_at = $4, lease_until = 0
			WHERE name = $1 AND lease_token = $2 AND lease_until > 0`, name, lease, c.Sealed, millis(c.Expires))
	})
	if err != nil {
		return fmt.Errorf("storing the credential %s: %w", name, err)
	}
	return nil
}

// DropCredential makes a credential that the network refuses count as expired,
// unless another one is there by now.
func (db *DB) DropCredential(ctx context.Context, name string, version int64) error {
	err := db.inTx(ctx, func(tx querier) error {
		_, err := exec(ctx, tx, "UPDATE credentials SET expires_at = 0 WHERE name = $1 AND version = $2", name, version)
		return err
	})
	if err != nil {
		return fmt.Errorf("dropping the credential %s: %w", name, err)
	}
	return nil
}

// Fact returns what was learnt under a name, and when; "" if nothing was.
func (db *DB) Fact(ctx context.Context, name string) (value string, at time.Time, err error) {
	var ms int64
	err = db.reader.QueryRowContext(ctx, "SELECT value, at FROM facts WHERE name = $1", key(name)).Scan(&value, &ms)
	if errors.Is(err, sql.ErrNoRows) {
		return "", time.Time{}, nil
	}
	if err != nil {
		return "", time.Time{}, fmt.Errorf("reading what is known of %s: %w", name, db.dialect.explain(err))
	}
	return value, fromMillis(ms), nil
}

// Learn stores a fact, in the place of an older one unless it is to be kept
// once learnt. It returns what is known after that.
func (db *DB) Learn(ctx context.Context, name, value string, once bool, at time.Time) (known string, err error) {
	set := "value = excluded.value, at = excluded.at"
	if once {
		set = "value = facts.value"
	}
	err = db.inTx(ctx, func(tx querier) error {
		return tx.QueryRowContext(ctx, "INSERT INTO facts (name, value, at) VALUES ($1, $2, $3) ON CONFLICT (name) DO UPDATE SET "+set+" RETURNING value",
			name, clean(value), millis(at)).Scan(&known)
	})
	if err != nil {
		return "", fmt.Errorf("storing what is known of %s: %w", name, err)
	}
	return known, nil
}

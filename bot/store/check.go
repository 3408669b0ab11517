package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// Check reads the whole database through: its structure, as far as the
// database can tell, and the checksum of every message and state. The error
// names all that is damaged.
func (db *DB) Check(ctx context.Context) error {
	var damage []error
	err := db.inSnapshot(ctx, func(tx *sql.Tx) (err error) {
		damage, err = db.damage(ctx, tx)
		return err
	})
	if err = errors.Join(append(damage, err)...); err != nil {
		return fmt.Errorf("checking the database: %w", err)
	}
	return nil
}

// structure are the queries that name what is wrong with a SQLite file.
var structure = []string{
	"SELECT integrity_check FROM pragma_integrity_check WHERE integrity_check <> 'ok'",
	"SELECT 'a row of ' || \"table\" || ' refers to one of ' || parent || ' that is not there' FROM pragma_foreign_key_check",
}

func (db *DB) damage(ctx context.Context, tx *sql.Tx) (damage []error, err error) {
	if db.dialect.name == "sqlite" {
		for _, query := range structure {
			found, err := collect(ctx, tx, scanOne[string], query)
			if err != nil {
				return damage, err
			}
			for _, f := range found {
				damage = append(damage, fmt.Errorf("%s: %w", f, ErrDamaged))
			}
		}
	}
	// each runs a query of which only the damage matters.
	each := func(query string, scan func(func(...any) error) error) {
		if err != nil {
			return
		}
		_, err = collect(ctx, tx, func(row func(...any) error) (struct{}, error) {
			err := scan(row)
			if sum := new(SumError); errors.As(err, &sum) {
				damage = append(damage, sum)
				err = nil
			}
			return struct{}{}, err
		}, query)
	}
	each("SELECT "+messageColumns+" FROM messages m", func(row func(...any) error) error {
		_, err := scanMessage(row)
		return err
	})
	for _, query := range []string{selectConversation, "SELECT conversation_id, '', '', state, state_sum FROM turns"} {
		each(query, func(row func(...any) error) error {
			_, err := scanConversation(row)
			return err
		})
	}
	return damage, err
}

package store

import (
	"context"
	"errors"
	"fmt"
)

// maxDamage is how many damaged things an error names.
const maxDamage = 20

// Check reads the whole database through: its structure, as far as the
// database can tell, and the checksum of every message and state. The error
// names what is damaged: a *SumError or ErrDamaged for each.
func (db *DB) Check(ctx context.Context) error {
	var found damage
	err := db.inSnapshot(ctx, func(tx querier) (err error) {
		found = damage{}
		if db.dialect.name == "sqlite" {
			err = found.inStructure(ctx, tx)
		}
		if err == nil {
			err = found.inSums(ctx, tx)
		}
		return err
	})
	if more := found.n - len(found.first); more > 0 {
		err = errors.Join(fmt.Errorf("and %d more", more), err)
	}
	if err = errors.Join(append(found.first, err)...); err != nil {
		return fmt.Errorf("checking the database: %w", err)
	}
	return nil
}

// damage is what was found damaged.
type damage struct {
	first []error
	n     int
}

func (d *damage) add(err error) {
	if d.n++; d.n <= maxDamage {
		d.first = append(d.first, err)
	}
}

// structure are queries that name what is wrong with a SQLite file.
var structure = []string{
	"SELECT integrity_check FROM pragma_integrity_check WHERE integrity_check <> 'ok'",
	"SELECT 'a row of ' || \"table\" || ' refers to one of ' || parent || ' that is not there' FROM pragma_foreign_key_check",
}

func (d *damage) inStructure(ctx context.Context, tx querier) error {
	for _, query := range structure {
		found, err := collect(ctx, tx, scanOne[string], query)
		if err != nil {
			return err
		}
		for _, f := range found {
			d.add(fmt.Errorf("%s: %w", f, ErrDamaged))
		}
	}
	return nil
}

func (d *damage) inSums(ctx context.Context, tx querier) error {
	message := func(row func(...any) error) error {
		_, err := scanMessage(row)
		return err
	}
	state := func(row func(...any) error) error {
		_, err := scanConversation(row)
		return err
	}
	for _, table := range []struct {
		query string
		scan  func(func(...any) error) error
	}{
		{"SELECT " + messageColumns + " FROM messages m", message},
		{selectConversation, state},
		{"SELECT conversation_id, '', '', state, state_sum FROM turns", state},
	} {
		if _, err := collect(ctx, tx, func(row func(...any) error) (struct{}, error) {
			err := table.scan(row)
			if sum := new(SumError); errors.As(err, &sum) {
				d.add(sum)
				err = nil
			}
			return struct{}{}, err
		}, table.query); err != nil {
			return err
		}
	}
	return nil
}

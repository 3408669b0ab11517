package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tilldesk/bot/staff"
	"tilldesk/content/source"
)

var _ staff.Store = (*DB)(nil)

const staffColumns = `id, name, role, lang, speaks, theme, away, telegram, password, password_once, password_until,
	issuer, subject, created_at, disabled_at, signed_in_at`

func scanAccount(scan func(...any) error) (a staff.Account, err error) {
	var speaks string
	var telegram, until, disabled, signedIn sql.NullInt64
	var away, once, created int64
	err = scan(&a.ID, &a.Name, &a.Role, &a.Lang, &speaks, &a.Theme, &away, &telegram, &a.Password.Hash, &once, &until,
		&a.Issuer, &a.Subject, &created, &disabled, &signedIn)
	for lang := range strings.SplitSeq(speaks, ",") {
		a.Speaks = append(a.Speaks, source.Lang(lang))
	}
	a.Away, a.Telegram, a.Created, a.Disabled, a.SignedIn = away != 0, telegram.Int64, fromMillis(created), fromNull(disabled), fromNull(signedIn)
	a.Password.Once, a.Password.Until = once != 0, fromNull(until)
	return a, err
}

// values are the columns that change, in the order of staffColumns after id.
func values(a staff.Account) []any {
	speaks := make([]string, len(a.Speaks))
	for i, lang := range a.Speaks {
		speaks[i] = string(lang)
	}
	return []any{
		clean(a.Name), string(a.Role), clean(string(a.Lang)), clean(strings.Join(speaks, ",")), clean(string(a.Theme)), bit(a.Away),
		sql.NullInt64{Int64: a.Telegram, Valid: a.Telegram != 0}, clean(a.Password.Hash), bit(a.Password.Once), toNull(a.Password.Until),
		clean(a.Issuer), clean(a.Subject), millis(a.Created), toNull(a.Disabled), toNull(a.SignedIn),
	}
}

func bit(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// toNull returns NULL for the zero time.
func toNull(t time.Time) sql.NullInt64 {
	if t.IsZero() {
		return sql.NullInt64{}
	}
	return sql.NullInt64{Int64: millis(t), Valid: true}
}

// AddStaff stores a new account and returns its id. It fails with
// staff.ErrTaken if its name, Telegram user or identity is another's.
func (db *DB) AddStaff(ctx context.Context, a staff.Account, e staff.Entry) (staff.ID, error) {
	a.ID = staff.ID(db.newID())
	err := db.inTx(ctx, func(tx querier) error { return db.addStaff(ctx, tx, a, e) })
	if err != nil {
		return "", fmt.Errorf("adding the account %s: %w", a.Name, err)
	}
	return a.ID, nil
}

func (db *DB) addStaff(ctx context.Context, tx querier, a staff.Account, e staff.Entry) error {
	if err := execOne(ctx, tx, staff.ErrTaken, `INSERT INTO staff (`+staffColumns+`, name_key)
		VALUES (`+strings.Trim(list(1, 17), "()")+`) ON CONFLICT DO NOTHING`,
		slices.Concat([]any{string(a.ID)}, values(a), []any{clean(staff.NameKey(a.Name))})...); err != nil {
		return err
	}
	return db.addEntry(ctx, tx, e)
}

// AddFirstStaff adds an account if there has never been one, and reports
// whether it did.
func (db *DB) AddFirstStaff(ctx context.Context, a staff.Account, e staff.Entry) (added bool, err error) {
	a.ID = staff.ID(db.newID())
	err = db.inTx(ctx, func(tx querier) error {
		added = false
		n, err := exec(ctx, tx, "INSERT INTO counters (name, n) VALUES ('first_staff', 1) ON CONFLICT DO NOTHING")
		if err != nil || n == 0 {
			return err
		}
		var others int
		if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM staff").Scan(&others); err != nil || others > 0 {
			return err
		}
		added = true
		return db.addStaff(ctx, tx, a, e)
	})
	if err != nil {
		return false, fmt.Errorf("adding the first account: %w", err)
	}
	return added, nil
}

// ChangeStaff stores what change makes of an account, unless it fails, and
// records it. Changes of accounts come one after the other. If the role, the
// password or the identity differs afterwards, or the account is disabled, its
// sessions are ended and its codes are void.
func (db *DB) ChangeStaff(ctx context.Context, id staff.ID, change func(*staff.Account, []staff.Staff) error, e staff.Entry) (after staff.Account, err error) {
	err = db.inTx(ctx, func(tx querier) error {
		// All are locked, in one order: a rule may be about more than one.
		all, err := collect(ctx, tx, scanAccount, "SELECT "+staffColumns+" FROM staff ORDER BY id"+db.dialect.forUpdate)
		if err != nil {
			return err
		}
		var enabled []staff.Staff
		found := false
		for _, a := range all {
			if a.ID == id {
				after, found = a, true
			} else if a.Enabled() {
				enabled = append(enabled, a.Staff)
			}
		}
		if !found {
			return staff.ErrUnknown
		}
		before := after
		if err := change(&after, enabled); err != nil {
			return err
		}
		after.ID = id
		if err := db.updateStaff(ctx, tx, after); err != nil {
			return err
		}
		if before.Role != after.Role || before.Password != after.Password || before.Issuer != after.Issuer || before.Subject != after.Subject || !after.Enabled() {
			if err := endAll(ctx, tx, id, ""); err != nil {
				return err
			}
		}
		if !after.Enabled() {
			for _, table := range []string{"staff_browsers", "staff_codes"} {
				if _, err := exec(ctx, tx, "DELETE FROM "+table+" WHERE staff_id = $1", string(id)); err != nil {
					return err
				}
			}
		}
		return db.addEntry(ctx, tx, e)
	})
	if err != nil {
		return staff.Account{}, fmt.Errorf("changing an account: %w", err)
	}
	return after, nil
}

// updateStaff stores the account. What must be unique is looked for first: a
// statement that fails would end the transaction of PostgreSQL.
func (db *DB) updateStaff(ctx context.Context, tx querier, a staff.Account) error {
	var taken int
	if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM staff WHERE id <> $1
		AND (name_key = $2 OR telegram = $3 OR issuer <> '' AND issuer = $4 AND subject = $5)`,
		string(a.ID), clean(staff.NameKey(a.Name)), a.Telegram, clean(a.Issuer), clean(a.Subject)).Scan(&taken); err != nil {
		return err
	}
	if taken > 0 {
		return staff.ErrTaken
	}
	_, err := exec(ctx, tx, `UPDATE staff SET name = $2, role = $3, lang = $4, speaks = $5, theme = $6, away = $7, telegram = $8,
		password = $9, password_once = $10, password_until = $11, issuer = $12, subject = $13, created_at = $14, disabled_at = $15,
		signed_in_at = $16, name_key = $17 WHERE id = $1`,
		slices.Concat([]any{string(a.ID)}, values(a), []any{clean(staff.NameKey(a.Name))})...)
	return err
}

// Account returns an account, or staff.ErrUnknown.
func (db *DB) Account(ctx context.Context, id staff.ID) (staff.Account, error) {
	return db.account(ctx, "id = $1", key(id))
}

// AccountNamed returns the account with a name, whatever its case, or
// staff.ErrUnknown.
func (db *DB) AccountNamed(ctx context.Context, name string) (staff.Account, error) {
	return db.account(ctx, "name_key = $1", key(staff.NameKey(name)))
}

// AccountOf returns the account of an identity at an OpenID provider, or
// staff.ErrUnknown.
func (db *DB) AccountOf(ctx context.Context, issuer, subject string) (staff.Account, error) {
	if issuer == "" {
		return staff.Account{}, staff.ErrUnknown
	}
	return db.account(ctx, "issuer = $1 AND subject = $2", key(issuer), key(subject))
}

// StaffOfTelegram returns who a Telegram user is, or staff.ErrUnknown.
func (db *DB) StaffOfTelegram(ctx context.Context, user int64) (staff.Staff, error) {
	a, err := db.account(ctx, "telegram = $1", user)
	return a.Staff, err
}

func (db *DB) account(ctx context.Context, where string, args ...any) (staff.Account, error) {
	a, err := scanAccount(db.reader.QueryRowContext(ctx, "SELECT "+staffColumns+" FROM staff WHERE "+where, args...).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		err = staff.ErrUnknown
	}
	if err != nil {
		return staff.Account{}, fmt.Errorf("reading an account: %w", db.dialect.explain(err))
	}
	return a, nil
}

// AllStaff returns everybody, by name.
func (db *DB) AllStaff(ctx context.Context) ([]staff.Staff, error) {
	all, err := collect(ctx, db.reader, func(scan func(...any) error) (staff.Staff, error) {
		a, err := scanAccount(scan)
		return a.Staff, err
	}, "SELECT "+staffColumns+" FROM staff")
	if err != nil {
		return nil, fmt.Errorf("reading the accounts: %w", db.dialect.explain(err))
	}
	// The databases have their own ideas of the order of names.
	slices.SortFunc(all, func(a, b staff.Staff) int { return strings.Compare(staff.NameKey(a.Name), staff.NameKey(b.Name)) })
	return all, nil
}

// AddCode keeps the hash of a code that links an account, instead of any
// before it.
func (db *DB) AddCode(ctx context.Context, id staff.ID, hash []byte, until time.Time) error {
	err := db.inTx(ctx, func(tx querier) error {
		if _, err := exec(ctx, tx, "DELETE FROM staff_codes WHERE staff_id = $1", key(id)); err != nil {
			return err
		}
		return execOne(ctx, tx, staff.ErrUnknown, "INSERT INTO staff_codes (code_hash, staff_id, ends_at) SELECT $1, id, $2 FROM staff WHERE id = $3",
			hash, millis(until), key(id))
	})
	if err != nil {
		return fmt.Errorf("keeping a code: %w", err)
	}
	return nil
}

// TakeCode removes a code and returns whose it was, or staff.ErrUnknown if
// there is none or its time is over.
func (db *DB) TakeCode(ctx context.Context, hash []byte, now time.Time) (id staff.ID, err error) {
	err = db.inTx(ctx, func(tx querier) error {
		var until int64
		err := tx.QueryRowContext(ctx, "DELETE FROM staff_codes WHERE code_hash = $1 RETURNING staff_id, ends_at", hash).Scan(&id, &until)
		if errors.Is(err, sql.ErrNoRows) || err == nil && until <= millis(now) {
			return staff.ErrUnknown
		}
		return err
	})
	if err != nil {
		return "", fmt.Errorf("looking for a code: %w", err)
	}
	return id, nil
}

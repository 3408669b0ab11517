package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"tilldesk/bot/staff"
)

// AddSession keeps a session, with the entry that records it, and removes
// those whose time is over. old is the hash of the token that it replaces in
// the same browser, nil if there is none: that session ends.
func (db *DB) AddSession(ctx context.Context, s staff.Session, old []byte, e staff.Entry) (staff.SessionID, error) {
	s.ID = staff.SessionID(db.newID())
	err := db.inTx(ctx, func(tx querier) error {
		now := millis(s.Created)
		if _, err := exec(ctx, tx, "DELETE FROM staff_sessions WHERE ends_at <= $1 OR token_hash = $2", now, old); err != nil {
			return err
		}
		for _, statement := range []string{"DELETE FROM staff_browsers WHERE ends_at <= $1", "DELETE FROM staff_codes WHERE ends_at <= $1"} {
			if _, err := exec(ctx, tx, statement, now); err != nil {
				return err
			}
		}
		// Somebody who was disabled meanwhile is not signed in.
		if err := execOne(ctx, tx, staff.ErrUnknown, "UPDATE staff SET signed_in_at = $2 WHERE id = $1 AND disabled_at IS NULL", key(s.Staff), now); err != nil {
			return err
		}
		if _, err := exec(ctx, tx, `INSERT INTO staff_sessions (id, token_hash, staff_id, method, address, browser, created_at, seen_at, ends_at)
			VALUES `+tuples(1, 1, 9),
			string(s.ID), s.Hash, string(s.Staff), s.Method, clean(s.Address), clean(s.Browser), now, now, millis(s.Ends)); err != nil {
			return err
		}
		return db.addEntry(ctx, tx, e)
	})
	if err != nil {
		return "", fmt.Errorf("keeping a session: %w", err)
	}
	return s.ID, nil
}

const sessionColumns = "s.id, s.staff_id, s.method, s.address, s.browser, s.created_at, s.seen_at, s.ends_at"

func scanSession(scan func(...any) error, more ...any) (s staff.Session, err error) {
	var created, seen, ends int64
	err = scan(append([]any{&s.ID, &s.Staff, &s.Method, &s.Address, &s.Browser, &created, &seen, &ends}, more...)...)
	s.Created, s.Seen, s.Ends = fromMillis(created), fromMillis(seen), fromMillis(ends)
	return s, err
}

// Session returns the session with the hash of a token, and whose it is. It
// fails with staff.ErrUnknown if there is none, it is over, nobody has used it
// since idle, or its owner is disabled.
func (db *DB) Session(ctx context.Context, hash []byte, now, idle time.Time) (s staff.Session, a staff.Account, err error) {
	// Two reads of what may change between them: an account that is disabled
	// has no sessions, and one that was disabled just now is seen as such.
	s, err = scanSession(db.reader.QueryRowContext(ctx, "SELECT "+sessionColumns+` FROM staff_sessions s
		WHERE s.token_hash = $1 AND s.ends_at > $2 AND s.seen_at > $3`, hash, millis(now), millis(idle)).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		err = staff.ErrUnknown
	}
	if err == nil {
		a, err = db.Account(ctx, s.Staff)
	}
	if err == nil && !a.Enabled() {
		err = staff.ErrUnknown
	}
	if err != nil {
		return staff.Session{}, staff.Account{}, fmt.Errorf("reading a session: %w", db.dialect.explain(err))
	}
	return s, a, nil
}

// SeeSession notes that a session was used.
func (db *DB) SeeSession(ctx context.Context, id staff.SessionID, at time.Time) error {
	err := db.inTx(ctx, func(tx querier) error {
		_, err := exec(ctx, tx, "UPDATE staff_sessions SET seen_at = $2 WHERE id = $1 AND seen_at < $2", key(id), millis(at))
		return err
	})
	if err != nil {
		return fmt.Errorf("noting the use of a session: %w", err)
	}
	return nil
}

// Sessions returns the sessions of somebody that are not over, newest first.
func (db *DB) Sessions(ctx context.Context, id staff.ID, now, idle time.Time) ([]staff.Session, error) {
	all, err := collect(ctx, db.reader, func(scan func(...any) error) (staff.Session, error) { return scanSession(scan) },
		"SELECT "+sessionColumns+` FROM staff_sessions s
		WHERE s.staff_id = $1 AND s.ends_at > $2 AND s.seen_at > $3 ORDER BY s.created_at DESC, s.id`, key(id), millis(now), millis(idle))
	if err != nil {
		return nil, fmt.Errorf("reading the sessions: %w", db.dialect.explain(err))
	}
	return all, nil
}

// EndSession ends a session of somebody. It fails with staff.ErrUnknown if
// they have no such session.
func (db *DB) EndSession(ctx context.Context, of staff.ID, id staff.SessionID, e staff.Entry) error {
	err := db.inTx(ctx, func(tx querier) error {
		if err := execOne(ctx, tx, staff.ErrUnknown, "DELETE FROM staff_sessions WHERE id = $1 AND staff_id = $2", key(id), key(of)); err != nil {
			return err
		}
		return db.addEntry(ctx, tx, e)
	})
	if err != nil {
		return fmt.Errorf("ending a session: %w", err)
	}
	return nil
}

// EndSessions ends all sessions of somebody, but for the one given.
func (db *DB) EndSessions(ctx context.Context, of staff.ID, but staff.SessionID, e staff.Entry) error {
	err := db.inTx(ctx, func(tx querier) error {
		if err := endAll(ctx, tx, of, but); err != nil {
			return err
		}
		return db.addEntry(ctx, tx, e)
	})
	if err != nil {
		return fmt.Errorf("ending sessions: %w", err)
	}
	return nil
}

func endAll(ctx context.Context, tx querier, of staff.ID, but staff.SessionID) error {
	_, err := exec(ctx, tx, "DELETE FROM staff_sessions WHERE staff_id = $1 AND id <> $2", key(of), key(but))
	return err
}

// AddBrowser keeps the hash of a token that a browser has in which somebody
// has signed in. Several people may use one browser.
func (db *DB) AddBrowser(ctx context.Context, hash []byte, of staff.ID, until time.Time) error {
	err := db.inTx(ctx, func(tx querier) error {
		_, err := exec(ctx, tx, `INSERT INTO staff_browsers (token_hash, staff_id, ends_at) VALUES ($1, $2, $3)
			ON CONFLICT (token_hash, staff_id) DO UPDATE SET ends_at = excluded.ends_at`, hash, key(of), millis(until))
		return err
	})
	if err != nil {
		return fmt.Errorf("keeping a browser: %w", err)
	}
	return nil
}

// KnowsBrowser reports whether somebody has signed in with the browser that
// has this token.
func (db *DB) KnowsBrowser(ctx context.Context, hash []byte, of staff.ID, now time.Time) (bool, error) {
	var n int
	err := db.reader.QueryRowContext(ctx, "SELECT count(*) FROM staff_browsers WHERE token_hash = $1 AND staff_id = $2 AND ends_at > $3",
		hash, key(of), millis(now)).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("looking for a browser: %w", db.dialect.explain(err))
	}
	return n > 0, nil
}

// Try counts a try to sign in by all that is given, as if it failed, or says
// how long to wait for the next one and counts nothing. Tries of all replicas
// at once are counted one by one.
func (db *DB) Try(ctx context.Context, now time.Time, by ...staff.Try) (wait time.Duration, err error) {
	err = db.inTx(ctx, func(tx querier) error {
		wait = 0
		if _, err := exec(ctx, tx, "DELETE FROM signin_tries WHERE last_at < $1", millis(now.Add(-staff.TryMemory))); err != nil {
			return err
		}
		for _, t := range by { // in the order given, which must always be the same
			who := clean(t.Who)
			var n, next int64
			if err := tx.QueryRowContext(ctx, `INSERT INTO signin_tries (who, n, last_at, next_at) VALUES ($1, 1, $2, 0)
				ON CONFLICT (who) DO UPDATE SET n = signin_tries.n + 1 RETURNING n, next_at`, who, millis(now)).Scan(&n, &next); err != nil {
				return err
			}
			if next > millis(now) {
				wait = max(wait, fromMillis(next).Sub(now))
				continue
			}
			if _, err := exec(ctx, tx, "UPDATE signin_tries SET last_at = $2, next_at = $3 WHERE who = $1",
				who, millis(now), millis(now.Add(t.DelayAfter(int(n))))); err != nil {
				return err
			}
		}
		if wait > 0 {
			return errWait
		}
		return nil
	})
	if errors.Is(err, errWait) {
		return wait, nil
	}
	if err != nil {
		return 0, fmt.Errorf("counting a try to sign in: %w", err)
	}
	return 0, nil
}

// errWait undoes what was counted.
var errWait = errors.New("wait")

// Succeed takes back what Try counted, as the try turned out well. Tries by
// those in forget are forgotten altogether.
func (db *DB) Succeed(ctx context.Context, forget, takeBack []staff.Try) error {
	err := db.inTx(ctx, func(tx querier) error {
		for _, t := range forget {
			if _, err := exec(ctx, tx, "DELETE FROM signin_tries WHERE who = $1", clean(t.Who)); err != nil {
				return err
			}
		}
		for _, t := range takeBack {
			if _, err := exec(ctx, tx, "UPDATE signin_tries SET n = n - 1, next_at = 0 WHERE who = $1 AND n > 0", clean(t.Who)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("forgetting tries to sign in: %w", err)
	}
	return nil
}

package store

import (
	"context"
	"fmt"
	"time"

	"tilldesk/bot"
)

// A WantedFile is one of a message that is still to be fetched.
type WantedFile struct {
	Message  bot.MessageID
	N        int // place in the message
	Media    bot.Media
	Attempts int // times it was tried before
}

// WantFiles records that the files of a message are to be fetched, once.
func (db *DB) WantFiles(ctx context.Context, id bot.MessageID, places ...int) error {
	if len(places) == 0 {
		return nil
	}
	err := db.inTx(ctx, func(tx querier) error {
		for _, n := range places {
			if _, err := exec(ctx, tx, "INSERT INTO wanted_files (message_id, n) VALUES ($1, $2) ON CONFLICT (message_id, n) DO NOTHING", string(id), n); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("noting the files of message %s: %w", id, err)
	}
	return nil
}

// ClaimFiles takes up to limit files of a channel that are due to be fetched, and puts them
// off until the time given, in case nobody comes back with them.
func (db *DB) ClaimFiles(ctx context.Context, channel string, now, until time.Time, limit int) ([]WantedFile, error) {
	var files []WantedFile
	err := db.inTx(ctx, func(tx querier) (err error) {
		files, err = collect(ctx, tx, func(scan func(...any) error) (f WantedFile, err error) {
			err = scan(&f.Message, &f.N, &f.Attempts)
			return f, err
		}, `WITH due AS MATERIALIZED (
			SELECT message_id, n FROM wanted_files w WHERE done_at IS NULL AND next_at <= $1
			AND EXISTS (SELECT 1 FROM messages m JOIN conversations c ON c.id = m.conversation_id WHERE m.id = w.message_id AND c.channel = $4)
			ORDER BY next_at, message_id, n LIMIT $3`+db.dialect.skipLocked+`)
			UPDATE wanted_files SET next_at = $2, attempts = attempts + 1 WHERE (message_id, n) IN (SELECT message_id, n FROM due)
			RETURNING message_id, n, attempts - 1`, millis(now), millis(until), limit, channel)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("claiming files to be fetched: %w", err)
	}
	for i := range files {
		f := &files[i]
		all, err := collect(ctx, db.reader, scanEntry, selectEntry+"WHERE m.id = $1", string(f.Message))
		if err != nil {
			return nil, fmt.Errorf("reading message %s: %w", f.Message, db.dialect.explain(err))
		}
		if len(all) == 1 && f.N < len(all[0].Media) {
			f.Media = all[0].Media[f.N]
		}
	}
	return files, nil
}

// RetryFile lets a claimed file be fetched again at a time.
func (db *DB) RetryFile(ctx context.Context, f WantedFile, at time.Time, why string) error {
	return db.settleFile(ctx, f, "next_at = $3, last_error = $4", millis(at), cleanWhy(why))
}

// EndFile records that a claimed file was fetched, or cannot be.
func (db *DB) EndFile(ctx context.Context, f WantedFile, at time.Time, why string) error {
	return db.settleFile(ctx, f, "done_at = $3, last_error = $4", millis(at), cleanWhy(why))
}

func (db *DB) settleFile(ctx context.Context, f WantedFile, set string, args ...any) error {
	err := db.inTx(ctx, func(tx querier) error {
		// The message may have been erased meanwhile; then there is nothing to note.
		_, err := exec(ctx, tx, "UPDATE wanted_files SET "+set+" WHERE message_id = $1 AND n = $2", append([]any{string(f.Message), f.N}, args...)...)
		return err
	})
	if err != nil {
		return fmt.Errorf("noting what became of file %d of message %s: %w", f.N, f.Message, err)
	}
	return nil
}

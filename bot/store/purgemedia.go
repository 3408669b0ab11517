package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tilldesk/bot"
)

// PurgeMedia lets messages from before the time given forget the files that
// came with them; their texts stay. Those of a conversation with an open case
// keep them. It returns the paths, below the data folder: the caller deletes
// those, also if there is an error.
func (db *DB) PurgeMedia(ctx context.Context, before time.Time) (files []string, err error) {
	for {
		// Looked for outside of a transaction that writes: it takes a while.
		ids, err := collect(ctx, db.reader, scanOne[string], `SELECT b.id FROM messages b
			WHERE b.at < $1 AND b.payload LIKE '%"path":"%' AND `+noCase+` LIMIT $2`, millis(before), purgeBatch)
		if err != nil {
			return files, fmt.Errorf("looking for old files: %w", db.dialect.explain(err))
		}
		forgotten := 0
		for _, id := range ids {
			gone, err := db.forgetFiles(ctx, bot.MessageID(id))
			if err != nil {
				return files, fmt.Errorf("forgetting the files of message %s: %w", id, err)
			}
			forgotten += len(gone)
			files = append(files, gone...)
		}
		if len(ids) < purgeBatch || forgotten == 0 {
			return files, nil
		}
	}
}

// forgetFiles takes the files out of a message and returns their paths. A
// message that is damaged stays as it is, to be found.
func (db *DB) forgetFiles(ctx context.Context, id bot.MessageID) (files []string, err error) {
	err = db.inTx(ctx, func(tx querier) error {
		files = nil
		all, err := collect(ctx, tx, func(scan func(...any) error) (message, error) { return scanMessage(scan) },
			"SELECT "+messageColumns+" FROM messages m JOIN messages b ON b.id = m.id WHERE m.id = $1 AND "+noCase, key(id))
		var damaged *SumError
		if errors.As(err, &damaged) || err == nil && len(all) == 0 {
			return nil
		}
		if err != nil {
			return err
		}
		m := all[0]
		p, err := m.payload()
		if err != nil {
			return err
		}
		for i, media := range p.Media {
			if media.Path != "" {
				files = append(files, media.Path)
			}
			p.Media[i].Path, p.Media[i].Remote = "", ""
		}
		if m.more, err = encode(p); err != nil {
			return err
		}
		return execOne(ctx, tx, ErrNotFound, "UPDATE messages SET payload = $2, sum = $3 WHERE id = $1", m.id, m.more, m.sum())
	})
	return files, err
}

// Files returns the paths, below the data folder, of all files that came with
// messages from before the time given.
func (db *DB) Files(ctx context.Context, before time.Time) ([]string, error) {
	files, err := filesOf(ctx, db.reader, "at < $1", millis(before))
	if err != nil {
		return nil, fmt.Errorf("listing files of messages: %w", db.dialect.explain(err))
	}
	return files, nil
}

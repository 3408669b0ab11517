package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/desk"
	"tilldesk/bot/dialog"
)

// Erase deletes all that is stored of a conversation, and nothing of others of
// the same merchant: that they are is what staff believe. See
// [DB.EraseSeveral].
func (db *DB) Erase(ctx context.Context, id bot.ConversationID) (files []string, err error) {
	return db.EraseSeveral(ctx, id)
}

// EraseSeveral deletes all that is stored of a conversation, and of others of
// its merchant that are given. Who waits in one that is not given for the people
// of a case that is deleted gets a case of their own. It returns the paths,
// below the data folder, of the files that came with the messages: the caller
// deletes those, also if there is an error. It fails with ErrNotFound if there
// is no such conversation, with desk.ErrNotSame if the others have another
// merchant, and deletes nothing then.
//
// In SQLite what is deleted is overwritten in the files as well. In PostgreSQL
// it is until the server has vacuumed. Backups keep it until they expire.
func (db *DB) EraseSeveral(ctx context.Context, id bot.ConversationID, others ...bot.ConversationID) (files []string, err error) {
	err = db.inTx(ctx, func(tx querier) error {
		files = nil
		merchant, err := merchantOf(ctx, tx, key(id))
		if err != nil {
			return err
		}
		gone := merchant[:1:1]
		for _, other := range others {
			if !slices.Contains(merchant, key(other)) {
				return desk.ErrNotSame
			}
			if !slices.Contains(gone, key(other)) {
				gone = append(gone, key(other))
			}
		}
		stays := slices.DeleteFunc(slices.Clone(merchant), func(one string) bool { return slices.Contains(gone, one) })
		if err := db.leave(ctx, tx, gone, stays); err != nil {
			return err
		}
		for _, one := range gone {
			some, err := erase(ctx, tx, one)
			if err != nil {
				return err
			}
			files = append(files, some...)
		}
		return nil
	})
	if err != nil {
		files = nil
	} else {
		err = db.dialect.scrub(ctx, db)
	}
	if err != nil {
		return files, fmt.Errorf("erasing conversation %s: %w", id, err)
	}
	return files, nil
}

// leave prepares conversations to be erased from among those of a merchant: the
// others keep nothing of them, and wait for nobody who had a case there.
func (db *DB) leave(ctx context.Context, tx querier, gone, stays []string) error {
	for _, id := range gone {
		if err := db.part(ctx, tx, id); err != nil {
			return err
		}
	}
	in := list(1, len(gone))
	silent, err := collect(ctx, tx, func(scan func(...any) error) (bot.Conversation, error) { return scanConversation(scan) }, selectConversation+
		"WHERE phase = 'with_human' AND ticket IN (SELECT k.ticket FROM cases k WHERE k.conversation_id IN "+in+") AND id NOT IN "+in+" ORDER BY id"+db.dialect.forUpdate, anys(gone)...)
	if err != nil {
		return err
	}
	for _, c := range silent {
		if err := db.orphaned(ctx, tx, c); err != nil {
			return err
		}
	}
	for _, id := range stays {
		if _, err := exec(ctx, tx, "UPDATE cases SET merged_into = '', version = version + 1 WHERE conversation_id = $1 AND merged_into IN (SELECT k.ticket FROM cases k WHERE k.conversation_id IN "+
			list(2, len(gone))+")", append([]any{id}, anys(gone)...)...); err != nil {
			return err
		}
		if slices.ContainsFunc(silent, func(c bot.Conversation) bool { return string(c.ID) == id }) {
			continue // its people know
		}
		k, err := readCase(ctx, tx, notClosed+" AND k.is_open = 1", id)
		if err != nil {
			return err
		}
		if k != nil {
			if _, _, err := db.apply(ctx, tx, k, &listener{conversation: id}, "", desk.Lost(k.Case, fromMillis(millis(db.now())))); err != nil {
				return err
			}
		}
	}
	return nil
}

// orphaned gives a merchant whose people had them in a case that is erased a
// case of their own.
func (db *DB) orphaned(ctx context.Context, tx querier, c bot.Conversation) error {
	id, now := string(c.ID), fromMillis(millis(db.now()))
	k, err := readCase(ctx, tx, "WHERE k.conversation_id = $1 AND (k.closed_at IS NULL OR k.merged_into <> '') ORDER BY k.number DESC LIMIT 1", id)
	if err != nil {
		return err
	}
	if k == nil { // they wrote when the other case was open already
		n, err := nextTicket(ctx, tx)
		if err != nil {
			return err
		}
		t := bot.Turn{State: c.State, Handoff: &dialog.Handoff{Cause: dialog.CauseAsked}, At: now}
		if c.State.Ticket, err = db.openCase(ctx, tx, id, n, desk.HandOver(nil, t, now)); err != nil {
			return err
		}
		return db.setState(ctx, tx, id, c.State)
	}
	if _, _, err := db.apply(ctx, tx, k, &listener{conversation: id}, "", desk.Orphaned(k.Case, now)); err != nil {
		return err
	}
	c.State.Ticket = k.Ticket
	return db.setState(ctx, tx, id, c.State)
}

func erase(ctx context.Context, tx querier, id string) (files []string, err error) {
	if files, err = filesOf(ctx, tx, "conversation_id = $1", id); err != nil {
		return nil, err
	}
	if _, err := exec(ctx, tx, `DELETE FROM telegram_dead WHERE remote <> '' AND remote =
		(SELECT remote FROM conversations WHERE id = $1 AND channel = 'telegram')`, id); err != nil {
		return nil, err
	}
	return files, execOne(ctx, tx, ErrNotFound, "DELETE FROM conversations WHERE id = $1", id) // the rest follows by its foreign keys
}

// filesOf returns the files that came with the messages for which where holds.
func filesOf(ctx context.Context, tx querier, where string, args ...any) ([]string, error) {
	all, err := collect(ctx, tx, scanOne[string], "SELECT payload FROM messages WHERE "+where+" AND payload LIKE '%\"path\"%'", args...)
	if err != nil {
		return nil, err
	}
	var files []string
	for _, text := range all {
		var p payload
		if err := json.Unmarshal([]byte(text), &p); err != nil {
			continue // damaged; what it named cannot be known any more
		}
		for _, m := range p.Media {
			if m.Path != "" {
				files = append(files, m.Path)
			}
		}
	}
	return files, nil
}

// purgeBatch is how much is deleted at once, so that nobody waits for long.
const purgeBatch = 500

// purges are the ids of what retention deletes, each without what is still
// needed: a message that waits or is being sent, anything of an open case.
// They are locked while they are looked at, so that none comes to life between.
var purges = []struct{ table, due string }{
	{"messages", `SELECT message_id FROM inbox b WHERE received_at < $1 AND state IN ('done', 'dead') AND ` + noCase + ` LIMIT $2`},
	{"messages", `SELECT message_id FROM outbox b WHERE created_at < $1 AND state IN ('sent', 'held', 'dead') AND ` + noCase + ` LIMIT $2`},
	{"turns", `SELECT id FROM turns b WHERE at < $1 AND ` + noCase + `
		AND NOT EXISTS (SELECT 1 FROM inbox i WHERE i.turn_id = b.id)
		AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.turn_id = b.id) LIMIT $2`},
	{"cases", `SELECT id FROM cases WHERE closed_at < $1 LIMIT $2`},
	{"conversations", `SELECT id FROM conversations c WHERE updated_at < $1
		AND NOT EXISTS (SELECT 1 FROM messages m WHERE m.conversation_id = c.id)
		AND NOT EXISTS (SELECT 1 FROM cases k WHERE k.conversation_id = c.id) LIMIT $2`},
}

const noCase = "NOT EXISTS (SELECT 1 FROM cases k WHERE k.conversation_id = b.conversation_id AND k.closed_at IS NULL)"

// Purge deletes what was stored before the time given, as far as it is settled:
// nothing that waits to be answered or sent, nothing of an open case. It
// returns the paths, below the data folder, of the files that came with the
// deleted messages: the caller deletes those, also if there is an error.
func (db *DB) Purge(ctx context.Context, before time.Time) (files []string, err error) {
	for _, p := range purges {
		for n := purgeBatch; n == purgeBatch && err == nil; {
			var gone []string
			n, gone, err = db.purge(ctx, p.table, p.due, millis(before))
			files = append(files, gone...)
		}
	}
	if err == nil {
		err = db.purgeDeadUpdates(ctx, before)
	}
	if err == nil {
		err = db.inTx(ctx, func(tx querier) error {
			_, err := exec(ctx, tx, "DELETE FROM carried WHERE at < $1", millis(before))
			return err
		})
	}
	if err == nil {
		err = db.dialect.scrub(ctx, db)
	}
	if err != nil {
		return files, fmt.Errorf("deleting what was stored before %s: %w", before.Format(time.DateOnly), err)
	}
	return files, nil
}

func (db *DB) purge(ctx context.Context, table, due string, before int64) (n int, files []string, err error) {
	err = db.inTx(ctx, func(tx querier) error {
		n, files = 0, nil
		ids, err := collect(ctx, tx, scanOne[string], due+db.dialect.skipLocked, before, purgeBatch)
		if err != nil || len(ids) == 0 {
			return err
		}
		in := "id IN " + list(1, len(ids))
		if table == "messages" {
			if files, err = filesOf(ctx, tx, in, anys(ids)...); err != nil {
				return err
			}
		}
		n = len(ids)
		_, err = exec(ctx, tx, "DELETE FROM "+table+" WHERE "+in, anys(ids)...)
		return err
	})
	if err != nil {
		return 0, nil, err
	}
	return n, files, nil
}

package store

import (
	"context"
	"fmt"

	"tilldesk/bot"
	"tilldesk/bot/desk"
)

// SetMedia replaces the n-th file of a message, counted from 0: it has been
// fetched from its network by now. It fails with ErrNotFound if there is no
// such message or file.
func (db *DB) SetMedia(ctx context.Context, id bot.MessageID, n int, media bot.Media) error {
	err := db.inTx(ctx, func(tx querier) error {
		all, err := collect(ctx, tx, func(scan func(...any) error) (message, error) { return scanMessage(scan) },
			"SELECT "+messageColumns+" FROM messages m WHERE id = $1"+db.dialect.forUpdate, key(id))
		if err != nil || len(all) == 0 {
			return orNotFound(err)
		}
		m := all[0]
		p, err := m.payload()
		if err != nil {
			return err
		}
		if n >= len(p.Media) {
			return ErrNotFound
		}
		p.Media[n] = media
		if m.more, err = encode(p); err != nil {
			return err
		}
		if err := execOne(ctx, tx, ErrNotFound, "UPDATE messages SET payload = $2, sum = $3 WHERE id = $1", m.id, m.more, m.sum()); err != nil {
			return err
		}
		k, err := readCase(ctx, tx, notClosed, m.conversation)
		if err == nil && k == nil {
			k, err = db.openElsewhere(ctx, tx, m.conversation)
		}
		if err != nil || k == nil {
			return err
		}
		return db.addEvents(ctx, tx, k.id, "", []desk.Event{{ // whoever looks at the case sees it at once
			Ticket: k.Ticket, Conversation: bot.ConversationID(m.conversation), Kind: desk.EventFile, From: k.State, To: k.State, Owner: k.Owner,
			Message: id, Version: k.Version, At: db.now(),
		}})
	})
	if err != nil {
		return fmt.Errorf("adding a file to message %s: %w", id, err)
	}
	return nil
}

package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/desk"
)

// A merchant may write on several channels. Staff who find out merge the cases;
// the conversations then have the same merchant_id.

// merchantOf returns the conversations of the merchant of one, that one first.
// It fails with ErrNotFound if there is no such conversation.
func merchantOf(ctx context.Context, q querier, id string) ([]string, error) {
	var merchant string
	err := q.QueryRowContext(ctx, "SELECT merchant_id FROM conversations WHERE id = $1", id).Scan(&merchant)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	if err != nil || merchant == "" {
		return []string{id}, err
	}
	others, err := collect(ctx, q, scanOne[string], "SELECT id FROM conversations WHERE merchant_id = $1 AND merchant_id <> '' AND id <> $2 ORDER BY created_at, id", merchant, id)
	return append([]string{id}, others...), err
}

// ConversationsOf returns the conversations of the merchant of one, on all
// channels, that one first. It fails with ErrNotFound if there is no such
// conversation.
func (db *DB) ConversationsOf(ctx context.Context, id bot.ConversationID) ([]bot.Conversation, error) {
	var all []bot.Conversation
	err := db.inSnapshot(ctx, func(tx querier) error {
		all = nil
		ids, err := merchantOf(ctx, tx, key(id))
		for _, one := range ids {
			if err != nil {
				return err
			}
			var c bot.Conversation
			c, err = scanConversation(tx.QueryRowContext(ctx, selectConversation+"WHERE id = $1", one).Scan)
			all = append(all, c)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the conversations of the merchant of conversation %s: %w", id, err)
	}
	return all, nil
}

// CasesOfMerchant returns up to limit cases of the merchant of a conversation,
// on all channels, newest first.
func (db *DB) CasesOfMerchant(ctx context.Context, conversation bot.ConversationID, limit int) ([]desk.Case, error) {
	ids, err := merchantOf(ctx, db.reader, key(conversation))
	var cases []desk.Case
	for _, id := range ids {
		if err != nil {
			break
		}
		var some []desk.Case
		some, err = db.CasesOf(ctx, bot.ConversationID(id), limit)
		cases = append(cases, some...)
	}
	if err != nil && !errors.Is(err, ErrNotFound) {
		return nil, fmt.Errorf("reading the cases of the merchant of conversation %s: %w", conversation, db.dialect.explain(err))
	}
	slices.SortFunc(cases, func(a, b desk.Case) int { return int(b.Number - a.Number) })
	return cases[:min(len(cases), limit)], nil
}

// join makes the merchants of two conversations one.
func join(ctx context.Context, tx querier, id, with string) error {
	var one, other string
	if err := tx.QueryRowContext(ctx, "SELECT merchant_id FROM conversations WHERE id = $1", id).Scan(&one); err != nil {
		return err
	}
	if err := tx.QueryRowContext(ctx, "SELECT merchant_id FROM conversations WHERE id = $1", with).Scan(&other); err != nil {
		return err
	}
	if other == "" {
		other = with
	}
	// What each has by itself, for when the merge is taken back.
	if _, err := exec(ctx, tx, "UPDATE conversations SET own_merchant = merchant, own_blocked_at = blocked_at WHERE (id = $1 OR id = $2) AND merchant_id = ''", id, with); err != nil {
		return err
	}
	if one != "" {
		if _, err := exec(ctx, tx, "UPDATE conversations SET merchant_id = $2 WHERE merchant_id = $1 AND merchant_id <> ''", one, other); err != nil {
			return err
		}
	}
	if _, err := exec(ctx, tx, "UPDATE conversations SET merchant_id = $3 WHERE id = $1 OR id = $2", id, with, other); err != nil {
		return err
	}
	// One name for both: that of the conversation that goes on, if it has one.
	_, err := exec(ctx, tx, `UPDATE conversations SET merchant = coalesce((SELECT max(n.merchant) FROM conversations n WHERE n.id = $2 AND n.merchant <> ''),
		(SELECT max(n.merchant) FROM conversations n WHERE n.id = $1), '') WHERE merchant_id = $3 AND merchant_id <> ''`, id, with, other)
	return err
}

// part gives a conversation a merchant of its own again. It, and the others that
// are left, get back the name and the block that they had before they were
// joined, or have been given for themselves since.
func (db *DB) part(ctx context.Context, tx querier, id string) error {
	ids, err := merchantOf(ctx, tx, id)
	if err != nil {
		return err
	}
	const own = "merchant = own_merchant, blocked_at = own_blocked_at"
	if _, err := exec(ctx, tx, freeConversation+own+", merchant_id = '', updated_at = $2 WHERE id = $1 AND merchant_id <> ''", id, millis(db.now())); err != nil {
		return err
	}
	left := anys(ids[1:])
	switch len(left) {
	case 0:
		return nil
	case 1: // nobody to share with any more
		_, err = exec(ctx, tx, freeConversation+own+", merchant_id = '' WHERE id = $1", left...)
		return err
	}
	among := "id IN " + list(1, len(left))
	if _, err := exec(ctx, tx, freeConversation+"blocked_at = own_blocked_at WHERE "+among+
		" AND blocked_at NOT IN (SELECT n.own_blocked_at FROM conversations n WHERE n."+among+")", left...); err != nil {
		return err
	}
	// They have one name: the one they have, unless it was that of the one that left.
	_, err = exec(ctx, tx, "UPDATE conversations SET merchant = coalesce((SELECT max(n.own_merchant) FROM conversations n WHERE n."+among+
		"), '') WHERE "+among+" AND merchant NOT IN (SELECT n.own_merchant FROM conversations n WHERE n."+among+")", left...)
	return err
}

// Own returns what staff called the merchant of a conversation before it was
// merged with others, or have called them in it since, and since when they are
// kept out of it alone: what it is given back when the merge is. It fails with
// ErrNotFound if there is no such conversation.
func (db *DB) Own(ctx context.Context, id bot.ConversationID) (name string, blocked time.Time, err error) {
	var at int64
	err = db.reader.QueryRowContext(ctx, `SELECT CASE WHEN merchant_id = '' THEN merchant ELSE own_merchant END,
		CASE WHEN merchant_id = '' THEN blocked_at ELSE own_blocked_at END FROM conversations WHERE id = $1`, key(id)).Scan(&name, &at)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	if err != nil {
		return "", time.Time{}, fmt.Errorf("reading what conversation %s has by itself: %w", id, db.dialect.explain(err))
	}
	if at > 0 {
		blocked = fromMillis(at)
	}
	return name, blocked, nil
}

// Extent returns how much there is of a conversation; nothing if there is no
// such conversation.
func (db *DB) Extent(ctx context.Context, id bot.ConversationID) (e desk.Extent, err error) {
	var first, last sql.NullInt64
	err = db.reader.QueryRowContext(ctx, "SELECT count(*), min(at), max(at) FROM messages WHERE conversation_id = $1", key(id)).Scan(&e.Messages, &first, &last)
	if err == nil {
		e.Tickets, err = collect(ctx, db.reader, scanOne[string], "SELECT ticket FROM cases WHERE conversation_id = $1 ORDER BY number", key(id))
	}
	if err != nil {
		return desk.Extent{}, fmt.Errorf("measuring conversation %s: %w", id, db.dialect.explain(err))
	}
	if first.Valid {
		e.First, e.Last = fromMillis(first.Int64), fromMillis(last.Int64)
	}
	return e, nil
}

// doublesOf returns the conversations whose merchants are with the people of a
// case of another conversation, and locks them.
func (db *DB) doublesOf(ctx context.Context, tx querier, ticket, conversation string) ([]bot.Conversation, error) {
	return collect(ctx, tx, func(scan func(...any) error) (bot.Conversation, error) { return scanConversation(scan) },
		selectConversation+"WHERE ticket = $1 AND ticket <> '' AND phase = 'with_human' AND id <> $2 ORDER BY id"+db.dialect.forUpdate, key(ticket), conversation)
}

// openElsewhere returns the case with people that the merchant of a
// conversation has in another one, nil if there is none, and locks that
// conversation, as whoever changes its case does.
func (db *DB) openElsewhere(ctx context.Context, tx querier, conversation string) (*storedCase, error) {
	ids, err := merchantOf(ctx, tx, conversation)
	if err != nil || len(ids) < 2 {
		return nil, err
	}
	for _, id := range ids[1:] {
		k, err := readCase(ctx, tx, notClosed+" AND k.is_open = 1", id)
		if err != nil {
			return nil, err
		}
		if k == nil {
			continue
		}
		if _, err := collect(ctx, tx, scanOne[string], "SELECT id FROM conversations WHERE id = $1"+db.dialect.forUpdate, id); err != nil {
			return nil, err
		}
		if k, err = readCase(ctx, tx, notClosed+" AND k.is_open = 1", id); err != nil || k != nil {
			return k, err
		}
	}
	return nil, nil
}

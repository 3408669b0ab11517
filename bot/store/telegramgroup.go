package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"tilldesk/bot"
	"tilldesk/content/source"
)

// A GroupLease lets one process write to the Telegram staff group.
type GroupLease struct {
	Configured int64 // the group as it is configured
	Current    int64 // as Telegram names it now
	Token      string
}

// LeaseGroup takes the lease on a staff group, or reports false if another
// process has it.
func (db *DB) LeaseGroup(ctx context.Context, configured int64, owner string, now time.Time, lease time.Duration) (l GroupLease, ok bool, err error) {
	l = GroupLease{Configured: configured, Token: db.newID()}
	l.Current, ok, err = db.takeLease(ctx, "INSERT INTO telegram_groups (configured, current) VALUES ($1, $1) ON CONFLICT (configured) DO NOTHING",
		"telegram_groups", "configured", "current", configured, owner, l.Token, now, lease)
	if err != nil {
		return GroupLease{}, false, fmt.Errorf("taking the lease on the staff group: %w", err)
	}
	return l, ok, nil
}

// RenewGroup lengthens a lease. It fails with bot.ErrLost if it has ended.
func (db *DB) RenewGroup(ctx context.Context, l GroupLease, until time.Time) error {
	return db.grouped(ctx, l, "lease_until = $3", millis(until))
}

// EndGroup gives a lease back.
func (db *DB) EndGroup(ctx context.Context, l GroupLease) error {
	return db.grouped(ctx, l, "lease_token = '', lease_until = $3", 0)
}

// PauseGroup records that Telegram wants a staff group to be left alone until
// a time, by any process; an earlier one than is recorded changes nothing.
func (db *DB) PauseGroup(ctx context.Context, configured int64, until time.Time) error {
	err := db.inTx(ctx, func(tx querier) error {
		_, err := exec(ctx, tx, `INSERT INTO telegram_groups (configured, current, paused_until) VALUES ($1, $1, $2)
			ON CONFLICT (configured) DO UPDATE SET paused_until = excluded.paused_until
			WHERE telegram_groups.paused_until < excluded.paused_until`, configured, millis(until))
		return err
	})
	if err != nil {
		return fmt.Errorf("recording until when the staff group is left alone: %w", err)
	}
	return nil
}

// GroupPaused returns until when a staff group is to be left alone, the zero
// time or one that is over if it is not.
func (db *DB) GroupPaused(ctx context.Context, configured int64) (time.Time, error) {
	var until int64
	err := db.reader.QueryRowContext(ctx, "SELECT paused_until FROM telegram_groups WHERE configured = $1", configured).Scan(&until)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, fmt.Errorf("reading until when the staff group is left alone: %w", db.dialect.explain(err))
	}
	return fromMillis(until), nil
}

func (db *DB) grouped(ctx context.Context, l GroupLease, set string, arg int64) error {
	err := db.inTx(ctx, func(tx querier) error {
		return execOne(ctx, tx, bot.ErrLost, "UPDATE telegram_groups SET "+set+" WHERE configured = $1 AND lease_token = $2", l.Configured, l.Token, arg)
	})
	if err != nil {
		return fmt.Errorf("changing the lease on the staff group: %w", err)
	}
	return nil
}

// GroupChat returns how Telegram names a staff group now.
func (db *DB) GroupChat(ctx context.Context, configured int64) (current int64, err error) {
	err = db.reader.QueryRowContext(ctx, "SELECT current FROM telegram_groups WHERE configured = $1", configured).Scan(&current)
	if errors.Is(err, sql.ErrNoRows) {
		return configured, nil
	}
	if err != nil {
		return 0, fmt.Errorf("reading the id of the staff group: %w", db.dialect.explain(err))
	}
	return current, nil
}

// MoveGroup records that a staff group has another id now. Its topics are gone.
func (db *DB) MoveGroup(ctx context.Context, configured, to int64) error {
	err := db.inTx(ctx, func(tx querier) error {
		if _, err := exec(ctx, tx, `INSERT INTO telegram_groups (configured, current) VALUES ($1, $2)
			ON CONFLICT (configured) DO UPDATE SET current = excluded.current`, configured, to); err != nil {
			return err
		}
		_, err := exec(ctx, tx, "UPDATE telegram_topics SET chat = $1, thread = 0, card = 0, shown = 0, closed = 0 WHERE chat <> $1", to)
		return err
	})
	if err != nil {
		return fmt.Errorf("recording the new id of the staff group: %w", err)
	}
	return nil
}

// A Topic is the place of a merchant in the staff group.
type Topic struct {
	Conversation bot.ConversationID
	Chat         int64
	Thread       int    // 0: it is to be opened
	Card         int    // the pinned message; 0: there is none
	Ticket       string // the case that the card shows
	Shown        int64  // the version of the case on the card
	Name         string
	Closed       bool
	Relayed      int64 // seq of the last message that was brought over
	Listed       bool  // named in a list of many, in place of an alert of its own
}

const selectTopic = "SELECT conversation_id, chat, thread, card, ticket, shown, name, closed, relayed, listed FROM telegram_topics "

func scanTopic(scan func(...any) error) (t Topic, err error) {
	err = scan(&t.Conversation, &t.Chat, &t.Thread, &t.Card, &t.Ticket, &t.Shown, &t.Name, &t.Closed, &t.Relayed, &t.Listed)
	return t, err
}

// Topic returns the topic of a conversation; known is false if there is none.
func (db *DB) Topic(ctx context.Context, conversation bot.ConversationID) (t Topic, known bool, err error) {
	return db.topic(ctx, "WHERE conversation_id = $1", key(conversation))
}

// TopicAt returns the topic that a thread of a group is.
func (db *DB) TopicAt(ctx context.Context, chat int64, thread int) (t Topic, known bool, err error) {
	return db.topic(ctx, "WHERE chat = $1 AND thread = $2 AND thread > 0", chat, thread)
}

func (db *DB) topic(ctx context.Context, where string, args ...any) (Topic, bool, error) {
	t, err := scanTopic(db.reader.QueryRowContext(ctx, selectTopic+where, args...).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return Topic{}, false, nil
	}
	if err != nil {
		return Topic{}, false, fmt.Errorf("finding a topic of the staff group: %w", db.dialect.explain(err))
	}
	return t, true, nil
}

// OpenTopics returns the topics that are not closed, those that changed last
// first.
func (db *DB) OpenTopics(ctx context.Context, limit int) ([]Topic, error) {
	all, err := collect(ctx, db.reader, scanTopic, selectTopic+"WHERE closed = 0 ORDER BY updated_at DESC, conversation_id LIMIT $1", limit)
	if err != nil {
		return nil, fmt.Errorf("listing the topics of the staff group: %w", db.dialect.explain(err))
	}
	return all, nil
}

// SaveTopic stores a topic. It fails with ErrNotFound if its conversation was
// erased.
func (db *DB) SaveTopic(ctx context.Context, t Topic) error {
	flag := func(b bool) int {
		if b {
			return 1
		}
		return 0
	}
	err := db.inTx(ctx, func(tx querier) error {
		return execOne(ctx, tx, ErrNotFound, `INSERT INTO telegram_topics (conversation_id, chat, thread, card, ticket, shown, name, closed, relayed, listed, updated_at)
			SELECT id, CAST($2 AS BIGINT), CAST($3 AS BIGINT), CAST($4 AS BIGINT), CAST($5 AS TEXT), CAST($6 AS BIGINT),
				CAST($7 AS TEXT), CAST($8 AS BIGINT), CAST($9 AS BIGINT), CAST($10 AS BIGINT), CAST($11 AS BIGINT) FROM conversations WHERE id = $1
			ON CONFLICT (conversation_id) DO UPDATE SET chat = excluded.chat, thread = excluded.thread, card = excluded.card,
			ticket = excluded.ticket, shown = excluded.shown, name = excluded.name, closed = excluded.closed,
			relayed = excluded.relayed, listed = excluded.listed, updated_at = excluded.updated_at`,
			key(t.Conversation), t.Chat, t.Thread, t.Card, clean(t.Ticket), t.Shown, clean(t.Name), flag(t.Closed), t.Relayed, flag(t.Listed), millis(db.now()))
	})
	if err != nil {
		return fmt.Errorf("storing the topic of conversation %s: %w", t.Conversation, err)
	}
	return nil
}

// A Post is what staff wrote in a topic and what became of it.
type Post struct {
	Message  bot.MessageID
	Chat     int64
	Thread   int
	Post     int          // the message in the group
	Delivery bot.Delivery // of what went to the merchant
	Why      string       // it was not delivered
}

// SavePost records which message of staff went to the merchant, once.
func (db *DB) SavePost(ctx context.Context, p Post) error {
	err := db.inTx(ctx, func(tx querier) error {
		_, err := exec(ctx, tx, `INSERT INTO telegram_posts (message_id, chat, thread, post, created_at) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (message_id) DO NOTHING`, string(p.Message), p.Chat, p.Thread, p.Post, millis(db.now()))
		return err
	})
	if err != nil {
		return fmt.Errorf("noting where message %s was written: %w", p.Message, err)
	}
	return nil
}

// OpenPosts returns posts whose delivery is settled and that are not marked
// with it yet, oldest first, and whether there are others.
func (db *DB) OpenPosts(ctx context.Context, limit int) (settled []Post, more bool, err error) {
	all, err := collect(ctx, db.reader, func(scan func(...any) error) (p Post, err error) {
		err = scan(&p.Message, &p.Chat, &p.Thread, &p.Post, &p.Delivery, &p.Why)
		return p, err
	}, `SELECT p.message_id, p.chat, p.thread, p.post, o.state, o.last_error FROM telegram_posts p
		JOIN outbox o ON o.message_id = p.message_id WHERE p.marked = 0 ORDER BY p.created_at, p.message_id LIMIT $1`, limit)
	if err != nil {
		return nil, false, fmt.Errorf("listing what staff wrote: %w", db.dialect.explain(err))
	}
	for _, p := range all {
		if p.Delivery == bot.Unsent || p.Delivery == bot.Sending {
			more = true
			continue
		}
		settled = append(settled, p)
	}
	return settled, more, nil
}

// MarkPost records that staff have been told what became of a post.
func (db *DB) MarkPost(ctx context.Context, id bot.MessageID) error {
	err := db.inTx(ctx, func(tx querier) error {
		_, err := exec(ctx, tx, "UPDATE telegram_posts SET marked = 1 WHERE message_id = $1", string(id))
		return err
	})
	if err != nil {
		return fmt.Errorf("marking message %s: %w", id, err)
	}
	return nil
}

// IsPost reports whether a message of staff to a merchant was written in the
// staff group: its event has a client that begins so. Going by SavePost would
// not do, which comes after others can see the message.
func (db *DB) IsPost(ctx context.Context, id bot.MessageID, client string) (yes bool, err error) {
	err = db.reader.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM messages m JOIN case_events e ON e.conversation_id = m.conversation_id
		WHERE m.id = $1 AND e.message = $1 AND substr(e.client, 1, $2) = $3)`, key(id), len(client), client).Scan(&yes)
	if err != nil {
		return false, fmt.Errorf("finding where message %s was written: %w", id, db.dialect.explain(err))
	}
	return yes, nil
}

// Posted returns what went to a merchant, or will, of a message that staff wrote
// in the group: itself, and then each correction of it. There is nothing if it
// never was for a merchant.
func (db *DB) Posted(ctx context.Context, chat int64, post int) ([]bot.Entry, error) {
	all, err := collect(ctx, db.reader, scanEntry,
		selectEntry+"WHERE m.id IN (SELECT message_id FROM telegram_posts WHERE chat = $1 AND post = $2) ORDER BY m.seq", chat, post)
	if err != nil {
		return nil, fmt.Errorf("finding what became of a message in the staff group: %w", db.dialect.explain(err))
	}
	return all, nil
}

// SetLanguage sets what a merchant is spoken to in, as if they had chosen it. A
// turn that is under way may still be in the language before. It fails with
// ErrNotFound if there is no such conversation.
func (db *DB) SetLanguage(ctx context.Context, id bot.ConversationID, lang source.Lang, traditional bool) error {
	err := db.inTx(ctx, func(tx querier) error {
		found, err := collect(ctx, tx, func(scan func(...any) error) (bot.Conversation, error) { return scanConversation(scan) },
			selectConversation+"WHERE id = $1"+db.dialect.forUpdate, key(id))
		if err != nil || len(found) == 0 {
			return orNotFound(err)
		}
		st := found[0].State
		st.Lang, st.Traditional, st.LangChosen = lang, traditional, true
		state, err := newState(st)
		if err != nil {
			return err
		}
		return execOne(ctx, tx, ErrNotFound, "UPDATE conversations SET state = $2, state_sum = $3 WHERE id = $1", string(id), state.text, state.sum)
	})
	if err != nil {
		return fmt.Errorf("setting the language of conversation %s: %w", id, err)
	}
	return nil
}

package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"tilldesk/bot"
)

// maxBurst is how many messages one work has at most. What a merchant writes
// line by line is answered at once; a flood is worked off piece by piece.
const maxBurst = 20

// Claim takes up to n conversations that have unanswered messages and that
// nobody holds, those that have waited longest first. Each comes with its
// oldest unanswered messages: one with a choice by itself, others together.
func (db *DB) Claim(ctx context.Context, owner string, now time.Time, lease time.Duration, n int) ([]bot.Work, error) {
	var works []bot.Work
	err := db.inTx(ctx, func(tx querier) (err error) {
		works, err = db.claim(ctx, tx, owner, millis(now), millis(now.Add(lease)), n)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("claiming conversations: %w", err)
	}
	return works, nil
}

func (db *DB) claim(ctx context.Context, tx querier, owner string, now, until int64, n int) ([]bot.Work, error) {
	token := db.newID()
	type claimed struct {
		bot.Work
		since   int64
		blocked int64
		damaged *SumError
	}
	all, err := collect(ctx, tx, func(scan func(...any) error) (c claimed, err error) {
		c.Lease = token
		c.Conversation, err = scanConversation(scan, &c.Attempts, &c.since, &c.blocked)
		if errors.As(err, &c.damaged) {
			err = nil
		}
		return c, err
	}, `WITH due AS MATERIALIZED (
			SELECT id FROM conversations
			WHERE waiting_since IS NOT NULL AND next_at <= $1 AND lease_until <= $1
			ORDER BY waiting_since, id`+limit2+db.dialect.skipLocked+`)
		UPDATE conversations SET lease_owner = $3, lease_token = $4, lease_until = $5, attempts = attempts + 1
		WHERE id IN (SELECT id FROM due)
		RETURNING id, channel, remote, state, state_sum, attempts - 1, waiting_since, blocked_at`,
		now, n, clean(owner), token, until)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b claimed) int {
		return cmp.Or(cmp.Compare(a.since, b.since), cmp.Compare(a.Conversation.ID, b.Conversation.ID))
	})
	var works []bot.Work
	for _, c := range all {
		switch {
		case c.damaged != nil:
			_, err = exec(ctx, tx, putAside+"WHERE conversation_id = $1 AND state = 'new'", string(c.Conversation.ID), c.damaged.Error())
		case c.blocked > 0:
			err = db.passOver(ctx, tx, string(c.Conversation.ID), now)
		default:
			c.Messages, err = waiting(ctx, tx, c.Conversation.ID)
		}
		if err != nil {
			return nil, err
		}
		if len(c.Messages) > 0 {
			works = append(works, c.Work)
			continue
		}
		// What waited was damaged and has been put aside, or nobody wants it.
		if _, err := exec(ctx, tx, freeConversation+"attempts = 0, waiting_since = "+oldestWaiting+" WHERE id = $1", string(c.Conversation.ID)); err != nil {
			return nil, err
		}
	}
	return works, nil
}

// putAside begins an update that puts messages aside for the reason $2.
const putAside = "UPDATE inbox SET state = 'dead', last_error = $2 "

// freeConversation begins an update that ends the claim on a conversation.
const freeConversation = "UPDATE conversations SET lease_owner = '', lease_token = '', lease_until = 0, "

// oldestWaiting is when the oldest unanswered message of the conversation $1
// came.
const oldestWaiting = "(SELECT min(received_at) FROM inbox WHERE conversation_id = $1 AND state = 'new')"

// waiting returns the next unanswered messages that make one work. One that is
// damaged is put aside, so that it does not keep the others from being
// answered.
func waiting(ctx context.Context, tx querier, conversation bot.ConversationID) ([]bot.Pending, error) {
	var damaged []*SumError
	offers := map[bot.MessageID]int64{}
	pending, err := collect(ctx, tx, func(scan func(...any) error) (bot.Pending, error) {
		m, err := scanMessage(scan)
		if sum := new(SumError); errors.As(err, &sum) {
			damaged = append(damaged, sum)
			return bot.Pending{}, nil
		}
		if err != nil {
			return bot.Pending{}, err
		}
		pending, offer, err := m.pending()
		offers[pending.ID] = offer
		return pending, err
	}, "SELECT "+messageColumns+` FROM inbox i JOIN messages m ON m.id = i.message_id
		WHERE i.conversation_id = $1 AND i.state = 'new' ORDER BY i.seq LIMIT $2`, string(conversation), maxBurst)
	if err != nil {
		return nil, err
	}
	for _, sum := range damaged {
		if _, err := exec(ctx, tx, putAside+"WHERE message_id = $1", string(sum.Message), sum.Error()); err != nil {
			return nil, err
		}
	}
	next := run(slices.DeleteFunc(pending, func(p bot.Pending) bool { return p.ID == "" }))
	if len(next) > 0 && offers[next[0].ID] > 0 {
		next[0].Stale, err = followed(ctx, tx, string(conversation), offers[next[0].ID])
	}
	return next, err
}

// followed reports whether choices were offered after those of a reply, other
// than in the same breath.
func followed(ctx context.Context, q querier, conversation string, offer int64) (yes bool, err error) {
	err = q.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM outbox o JOIN messages m ON m.id = o.message_id
		WHERE o.conversation_id = $1 AND o.seq > $2 AND m.payload LIKE '%"choices":[{%'
		AND o.turn_id IS DISTINCT FROM (SELECT turn_id FROM outbox WHERE conversation_id = $1 AND seq = $2))`, conversation, offer).Scan(&yes)
	return yes, err
}

// Followed reports whether other choices were offered to a merchant after those
// of the reply with the sequence number.
func (db *DB) Followed(ctx context.Context, conversation bot.ConversationID, offer int64) (bool, error) {
	yes, err := followed(ctx, db.reader, key(conversation), offer)
	if err != nil {
		return false, fmt.Errorf("reading what conversation %s was offered: %w", conversation, db.dialect.explain(err))
	}
	return yes, nil
}

// run returns the messages at the start that make one work.
func run(pending []bot.Pending) []bot.Pending {
	for i, p := range pending {
		if p.Choice != "" {
			return pending[:max(i, 1)]
		}
	}
	return pending
}

// Retry ends the claim and lets the work come back at the time given, with the
// reason kept. It fails with bot.ErrLost if the claim is not held any more.
func (db *DB) Retry(ctx context.Context, w bot.Work, at time.Time, why string) error {
	err := db.inTx(ctx, func(tx querier) error {
		return execOne(ctx, tx, bot.ErrLost, freeConversation+"next_at = $3, last_error = $4 WHERE id = $1 AND lease_token = $2",
			string(w.Conversation.ID), w.Lease, millis(at), cleanWhy(why))
	})
	if err != nil {
		return fmt.Errorf("giving back conversation %s: %w", w.Conversation.ID, err)
	}
	return nil
}

const selectConversation = "SELECT id, channel, remote, state, state_sum FROM conversations "

// scanConversation reads the columns of selectConversation and then more. One
// whose state is damaged is returned with a SumError.
func scanConversation(scan func(...any) error, more ...any) (bot.Conversation, error) {
	var c bot.Conversation
	var stored storedState
	err := scan(append([]any{&c.ID, &c.Address.Channel, &c.Address.Remote, &stored.text, &stored.sum}, more...)...)
	if err == nil {
		c.State, err = stored.state(c.ID)
	}
	return c, err
}

// Conversation returns a conversation by its id, or ErrNotFound.
func (db *DB) Conversation(ctx context.Context, id bot.ConversationID) (bot.Conversation, error) {
	c, err := scanConversation(db.reader.QueryRowContext(ctx, selectConversation+"WHERE id = $1", key(id)).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	if err != nil {
		return bot.Conversation{}, fmt.Errorf("reading conversation %s: %w", id, db.dialect.explain(err))
	}
	return c, nil
}

// ConversationOf returns the conversation at an address; known is false if
// there is none yet.
func (db *DB) ConversationOf(ctx context.Context, channel, remote string) (c bot.Conversation, known bool, err error) {
	c, err = scanConversation(db.reader.QueryRowContext(ctx, selectConversation+"WHERE channel = $1 AND remote = $2", key(channel), key(remote)).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return bot.Conversation{}, false, nil
	}
	if err != nil {
		return bot.Conversation{}, false, fmt.Errorf("finding a conversation on %s: %w", channel, db.dialect.explain(err))
	}
	return c, true, nil
}

package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"tilldesk/bot"
	"tilldesk/bot/dialog"
)

// Accept stores messages, all of them or none, and is done once they are on
// disk. Whether one is new is decided by the insert itself, so any number of
// deliveries of the same message, at once or in turn, make one row.
func (db *DB) Accept(ctx context.Context, in []bot.Arrival) ([]bot.Receipt, error) {
	for _, a := range in {
		if err := a.Check(); err != nil {
			return nil, fmt.Errorf("storing a message: %w", err)
		}
	}
	receipts := make([]bot.Receipt, 0, len(in))
	err := db.inTx(ctx, func(tx querier) error {
		receipts = receipts[:0]
		for batch := range slices.Chunk(in, db.dialect.rows) {
			r, err := db.accept(ctx, tx, batch)
			if err != nil {
				return err
			}
			receipts = append(receipts, r...)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("storing %d messages: %w", len(in), err)
	}
	return receipts, nil
}

// remoteKey is what makes a message of a merchant the same.
type remoteKey struct {
	conversation string
	remote       string
}

func (db *DB) accept(ctx context.Context, tx querier, in []bot.Arrival) ([]bot.Receipt, error) {
	now := millis(db.now())
	known, err := db.lockConversations(ctx, tx, in, now)
	if err != nil {
		return nil, err
	}
	receipts := make([]bot.Receipt, len(in))
	messages := make([]message, len(in))
	inbox := []any{now}
	for i, a := range in {
		c := known[a.Address]
		c.seq++
		if messages[i], err = arrived(a, db.newID(), c, now); err != nil {
			return nil, err
		}
		inbox = append(inbox, messages[i].id, c.id, string(a.Remote), c.seq)
	}
	ids, err := collect(ctx, tx, scanOne[string],
		"INSERT INTO inbox (message_id, conversation_id, remote, seq, received_at) VALUES "+
			tuples(2, len(in), 4, "$1")+" ON CONFLICT (conversation_id, remote) DO NOTHING RETURNING message_id", inbox...)
	if err != nil {
		return nil, err
	}
	fresh := map[string]bool{}
	for _, id := range ids {
		fresh[id] = true
	}
	var rows []any
	var again []remoteKey
	last := map[string]int64{}
	for i, m := range messages {
		receipts[i] = bot.Receipt{Conversation: bot.ConversationID(m.conversation), Message: bot.MessageID(m.id), Fresh: fresh[m.id]}
		if fresh[m.id] {
			rows = append(rows, m.row()...)
			last[m.conversation] = m.seq
		} else {
			again = append(again, remoteKey{m.conversation, string(in[i].Remote)})
		}
	}
	if len(ids) > 0 {
		if _, err := exec(ctx, tx, insertMessage+tuples(1, len(ids), 10), rows...); err != nil {
			return nil, err
		}
		if err := announce(ctx, tx, last, now); err != nil {
			return nil, err
		}
		if err := putOff(ctx, tx, in, receipts, now); err != nil {
			return nil, err
		}
	}
	return receipts, nameStored(ctx, tx, receipts, in, again)
}

// arrived makes the row of a message.
func arrived(a bot.Arrival, id string, c *counted, now int64) (message, error) {
	at := now
	if !a.At.IsZero() {
		at = millis(a.At)
	}
	more, err := encode(payload{Media: a.Media, Secrets: a.Secrets, Lang: a.Lang, Traditional: a.Traditional, Offer: a.Offer})
	return message{
		id: id, conversation: c.id, seq: c.seq, author: string(bot.Merchant),
		text: clean(a.Text), choice: clean(a.Choice), more: more, at: at,
	}, err
}

// counted is a conversation and the last number given out in it.
type counted struct {
	id  string
	seq int64
}

// lockConversations makes the conversations of the messages that are not there
// yet and locks all of them, always in the same order, so that two batches
// cannot wait for each other.
func (db *DB) lockConversations(ctx context.Context, tx querier, in []bot.Arrival, now int64) (map[bot.Address]*counted, error) {
	known := map[bot.Address]*counted{}
	for _, a := range in {
		known[a.Address] = nil
	}
	order := slices.SortedFunc(maps.Keys(known), func(a, b bot.Address) int {
		return cmp.Or(cmp.Compare(a.Channel, b.Channel), cmp.Compare(a.Remote, b.Remote))
	})
	var names []any
	for _, a := range order {
		names = append(names, a.Channel, a.Remote)
	}
	find := func(locked string) error {
		clear(known)
		_, err := collect(ctx, tx, func(scan func(...any) error) (struct{}, error) {
			var c counted
			var a bot.Address
			err := scan(&c.id, &c.seq, &a.Channel, &a.Remote)
			known[a] = &c
			return struct{}{}, err
		}, "SELECT id, last_seq, channel, remote FROM conversations WHERE (channel, remote) IN (VALUES "+
			tuples(1, len(order), 2)+")"+locked, names...)
		return err
	}
	// One that is there at first may be erased before it is locked.
	for range maxTries {
		if err := find(""); err != nil { // most are there, and an insert costs more, though it adds nothing
			return nil, err
		}
		if len(known) < len(order) {
			if err := db.addConversations(ctx, tx, order, known, now); err != nil {
				return nil, err
			}
		} else if db.dialect.forUpdate == "" {
			return known, nil
		}
		if err := find(" ORDER BY channel, remote" + db.dialect.forUpdate); err != nil {
			return nil, err
		}
		if len(known) == len(order) {
			return known, nil
		}
	}
	return nil, errors.New("a conversation was erased again and again while it was written to")
}

// addConversations adds those of the addresses that are not known.
func (db *DB) addConversations(ctx context.Context, tx querier, of []bot.Address, known map[bot.Address]*counted, now int64) error {
	state, err := newState(dialog.State{})
	if err != nil {
		return err
	}
	n, rows := 0, []any{state.text, state.sum, string(dialog.Idle), now}
	for _, a := range of {
		if known[a] == nil {
			n, rows = n+1, append(rows, db.newID(), a.Channel, a.Remote)
		}
	}
	_, err = exec(ctx, tx, "INSERT INTO conversations (id, channel, remote, state, state_sum, phase, created_at, updated_at) VALUES "+
		tuples(5, n, 3, "$1", "$2", "$3", "$4", "$4")+" ON CONFLICT (channel, remote) DO NOTHING", rows...)
	return err
}

// announce marks conversations as waiting, with the last number given out.
func announce(ctx context.Context, tx querier, last map[string]int64, now int64) error {
	args := []any{now}
	values := ""
	for _, id := range slices.Sorted(maps.Keys(last)) {
		if values != "" {
			values += ", "
		}
		values += fmt.Sprintf("(CAST($%d AS TEXT), CAST($%d AS BIGINT))", len(args)+1, len(args)+2)
		args = append(args, id, last[id])
	}
	_, err := exec(ctx, tx, `UPDATE conversations SET last_seq = v.column2, waiting_since = coalesce(waiting_since, $1), updated_at = $1
		FROM (VALUES `+values+") AS v WHERE id = v.column1", args...)
	return err
}

// putOff delays the answer to new messages that others belong to.
func putOff(ctx context.Context, tx querier, in []bot.Arrival, receipts []bot.Receipt, now int64) error {
	for i, r := range receipts {
		if !r.Fresh || in[i].Settle <= 0 {
			continue
		}
		if _, err := exec(ctx, tx, "UPDATE conversations SET next_at = $2 WHERE id = $1 AND next_at < $2",
			string(r.Conversation), now+in[i].Settle.Milliseconds()); err != nil {
			return err
		}
	}
	return nil
}

// nameStored puts into the receipts of messages that were stored before the
// ids that they have.
func nameStored(ctx context.Context, tx querier, receipts []bot.Receipt, in []bot.Arrival, again []remoteKey) error {
	if len(again) == 0 {
		return nil
	}
	var args []any
	for _, key := range again {
		args = append(args, key.conversation, key.remote)
	}
	ids := map[remoteKey]string{}
	if _, err := collect(ctx, tx, func(scan func(...any) error) (struct{}, error) {
		var id string
		var key remoteKey
		err := scan(&id, &key.conversation, &key.remote)
		ids[key] = id
		return struct{}{}, err
	}, "SELECT message_id, conversation_id, remote FROM inbox WHERE (conversation_id, remote) IN (VALUES "+
		tuples(1, len(again), 2)+")", args...); err != nil {
		return err
	}
	for i := range receipts {
		if !receipts[i].Fresh {
			receipts[i].Message = bot.MessageID(ids[remoteKey{string(receipts[i].Conversation), string(in[i].Remote)}])
		}
	}
	return nil
}

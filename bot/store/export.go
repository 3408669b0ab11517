package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/dialog"
)

// exported is all that is stored of a conversation, in the form that a
// merchant gets it.
type exported struct {
	Conversation exportedConversation `json:"conversation"`
	Messages     []exportedMessage    `json:"messages"`
	Turns        []exportedTurn       `json:"turns"`
	Cases        []exportedCase       `json:"cases"`
	Others       []exported           `json:"other_conversations,omitempty"` // of the same merchant
}

type exportedConversation struct {
	ID        bot.ConversationID `json:"id"`
	Channel   string             `json:"channel"`
	Remote    string             `json:"remote"`
	State     dialog.State       `json:"state"`
	CreatedAt time.Time          `json:"created_at"`
	UpdatedAt time.Time          `json:"updated_at"`
	LastError string             `json:"last_error,omitempty"`
	Merchant  string             `json:"merchant,omitempty"`  // what staff call them
	BlockedAt time.Time          `json:"blocked_at,omitzero"` // staff keep them out since then
}

type exportedMessage struct {
	ID        string    `json:"id"`
	Seq       int64     `json:"seq"`
	Author    string    `json:"author"`
	Kind      string    `json:"kind,omitempty"`
	Text      string    `json:"text"`
	Choice    string    `json:"choice,omitempty"`
	Details   payload   `json:"details,omitzero"`
	At        time.Time `json:"at"`
	Remote    string    `json:"remote,omitempty"` // what the network calls it
	Turn      string    `json:"turn,omitempty"`   // that answers it, or that it is part of
	State     string    `json:"state"`            // of the inbox or the outbox
	LastError string    `json:"last_error,omitempty"`
	StoredAt  time.Time `json:"stored_at"`
	SentAt    time.Time `json:"sent_at,omitzero"`
}

type exportedTurn struct {
	ID     string       `json:"id"`
	Reason string       `json:"reason"`
	State  dialog.State `json:"state"`
	At     time.Time    `json:"at"`
}

type exportedCase struct {
	ID         string          `json:"id"`
	Ticket     string          `json:"ticket"`
	Cause      string          `json:"cause"`
	Intent     string          `json:"intent,omitempty"`
	Card       json.RawMessage `json:"card"`
	State      string          `json:"state"`
	OpenedAt   time.Time       `json:"opened_at"`
	ClosedAt   time.Time       `json:"closed_at,omitzero"`
	Owner      string          `json:"owner,omitempty"`
	Tags       []string        `json:"tags,omitempty"`
	FoundCause string          `json:"found_cause,omitempty"`
	Fix        string          `json:"found_fix,omitempty"`
	Solved     string          `json:"solved,omitempty"`
	Rating     int             `json:"rating,omitempty"`
	Events     []exportedEvent `json:"events,omitempty"`
}

// exportedEvent is something that happened to a case.
type exportedEvent struct {
	N       int64     `json:"n"`
	Kind    string    `json:"kind"`
	State   string    `json:"state"`
	Actor   string    `json:"actor,omitempty"` // who of the staff
	Text    string    `json:"text,omitempty"`
	Message string    `json:"message,omitempty"`
	At      time.Time `json:"at"`
}

// Export returns all that is stored of the merchant of a conversation, as one
// JSON object in one line: that conversation, and in it their others. It fails with ErrNotFound if there is no such conversation, and
// with a *SumError if some of it is damaged.
func (db *DB) Export(ctx context.Context, id bot.ConversationID) ([]byte, error) {
	return db.export(ctx, id, merchantOf)
}

// ExportAlone is Export for a conversation alone: that others are of the same
// merchant is what staff believe.
func (db *DB) ExportAlone(ctx context.Context, id bot.ConversationID) ([]byte, error) {
	return db.export(ctx, id, func(_ context.Context, _ querier, id string) ([]string, error) { return []string{id}, nil })
}

func (db *DB) export(ctx context.Context, id bot.ConversationID, which func(context.Context, querier, string) ([]string, error)) ([]byte, error) {
	var e exported
	err := db.inSnapshot(ctx, func(tx querier) (err error) {
		ids, err := which(ctx, tx, key(id))
		if err != nil {
			return err
		}
		if e, err = export(ctx, tx, ids[0]); err != nil {
			return err
		}
		for _, other := range ids[1:] {
			o, err := export(ctx, tx, other)
			if err != nil {
				return err
			}
			e.Others = append(e.Others, o)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("exporting conversation %s: %w", id, err)
	}
	return json.Marshal(e)
}

func export(ctx context.Context, tx querier, id string) (e exported, err error) {
	var created, updated, blocked int64
	var why string
	var merchant string
	c, err := scanConversation(tx.QueryRowContext(ctx, `SELECT id, channel, remote, state, state_sum, created_at, updated_at, last_error, merchant, blocked_at
		FROM conversations WHERE id = $1`, id).Scan, &created, &updated, &why, &merchant, &blocked)
	if errors.Is(err, sql.ErrNoRows) {
		return e, ErrNotFound
	}
	if err != nil {
		return e, err
	}
	e.Conversation = exportedConversation{c.ID, c.Address.Channel, c.Address.Remote, c.State, fromMillis(created), fromMillis(updated), why, merchant, time.Time{}}
	if blocked > 0 {
		e.Conversation.BlockedAt = fromMillis(blocked)
	}
	if e.Messages, err = collect(ctx, tx, scanExportedMessage, "SELECT "+messageColumns+`,
		coalesce(i.remote, o.remote, ''), coalesce(i.turn_id, o.turn_id, ''), coalesce(i.state, o.state, ''),
		coalesce(i.last_error, o.last_error, ''), coalesce(i.received_at, o.created_at), o.sent_at
		FROM messages m
		LEFT JOIN inbox i ON i.message_id = m.id
		LEFT JOIN outbox o ON o.message_id = m.id
		WHERE m.conversation_id = $1 ORDER BY m.seq`, id); err != nil {
		return e, err
	}
	if e.Turns, err = collect(ctx, tx, func(scan func(...any) error) (t exportedTurn, err error) {
		var stored storedState
		var at int64
		if err := scan(&t.ID, &t.Reason, &stored.text, &stored.sum, &at); err != nil {
			return t, err
		}
		t.At = fromMillis(at)
		t.State, err = stored.state(c.ID)
		return t, err
	}, "SELECT id, reason, state, state_sum, at FROM turns WHERE conversation_id = $1 ORDER BY at, id", id); err != nil {
		return e, err
	}
	e.Cases, err = collect(ctx, tx, func(scan func(...any) error) (k exportedCase, err error) {
		var opened int64
		var closed sql.NullInt64
		var tags string
		err = scan(&k.ID, &k.Ticket, &k.Cause, &k.Intent, (*[]byte)(&k.Card), &k.State, &opened, &closed, &k.Owner, &tags, &k.FoundCause, &k.Fix, &k.Solved, &k.Rating)
		k.OpenedAt, k.ClosedAt, k.Tags = fromMillis(opened), fromNull(closed), split(tags)
		return k, err
	}, `SELECT id, ticket, cause, intent, card, state, opened_at, closed_at, owner, tags, found_cause, found_fix, solved, rating
		FROM cases WHERE conversation_id = $1 ORDER BY opened_at, id`, id)
	for i := range e.Cases {
		if err == nil {
			e.Cases[i].Events, err = collect(ctx, tx, scanExportedEvent, selectEvent+"WHERE case_id = $1 ORDER BY n", e.Cases[i].ID)
		}
	}
	return e, err
}

func scanExportedEvent(scan func(...any) error) (exportedEvent, error) {
	v, err := scanEvent(scan)
	return exportedEvent{v.ID, string(v.Kind), string(v.To), v.Actor, v.Text, string(v.Message), v.At}, err
}

func scanExportedMessage(scan func(...any) error) (e exportedMessage, err error) {
	var stored int64
	var sent sql.NullInt64
	m, err := scanMessage(scan, &e.Remote, &e.Turn, &e.State, &e.LastError, &stored, &sent)
	if err != nil {
		return e, err
	}
	e.ID, e.Seq, e.Author, e.Kind, e.Text, e.Choice = m.id, m.seq, m.author, m.kind, m.text, m.choice
	e.At, e.StoredAt, e.SentAt = fromMillis(m.at), fromMillis(stored), fromNull(sent)
	e.Details, err = m.payload()
	return e, err
}

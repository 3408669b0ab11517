package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/dialog"
)

// Commit stores all that follows from a work, or none of it: the state, the
// replies with their rows in the outbox, what became of the messages, the case
// if a person must take over and none has it yet, the outcome. It returns the
// state as stored, with the ticket of the case. It fails with bot.ErrLost if
// the claim is not held any more.
func (db *DB) Commit(ctx context.Context, t bot.Turn) (dialog.State, error) {
	var st dialog.State
	err := db.inTx(ctx, func(tx querier) (err error) {
		st, err = db.commit(ctx, tx, t)
		return err
	})
	if err != nil {
		return dialog.State{}, fmt.Errorf("storing a turn of conversation %s: %w", t.Work.Conversation.ID, err)
	}
	return st, nil
}

func (db *DB) commit(ctx context.Context, tx querier, t bot.Turn) (dialog.State, error) {
	st, id := t.State, string(t.Work.Conversation.ID)
	to := listener{conversation: id, turn: db.newID(), pull: t.Pull}
	var phase string
	err := tx.QueryRowContext(ctx, "SELECT channel, last_seq, phase FROM conversations WHERE id = $1 AND lease_token = $2"+db.dialect.forUpdate,
		id, t.Work.Lease).Scan(&to.channel, &to.seq, &phase)
	if errors.Is(err, sql.ErrNoRows) {
		return st, bot.ErrLost
	}
	if err != nil {
		return st, err
	}
	if t.At.IsZero() {
		t.At = db.now()
	}
	at := millis(t.At)
	if err := db.heard(ctx, tx, t, &st, phase); err != nil {
		return st, err
	}
	state, err := newState(st)
	if err != nil {
		return st, err
	}
	if _, err := exec(ctx, tx, "INSERT INTO turns (id, conversation_id, reason, state, state_sum, at) VALUES ($1, $2, $3, $4, $5, $6)",
		to.turn, id, clean(string(t.Reason)), state.text, state.sum, at); err != nil {
		return st, err
	}
	if err := answerInbox(ctx, tx, t, to.turn); err != nil {
		return st, err
	}
	if _, err := db.say(ctx, tx, &to, bot.Bot, t.Replies, at); err != nil {
		return st, err
	}
	if t.Hold > 0 && len(t.Replies) > 0 {
		if err := hold(ctx, tx, to.turn, t.Hold); err != nil {
			return st, err
		}
	}
	if t.Solved != nil {
		if err := count(ctx, tx, dialog.Count{Intent: t.Solved.Intent, Brand: t.Solved.Brand, Step: t.Solved.Step, Result: dialog.Fixed}); err != nil {
			return st, err
		}
	}
	_, err = exec(ctx, tx, freeConversation+`state = $2, phase = $3, ticket = $4, last_seq = $5, updated_at = $6, state_sum = $7,
		attempts = 0, next_at = 0, last_error = '', waiting_since = `+oldestWaiting+" WHERE id = $1",
		id, state.text, string(bot.StatusOf(st).Phase), clean(st.Ticket), to.seq, millis(db.now()), state.sum)
	return st, err
}

// answerInbox records that a turn has answered the messages of its work, or
// put them aside.
func answerInbox(ctx context.Context, tx querier, t bot.Turn, turn string) error {
	if len(t.Work.Messages) == 0 {
		return errors.New("its work has no messages")
	}
	state := "done"
	if t.Dead != "" {
		state = "dead"
	}
	args := []any{state, turn, cleanWhy(t.Dead), string(t.Work.Conversation.ID)}
	for _, m := range t.Work.Messages {
		args = append(args, string(m.ID))
	}
	// The conversation is compared such that SQLite does not find them by an index
	// that this changes: it would note them in a temporary table before.
	n, err := exec(ctx, tx, "UPDATE inbox SET state = $1, turn_id = $2, last_error = $3 WHERE message_id IN "+
		list(5, len(t.Work.Messages))+" AND conversation_id || '' = $4 AND state = 'new'", args...)
	if err == nil && int(n) != len(t.Work.Messages) {
		err = fmt.Errorf("%d of its %d messages do not wait for an answer", len(t.Work.Messages)-int(n), len(t.Work.Messages))
	}
	return err
}

// hold keeps the replies of a turn from being sent for a while after the last
// of its messages was received.
func hold(ctx context.Context, tx querier, turn string, d time.Duration) error {
	_, err := exec(ctx, tx, `UPDATE outbox SET next_at = $2 + (SELECT max(received_at) FROM inbox WHERE turn_id = $1)
		WHERE turn_id = $1 AND state = 'new'`, turn, d.Milliseconds())
	return err
}

// A listener is the conversation that replies go to.
type listener struct {
	conversation string
	channel      string
	turn         string // "" if they answer nothing
	seq          int64  // the last number given out
	pull         bool
}

// say adds messages to the merchant and their rows in the outbox.
func (db *DB) say(ctx context.Context, tx querier, to *listener, author bot.Author, replies []bot.Reply, at int64) ([]message, error) {
	if len(replies) == 0 {
		return nil, nil
	}
	now := millis(db.now())
	state, sentAt := bot.Unsent, sql.NullInt64{}
	if to.pull {
		state, sentAt = bot.Sent, sql.NullInt64{Int64: now, Valid: true}
	}
	turn := sql.NullString{String: to.turn, Valid: to.turn != ""}
	messages := make([]message, len(replies))
	var rows []any
	boxed := []any{to.conversation, to.channel, string(state), turn, now, sentAt}
	for i, r := range replies {
		to.seq++
		m := message{id: db.newID(), conversation: to.conversation, seq: to.seq, author: string(author), at: at}
		if err := m.setReply(r); err != nil {
			return nil, err
		}
		messages[i] = m
		rows = append(rows, m.row()...)
		boxed = append(boxed, m.id, m.seq)
	}
	if _, err := exec(ctx, tx, insertMessage+tuples(1, len(replies), 10), rows...); err != nil {
		return nil, err
	}
	_, err := exec(ctx, tx, "INSERT INTO outbox (message_id, seq, conversation_id, channel, state, turn_id, created_at, sent_at) VALUES "+
		tuples(7, len(replies), 2, "$1", "$2", "$3", "$4", "$5", "$6"), boxed...)
	return messages, err
}

// Say adds messages to a merchant that answer no turn, such as those of staff,
// and returns them as stored. They go out after all that was said before. It
// fails with ErrNotFound if there is no such conversation.
func (db *DB) Say(ctx context.Context, conversation bot.ConversationID, author bot.Author, replies []bot.Reply, pull bool, at time.Time) ([]bot.Entry, error) {
	var entries []bot.Entry
	err := db.inTx(ctx, func(tx querier) error {
		entries = nil
		to := listener{conversation: key(conversation), pull: pull}
		err := tx.QueryRowContext(ctx, "SELECT channel, last_seq FROM conversations WHERE id = $1"+db.dialect.forUpdate,
			to.conversation).Scan(&to.channel, &to.seq)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrNotFound
		}
		if err != nil {
			return err
		}
		messages, err := db.say(ctx, tx, &to, author, replies, millis(at))
		if err != nil {
			return err
		}
		for _, m := range messages {
			e, err := m.entry()
			if err != nil {
				return err
			}
			e.Delivery = bot.Unsent
			if pull {
				e.Delivery = bot.Sent
			}
			entries = append(entries, e)
		}
		_, err = exec(ctx, tx, "UPDATE conversations SET last_seq = $2, updated_at = $3 WHERE id = $1", to.conversation, to.seq, millis(db.now()))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("adding to conversation %s: %w", conversation, err)
	}
	return entries, nil
}

// Replies returns what the turn of a message said and the state after it, the
// same each time. The replies of a turn that answers several messages belong
// to the last of them; those before have none. done is false while the message
// waits. It fails with ErrNotFound if there is no such message.
func (db *DB) Replies(ctx context.Context, id bot.MessageID) (r bot.Answered, done bool, err error) {
	said, err := collect(ctx, db.reader, scanSaid, selectSaid, key(id))
	switch {
	case err != nil:
		err = db.dialect.explain(err)
	case len(said) == 0:
		err = ErrNotFound
	default:
		r, done, err = answered(said)
	}
	if err != nil {
		return bot.Answered{}, false, fmt.Errorf("reading the answer to message %s: %w", id, err)
	}
	return r, done, nil
}

// selectSaid selects what became of a message, with each of the replies that
// belong to it: one row with none if there are none. It is one statement, which
// sees one moment without a transaction around it.
const selectSaid = `SELECT coalesce(m.id, ''), coalesce(m.conversation_id, ''), coalesce(m.seq, 0), coalesce(m.author, ''), coalesce(m.kind, ''),
		coalesce(m.text, ''), coalesce(m.choice, ''), coalesce(m.payload, ''), coalesce(m.at, 0), m.sum,
		i.state, i.last_error, i.conversation_id, t.state, t.state_sum
	FROM inbox i
	LEFT JOIN turns t ON t.id = i.turn_id
	LEFT JOIN outbox o ON o.turn_id = i.turn_id AND i.seq = (SELECT max(l.seq) FROM inbox l WHERE l.turn_id = i.turn_id)
	LEFT JOIN messages m ON m.id = o.message_id
	WHERE i.message_id = $1 ORDER BY o.seq`

// said is a row of selectSaid.
type said struct {
	reply                    *message // nil if there are none
	inbox, why, conversation string
	state                    sql.NullString // after the turn
	sum                      []byte
}

func scanSaid(scan func(...any) error) (s said, err error) {
	m, err := scanMessage(scan, &s.inbox, &s.why, &s.conversation, &s.state, &s.sum)
	if m.id == "" && errors.As(err, new(*SumError)) {
		return s, nil // there is no message that could be damaged
	}
	s.reply = &m
	return s, err
}

// answered makes the answer of what was said to a message.
func answered(all []said) (r bot.Answered, done bool, err error) {
	first := all[0]
	switch {
	case first.inbox == "new":
		return r, false, nil
	case !first.state.Valid:
		return r, false, fmt.Errorf("it was put aside without one: %s: %w", first.why, ErrNotFound)
	}
	if r.State, err = (storedState{first.state.String, first.sum}).state(bot.ConversationID(first.conversation)); err != nil {
		return r, false, err
	}
	r.Replies = []bot.Reply{}
	for _, s := range all {
		if s.reply == nil {
			continue
		}
		reply, err := s.reply.reply()
		if err != nil {
			return r, false, err
		}
		r.Replies = append(r.Replies, reply)
	}
	return r, true, nil
}

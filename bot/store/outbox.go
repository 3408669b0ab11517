package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"tilldesk/bot"
)

// ClaimOut takes up to n messages that are due to be sent, at most one of each
// conversation: its oldest that is not sent yet, so that order is kept. Those
// that are held, dead or may be passed, see RetryOut, do not keep back the ones
// after them. They are marked durably as being sent before ClaimOut
// returns. With channels given, only theirs are taken. It returns them oldest
// first.
func (db *DB) ClaimOut(ctx context.Context, owner string, now time.Time, lease time.Duration, n int, channels ...string) ([]bot.Outbound, error) {
	var out []bot.Outbound
	err := db.inTx(ctx, func(tx querier) (err error) {
		out, err = db.claimOut(ctx, tx, owner, millis(now), millis(now.Add(lease)), n, channels)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("claiming messages to be sent: %w", err)
	}
	return out, nil
}

func (db *DB) claimOut(ctx context.Context, tx querier, owner string, now, until int64, n int, channels []string) ([]bot.Outbound, error) {
	args := []any{now, n}
	only := ""
	if len(channels) > 0 {
		only = " AND o.channel IN " + list(len(args)+1, len(channels))
		args = append(args, anys(channels)...)
	}
	found, err := collect(ctx, tx, scanOutbound, "SELECT "+outboundColumns+` FROM (
			SELECT o.* FROM outbox o
			WHERE o.state = 'new' AND o.next_at <= $1`+only+` AND NOT EXISTS (
				SELECT 1 FROM outbox e
				WHERE e.conversation_id = o.conversation_id AND e.seq < o.seq AND e.state IN ('new', 'sending') AND e.passable = 0)
			ORDER BY o.created_at, o.message_id`+limit2+db.dialect.skipLocked+") o"+outboundJoins, args...)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	slices.SortFunc(found, func(a, b outbound) int { return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.ID, b.ID)) })
	token := db.newID()
	args = []any{clean(owner), token, until}
	for i := range found {
		args = append(args, string(found[i].ID))
		found[i].Lease = token
		found[i].Attempts++ // it was read before this one was counted
	}
	if _, err := exec(ctx, tx, `UPDATE outbox SET state = 'sending', lease_owner = $1, lease_token = $2, lease_until = $3, attempts = attempts + 1
		WHERE message_id IN `+list(4, len(found)), args...); err != nil {
		return nil, err
	}
	var out []bot.Outbound
	for _, f := range found {
		if f.damaged == nil {
			out = append(out, f.Outbound)
			continue
		}
		// It must not keep the others of its conversation from being sent.
		if err := finish(ctx, tx, f.Outbound, setDead, f.damaged.Error()); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// outboundColumns are what scanOutbound reads, of rows o of the outbox with
// outboundJoins.
const (
	outboundColumns = messageColumns + ", c.channel, c.remote, o.attempts - 1, o.pieces, o.lease_token, o.state, o.last_error, o.created_at"
	outboundJoins   = `
	JOIN messages m ON m.id = o.message_id
	JOIN conversations c ON c.id = o.conversation_id `
	selectOutbound = "SELECT " + outboundColumns + " FROM outbox o" + outboundJoins
)

// outbound is a row of the outbox; one whose message is damaged says so.
type outbound struct {
	bot.Parked
	damaged *SumError
}

func scanOutbound(scan func(...any) error) (outbound, error) {
	var o outbound
	var created int64
	m, err := scanMessage(scan, &o.Address.Channel, &o.Address.Remote, &o.Attempts, &o.Pieces, &o.Lease, &o.Delivery, &o.Why, &created)
	if err != nil && !errors.As(err, &o.damaged) {
		return o, err
	}
	o.ID, o.Conversation, o.Seq, o.Author = bot.MessageID(m.id), bot.ConversationID(m.conversation), m.seq, bot.Author(m.author)
	o.At, o.Since = fromMillis(m.at), fromMillis(created)
	if o.damaged == nil {
		o.Reply, err = m.reply()
		return o, err
	}
	return o, nil
}

// What becomes of a message that was claimed. $3 is what the network or the
// failure says. One that was put on hold meanwhile, because its sender seemed
// dead, is settled by what the sender finds out after all; but it is not sent
// again, as those after it may have gone out.
const (
	setSent = "state = 'sent', remote = $3, last_error = '', sent_at = $4" + whenClaimed + orHeld
	setNew  = "state = 'new', last_error = $3, next_at = $4, passable = $5, lease_token = ''" + whenClaimed + ")"
	setBack = "state = 'new', attempts = attempts - 1, next_at = $3, lease_token = ''" + whenClaimed + ")"
	setHeld = "state = 'held', last_error = $3" + whenClaimed + orHeld
	setDead = "state = 'dead', last_error = $3, lease_token = ''" + whenClaimed + orHeld

	whenClaimed = " WHERE message_id = $1 AND lease_token = $2 AND state IN ('sending'"
	orHeld      = ", 'held')"
)

// settled are those that staff see at their message.
var settled = map[string]bot.Delivery{setSent: bot.Sent, setHeld: bot.Held, setDead: bot.Dead}

func finish(ctx context.Context, q querier, m bot.Outbound, set string, args ...any) error {
	return execOne(ctx, q, bot.ErrLost, "UPDATE outbox SET lease_until = 0, "+set, append([]any{string(m.ID), m.Lease}, args...)...)
}

func (db *DB) finish(ctx context.Context, m bot.Outbound, what, set string, args ...any) error {
	if m.Lease == "" {
		return fmt.Errorf("%s of message %s: it was not claimed: %w", what, m.ID, bot.ErrLost)
	}
	if err := db.inTx(ctx, func(tx querier) error {
		if err := finish(ctx, tx, m, set, args...); err != nil {
			return err
		}
		if d, ok := settled[set]; ok {
			return db.delivered(ctx, tx, m, d)
		}
		return nil
	}); err != nil {
		return fmt.Errorf("%s of message %s: %w", what, m.ID, err)
	}
	return nil
}

// Sent records that a claimed message was delivered, and what the network
// calls it. Like RetryOut, ReturnOut, Hold and BuryOut it fails with
// bot.ErrLost if the claim is not held any more.
func (db *DB) Sent(ctx context.Context, m bot.Outbound, remote bot.RemoteID, at time.Time) error {
	return db.finish(ctx, m, "recording the delivery", setSent, clean(string(remote)), millis(at))
}

// RetryOut records that a claimed message was not delivered and is to be tried
// again at the time given; those after it may pass it meanwhile if passable is
// set. One that was put on hold meanwhile stays there.
func (db *DB) RetryOut(ctx context.Context, m bot.Outbound, at time.Time, passable bool, why string) error {
	n := 0
	if passable {
		n = 1
	}
	return db.finish(ctx, m, "putting off the delivery", setNew, cleanWhy(why), millis(at), n)
}

// ReturnOut gives back a claimed message that was not tried at all, to be
// claimed again at the time given. It does not count as an attempt.
func (db *DB) ReturnOut(ctx context.Context, m bot.Outbound, at time.Time) error {
	return db.finish(ctx, m, "giving back the delivery", setBack, millis(at))
}

// Hold records that nobody knows whether a claimed message was delivered. It
// waits for a person, see Resend and Settle; the messages after it do not wait
// for it.
func (db *DB) Hold(ctx context.Context, m bot.Outbound, why string) error {
	return db.finish(ctx, m, "holding the delivery", setHeld, cleanWhy(why))
}

// BuryOut records that a claimed message cannot be delivered.
func (db *DB) BuryOut(ctx context.Context, m bot.Outbound, why string) error {
	return db.finish(ctx, m, "giving up the delivery", setDead, cleanWhy(why))
}

// Recover settles the messages whose senders died while sending: those of the
// channels in resend are sent again, the others are held. It returns how many
// there were of each.
//
// With PostgreSQL a sender is dead when its lease has ended. With SQLite all
// of them are when the database is opened, as only one process can be there.
func (db *DB) Recover(ctx context.Context, now time.Time, resend ...string) (held, again int, err error) {
	const (
		died  = "the sender stopped while it was sending"
		where = " WHERE state = 'sending' AND lease_until <= $1"
	)
	err = db.inTx(ctx, func(tx querier) error {
		held, again = 0, 0
		if len(resend) > 0 {
			n, err := exec(ctx, tx, "UPDATE outbox SET state = 'new', lease_token = '', lease_until = 0, next_at = 0, last_error = $2"+where+
				" AND channel IN "+list(3, len(resend)), append([]any{millis(now), died}, anys(resend)...)...)
			if err != nil {
				return err
			}
			again = int(n)
		}
		n, err := exec(ctx, tx, "UPDATE outbox SET state = 'held', lease_until = 0, last_error = $2"+where, millis(now), died)
		held = int(n)
		return err
	})
	if err != nil {
		return 0, 0, fmt.Errorf("settling messages that were being sent: %w", err)
	}
	return held, again, nil
}

package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/desk"
	"tilldesk/bot/dialog"
	"tilldesk/content/source"
)

var _ desk.Store = (*DB)(nil)

// never is a time that does not come: since when a merchant waits who does not.
const never = math.MaxInt64/2 + 1

// caseColumns are the columns of a case k with its conversation c, in the order
// of scanCase.
const caseColumns = `k.id, k.number, k.ticket, k.conversation_id, c.channel, c.remote, c.merchant, k.state, k.version, k.owner, k.rank,
	k.cause, k.intent, k.lang, k.traditional, k.tags, k.card, k.opened_at, k.handed_at, k.taken_at, k.answered_at, k.resolved_at,
	k.closed_at, k.updated_at, k.snoozed_until, k.unanswered_at, k.escalated, k.found_cause, k.found_fix, k.solved, k.rating, k.merged_into, c.blocked_at`

const selectCase = "SELECT " + caseColumns + " FROM cases k JOIN conversations c ON c.id = k.conversation_id "

// storedCase is a case with what only the store knows of it.
type storedCase struct {
	desk.Case
	id string
}

func scanCase(scan func(...any) error) (storedCase, error) {
	var k storedCase
	var rank, traditional, opened, handed, updated, snoozed, unanswered, blocked int64
	var taken, answered, resolved, closed sql.NullInt64
	var tags, text, escalated string
	err := scan(&k.id, &k.Number, &k.Ticket, &k.Conversation, &k.Address.Channel, &k.Address.Remote, &k.Merchant, &k.State, &k.Version, &k.Owner, &rank,
		&k.Cause, &k.Intent, &k.Lang, &traditional, &tags, &text, &opened, &handed, &taken, &answered, &resolved,
		&closed, &updated, &snoozed, &unanswered, &escalated, &k.Finding.Cause, &k.Finding.Fix, &k.Solved, &k.Rating, &k.MergedInto, &blocked)
	if err != nil {
		return k, err
	}
	var stored card
	if err := json.Unmarshal([]byte(text), &stored); err != nil {
		return k, fmt.Errorf("reading the card of case %s: %w", k.Ticket, err)
	}
	k.Card = stored.card()
	k.Urgency = desk.Urgent - desk.Urgency(rank)
	k.Traditional = traditional != 0
	k.Tags = split(tags)
	for _, kind := range split(escalated) {
		k.Escalated = append(k.Escalated, desk.DueKind(kind))
	}
	k.Opened, k.Handed, k.Updated = fromMillis(opened), fromMillis(handed), fromMillis(updated)
	k.Taken, k.Answered, k.Resolved, k.Closed = fromNull(taken), fromNull(answered), fromNull(resolved), fromNull(closed)
	if snoozed > 0 {
		k.Snoozed = fromMillis(snoozed)
	}
	if blocked > 0 {
		k.Blocked = fromMillis(blocked)
	}
	if unanswered < never {
		k.Unanswered = fromMillis(unanswered)
	}
	return k, nil
}

// split splits at commas.
func split(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}

func orNull(t time.Time) sql.NullInt64 { return sql.NullInt64{Int64: millis(t), Valid: !t.IsZero()} }

// setCase are the columns that change, from the placeholder $4 on, in the order
// of changing.
const setCase = `version = version + 1, state = $4, is_open = $5, owner = $6, rank = $7, cause = $8, intent = $9, lang = $10, traditional = $11,
	tags = $12, card = $13, handed_at = $14, taken_at = $15, answered_at = $16, resolved_at = $17, closed_at = $18, updated_at = $19,
	snoozed_until = $20, unanswered_at = $21, escalated = $22, found_cause = $23, found_fix = $24, solved = $25, rating = $26, merged_into = $27`

func changing(c desk.Case) ([]any, error) {
	text, err := encode(newCard(c.Card))
	if err != nil {
		return nil, err
	}
	unanswered, snoozed := int64(never), int64(0)
	if !c.Unanswered.IsZero() {
		unanswered = millis(c.Unanswered)
	}
	if !c.Snoozed.IsZero() {
		snoozed = millis(c.Snoozed)
	}
	var escalated []string
	for _, kind := range c.Escalated {
		escalated = append(escalated, string(kind))
	}
	return []any{
		string(c.State), number(c.Open()), clean(c.Owner), int64(desk.Urgent - c.Urgency), clean(string(c.Cause)), clean(c.Intent), string(c.Lang), number(c.Traditional),
		clean(strings.Join(c.Tags, ",")), text, millis(c.Handed), orNull(c.Taken), orNull(c.Answered), orNull(c.Resolved), orNull(c.Closed), millis(c.Updated),
		snoozed, unanswered, strings.Join(escalated, ","), clean(c.Finding.Cause), clean(c.Finding.Fix), string(c.Solved), c.Rating, clean(c.MergedInto),
	}, nil
}

func number(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// Case returns the case that a ticket names, or desk.ErrNotFound.
func (db *DB) Case(ctx context.Context, ticket string) (desk.Case, error) {
	k, err := readCase(ctx, db.reader, "WHERE k.ticket = $1", key(ticket))
	if err == nil && k == nil {
		err = desk.ErrNotFound
	}
	if err != nil {
		return desk.Case{}, fmt.Errorf("reading case %s: %w", ticket, db.dialect.explain(err))
	}
	return k.Case, nil
}

// readCase returns the case for which where holds, nil if there is none.
func readCase(ctx context.Context, q querier, where string, args ...any) (*storedCase, error) {
	k, err := scanCase(q.QueryRowContext(ctx, selectCase+where, args...).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return &k, err
}

// notClosed finds the case of a conversation that is not closed.
const notClosed = "WHERE k.conversation_id = $1 AND k.closed_at IS NULL"

// CasesOf returns up to limit cases of a conversation, newest first.
func (db *DB) CasesOf(ctx context.Context, conversation bot.ConversationID, limit int) ([]desk.Case, error) {
	cases, err := collect(ctx, db.reader, scanDeskCase, selectCase+"WHERE k.conversation_id = $1 ORDER BY k.number DESC LIMIT $2", key(conversation), limit)
	if err != nil {
		return nil, fmt.Errorf("reading the cases of conversation %s: %w", conversation, db.dialect.explain(err))
	}
	return cases, nil
}

func scanDeskCase(scan func(...any) error) (desk.Case, error) {
	k, err := scanCase(scan)
	return k.Case, err
}

// card is the stored form of a bot.Card.
type card struct {
	Cause   dialog.Cause      `json:"cause"`
	Symptom words             `json:"symptom,omitzero"`
	Suspect words             `json:"suspect,omitzero"`
	Chance  float64           `json:"chance,omitempty"`
	Facts   map[string]string `json:"facts,omitempty"`
	Codes   []string          `json:"codes,omitempty"`
	Tried   []tried           `json:"tried,omitempty"`
	Later   []words           `json:"later,omitempty"`
}

type words struct {
	Zh string `json:"zh"`
	En string `json:"en"`
}

type tried struct {
	Intent string        `json:"intent,omitempty"`
	Step   string        `json:"step,omitempty"`
	Text   words         `json:"text"`
	Result dialog.Result `json:"result"`
	Note   string        `json:"note,omitempty"`
}

func newCard(c bot.Card) card {
	stored := card{
		Cause: c.Cause, Symptom: words(c.Symptom), Suspect: words(c.Suspect), Chance: c.Chance,
		Facts: c.Facts, Codes: c.Codes,
	}
	for _, t := range c.Tried {
		stored.Tried = append(stored.Tried, tried{t.Intent, t.Step, words(t.Text), t.Result, t.Note})
	}
	for _, symptom := range c.Later {
		stored.Later = append(stored.Later, words(symptom))
	}
	return stored
}

func (c card) card() bot.Card {
	b := bot.Card{
		Cause: c.Cause, Symptom: source.Text(c.Symptom), Suspect: source.Text(c.Suspect), Chance: c.Chance,
		Facts: c.Facts, Codes: c.Codes,
	}
	for _, t := range c.Tried {
		b.Tried = append(b.Tried, bot.TriedStep{Intent: t.Intent, Step: t.Step, Text: source.Text(t.Text), Result: t.Result, Note: t.Note})
	}
	for _, symptom := range c.Later {
		b.Later = append(b.Later, source.Text(symptom))
	}
	return b
}

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
	"tilldesk/content/source"
)

// CaseState is how far a case has come.
type CaseState string

// Waiting is the state of a case that nobody has taken yet.
const Waiting CaseState = "waiting"

// A Case is a conversation that was handed over to a person.
type Case struct {
	ID           string
	Ticket       string // short and unique, for people
	Conversation bot.ConversationID
	Cause        dialog.Cause
	Intent       string
	Card         bot.Card
	State        CaseState
	Opened       time.Time
	Closed       time.Time // zero while it is open
}

// Case returns the case that a ticket names, or ErrNotFound.
func (db *DB) Case(ctx context.Context, ticket string) (Case, error) {
	var c Case
	var text string
	var opened int64
	var closed sql.NullInt64
	err := db.reader.QueryRowContext(ctx, `SELECT id, ticket, conversation_id, cause, intent, card, state, opened_at, closed_at
		FROM cases WHERE ticket = $1`, key(ticket)).Scan(&c.ID, &c.Ticket, &c.Conversation, &c.Cause, &c.Intent, &text, &c.State, &opened, &closed)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	var stored card
	if err == nil {
		err = json.Unmarshal([]byte(text), &stored)
	}
	if err != nil {
		return Case{}, fmt.Errorf("reading case %s: %w", ticket, db.dialect.explain(err))
	}
	c.Card, c.Opened, c.Closed = stored.card(), fromMillis(opened), fromNull(closed)
	return c, nil
}

// openCase returns the ticket of the open case of a conversation, opening one
// if there is none.
func (db *DB) openCase(ctx context.Context, tx *sql.Tx, conversation string, h dialog.Handoff, c bot.Card, at int64) (string, error) {
	var ticket string
	err := tx.QueryRowContext(ctx, "SELECT ticket FROM cases WHERE conversation_id = $1 AND closed_at IS NULL", conversation).Scan(&ticket)
	if !errors.Is(err, sql.ErrNoRows) {
		return ticket, err
	}
	var n int64
	if err := tx.QueryRowContext(ctx, `INSERT INTO counters (name, n) VALUES ('ticket', 1)
		ON CONFLICT (name) DO UPDATE SET n = counters.n + 1 RETURNING n`).Scan(&n); err != nil {
		return "", err
	}
	card, err := encode(newCard(c))
	if err != nil {
		return "", err
	}
	ticket = fmt.Sprintf("T%d", n)
	_, err = exec(ctx, tx, `INSERT INTO cases (id, ticket, conversation_id, cause, intent, card, state, opened_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		db.newID(), ticket, conversation, clean(string(h.Cause)), clean(h.Intent), card, string(Waiting), at)
	return ticket, err
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
}

type words struct {
	Zh string `json:"zh"`
	En string `json:"en"`
}

type tried struct {
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
		stored.Tried = append(stored.Tried, tried{words(t.Text), t.Result, t.Note})
	}
	return stored
}

func (c card) card() bot.Card {
	b := bot.Card{
		Cause: c.Cause, Symptom: source.Text(c.Symptom), Suspect: source.Text(c.Suspect), Chance: c.Chance,
		Facts: c.Facts, Codes: c.Codes,
	}
	for _, t := range c.Tried {
		b.Tried = append(b.Tried, bot.TriedStep{Text: source.Text(t.Text), Result: t.Result, Note: t.Note})
	}
	return b
}

// An Outcome says how often a step had a result for a symptom on a brand of
// device.
type Outcome struct {
	Intent, Brand, Step string
	Result              dialog.Result
	N                   int64
}

// count adds a success to the outcomes.
func count(ctx context.Context, tx *sql.Tx, s dialog.Solved) error {
	_, err := exec(ctx, tx, `INSERT INTO outcomes (intent, brand, step, result, n) VALUES ($1, $2, $3, $4, 1)
		ON CONFLICT (intent, brand, step, result) DO UPDATE SET n = outcomes.n + 1`,
		clean(s.Intent), clean(s.Brand), clean(s.Step), string(dialog.Fixed))
	return err
}

// Outcomes returns all counts, in no particular order.
func (db *DB) Outcomes(ctx context.Context) ([]Outcome, error) {
	all, err := collect(ctx, db.reader, func(scan func(...any) error) (o Outcome, err error) {
		err = scan(&o.Intent, &o.Brand, &o.Step, &o.Result, &o.N)
		return o, err
	}, "SELECT intent, brand, step, result, n FROM outcomes")
	if err != nil {
		return nil, fmt.Errorf("reading the outcomes: %w", db.dialect.explain(err))
	}
	return all, nil
}

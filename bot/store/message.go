package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"fmt"

	"tilldesk/bot"
	"tilldesk/bot/dialog"
	"tilldesk/content/source"
)

// message is a row of messages.
type message struct {
	id, conversation   string
	seq                int64
	author, kind       string
	text, choice, more string // more is the JSON of a payload
	at                 int64
}

// payload is what a message has beside its text.
type payload struct {
	Media   []bot.Media `json:"media,omitempty"`
	Secrets []string    `json:"secrets,omitempty"`
	Lang    source.Lang `json:"lang,omitempty"`

	Traditional bool  `json:"traditional,omitempty"`
	Offer       int64 `json:"offer,omitempty"` // seq of the reply that offered the choice

	Intent  *string      `json:"intent,omitempty"`
	Step    *string      `json:"step,omitempty"`
	Article *string      `json:"article,omitempty"`
	Choices []bot.Choice `json:"choices,omitempty"`

	Corrects *bot.Correction `json:"corrects,omitempty"`
}

// messageColumns are the columns of a message m in the order of scanMessage.
const messageColumns = "m.id, m.conversation_id, m.seq, m.author, m.kind, m.text, m.choice, m.payload, m.at, m.sum"

const insertMessage = "INSERT INTO messages (id, conversation_id, seq, author, kind, text, choice, payload, at, sum) VALUES "

func (m *message) row() []any {
	return []any{m.id, m.conversation, m.seq, m.author, m.kind, m.text, m.choice, m.more, m.at, m.sum()}
}

// sum is the checksum of all that is stored: neither database notices by
// itself when a byte within a row changes on its disk.
func (m *message) sum() []byte {
	h := sha256.New()
	var n [8]byte
	number := func(v int64) {
		binary.BigEndian.PutUint64(n[:], uint64(v))
		h.Write(n[:])
	}
	number(m.seq)
	number(m.at)
	for _, s := range []string{m.id, m.conversation, m.author, m.kind, m.text, m.choice, m.more} {
		number(int64(len(s)))
		h.Write([]byte(s))
	}
	return h.Sum(nil)[:16]
}

// scanMessage reads messageColumns and then the columns of more. A message
// that is damaged is returned with a SumError, to be dealt with by its id.
func scanMessage(scan func(...any) error, more ...any) (message, error) {
	var m message
	var sum []byte
	err := scan(append([]any{&m.id, &m.conversation, &m.seq, &m.author, &m.kind, &m.text, &m.choice, &m.more, &m.at, &sum}, more...)...)
	if err == nil && !bytes.Equal(sum, m.sum()) {
		err = &SumError{bot.MessageID(m.id), bot.ConversationID(m.conversation)}
	}
	return m, err
}

func encode(v any) (string, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("encoding %T: %w", v, err)
	}
	return string(b), nil
}

// storedState is the stored form of a dialog.State, with its checksum.
type storedState struct {
	text string
	sum  []byte
}

func sumOf(text string) []byte {
	sum := sha256.Sum256([]byte(text))
	return sum[:16]
}

func newState(st dialog.State) (storedState, error) {
	text, err := encode(st)
	return storedState{text, sumOf(text)}, err
}

// state returns the state of a conversation, or a SumError.
func (s storedState) state(of bot.ConversationID) (st dialog.State, err error) {
	if !bytes.Equal(s.sum, sumOf(s.text)) {
		return st, &SumError{Conversation: of}
	}
	if err := json.Unmarshal([]byte(s.text), &st); err != nil {
		return st, fmt.Errorf("reading the state of conversation %s: %w", of, err)
	}
	return st, nil
}

func (m *message) payload() (payload, error) {
	var p payload
	if err := json.Unmarshal([]byte(m.more), &p); err != nil {
		return p, fmt.Errorf("reading the stored message %s: %w", m.id, err)
	}
	return p, nil
}

// setReply makes m the stored form of a reply.
func (m *message) setReply(r bot.Reply) (err error) {
	m.kind, m.text = clean(string(r.Kind)), clean(r.Text)
	m.more, err = encode(payload{Intent: r.Intent, Step: r.Step, Article: r.Article, Choices: r.Choices, Media: r.Media, Corrects: r.Corrects})
	return err
}

func (m *message) reply() (bot.Reply, error) {
	p, err := m.payload()
	r := bot.Reply{
		Text: m.text, Kind: dialog.ReplyKind(m.kind),
		Intent: p.Intent, Step: p.Step, Article: p.Article, Choices: p.Choices, Media: p.Media, Corrects: p.Corrects,
	}
	if r.Choices == nil {
		r.Choices = []bot.Choice{}
	}
	return r, err
}

// pending also returns the seq of the reply that offered the choice, 0 if that
// is not known.
func (m *message) pending() (bot.Pending, int64, error) {
	p, err := m.payload()
	return bot.Pending{
		ID: bot.MessageID(m.id), Text: m.text, Choice: m.choice,
		Media: p.Media, Secrets: p.Secrets, Lang: p.Lang, At: fromMillis(m.at), Traditional: p.Traditional,
	}, p.Offer, err
}

func (m *message) entry() (bot.Entry, error) {
	p, err := m.payload()
	if err != nil {
		return bot.Entry{}, err
	}
	r, err := m.reply()
	if m.author == string(bot.Merchant) {
		r.Media = nil // it is not a reply to them
	}
	return bot.Entry{
		ID: bot.MessageID(m.id), Conversation: bot.ConversationID(m.conversation), Seq: m.seq, Author: bot.Author(m.author),
		Reply: r, Choice: m.choice, Media: p.Media, Secrets: p.Secrets, At: fromMillis(m.at),
	}, err
}

const selectEntry = "SELECT " + messageColumns + `, o.state, o.remote, i.remote
	FROM messages m
	LEFT JOIN outbox o ON o.message_id = m.id
	LEFT JOIN inbox i ON i.message_id = m.id `

func scanEntry(scan func(...any) error) (bot.Entry, error) {
	var delivery, outRemote, inRemote sql.NullString
	m, err := scanMessage(scan, &delivery, &outRemote, &inRemote)
	if err != nil {
		return bot.Entry{}, err
	}
	e, err := m.entry()
	e.Delivery = bot.Delivery(delivery.String)
	e.Remote = bot.RemoteID(outRemote.String + inRemote.String) // a message is in one box
	return e, err
}

// History returns up to limit messages of a conversation with a seq above
// after, oldest first. It fails with a *SumError if one of them is damaged.
func (db *DB) History(ctx context.Context, conversation bot.ConversationID, after int64, limit int) ([]bot.Entry, error) {
	entries, err := collect(ctx, db.reader, scanEntry,
		selectEntry+"WHERE m.conversation_id = $1 AND m.seq > $2 ORDER BY m.seq LIMIT $3", key(conversation), after, limit)
	if err != nil {
		return nil, fmt.Errorf("reading the messages of conversation %s: %w", conversation, db.dialect.explain(err))
	}
	return entries, nil
}

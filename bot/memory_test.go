package bot_test

import (
	"context"
	"fmt"
	"sync"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/dialog"
)

// memory is a store without a disk, for what the engine does with any store.
// What a store must do itself is tested in bot/store.
type memory struct {
	mu            sync.Mutex
	conversations []*talk
	arrivals      []bot.Arrival
	turns         []bot.Turn
	claims        int
	looks         int         // for replies
	retries       []time.Time // when work is to come back

	acceptErr error
	commitErr func(bot.Turn) error // asked before a turn is stored
	claimed   func()               // called once, between the first look for work and its end
}

type talk struct {
	bot.Conversation
	inbox    []*stored
	lease    string
	until    time.Time
	due      time.Time
	attempts int
}

type stored struct {
	bot.Pending
	remote bot.RemoteID
	answer *bot.Answered
}

func (m *memory) at(a bot.Address) *talk {
	for _, t := range m.conversations {
		if t.Address == a {
			return t
		}
	}
	t := &talk{Conversation: bot.Conversation{ID: bot.ConversationID("c-" + a.Remote), Address: a}}
	m.conversations = append(m.conversations, t)
	return t
}

func (m *memory) Accept(_ context.Context, in []bot.Arrival) ([]bot.Receipt, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.acceptErr != nil {
		return nil, m.acceptErr
	}
	var receipts []bot.Receipt
next:
	for _, a := range in {
		t := m.at(a.Address)
		for _, s := range t.inbox {
			if s.remote == a.Remote {
				receipts = append(receipts, bot.Receipt{Conversation: t.ID, Message: s.ID})
				continue next
			}
		}
		m.arrivals = append(m.arrivals, a)
		id := bot.MessageID(fmt.Sprintf("%s-%s", t.ID, a.Remote))
		t.inbox = append(t.inbox, &stored{remote: a.Remote,
			Pending: bot.Pending{ID: id, Text: a.Text, Choice: a.Choice, Media: a.Media, Secrets: a.Secrets, Lang: a.Lang, At: a.At}})
		receipts = append(receipts, bot.Receipt{Conversation: t.ID, Message: id, Fresh: true})
	}
	return receipts, nil
}

func (m *memory) Claim(_ context.Context, owner string, now time.Time, lease time.Duration, n int) ([]bot.Work, error) {
	works, meanwhile := m.claim(owner, now, lease, n)
	if meanwhile != nil {
		meanwhile()
	}
	return works, nil
}

func (m *memory) claim(owner string, now time.Time, lease time.Duration, n int) (works []bot.Work, meanwhile func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	meanwhile, m.claimed = m.claimed, nil
	for _, t := range m.conversations {
		if len(works) == n || now.Before(t.until) || now.Before(t.due) {
			continue
		}
		m.claims++
		w := bot.Work{Conversation: t.Conversation, Attempts: t.attempts, Lease: fmt.Sprintf("%s/%d", owner, m.claims)}
		for _, s := range t.inbox {
			if s.answer != nil {
				continue
			}
			if s.Choice != "" && len(w.Messages) > 0 {
				break
			}
			w.Messages = append(w.Messages, s.Pending)
			if s.Choice != "" {
				break
			}
		}
		if len(w.Messages) > 0 {
			t.lease, t.until, t.attempts = w.Lease, now.Add(lease), t.attempts+1
			works = append(works, w)
		}
	}
	return works, meanwhile
}

func (m *memory) held(w bot.Work) (*talk, error) {
	if t := m.at(w.Conversation.Address); t.lease == w.Lease {
		return t, nil
	}
	return nil, bot.ErrLost
}

func (m *memory) Commit(_ context.Context, turn bot.Turn) (dialog.State, error) {
	if m.commitErr != nil {
		if err := m.commitErr(turn); err != nil {
			return dialog.State{}, err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	t, err := m.held(turn.Work)
	if err != nil {
		return dialog.State{}, err
	}
	if turn.Handoff != nil {
		turn.State.Ticket = "T1"
	}
	t.State, t.lease, t.until, t.attempts = turn.State, "", time.Time{}, 0
	for i, p := range turn.Work.Messages {
		for _, s := range t.inbox {
			if s.ID == p.ID {
				s.answer = &bot.Answered{State: turn.State}
				if i == len(turn.Work.Messages)-1 {
					s.answer.Replies = turn.Replies
				}
			}
		}
	}
	m.turns = append(m.turns, turn)
	return turn.State, nil
}

func (m *memory) Retry(_ context.Context, w bot.Work, at time.Time, _ string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	t, err := m.held(w)
	if err != nil {
		return err
	}
	t.lease, t.until, t.due = "", time.Time{}, at
	m.retries = append(m.retries, at)
	return nil
}

func (m *memory) Replies(_ context.Context, id bot.MessageID) (bot.Answered, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.looks++
	for _, t := range m.conversations {
		for _, s := range t.inbox {
			if s.ID != id {
				continue
			}
			if s.answer == nil {
				return bot.Answered{}, false, nil
			}
			return *s.answer, true, nil
		}
	}
	return bot.Answered{}, false, fmt.Errorf("there is no message %s", id)
}

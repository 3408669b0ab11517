package web_test

import (
	"context"
	"sync"

	"tilldesk/bot"
	"tilldesk/bot/dialog"
)

// fakeEngine answers "ok", fails, or never answers.
type fakeEngine struct {
	acceptErr, repliesErr error
	hang                  bool

	mu    sync.Mutex
	taken []bot.Inbound
}

func (e *fakeEngine) count() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.taken)
}

func (e *fakeEngine) Accept(_ context.Context, in bot.Inbound) (bot.Receipt, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.acceptErr != nil {
		return bot.Receipt{}, e.acceptErr
	}
	e.taken = append(e.taken, in)
	return bot.Receipt{Conversation: "c1", Message: "m1", Fresh: true}, nil
}

func (e *fakeEngine) Replies(ctx context.Context, _ bot.MessageID) (bot.Answered, error) {
	if e.hang {
		<-ctx.Done()
		return bot.Answered{}, ctx.Err()
	}
	return bot.Answered{Replies: []bot.Reply{{Text: "ok", Kind: dialog.KindAnswer}}, State: dialog.State{Phase: dialog.Idle}}, e.repliesErr
}

// fakeStore holds one conversation, once it has messages.
type fakeStore struct {
	err error

	mu      sync.Mutex
	entries []bot.Entry
	state   dialog.State
}

func (s *fakeStore) add(author bot.Author, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.entries = append(s.entries, bot.Entry{Seq: int64(len(s.entries) + 1), Author: author, Reply: bot.Reply{Text: text}})
}

func (s *fakeStore) ConversationOf(context.Context, string, string) (bot.Conversation, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bot.Conversation{ID: "c1", State: s.state}, len(s.entries) > 0, s.err
}

func (s *fakeStore) History(_ context.Context, _ bot.ConversationID, after int64, limit int) ([]bot.Entry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return nil, s.err
	}
	rest := s.entries[min(int(after), len(s.entries)):]
	return append([]bot.Entry{}, rest[:min(limit, len(rest))]...), nil
}

// fail makes the store fail, or work again.
func (s *fakeStore) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

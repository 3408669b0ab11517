package desk_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"tilldesk/bot"
	"tilldesk/bot/desk"
	"tilldesk/bot/dialog"
	"tilldesk/bot/store"
)

// merged is a merchant who has asked for a person in two conversations, whose
// first case was merged into the second one.
type merged struct {
	*fixture
	web, phone   bot.ConversationID
	double, kept string
}

func merge(f *fixture) *merged {
	f.Helper()
	m := &merged{fixture: f}
	m.double = f.handOver("on web", dialog.Handoff{Cause: dialog.CauseAsked, Facts: map[string]string{"brand": "lakala"}})
	m.kept = f.handOver("on phone", dialog.Handoff{Cause: dialog.CauseAsked})
	m.web, m.phone = must(f.desk.Case(f.Context(), m.double))(f).Conversation, must(f.desk.Case(f.Context(), m.kept))(f).Conversation
	if c := must(f.desk.Merge(f.Context(), m.double, lin, m.kept))(f); c.State != desk.Closed || c.MergedInto != m.kept {
		f.Errorf("merged: %+v", c)
	}
	return m
}

// says lets the merchant write; the bot says what it has to.
func (m *merged) says(shop, text string) bot.ConversationID {
	m.Helper()
	return m.fixture.says(shop, text, func(t *bot.Turn) {
		out := knowledge(m.fixture).Script.Step(t.State, dialog.Input{Text: text, Lang: "zh"})
		t.State, t.Feedback, t.Handoff = out.State, out.Feedback, out.Handoff
		t.Replies = bot.Render(out.State, out.Say)
	})
}

func (m *merged) last(id bot.ConversationID) bot.Entry {
	m.Helper()
	history := must(m.db.History(m.Context(), id, 0, 100))(m)
	return history[len(history)-1]
}

// card is the card of the case that was kept, without what the bot knows.
func (m *merged) card() desk.Card {
	m.Helper()
	plain := desk.New(m.db, desk.Options{Knowledge: func() *bot.Knowledge { return nil }, Now: m.clock.Now})
	return must(plain.Card(m.Context(), m.kept))(m)
}

// TestMerge lets a merchant's double be closed into the other case: its people
// hear what is said in either conversation, answer where it was said, and have
// both histories.
func TestMerge(t *testing.T) {
	each(t, desk.Options{}, func(f *fixture) {
		ctx, m := f.Context(), merge(f)
		if last := m.last(m.web); last.Author != bot.Bot || !strings.Contains(last.Reply.Text, m.kept) {
			f.Errorf("the merchant is told %q", last.Reply.Text)
		}
		if _, err := f.desk.Reopen(ctx, m.double, lin); !errors.As(err, new(*desk.StateError)) {
			f.Errorf("reopening a double: %v", err)
		}
		if _, err := f.desk.Merge(ctx, m.kept, lin, m.kept); !errors.As(err, new(*desk.InputError)) {
			f.Errorf("merging a case into itself: %v", err)
		}

		// What is said in either is heard by the one who has the case, and by nobody else.
		c, _, err := f.desk.Reply(ctx, m.kept, lin, desk.Message{Text: "您好"})
		if err != nil || c.State != desk.WaitingOnMerchant {
			f.Fatal(c.State, err)
		}
		m.says("on web", "还是不行")
		if last := m.last(m.web); last.Author != bot.Merchant {
			f.Errorf("the bot says %q while a person has the case", last.Reply.Text)
		}
		if c := must(f.desk.Case(ctx, m.kept))(f); c.State != desk.Taken || c.Unanswered.IsZero() || c.Owner != "lin" {
			f.Errorf("the case is %s, unanswered since %v", c.State, c.Unanswered)
		}
		events := must(f.desk.Timeline(ctx, m.kept, 0, 0))(f)
		if e := events[len(events)-1]; e.Kind != desk.EventMessage || e.Conversation != m.web || e.Message != m.last(m.web).ID {
			f.Errorf("the last event is %+v", e)
		}
		if n := len(must(f.desk.Cases(ctx, desk.Filter{}))(f).Cases); n != 1 {
			f.Errorf("%d open cases, want 1", n)
		}

		// The answer goes where it is wanted.
		_, id, err := f.desk.Reply(ctx, m.kept, lin, desk.Message{Text: "我看一下", To: m.web})
		if last := m.last(m.web); err != nil || last.ID != id || last.Author != bot.Staff {
			f.Errorf("the last message on the web is %+v, want %s: %v", last, id, err)
		}
		if _, _, err := f.desk.Reply(ctx, m.kept, lin, desk.Message{Text: "x", To: "somebody else's"}); !errors.As(err, new(*desk.InputError)) {
			f.Errorf("an answer to a stranger: %v", err)
		}

		// The card has both.
		card := m.card()
		var talks []bot.ConversationID
		for _, e := range card.Messages {
			if !slices.Contains(talks, e.Conversation) {
				talks = append(talks, e.Conversation)
			}
		}
		if len(talks) != 2 || len(card.Talks) != 2 || len(card.Doubles) != 1 || card.Doubles[0].Ticket != m.double || card.Remembered["brand"] != "lakala" {
			f.Errorf("the card has messages of %v, talks %d, doubles %d, remembers %v", talks, len(card.Talks), len(card.Doubles), card.Remembered)
		}

		// When it is done, the bot has the word in both again.
		must(f.desk.Resolve(ctx, m.kept, lin, desk.Finding{}))(f)
		if st := must(f.db.Conversation(ctx, m.web))(f).State; st.Phase == dialog.WithHuman || st.Ticket != "" {
			f.Errorf("on the web it is %s with %q", st.Phase, st.Ticket)
		}
		m.says("on web", "你好")
		if last := m.last(m.web); last.Author != bot.Bot {
			f.Errorf("nobody answers on the web: %q is last", last.Reply.Text)
		}
	})
}

// TestMergeAgain merges a case that doubles are merged into, and one whose
// merchant hands over anew in the other conversation.
func TestMergeAgain(t *testing.T) {
	each(t, desk.Options{}, func(f *fixture) {
		ctx, m := f.Context(), merge(f)
		third := f.handOver("in the app", dialog.Handoff{Cause: dialog.CauseAsked})
		must(f.desk.Merge(ctx, m.kept, lin, third))(f)
		for _, id := range []bot.ConversationID{m.web, m.phone} {
			if st := must(f.db.Conversation(ctx, id))(f).State; st.Ticket != third || st.Phase != dialog.WithHuman {
				f.Errorf("conversation %s is %s with %q, want %s", id, st.Phase, st.Ticket, third)
			}
		}
		if n := len(must(f.db.ConversationsOf(ctx, m.web))(f)); n != 3 {
			f.Errorf("the merchant has %d conversations, want 3", n)
		}
		// Resolved, and then a new trouble: one case, whichever they ask in.
		must(f.desk.Resolve(ctx, third, lin, desk.Finding{}))(f)
		fourth := f.handOver("on web", dialog.Handoff{Cause: dialog.CauseAsked})
		if again := f.handOver("on phone", dialog.Handoff{Cause: dialog.CauseAsked}); again != fourth || fourth == third {
			f.Errorf("the merchant has the cases %s and %s, want a new one", fourth, again)
		}
	})
}

// TestSplit takes a merge back.
func TestSplit(t *testing.T) {
	each(t, desk.Options{}, func(f *fixture) {
		ctx, m := f.Context(), merge(f)
		c := must(f.desk.Split(ctx, m.double, may))(f)
		if c.State != desk.Reopened || c.Owner != "may" || c.MergedInto != "" {
			f.Errorf("split: %+v", c)
		}
		m.says("on web", "还是不行")
		events := must(f.desk.Timeline(ctx, m.double, 0, 0))(f)
		if e := events[len(events)-1]; e.Kind != desk.EventMessage || e.Ticket != m.double {
			f.Errorf("the last event is %+v", e)
		}
		card := m.card()
		if len(card.Talks) != 1 || len(card.Doubles) != 0 {
			f.Errorf("the other case still has %d talks, %d doubles", len(card.Talks), len(card.Doubles))
		}
		if files, err := f.db.Erase(ctx, m.web); err != nil || len(files) > 0 {
			f.Error(files, err)
		}
		must(f.desk.Case(ctx, m.kept))(f) // of somebody else
	})
}

// TestMergedData exports and erases a merchant by either of their conversations.
func TestMergedData(t *testing.T) {
	each(t, desk.Options{}, func(f *fixture) {
		ctx, m := f.Context(), merge(f)
		stranger := f.handOver("a stranger", dialog.Handoff{Cause: dialog.CauseAsked})
		for _, id := range []bot.ConversationID{m.web, m.phone} {
			data := must(f.db.Export(ctx, id))(f)
			var export struct {
				Conversation struct{ ID bot.ConversationID }
				Others       []json.RawMessage `json:"other_conversations"`
			}
			if err := json.Unmarshal(data, &export); err != nil {
				f.Fatal(err)
			}
			if export.Conversation.ID != id || len(export.Others) != 1 || !bytes.Contains(data, []byte("on web")) || !bytes.Contains(data, []byte("on phone")) ||
				bytes.Contains(data, []byte("a stranger")) {
				f.Errorf("the export of %s: %s", id, data)
			}
		}
		must(f.db.EraseSeveral(ctx, m.web, m.phone))(f)
		for _, id := range []bot.ConversationID{m.web, m.phone} {
			if _, err := f.db.Export(ctx, id); !errors.Is(err, store.ErrNotFound) {
				f.Errorf("%s is still there: %v", id, err)
			}
		}
		must(f.desk.Case(ctx, stranger))(f)
	})
}

// TestNobodyIsSilenced damages a conversation such that people have it in a
// case that is over: what the merchant writes is a case again.
func TestNobodyIsSilenced(t *testing.T) {
	each(t, desk.Options{}, func(f *fixture) {
		f.handOver("shop", dialog.Handoff{Cause: dialog.CauseAsked})
		f.says("other", "你好", func(t *bot.Turn) { t.State.Phase, t.State.Ticket = dialog.WithHuman, "T77" })
		id := f.says("other", "有人吗", nil)
		cases := must(f.desk.CasesOf(f.Context(), id, 5))(f)
		if len(cases) != 1 || cases[0].State != desk.Waiting {
			f.Errorf("there are %v", fmt.Sprint(cases))
		}
	})
}

// TestMergedIsOneMerchant names and blocks a merchant in all conversations.
func TestMergedIsOneMerchant(t *testing.T) {
	each(t, desk.Options{}, func(f *fixture) {
		ctx := f.Context()
		first := f.handOver("first", dialog.Handoff{Cause: dialog.CauseAsked})
		must(f.desk.Rename(ctx, first, lin, "老王面馆"))(f)
		second := f.handOver("second", dialog.Handoff{Cause: dialog.CauseAsked})
		c := must(f.desk.Merge(ctx, first, lin, second))(f)
		if other := must(f.desk.Case(ctx, second))(f); other.Merchant != "老王面馆" {
			f.Errorf("the other case is of %q", other.Merchant)
		}
		must(f.desk.Rename(ctx, second, lin, "老王面馆二店"))(f)
		if one := must(f.desk.Case(ctx, first))(f); one.Merchant != "老王面馆二店" {
			f.Errorf("the first case is of %q", one.Merchant)
		}
		if err := f.desk.Block(ctx, c.Conversation, wu, "adverts"); err != nil {
			f.Fatal(err)
		}
		for _, ticket := range []string{first, second} {
			if k := must(f.desk.Case(ctx, ticket))(f); k.State != desk.Closed || k.Blocked.IsZero() {
				f.Errorf("case %s is %s, blocked since %v", ticket, k.State, k.Blocked)
			}
		}
	})
}

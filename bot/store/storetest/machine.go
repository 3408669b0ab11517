package storetest

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tilldesk/bot"
	"tilldesk/bot/store"
)

// machine lets merchants, workers and senders act in random order, die and
// come back, and then lets all work be finished: no message may be lost, none
// answered or delivered twice, none out of order.
func machine(t *testing.T, f *fixture) {
	raw := Raw(t, f.dsn)
	rapid.Check(t, func(rt *rapid.T) {
		m := &world{
			T: rt, f: f, holder: map[bot.ConversationID]string{},
			answered: map[bot.ConversationID][]string{}, sent: map[bot.ConversationID][]delivery{},
		}
		for _, table := range []string{"conversations", "counters", "outcomes"} {
			_, err := raw.Exec("DELETE FROM " + table)
			m.must(err)
		}
		rt.Repeat(map[string]func(*rapid.T){
			"accept":  func(rt *rapid.T) { m.T = rt; m.accept() },
			"claim":   func(rt *rapid.T) { m.T = rt; m.claim(rapid.IntRange(1, 3).Draw(rt, "n")) },
			"commit":  func(rt *rapid.T) { m.T = rt; m.commit() },
			"retry":   func(rt *rapid.T) { m.T = rt; m.retry() },
			"take":    func(rt *rapid.T) { m.T = rt; m.take(rapid.IntRange(1, 3).Draw(rt, "n")) },
			"send":    func(rt *rapid.T) { m.T = rt; m.send() },
			"recover": func(rt *rapid.T) { m.T = rt; m.recover() },
			"wait":    func(rt *rapid.T) { m.T = rt; m.wait() },
		})
		m.T = rt
		m.finish()
	})
}

// world is what all that is outside of the store knows.
type world struct {
	*rapid.T
	f        *fixture
	accepted []bot.Receipt // fresh ones, in order
	ids      []string      // their remote ids, with the conversation
	works    []bot.Work    // in the hands of workers, some of them long lost
	holder   map[bot.ConversationID]string
	answered map[bot.ConversationID][]string
	out      []claimed // in the hands of senders, some of them long lost
	sent     map[bot.ConversationID][]delivery
}

// delivery is a reply that reached the merchant.
type delivery struct {
	id  bot.MessageID
	seq int64
}

// claimed is a reply in the hands of a sender.
type claimed struct {
	bot.Outbound
	until   time.Time
	tried   bool // the request was made
	arrived bool // and had its effect
}

func (m *world) must(err error) {
	m.Helper()
	if err != nil {
		m.Fatal(err)
	}
}

func (m *world) accept() {
	var in []bot.Arrival
	var keys []string
	for range rapid.IntRange(1, 4).Draw(m.T, "messages") {
		remote := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(m.T, "conversation")
		id := fmt.Sprint(rapid.IntRange(1, 30).Draw(m.T, "id")) // often one that was there
		a := arrival(remote, id, remote+"/"+id)
		if rapid.IntRange(0, 3).Draw(m.T, "kind") == 0 {
			a.Choice = "yes"
		}
		in, keys = append(in, a), append(keys, a.Text)
	}
	receipts, err := m.f.db.Accept(m.f.Context(), in)
	m.must(err)
	for i, r := range receipts {
		known := slices.Index(m.ids, keys[i])
		switch {
		case r.Fresh != (known < 0):
			m.Fatalf("%s: fresh is %t", keys[i], r.Fresh)
		case r.Fresh:
			m.ids, m.accepted = append(m.ids, keys[i]), append(m.accepted, r)
		case m.accepted[known].Message != r.Message:
			m.Fatalf("%s is message %s, was %s", keys[i], r.Message, m.accepted[known].Message)
		}
	}
}

func (m *world) claim(n int) {
	works, err := m.f.db.Claim(m.f.Context(), "worker", m.f.now, lease, n)
	m.must(err)
	for _, w := range works {
		m.holder[w.Conversation.ID] = w.Lease
	}
	m.works = append(m.works, works...)
}

// pick takes one of the things out of the hands that hold them.
func pick[T any](m *world, all *[]T) (one T) {
	if len(*all) == 0 {
		m.Skip()
	}
	i := rapid.IntRange(0, len(*all)-1).Draw(m.T, "which")
	one = (*all)[i]
	*all = slices.Delete(*all, i, i+1)
	return one
}

// end ends a claim on a conversation that a worker may have lost.
func (m *world) end(w bot.Work, err error) {
	holds := m.holder[w.Conversation.ID] == w.Lease
	if holds != (err == nil) || !holds && !errors.Is(err, bot.ErrLost) {
		m.Fatalf("the claim holds: %t; the store says: %v", holds, err)
	}
	if holds {
		delete(m.holder, w.Conversation.ID)
	}
}

func (m *world) commit() {
	w := pick(m, &m.works)
	t := turn(w)
	t.At = m.f.now
	for i := range rapid.IntRange(0, 2).Draw(m.T, "replies") {
		t.Replies = append(t.Replies, reply(fmt.Sprint(i, " to ", texts(w.Messages))))
	}
	_, err := m.f.db.Commit(m.f.Context(), t)
	if err == nil {
		m.answered[w.Conversation.ID] = append(m.answered[w.Conversation.ID], texts(w.Messages)...)
	}
	m.end(w, err)
}

func (m *world) retry() {
	w := pick(m, &m.works)
	at := m.f.now.Add(time.Duration(rapid.IntRange(0, 60).Draw(m.T, "seconds")) * time.Second)
	m.end(w, m.f.db.Retry(m.f.Context(), w, at, "failed"))
}

func (m *world) take(n int) {
	out, err := m.f.db.ClaimOut(m.f.Context(), "sender", m.f.now, lease, n)
	m.must(err)
	for _, o := range out {
		m.out = append(m.out, claimed{Outbound: o, until: m.f.now.Add(lease)})
	}
}

// send is a sender with one reply. It makes the request only while its lease
// holds; then, or instead, anything may happen to it.
func (m *world) send() {
	o := pick(m, &m.out)
	if !o.tried && m.f.now.Before(o.until) {
		o.tried, o.arrived = true, rapid.Bool().Draw(m.T, "arrives")
		if o.arrived {
			m.sent[o.Conversation] = append(m.sent[o.Conversation], delivery{o.ID, o.Seq})
		}
		var err error
		switch what := rapid.SampledFrom([]string{"known", "ambiguous", "slow", "dies"}).Draw(m.T, "outcome"); {
		case what == "known" && o.arrived:
			err = m.f.db.Sent(m.f.Context(), o.Outbound, "r", m.f.now)
		case what == "known":
			err = m.f.db.RetryOut(m.f.Context(), o.Outbound, m.f.now.Add(time.Second), false, "refused")
		case what == "ambiguous":
			err = m.f.db.Hold(m.f.Context(), o.Outbound, "timeout")
		case what == "slow":
			m.out = append(m.out, o) // and says so later
		}
		m.must(err)
	} else if o.arrived {
		m.must(m.f.db.Sent(m.f.Context(), o.Outbound, "r", m.f.now))
	} else if o.tried {
		// It was put on hold meanwhile, or not.
		if err := m.f.db.RetryOut(m.f.Context(), o.Outbound, m.f.now, false, "refused"); !errors.Is(err, bot.ErrLost) {
			m.must(err)
		}
	} // else it was frozen and must not send any more
}

func (m *world) recover() {
	_, _, err := m.f.db.Recover(m.f.Context(), m.f.now)
	m.must(err)
}

func (m *world) wait() {
	m.f.now = m.f.now.Add(time.Duration(rapid.IntRange(1, 40).Draw(m.T, "seconds")) * time.Second)
}

// finish lets healthy workers and senders finish all work, and compares.
func (m *world) finish() {
	ctx := m.f.Context()
	m.f.now = m.f.now.Add(time.Hour)
	for range 1000 {
		m.works = nil
		m.claim(3)
		if len(m.works) == 0 {
			break
		}
		for _, w := range m.works {
			_, err := m.f.db.Commit(ctx, turn(w, fmt.Sprint("at last to ", texts(w.Messages))))
			m.must(err)
			m.answered[w.Conversation.ID] = append(m.answered[w.Conversation.ID], texts(w.Messages)...)
		}
	}
	m.recover()
	for range 1000 {
		m.out = nil
		m.take(3)
		if len(m.out) == 0 {
			break
		}
		for _, o := range m.out {
			m.sent[o.Conversation] = append(m.sent[o.Conversation], delivery{o.ID, o.Seq})
			m.must(m.f.db.Sent(ctx, o.Outbound, "r", m.f.now))
		}
	}
	held, err := m.f.db.Held(ctx, 1000)
	m.must(err)
	q, err := m.f.db.Queue(ctx)
	m.must(err)
	if diff := cmp.Diff(store.Queue{Held: len(held), HeldSince: q.HeldSince}, q); diff != "" {
		m.Errorf("what waits when all is done (-want +got):\n%s", diff)
	}
	mayHaveArrived := map[bot.MessageID]bool{}
	for _, h := range held {
		mayHaveArrived[h.ID] = true
	}
	byConversation := map[bot.ConversationID][]string{}
	for i, r := range m.accepted {
		byConversation[r.Conversation] = append(byConversation[r.Conversation], m.ids[i])
		if _, done, err := m.f.db.Replies(ctx, r.Message); !done || err != nil {
			m.Errorf("message %s is answered: %t, %v", m.ids[i], done, err)
		}
	}
	for id, want := range byConversation {
		m.compare(id, want, mayHaveArrived)
	}
	m.must(m.f.db.Check(ctx))
}

// compare compares the transcript of a conversation with what merchants sent
// and got.
func (m *world) compare(id bot.ConversationID, accepted []string, mayHaveArrived map[bot.MessageID]bool) {
	var stored []string
	said := map[bot.MessageID]bool{}
	for _, e := range m.f.history(id) {
		if e.Author == bot.Merchant {
			stored = append(stored, e.Reply.Text)
		} else {
			said[e.ID] = true
		}
	}
	if diff := cmp.Diff(accepted, stored); diff != "" {
		m.Errorf("messages stored (-accepted +stored):\n%s", diff)
	}
	if diff := cmp.Diff(accepted, m.answered[id]); diff != "" {
		m.Errorf("messages answered (-accepted +answered):\n%s", diff)
	}
	last := int64(0)
	for _, d := range m.sent[id] {
		if !said[d.id] {
			m.Errorf("%s was delivered twice, or never said", d.id)
		}
		delete(said, d.id)
		if d.seq <= last {
			m.Errorf("%s with seq %d was delivered after %d", d.id, d.seq, last)
		}
		last = d.seq
	}
	for lost := range said {
		if !mayHaveArrived[lost] {
			m.Errorf("%s was said, was not delivered and is not held", lost)
		}
	}
}

package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tilldesk/bot"
	"tilldesk/bot/dialog"
	"tilldesk/bot/store"
)

// Exercise runs everything that a store must do. dsn gives a fresh database
// for each part.
func Exercise(t *testing.T, dsn func(testing.TB) string) {
	for _, part := range []struct {
		name string
		run  func(*testing.T, *fixture)
	}{
		{"parallel deliveries are one message", parallelDeliveries},
		{"a batch keeps order and tells repetitions", batch},
		{"a large batch", largeBatch},
		{"batches of the same conversations in parallel", crossingBatches},
		{"ids that cannot be kept are refused", badIDs},
		{"texts that cannot be kept are cleaned", badTexts},
		{"a conversation has one claim", oneClaim},
		{"what makes one work", bursts},
		{"the longest waiting is first", longestWaiting},
		{"messages of a claimed conversation wait", waitWhileClaimed},
		{"a lease ends", leaseEnds},
		{"a work comes back at its time", retry},
		{"a turn is stored whole", commitWhole},
		{"a turn is stored or not", commitNothing},
		{"a case is opened once", oneCase},
		{"replies stay the same", stableReplies},
		{"messages put aside", putAside},
		{"replies are sent in order", outboxOrder},
		{"a reply has one sender", oneSender},
		{"a reply is put off", putOff},
		{"a reply is held", held},
		{"a reply cannot be delivered", buried},
		{"a sender dies", senderDies},
		{"replies of some channels", channels},
		{"replies that are fetched", pull},
		{"what staff say", say},
		{"what waits is counted", queue},
		{"history in pieces", history},
		{"damaged messages are noticed", damage},
		{"damaged states are noticed", damagedState},
		{"nothing of a conversation is left", eraseAll},
		{"what is old is deleted", purge},
		{"files that are old are forgotten", purgeMedia},
		{"jobs are done by one at a time", jobs},
		{"choices of an earlier turn", offered},
		{"messages that belong together", together},
		{"files that come later", media},
		{"leases of Telegram", leases},
		{"changed messages", wordings},
		{"turns", turns},
		{"updates that cannot be read", deadUpdates},
		{"files to be fetched", wantedFiles},
		{"topics of the staff group", topics},
		{"the answer to a call", carry},
		{"replies that are held", holds},
		{"what a network grants", windows},
		{"tokens and facts", credentials},
		{"random interleavings", machine},
	} {
		t.Run(part.name, func(t *testing.T) {
			f := &fixture{T: t, dsn: dsn(t), now: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)}
			f.db = Open(t, f.dsn, store.Options{Now: func() time.Time { return f.now }})
			part.run(t, f)
		})
	}
}

const lease = 30 * time.Second

// fixture is a store with a clock that stands still.
type fixture struct {
	*testing.T
	db  *store.DB
	dsn string
	now time.Time
}

// arrival is a message in the conversation that a remote id names.
func arrival(remote, id, text string) bot.Arrival {
	return bot.Arrival{Inbound: bot.Inbound{
		Address: bot.Address{Channel: "web", Remote: remote}, Remote: bot.RemoteID(id), Text: text,
	}}
}

// choice is a message that presses a choice.
func choice(remote, id, choice string) bot.Arrival {
	a := arrival(remote, id, "")
	a.Choice = choice
	return a
}

func (f *fixture) accept(in ...bot.Arrival) []bot.Receipt {
	f.Helper()
	receipts, err := f.db.Accept(f.Context(), in)
	if err != nil {
		f.Fatal(err)
	}
	return receipts
}

func (f *fixture) claim(n int) []bot.Work {
	f.Helper()
	works, err := f.db.Claim(f.Context(), "worker", f.now, lease, n)
	if err != nil {
		f.Fatal(err)
	}
	return works
}

// claimOne claims the one conversation that there is to be claimed.
func (f *fixture) claimOne() bot.Work {
	f.Helper()
	works := f.claim(2)
	if len(works) != 1 {
		f.Fatalf("claimed %d conversations, want 1", len(works))
	}
	return works[0]
}

// reply is a reply with all it can have.
func reply(text string) bot.Reply {
	intent, step := "scan.huabei", "check_network"
	return bot.Reply{
		Text: text, Kind: dialog.KindStep, Intent: &intent, Step: &step,
		Choices: []bot.Choice{{ID: "yes", Label: "是 <好>"}, {ID: "no", Label: "不是"}},
	}
}

func turn(w bot.Work, texts ...string) bot.Turn {
	t := bot.Turn{Work: w, State: w.Conversation.State, Reason: "test"}
	for _, text := range texts {
		t.Replies = append(t.Replies, reply(text))
	}
	return t
}

func (f *fixture) commit(t bot.Turn) dialog.State {
	f.Helper()
	t.At = f.now
	st, err := f.db.Commit(f.Context(), t)
	if err != nil {
		f.Fatal(err)
	}
	return st
}

// said accepts a message and answers it with the texts.
func (f *fixture) said(remote, id string, texts ...string) bot.Receipt {
	f.Helper()
	r := f.accept(arrival(remote, id, id))[0]
	f.commit(turn(f.claimOne(), texts...))
	return r
}

func (f *fixture) claimOut(n int, channels ...string) []bot.Outbound {
	f.Helper()
	out, err := f.db.ClaimOut(f.Context(), "sender", f.now, lease, n, channels...)
	if err != nil {
		f.Fatal(err)
	}
	return out
}

// claimOutOne claims the one reply that there is to be sent.
func (f *fixture) claimOutOne() bot.Outbound {
	f.Helper()
	out := f.claimOut(2)
	if len(out) != 1 {
		f.Fatalf("claimed %d replies, want 1", len(out))
	}
	return out[0]
}

func (f *fixture) history(id bot.ConversationID) []bot.Entry {
	f.Helper()
	entries, err := f.db.History(f.Context(), id, 0, 10_000)
	if err != nil {
		f.Fatal(err)
	}
	return entries
}

func (f *fixture) queue() store.Queue {
	f.Helper()
	q, err := f.db.Queue(f.Context())
	if err != nil {
		f.Fatal(err)
	}
	return q
}

func (f *fixture) dump() map[string][]map[string]any {
	f.Helper()
	return Dump(f, f.dsn)
}

// must fails the test on an error.
func (f *fixture) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

// same fails the test if got is not want.
func (f *fixture) same(what string, want, got any) {
	f.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		f.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// texts are the texts of works, entries, outbound messages or replies.
func texts[T any](all []T) []string {
	texts := []string{}
	for _, one := range all {
		switch v := any(one).(type) {
		case bot.Pending:
			texts = append(texts, v.Text)
		case bot.Entry:
			texts = append(texts, v.Reply.Text)
		case bot.Outbound:
			texts = append(texts, v.Reply.Text)
		case bot.Parked:
			texts = append(texts, v.Reply.Text)
		case bot.Reply:
			texts = append(texts, v.Text)
		default:
			panic(fmt.Sprintf("%T has no text", one))
		}
	}
	return texts
}

// sorted are the values in order, for comparing what has none.
func sorted(values []string) []string {
	slices.Sort(values)
	return values
}

package storetest

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"tilldesk/bot"
)

func parallelDeliveries(t *testing.T, f *fixture) {
	const n = 100
	receipts := make([]bot.Receipt, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			got, err := f.db.Accept(t.Context(), []bot.Arrival{arrival("shop", "m1", "收不了款")})
			if err != nil {
				t.Error(err)
				return
			}
			receipts[i] = got[0]
		})
	}
	all.Wait()
	fresh := 0
	for _, r := range receipts {
		if r.Fresh {
			fresh++
		}
		f.same("receipt", bot.Receipt{Conversation: receipts[0].Conversation, Message: receipts[0].Message, Fresh: r.Fresh}, r)
	}
	f.same("fresh receipts", 1, fresh)
	f.same("stored", []string{"收不了款"}, texts(f.history(receipts[0].Conversation)))
	f.commit(turn(f.claimOne(), "ok"))
	f.accept(arrival("shop", "m1", "收不了款"))
	f.same("works after it was answered", 0, len(f.claim(1)))
}

func batch(t *testing.T, f *fixture) {
	f.accept(arrival("a", "1", "one"))
	receipts := f.accept(
		arrival("b", "1", "uno"),
		arrival("a", "2", "two"),
		arrival("a", "1", "one again"),
		arrival("a", "2", "two again"),
		arrival("a", "3", "three"),
	)
	var fresh []bool
	for _, r := range receipts {
		fresh = append(fresh, r.Fresh)
	}
	f.same("fresh", []bool{true, true, false, false, true}, fresh)
	f.same("the one in the batch and its repetition", receipts[1].Message, receipts[3].Message)
	a, b := f.history(receipts[1].Conversation), f.history(receipts[0].Conversation)
	f.same("a", []string{"one", "two", "three"}, texts(a))
	f.same("b", []string{"uno"}, texts(b))
	f.same("the one from before and its repetition", a[0].ID, receipts[2].Message)
	c, known, err := f.db.ConversationOf(t.Context(), "web", "a")
	f.must(err)
	f.same("conversation", bot.Conversation{ID: receipts[1].Conversation, Address: bot.Address{Channel: "web", Remote: "a"}}, c)
	f.same("known", true, known)
	_, known, err = f.db.ConversationOf(t.Context(), "telegram", "a")
	f.must(err)
	f.same("known on another channel", false, known)
}

func largeBatch(t *testing.T, f *fixture) {
	var in []bot.Arrival
	want := map[string][]string{}
	for i := range 700 {
		remote, text := fmt.Sprint("c", i%3), fmt.Sprint("message ", i)
		in = append(in, arrival(remote, fmt.Sprint(i), text))
		want[remote] = append(want[remote], text)
	}
	receipts := f.accept(in...)
	for i := range 3 {
		f.same("conversation", want[fmt.Sprint("c", i)], texts(f.history(receipts[i].Conversation)))
	}
	for i, r := range f.accept(in...) {
		if r.Fresh || r.Message != receipts[i].Message {
			t.Fatalf("message %d stored again: %+v, was %+v", i, r, receipts[i])
		}
	}
}

func crossingBatches(t *testing.T, f *fixture) {
	const writers, rounds, conversations = 8, 10, 12
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			random := rand.New(rand.NewPCG(uint64(w), 1))
			for round := range rounds {
				var in []bot.Arrival
				for _, c := range random.Perm(conversations) {
					in = append(in, arrival(fmt.Sprint(c), fmt.Sprint(w, "/", round), fmt.Sprint(w, "/", round)))
				}
				if _, err := f.db.Accept(t.Context(), in); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	for c := range conversations {
		conversation, _, err := f.db.ConversationOf(t.Context(), "web", fmt.Sprint(c))
		f.must(err)
		entries := f.history(conversation.ID)
		if len(entries) != writers*rounds {
			t.Errorf("conversation %d has %d messages, want %d", c, len(entries), writers*rounds)
		}
		next := map[string]int{}
		for _, e := range entries {
			writer, round, _ := strings.Cut(e.Reply.Text, "/")
			if round != fmt.Sprint(next[writer]) {
				t.Fatalf("conversation %d: writer %s has %s after %d rounds", c, writer, round, next[writer])
			}
			next[writer]++
		}
	}
}

func badIDs(t *testing.T, f *fixture) {
	good := arrival("shop", "good", "text")
	for _, bad := range []bot.Arrival{
		arrival("", "m", ""),
		arrival("shop", "", ""),
		arrival("sh\x00op", "m", ""),
		arrival("shop", "m\xff", ""),
		arrival("shop", "m\xed\xa0\x80", ""), // half of a surrogate pair
		arrival("shop", strings.Repeat("m", bot.MaxIDBytes+1), ""),
		{Inbound: bot.Inbound{Address: bot.Address{Remote: "shop"}, Remote: "m"}},
	} {
		if _, err := f.db.Accept(t.Context(), []bot.Arrival{good, bad}); err == nil {
			t.Errorf("accepted %.40q of %.40q", bad.Remote, bad.Address)
		}
	}
	_, known, err := f.db.ConversationOf(t.Context(), "web", "shop")
	f.must(err)
	f.same("something of the batches was stored", false, known)
	for _, long := range []string{strings.Repeat("m", bot.MaxIDBytes), strings.Repeat("店", bot.MaxIDBytes/3)} {
		f.accept(arrival(long, long, "the longest that is allowed"))
	}
	f.accept(arrival("ab", "m", ""))
	_, known, err = f.db.ConversationOf(t.Context(), "web", "a\x00b")
	f.must(err)
	f.same("one that cannot be stored is found", false, known)
}

func badTexts(t *testing.T, f *fixture) {
	for i, tt := range []struct{ in, want string }{
		{"nul\x00 in it", "nul in it"},
		{"\x00", ""},
		{"cut \xe6\x94", "cut \uFFFD"},
		{"\xff\xfe both", "\uFFFD both"},
		{"surrogate \xed\xa0\x80", "surrogate \uFFFD"},
		{"over \xf4\x90\x80\x80 the end", "over \uFFFD the end"},
		{"👨\u200d👩\u200d👧 🇨🇳 e\u0301 \u202e\u200b\uFEFF\r\n\t\x01", "👨\u200d👩\u200d👧 🇨🇳 e\u0301 \u202e\u200b\uFEFF\r\n\t\x01"},
		{`'; DROP TABLE messages; -- \0 $1 ? %s`, `'; DROP TABLE messages; -- \0 $1 ? %s`},
	} {
		a := arrival("shop", fmt.Sprint(i), tt.in)
		a.Choice = tt.in
		a.Media = []bot.Media{{Kind: "image", Remote: tt.in}}
		a.Secrets = []string{"phone"}
		a.Lang = "zh"
		f.accept(a)
		w := f.claimOne()
		m := w.Messages[0]
		f.same("text", tt.want, m.Text)
		f.same("choice", tt.want, m.Choice)
		f.same("secrets", a.Secrets, m.Secrets)
		f.same("language", a.Lang, m.Lang)
		f.same("media", jsonCopy(t, a.Media), m.Media) // JSON can hold NUL
		done := turn(w, tt.in)
		done.Reason, done.Dead = "bad\x00\xff", tt.in+"!"
		done.Replies[0].Kind = "an\x00swer"
		f.commit(done)
		entries := f.history(w.Conversation.ID)
		f.same("reply", tt.want, entries[len(entries)-1].Reply.Text)
		out := f.claimOutOne()
		f.must(f.db.RetryOut(t.Context(), out, f.now, false, tt.in))
		out = f.claimOutOne()
		f.must(f.db.Sent(t.Context(), out, bot.RemoteID(tt.in), f.now))
		entries = f.history(w.Conversation.ID)
		f.same("remote id", bot.RemoteID(tt.want), entries[len(entries)-1].Remote)
	}
	dead, err := f.db.Dead(t.Context(), 100)
	f.must(err)
	f.same("why", true, slices.ContainsFunc(dead, func(m bot.PutAside) bool { return m.Why == "nul in it!" }))
}

// jsonCopy returns what is left of a value that went through JSON.
func jsonCopy[T any](t *testing.T, v T) (c T) {
	t.Helper()
	text, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(text, &c)
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

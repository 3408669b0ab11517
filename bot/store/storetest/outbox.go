package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/dialog"
	"tilldesk/bot/store"
)

func outboxOrder(t *testing.T, f *fixture) {
	a := f.said("a", "1", "a1", "a2")
	f.now = f.now.Add(time.Second)
	f.said("b", "1", "b1")
	out := f.claimOut(10)
	f.same("the oldest of each", []string{"a1", "b1"}, texts(out))
	f.same("outbound", bot.Outbound{
		ID: out[0].ID, Conversation: a.Conversation, Address: bot.Address{Channel: "web", Remote: "a"}, Seq: out[0].Seq,
		Author: bot.Bot, Reply: reply("a1"), At: f.now.Add(-time.Second), Lease: out[0].Lease,
	}, out[0])
	f.same("delivery", bot.Sending, f.history(a.Conversation)[1].Delivery)
	f.same("claims while they are sent", 0, len(f.claimOut(10)))
	f.said("a", "2", "a3")
	f.must(f.db.Sent(t.Context(), out[0], "tg/17", f.now))
	sent := f.history(a.Conversation)[1]
	f.same("delivery", bot.Sent, sent.Delivery)
	f.same("remote id", bot.RemoteID("tg/17"), sent.Remote)
	for _, want := range []string{"a2", "a3"} {
		next := f.claimOutOne()
		f.same("next", want, next.Reply.Text)
		f.must(f.db.Sent(t.Context(), next, "", f.now))
	}
	if err := f.db.Sent(t.Context(), out[0], "twice", f.now); !errors.Is(err, bot.ErrLost) {
		t.Errorf("Sent twice: %v, want ErrLost", err)
	}
	if err := f.db.Sent(t.Context(), bot.Outbound{ID: out[0].ID}, "unclaimed", f.now); !errors.Is(err, bot.ErrLost) {
		t.Errorf("Sent without a claim: %v, want ErrLost", err)
	}
}

func oneSender(t *testing.T, f *fixture) {
	const conversations, replies, senders = 20, 3, 8
	for i := range conversations {
		f.said(fmt.Sprint(i), "1", "0", "1", "2")
	}
	var mu sync.Mutex
	sent := map[bot.ConversationID][]string{}
	send := func(sender string) int {
		out, err := f.db.ClaimOut(t.Context(), sender, f.now, lease, 3)
		if err != nil {
			t.Error(err)
		}
		for _, m := range out {
			mu.Lock()
			sent[m.Conversation] = append(sent[m.Conversation], m.Reply.Text)
			mu.Unlock()
			if err := f.db.Sent(t.Context(), m, "", f.now); err != nil {
				t.Error(err)
			}
		}
		return len(out)
	}
	var all sync.WaitGroup
	for i := range senders {
		all.Go(func() {
			for send(fmt.Sprint("sender ", i)) > 0 {
			}
		})
	}
	all.Wait()
	for send("the last") > 0 {
	}
	f.same("conversations", conversations, len(sent))
	for id, got := range sent {
		f.same("sent to "+string(id), []string{"0", "1", "2"}, got)
	}
}

func putOff(t *testing.T, f *fixture) {
	f.said("shop", "1", "one", "two")
	for attempt := range 3 {
		out := f.claimOutOne()
		f.same("reply", "one", out.Reply.Text)
		f.same("attempts", attempt, out.Attempts)
		f.must(f.db.RetryOut(t.Context(), out, f.now.Add(time.Minute), false, "429"))
		if err := f.db.Sent(t.Context(), out, "", f.now); !errors.Is(err, bot.ErrLost) {
			t.Errorf("Sent after RetryOut: %v, want ErrLost", err)
		}
		f.now = f.now.Add(time.Minute - time.Millisecond)
		f.same("claims before its time", 0, len(f.claimOut(2)))
		f.now = f.now.Add(time.Millisecond)
	}
	out := f.claimOutOne()
	f.must(f.db.ReturnOut(t.Context(), out, f.now.Add(time.Second)))
	if err := f.db.ReturnOut(t.Context(), out, f.now); !errors.Is(err, bot.ErrLost) {
		t.Errorf("ReturnOut twice: %v, want ErrLost", err)
	}
	f.same("claims before its time", 0, len(f.claimOut(2)))
	f.now = f.now.Add(time.Second)
	out = f.claimOutOne()
	f.same("attempts after it was given back", 3, out.Attempts)
	f.same("said a while ago", -3*time.Minute-time.Second, out.At.Sub(f.now))
}

func held(t *testing.T, f *fixture) {
	r := f.said("shop", "1", "one", "two", "three")
	one := f.claimOutOne()
	f.must(f.db.Hold(t.Context(), one, "timeout"))
	two := f.claimOutOne()
	f.same("the one after it", "two", two.Reply.Text)
	f.must(f.db.Hold(t.Context(), two, "timeout"))
	list := func() []bot.Parked {
		t.Helper()
		all, err := f.db.Held(t.Context(), 10)
		f.must(err)
		return all
	}
	all := list()
	f.same("held", []string{"one", "two"}, texts(all))
	f.same("why", "timeout", all[0].Why)
	f.same("delivery", bot.Held, all[0].Delivery)
	q := f.queue()
	f.same("counted", []int{1, 2}, []int{q.Unsent, q.Held})
	f.same("oldest", f.now, q.HeldSince)

	f.must(f.db.Resend(t.Context(), one.ID))
	again := f.claimOutOne()
	f.same("sent again before the next", "one", again.Reply.Text)
	f.same("attempts", 0, again.Attempts)
	if err := f.db.Sent(t.Context(), one, "", f.now); !errors.Is(err, bot.ErrLost) {
		t.Errorf("Sent with the claim from before: %v, want ErrLost", err)
	}
	f.must(f.db.Sent(t.Context(), again, "", f.now))
	f.must(f.db.Settle(t.Context(), two.ID, f.now))
	f.same("held", 0, len(list()))
	f.same("next", "three", f.claimOutOne().Reply.Text)
	for _, e := range f.history(r.Conversation)[1:3] {
		f.same("delivery", bot.Sent, e.Delivery)
	}
	for name, err := range map[string]error{
		"Resend of one sent": f.db.Resend(t.Context(), one.ID), "Settle of one sent": f.db.Settle(t.Context(), one.ID, f.now),
		"Resend of an unknown one": f.db.Resend(t.Context(), "unknown"), "Settle of what cannot be": f.db.Settle(t.Context(), "\xff", f.now),
	} {
		if !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s: %v, want ErrNotFound", name, err)
		}
	}
}

func buried(t *testing.T, f *fixture) {
	f.said("shop", "1", "one", "two")
	one := f.claimOutOne()
	f.must(f.db.BuryOut(t.Context(), one, "blocked"))
	if err := f.db.RetryOut(t.Context(), one, f.now, false, ""); !errors.Is(err, bot.ErrLost) {
		t.Errorf("RetryOut of a dead one: %v, want ErrLost", err)
	}
	dead, err := f.db.DeadOut(t.Context(), 10)
	f.must(err)
	f.same("dead", []string{"one"}, texts(dead))
	f.same("counted", 1, f.queue().DeadOut)
	f.same("next", "two", f.claimOutOne().Reply.Text)
	f.must(f.db.Resend(t.Context(), one.ID))
	f.same("dead after it is sent again", 0, f.queue().DeadOut)
}

func senderDies(t *testing.T, f *fixture) {
	recover := func(resend ...string) []int {
		t.Helper()
		held, again, err := f.db.Recover(t.Context(), f.now, resend...)
		f.must(err)
		return []int{held, again}
	}
	sms := func(id string) bot.Outbound {
		t.Helper()
		a := arrival("shop", id, id)
		a.Address.Channel = "sms"
		f.accept(a)
		f.commit(turn(f.claimOne(), "by sms"))
		return f.claimOutOne()
	}
	f.said("shop", "1", "one", "two")
	one, other := f.claimOutOne(), sms("1")
	f.now = f.now.Add(lease - time.Millisecond)
	f.same("recovered while the leases hold", []int{0, 0}, recover("sms"))
	f.now = f.now.Add(time.Millisecond)
	f.same("claims while nobody has recovered", 0, len(f.claimOut(9)))
	f.same("recovered", []int{1, 1}, recover("sms"))
	again := f.claimOut(9)
	f.same("claimed", []string{"by sms", "two"}, sorted(texts(again)))
	if err := f.db.Sent(t.Context(), other, "", f.now); !errors.Is(err, bot.ErrLost) {
		t.Errorf("Sent by the dead sender of one that is sent again: %v, want ErrLost", err)
	}

	// The sender was only slow, and knows now what became of the held one.
	f.must(f.db.Sent(t.Context(), one, "r", f.now))
	f.same("held", 0, f.queue().Held)

	for _, m := range again {
		f.must(f.db.Sent(t.Context(), m, "", f.now))
	}
	three := sms("2")
	f.now = f.now.Add(lease)
	f.same("recovered without a policy", []int{1, 0}, recover())
	if err := f.db.RetryOut(t.Context(), three, f.now, false, "refused"); !errors.Is(err, bot.ErrLost) {
		t.Errorf("RetryOut of one that is held: %v, want ErrLost", err)
	}
	f.same("held", 1, f.queue().Held)
	f.must(f.db.BuryOut(t.Context(), three, "blocked"))
	f.same("dead", 1, f.queue().DeadOut)
}

func channels(t *testing.T, f *fixture) {
	for _, channel := range []string{"telegram", "wechat", "desk"} {
		a := arrival("shop", "1", "1")
		a.Address.Channel = channel
		f.accept(a)
		f.commit(turn(f.claimOne(), "on "+channel))
	}
	f.same("of none of them", 0, len(f.claimOut(9, "web", "sms")))
	f.same("of two", []string{"on telegram", "on wechat"}, sorted(texts(f.claimOut(9, "wechat", "telegram"))))
	f.same("of all", []string{"on desk"}, texts(f.claimOut(9)))
}

func pull(t *testing.T, f *fixture) {
	r := f.accept(arrival("shop", "1", "1"))[0]
	next := turn(f.claimOne(), "fetched")
	next.Pull = true
	f.commit(next)
	f.same("claims", 0, len(f.claimOut(1)))
	f.same("delivery", bot.Sent, f.history(r.Conversation)[1].Delivery)
	got, _, err := f.db.Replies(t.Context(), r.Message)
	f.must(err)
	f.same("replies", []string{"fetched"}, texts(got.Replies))
}

func say(t *testing.T, f *fixture) {
	r := f.said("shop", "1", "the bot")
	before, _, err := f.db.Replies(t.Context(), r.Message)
	f.must(err)
	entries, err := f.db.Say(t.Context(), r.Conversation, bot.Staff, []bot.Reply{{Text: "a person", Kind: dialog.KindAgent}}, false, f.now)
	f.must(err)
	_, err = f.db.Say(t.Context(), r.Conversation, bot.Staff, []bot.Reply{{Text: "fetched", Kind: dialog.KindAgent}}, true, f.now)
	f.must(err)
	all := f.history(r.Conversation)
	f.same("transcript", []string{"1", "the bot", "a person", "fetched"}, texts(all))
	f.same("entry", all[2], entries[0])
	f.same("author", bot.Staff, all[2].Author)
	after, _, err := f.db.Replies(t.Context(), r.Message)
	f.must(err)
	f.same("replies of the turn", before, after)
	for _, want := range []string{"the bot", "a person"} {
		out := f.claimOutOne()
		f.same("next", want, out.Reply.Text)
		f.must(f.db.Sent(t.Context(), out, "", f.now))
	}
	f.accept(arrival("shop", "2", "thanks"))
	f.same("seq goes on", "thanks", f.history(r.Conversation)[4].Reply.Text)
	if _, err := f.db.Say(t.Context(), "unknown", bot.Staff, nil, false, f.now); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Say in an unknown conversation: %v, want ErrNotFound", err)
	}
}

func queue(t *testing.T, f *fixture) {
	f.same("empty", store.Queue{}, f.queue())
	start := f.now
	f.accept(arrival("a", "1", "1"))
	f.now = f.now.Add(time.Minute)
	f.accept(arrival("a", "2", "2"), arrival("b", "1", "1"))
	f.same("waiting", store.Queue{Waiting: 3, WaitingSince: start}, f.queue())
	for _, w := range f.claim(2) {
		f.commit(turn(w, "ok"))
	}
	f.accept(arrival("a", "3", "3"))
	f.same("then", store.Queue{Waiting: 1, WaitingSince: f.now, Unsent: 2, UnsentSince: f.now}, f.queue())
	f.claimOut(1)
	f.same("one is being sent", 2, f.queue().Unsent)
	f.must(f.db.Ping(t.Context()))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.db.Queue(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Queue with an ended context: %v", err)
	}
}

func history(t *testing.T, f *fixture) {
	r := f.said("shop", "1", "2", "3", "4", "5")
	f.said("another", "x", "y")
	var got []string
	after := int64(0)
	for {
		page, err := f.db.History(t.Context(), r.Conversation, after, 2)
		f.must(err)
		if len(page) == 0 {
			break
		}
		got = append(got, texts(page)...)
		after = page[len(page)-1].Seq
	}
	f.same("pages", []string{"1", "2", "3", "4", "5"}, got)
	if _, err := f.db.Conversation(t.Context(), "unknown"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Conversation: %v, want ErrNotFound", err)
	}
}

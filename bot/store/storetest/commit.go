package storetest

import (
	"errors"
	"testing"

	"tilldesk/bot"
	"tilldesk/bot/desk"
	"tilldesk/bot/dialog"
	"tilldesk/bot/store"
	"tilldesk/content/source"
)

// richState is a state with something in every kind of field.
func richState() dialog.State {
	fix := &dialog.Fixing{Intent: "scan.huabei", Step: "check_network", Evidence: dialog.Evidence{Answers: map[string]dialog.Result{"a": dialog.Yes}}, Unsure: 1}
	return dialog.State{
		Lang: source.Zh, Traditional: true, Phase: dialog.Guiding, Fix: fix, Paused: []dialog.Fixing{*fix},
		Offered: []dialog.Choice{{ID: "yes", Label: source.Text{Zh: "是", En: "yes"}}},
		Last:    []dialog.Line{{Key: "step:x", Kind: dialog.KindStep, Text: source.Text{Zh: "看一下", En: "look"}}},
		Facts:   map[string]string{"wallet": "huabei"}, Codes: []string{"pos/51"},
		Tried: []dialog.Tried{{Intent: "scan.huabei", Step: "a", Result: dialog.NotFixed, Note: "<没反应>"}},
	}
}

func commitWhole(t *testing.T, f *fixture) {
	receipts := f.accept(arrival("shop", "1", "one"), arrival("shop", "2", "two"))
	w := f.claimOne()
	next := turn(w, "first", "second")
	next.State = richState()
	next.Solved = &dialog.Solved{Intent: "scan.huabei", Step: "restart", Brand: "sunmi"}
	f.same("state", next.State, f.commit(next))

	c, err := f.db.Conversation(t.Context(), w.Conversation.ID)
	f.must(err)
	f.same("stored state", next.State, c.State)
	entries := f.history(w.Conversation.ID)
	f.same("transcript", []string{"one", "two", "first", "second"}, texts(entries))
	f.same("reply", reply("first"), entries[2].Reply)
	f.same("delivery", bot.Unsent, entries[2].Delivery)
	f.same("author", bot.Bot, entries[2].Author)
	f.same("message", bot.Entry{
		ID: receipts[0].Message, Conversation: w.Conversation.ID, Seq: entries[0].Seq, Author: bot.Merchant,
		Reply: bot.Reply{Text: "one", Choices: []bot.Choice{}}, At: f.now, Remote: "1",
	}, entries[0])
	for i := 1; i < len(entries); i++ {
		if entries[i].Seq <= entries[i-1].Seq {
			t.Errorf("seq %d follows %d", entries[i].Seq, entries[i-1].Seq)
		}
	}
	for range 2 {
		f.accept(arrival("shop", "again", "again"))
		for _, w := range f.claim(1) {
			next := turn(w)
			next.Solved = &dialog.Solved{Intent: "scan.huabei", Step: "restart", Brand: "sunmi"}
			f.commit(next)
		}
	}
	outcomes, err := f.db.Outcomes(t.Context())
	f.must(err)
	f.same("outcomes", []dialog.Count{{Intent: "scan.huabei", Brand: "sunmi", Step: "restart", Result: dialog.Fixed, N: 2}}, outcomes)
}

func commitNothing(t *testing.T, f *fixture) {
	other := f.said("other", "1", "to other")
	before := f.said("shop", "0", "to zero")
	f.accept(arrival("shop", "1", "one"))
	w := f.claimOne()
	broken := func(messages ...bot.Pending) bot.Turn {
		b := turn(w, "lost", "lost too")
		b.Work.Messages = messages
		b.State.Complained = true
		b.Handoff = &dialog.Handoff{Cause: "asked"}
		b.Solved = &dialog.Solved{Intent: "x"}
		return b
	}
	stored := f.dump()
	for name, b := range map[string]bot.Turn{
		"no messages":               broken(),
		"an unknown message":        broken(append(w.Messages, bot.Pending{ID: "unknown"})...),
		"one of another":            broken(append(w.Messages, bot.Pending{ID: other.Message})...),
		"one answered before":       broken(append(w.Messages, bot.Pending{ID: before.Message})...),
		"the same twice":            broken(w.Messages[0], w.Messages[0]),
		"another lease":             func() bot.Turn { b := broken(w.Messages...); b.Work.Lease = "other"; return b }(),
		"no lease":                  func() bot.Turn { b := broken(w.Messages...); b.Work.Lease = ""; return b }(),
		"an unclaimed conversation": {Work: bot.Work{Conversation: bot.Conversation{ID: other.Conversation}, Messages: w.Messages}},
	} {
		if _, err := f.db.Commit(t.Context(), b); err == nil {
			t.Errorf("%s: committed", name)
		}
		f.same(name, stored, f.dump())
	}
	f.commit(turn(w, "kept"))
	f.same("transcript", []string{"0", "to zero", "one", "kept"}, texts(f.history(w.Conversation.ID)))
}

func oneCase(t *testing.T, f *fixture) {
	card := bot.Card{
		Cause: "asked", Symptom: source.Text{Zh: "花呗", En: "Huabei"}, Chance: 0.5, Facts: map[string]string{"wallet": "huabei"},
		Codes: []string{"pos/51"}, Tried: []bot.TriedStep{{Text: source.Text{Zh: "重启", En: "restart"}, Result: dialog.NotFixed, Note: "还是不行"}},
		Later: []source.Text{{Zh: "打不出小票", En: "No receipt"}},
	}
	handOver := func(remote, id string) dialog.State {
		f.accept(arrival(remote, id, "人工"))
		next := turn(f.claimOne(), "a person comes")
		next.State.Phase = dialog.WithHuman
		next.Handoff, next.Card = &dialog.Handoff{Cause: "asked", Intent: "scan.huabei"}, card
		return f.commit(next)
	}
	st := handOver("a", "1")
	f.same("ticket", "T1", st.Ticket)
	c, _, err := f.db.ConversationOf(t.Context(), "web", "a")
	f.must(err)
	f.same("stored state", st, c.State)
	f.same("ticket of the same case", "T1", handOver("a", "2").Ticket)
	f.same("ticket of the next case", "T2", handOver("b", "1").Ticket)
	f.same("open cases", 2, f.queue().Cases)
	var tickets, cards []string
	for _, row := range f.dump()["cases"] {
		tickets, cards = append(tickets, row["ticket"].(string)), append(cards, row["card"].(string))
	}
	f.same("cases", []string{"T1", "T2"}, sorted(tickets))
	k, err := f.db.Case(t.Context(), "T1")
	f.must(err)
	f.same("case", desk.Case{
		Number: 1, Ticket: "T1", Conversation: c.ID, Address: c.Address, Version: k.Version, Urgency: desk.Normal, Lang: st.Lang,
		Cause: "asked", Intent: "scan.huabei", Card: card, State: desk.Waiting, Opened: f.now, Handed: f.now, Unanswered: f.now, Updated: f.now,
	}, k)
	if _, err := f.db.Case(t.Context(), "T99"); !errors.Is(err, desk.ErrNotFound) {
		t.Errorf("Case of an unknown ticket: %v, want ErrNotFound", err)
	}
	f.same("card", `{"cause":"asked","symptom":{"zh":"花呗","en":"Huabei"},"chance":0.5,"facts":{"wallet":"huabei"},"codes":["pos/51"],`+
		`"tried":[{"text":{"zh":"重启","en":"restart"},"result":"not_fixed","note":"还是不行"}],"later":[{"zh":"打不出小票","en":"No receipt"}]}`, cards[0])
}

func stableReplies(t *testing.T, f *fixture) {
	answer := func(r bot.Receipt) (bot.Answered, bool) {
		t.Helper()
		got, done, err := f.db.Replies(t.Context(), r.Message)
		f.must(err)
		return got, done
	}
	burst := f.accept(arrival("shop", "1", "one"), arrival("shop", "2", "two"))
	w := f.claimOne()
	_, done := answer(burst[0])
	f.same("done before the turn", false, done)
	next := turn(w, "first", "second")
	next.State = richState()
	f.commit(next)
	check := func() {
		t.Helper()
		got, done := answer(burst[1])
		f.same("done", true, done)
		f.same("answer to the last of the burst", bot.Answered{Replies: []bot.Reply{reply("first"), reply("second")}, State: next.State}, got)
		got, _ = answer(burst[0])
		f.same("answer to the one before", bot.Answered{Replies: []bot.Reply{}, State: next.State}, got)
	}
	check()
	silent := f.said("shop", "3")
	check()
	got, done := answer(silent)
	f.same("answer of silence", bot.Answered{Replies: []bot.Reply{}, State: next.State}, got)
	f.same("done with silence", true, done)
	f.must(f.db.Sent(t.Context(), f.claimOutOne(), "r", f.now))
	check()
	if _, _, err := f.db.Replies(t.Context(), "unknown"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Replies to an unknown message: %v, want ErrNotFound", err)
	}
	if _, _, err := f.db.Replies(t.Context(), "\x00"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Replies to a message that cannot be: %v, want ErrNotFound", err)
	}
}

func putAside(t *testing.T, f *fixture) {
	r := f.accept(arrival("shop", "1", "poison"))[0]
	next := turn(f.claimOne(), "sorry")
	next.Dead = "it panicked"
	f.commit(next)
	want := bot.PutAside{
		ID: r.Message, Conversation: r.Conversation, Address: bot.Address{Channel: "web", Remote: "shop"}, Why: "it panicked", Received: f.now,
	}
	dead := func() []bot.PutAside {
		t.Helper()
		all, err := f.db.Dead(t.Context(), 10)
		f.must(err)
		return all
	}
	f.same("put aside", []bot.PutAside{want}, dead())
	f.same("counted", 1, f.queue().Dead)
	got, done, err := f.db.Replies(t.Context(), r.Message)
	f.must(err)
	f.same("replies", []string{"sorry"}, texts(got.Replies))
	f.same("done", true, done)

	f.must(f.db.Requeue(t.Context(), r.Message))
	f.same("put aside after it was queued again", 0, len(dead()))
	w := f.claimOne()
	f.same("messages", []string{"poison"}, texts(w.Messages))
	next = turn(w, "sorry again")
	next.Dead = "it panicked again"
	f.commit(next)
	f.must(f.db.Drop(t.Context(), r.Message))
	f.same("put aside after it was dropped", 0, len(dead()))
	f.same("transcript", []string{"poison", "sorry", "sorry again"}, texts(f.history(r.Conversation)))
	for name, err := range map[string]error{
		"Requeue": f.db.Requeue(t.Context(), r.Message), "Drop": f.db.Drop(t.Context(), r.Message),
		"Requeue of an unknown one": f.db.Requeue(t.Context(), "unknown"), "Drop of an unknown one": f.db.Drop(t.Context(), "unknown"),
	} {
		if !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s: %v, want ErrNotFound", name, err)
		}
	}
	f.same("claims", 0, len(f.claim(1)))
}

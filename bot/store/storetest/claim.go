package storetest

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"tilldesk/bot"
)

func oneClaim(t *testing.T, f *fixture) {
	const conversations, claimers = 40, 16
	var in []bot.Arrival
	for i := range conversations {
		in = append(in, arrival(fmt.Sprint(i), "1", "a"), arrival(fmt.Sprint(i), "2", "b"))
	}
	f.accept(in...)
	var mu sync.Mutex
	claims := map[bot.ConversationID]int{}
	note := func(works []bot.Work) {
		mu.Lock()
		defer mu.Unlock()
		for _, w := range works {
			claims[w.Conversation.ID]++
			f.same("messages", []string{"a", "b"}, texts(w.Messages))
		}
	}
	var all sync.WaitGroup
	for i := range claimers {
		all.Go(func() {
			for range conversations { // one more than there should be work for
				works, err := f.db.Claim(t.Context(), fmt.Sprint("worker ", i), f.now, lease, 3)
				if err != nil {
					t.Error(err)
				}
				if len(works) == 0 {
					return
				}
				note(works)
			}
		})
	}
	all.Wait()
	note(f.claim(conversations)) // one that others were just claiming was left out
	for id, n := range claims {
		if n != 1 {
			t.Errorf("conversation %s was claimed %d times", id, n)
		}
	}
	f.same("conversations claimed", conversations, len(claims))
	f.same("left to claim", 0, len(f.claim(conversations)))
}

func bursts(t *testing.T, f *fixture) {
	var many []bot.Arrival
	for i := range 25 {
		many = append(many, arrival("many", fmt.Sprint(i), "m"))
	}
	plain := func(id string) bot.Arrival { return arrival("", id, id) }
	press := func(id string) bot.Arrival { return choice("", id, id) }
	for _, tt := range []struct {
		name string
		in   []bot.Arrival
		want []int // messages of each work
	}{
		{"one", []bot.Arrival{plain("1")}, []int{1}},
		{"plain ones together", []bot.Arrival{plain("1"), plain("2"), plain("3")}, []int{3}},
		{"a choice by itself", []bot.Arrival{press("1")}, []int{1}},
		{"choices one by one", []bot.Arrival{press("1"), press("2")}, []int{1, 1}},
		{"a choice between", []bot.Arrival{plain("1"), plain("2"), press("3"), plain("4"), plain("5")}, []int{2, 1, 2}},
		{"a choice first", []bot.Arrival{press("1"), plain("2")}, []int{1, 1}},
		{"a choice last", []bot.Arrival{plain("1"), press("2")}, []int{1, 1}},
		{"a flood piece by piece", many, []int{20, 5}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for i := range tt.in {
				tt.in[i].Address.Remote = tt.name
			}
			receipts := f.accept(tt.in...)
			var got []int
			var order []bot.MessageID
			for works := f.claim(2); len(works) > 0; works = f.claim(2) {
				if len(works) != 1 {
					t.Fatalf("%d works of one conversation", len(works))
				}
				got = append(got, len(works[0].Messages))
				for _, m := range works[0].Messages {
					order = append(order, m.ID)
				}
				f.commit(turn(works[0]))
			}
			f.same("messages of each work", tt.want, got)
			for i, r := range receipts {
				if order[i] != r.Message {
					t.Errorf("message %d came out of order", i)
				}
			}
		})
	}
}

func longestWaiting(t *testing.T, f *fixture) {
	for i := range 5 {
		f.accept(arrival(fmt.Sprint((i*3)%5), "1", fmt.Sprint(i)))
		f.now = f.now.Add(time.Second)
	}
	var got []string
	for _, w := range append(f.claim(2), f.claim(9)...) {
		got = append(got, w.Messages[0].Text)
	}
	f.same("order", []string{"0", "1", "2", "3", "4"}, got)
}

func waitWhileClaimed(t *testing.T, f *fixture) {
	f.accept(arrival("shop", "1", "one"))
	w := f.claimOne()
	f.same("messages", []string{"one"}, texts(w.Messages))
	f.accept(arrival("shop", "2", "two"))
	f.same("claimed again", 0, len(f.claim(1)))
	next := turn(w, "to one")
	next.State.Complained = true
	f.commit(next)
	w = f.claimOne()
	f.same("messages", []string{"two"}, texts(w.Messages))
	f.same("state", next.State, w.Conversation.State)
	f.same("attempts", 0, w.Attempts)
	f.commit(turn(w, "to two"))
	f.same("transcript", []string{"one", "two", "to one", "to two"}, texts(f.history(w.Conversation.ID)))
}

func leaseEnds(t *testing.T, f *fixture) {
	f.accept(arrival("shop", "1", "one"))
	slow := f.claimOne()
	f.now = f.now.Add(lease - time.Millisecond)
	f.same("claims before the lease ends", 0, len(f.claim(1)))
	f.now = f.now.Add(time.Millisecond)
	quick := f.claimOne()
	f.same("attempts", 1, quick.Attempts)
	f.same("messages", slow.Messages, quick.Messages)
	if _, err := f.db.Commit(t.Context(), turn(slow, "slow")); !errors.Is(err, bot.ErrLost) {
		t.Errorf("Commit of the slow worker: %v, want ErrLost", err)
	}
	if err := f.db.Retry(t.Context(), slow, f.now, "slow"); !errors.Is(err, bot.ErrLost) {
		t.Errorf("Retry of the slow worker: %v, want ErrLost", err)
	}
	f.commit(turn(quick, "quick"))
	if _, err := f.db.Commit(t.Context(), turn(slow, "slow")); !errors.Is(err, bot.ErrLost) {
		t.Errorf("Commit of the slow worker after the other: %v, want ErrLost", err)
	}
	f.same("transcript", []string{"one", "quick"}, texts(f.history(quick.Conversation.ID)))

	// A worker that is late, but that nobody has overtaken, has not lost.
	f.accept(arrival("shop", "2", "two"))
	late := f.claimOne()
	f.now = f.now.Add(lease * 2)
	f.commit(turn(late, "late"))
}

func retry(t *testing.T, f *fixture) {
	f.accept(arrival("shop", "1", "one"))
	for attempt := range 3 {
		w := f.claimOne()
		f.same("attempts", attempt, w.Attempts)
		f.must(f.db.Retry(t.Context(), w, f.now.Add(time.Minute), "broken"))
		if err := f.db.Retry(t.Context(), w, f.now, "twice"); !errors.Is(err, bot.ErrLost) {
			t.Errorf("Retry again: %v, want ErrLost", err)
		}
		f.now = f.now.Add(time.Minute - time.Millisecond)
		f.accept(arrival("shop", fmt.Sprint("more", attempt), "more"))
		f.same("claims before its time", 0, len(f.claim(1)))
		f.now = f.now.Add(time.Millisecond)
	}
	w := f.claimOne()
	f.same("messages", []string{"one", "more", "more", "more"}, texts(w.Messages))
	f.commit(turn(w, "ok"))
	f.accept(arrival("shop", "2", "two"))
	f.same("attempts after a turn", 0, f.claimOne().Attempts)
}

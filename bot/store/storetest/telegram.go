package storetest

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/store"
)

// fillTelegram leaves a row in each table of the Telegram channel.
func (f *fixture) fillTelegram(r bot.Receipt) {
	f.Helper()
	f.must(f.db.SaveTopic(f.Context(), store.Topic{Conversation: r.Conversation, Chat: -1, Thread: int(f.history(r.Conversation)[0].At.UnixMilli()%1000) + len(f.dump()["telegram_topics"]) + 1}))
	f.must(f.db.SavePost(f.Context(), store.Post{Message: r.Message, Chat: -1, Thread: 1, Post: 2}))
	f.must(f.db.SetPartsSent(f.Context(), r.Message, 1))
	f.must(f.db.WantFiles(f.Context(), r.Message, 1))
}

// leases: one process fetches updates and one writes to the staff group, until
// it ends or its time does.
func leases(t *testing.T, f *fixture) {
	const minute = time.Minute
	l, ok, err := f.db.LeasePoll(t.Context(), 7, "a", f.now, minute)
	if err != nil || !ok || l.Offset != 0 {
		t.Fatal(l, ok, err)
	}
	if _, ok, err := f.db.LeasePoll(t.Context(), 7, "b", f.now, minute); ok || err != nil {
		t.Errorf("a second process has the lease: %v", err)
	}
	if _, ok, err := f.db.LeasePoll(t.Context(), 8, "b", f.now, minute); !ok || err != nil {
		t.Errorf("another bot has no lease of its own: %v", err)
	}
	f.must(f.db.SavePoll(t.Context(), l, 17))
	f.must(f.db.SavePoll(t.Context(), l, 5)) // ids may begin anew
	f.must(f.db.RenewPoll(t.Context(), l, f.now.Add(2*minute)))
	f.now = f.now.Add(minute + time.Second)
	if _, ok, _ := f.db.LeasePoll(t.Context(), 7, "b", f.now, minute); ok {
		t.Error("a lease that was renewed has ended")
	}
	f.now = f.now.Add(minute)
	next, ok, err := f.db.LeasePoll(t.Context(), 7, "b", f.now, minute)
	if err != nil || !ok || next.Offset != 5 {
		t.Fatal(next, ok, err)
	}
	for _, err := range []error{f.db.SavePoll(t.Context(), l, 99), f.db.RenewPoll(t.Context(), l, f.now), f.db.EndPoll(t.Context(), l)} {
		if !errors.Is(err, bot.ErrLost) {
			t.Errorf("who has lost the lease: %v", err)
		}
	}
	f.must(f.db.EndPoll(t.Context(), next))
	if _, ok, _ := f.db.LeasePoll(t.Context(), 7, "c", f.now, minute); !ok {
		t.Error("a lease that was given back is held")
	}

	g, ok, err := f.db.LeaseGroup(t.Context(), -5, "a", f.now, minute)
	if err != nil || !ok || g.Current != -5 {
		t.Fatal(g, ok, err)
	}
	f.must(f.db.PauseGroup(t.Context(), g.Configured, f.now.Add(time.Hour)))
	f.must(f.db.PauseGroup(t.Context(), g.Configured, f.now.Add(time.Minute))) // is less
	if until, err := f.db.GroupPaused(t.Context(), g.Configured); err != nil || !until.Equal(f.now.Add(time.Hour)) {
		t.Errorf("the group is left alone until %v, %v", until, err)
	}
	if until, err := f.db.GroupPaused(t.Context(), -6); err != nil || until.After(f.now) {
		t.Errorf("a group without a word of it is left alone until %v, %v", until, err)
	}
	f.must(f.db.MoveGroup(t.Context(), -5, -100))
	f.must(f.db.EndGroup(t.Context(), g))
	g, ok, err = f.db.LeaseGroup(t.Context(), -5, "b", f.now, minute)
	if err != nil || !ok || g.Current != -100 {
		t.Fatal(g, ok, err)
	}
	if chat, err := f.db.GroupChat(t.Context(), -5); chat != -100 || err != nil {
		t.Error(chat, err)
	}
	if chat, err := f.db.GroupChat(t.Context(), -6); chat != -6 || err != nil {
		t.Error(chat, err)
	}
}

// turns: processes that share a rate never have more of it together than it is.
func turns(t *testing.T, f *fixture) {
	const every, burst = time.Second, 3
	at := func(now time.Duration) time.Duration {
		t.Helper()
		turn, err := f.db.Reserve(t.Context(), "a network", f.now.Add(now), every, burst)
		if err != nil {
			t.Fatal(err)
		}
		return turn.Sub(f.now)
	}
	for i, tt := range []struct{ now, want time.Duration }{
		{0, 0}, {0, 0}, {0, 0}, {0, every}, {500 * time.Millisecond, 2 * every}, // a burst, and then each in its time
		{10 * every, 10 * every}, {10 * every, 10 * every}, {10 * every, 10 * every}, {10 * every, 11 * every}, // a rest gives no more than a burst
		{time.Hour, time.Hour}, // of a process whose clock is fast
		{20 * every, 20*every + time.Minute + every},
	} {
		if got := at(tt.now); got.Round(time.Millisecond) != tt.want {
			t.Errorf("turn %d, asked for at %v, is at %v, want %v", i, tt.now, got, tt.want)
		}
	}
	if turn, err := f.db.Reserve(t.Context(), "another", f.now, every, burst); err != nil || turn.After(f.now) {
		t.Errorf("the turn of another network is at %v, %v", turn, err)
	}
	// Many at once take one each.
	seen := map[time.Time]int{}
	var mu sync.Mutex
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			turn, err := f.db.Reserve(t.Context(), "a third", f.now, every, 1)
			mu.Lock()
			defer mu.Unlock()
			if seen[turn]++; seen[turn] > 1 || err != nil {
				t.Errorf("the turn at %v was given %d times, %v", turn, seen[turn], err)
			}
		})
	}
	all.Wait()
}

// wordings: the newest text of a message that was changed, and whether anything
// came after it.
func wordings(t *testing.T, f *fixture) {
	wording := func(c bot.ConversationID, id string, known bool, want store.Wording) {
		t.Helper()
		got, ok, err := f.db.Wording(t.Context(), c, bot.RemoteID("m:"+id), "e:"+id+":")
		if err != nil || ok != known || got != want {
			t.Errorf("message %s reads %+v, %v, %v; want %+v", id, got, ok, err, want)
		}
	}
	r := f.accept(arrival("shop", "m:1", "one"))[0]
	wording(r.Conversation, "1", true, store.Wording{Text: "one", Last: true})
	f.accept(arrival("shop", "m:11", "eleven"))
	wording(r.Conversation, "1", true, store.Wording{Text: "one"})
	f.accept(arrival("shop", "e:1:5", "another"))
	wording(r.Conversation, "1", true, store.Wording{Text: "another", Last: true})
	wording(r.Conversation, "11", true, store.Wording{Text: "eleven"})
	wording(r.Conversation, "2", false, store.Wording{})
	wording("nobody", "1", false, store.Wording{})

	f.must(f.db.SavePost(t.Context(), store.Post{Message: r.Message, Chat: -1, Thread: 1, Post: 2}))
	for post, want := range map[int]bool{2: true, 3: false} {
		if got, err := f.db.Posted(t.Context(), -1, post); len(got) == 1 != want || err != nil {
			t.Errorf("message %d of staff was sent on: %v, %v", post, got, err)
		}
	}
}

// deadUpdates: what could not be read is kept once, and goes with its merchant.
func deadUpdates(t *testing.T, f *fixture) {
	a := arrival("77", "1", "hello")
	a.Address.Channel = "telegram"
	r := f.accept(a)[0]
	for _, remote := range []string{"77", "78", ""} {
		u := store.DeadUpdate{Bot: 7, Update: 100 + int64(len(remote)), Remote: remote, Raw: `{"x":"\u0000"}` + strings.Repeat("x", 10), Why: "odd", Received: f.now}
		if remote == "78" {
			u.Update++
		}
		f.must(f.db.BuryUpdate(t.Context(), u))
		f.must(f.db.BuryUpdate(t.Context(), u))
	}
	dead, err := f.db.DeadUpdates(t.Context(), 7, 10)
	f.must(err)
	f.same("dead updates", 3, len(dead))
	_, err = f.db.Erase(t.Context(), r.Conversation)
	f.must(err)
	dead, err = f.db.DeadUpdates(t.Context(), 7, 10)
	f.must(err)
	f.same("after the merchant was erased", 2, len(dead))
	f.now = f.now.Add(time.Hour)
	_, err = f.db.Purge(t.Context(), f.now)
	f.must(err)
	dead, err = f.db.DeadUpdates(t.Context(), 7, 10)
	f.must(err)
	f.same("after their time", 0, len(dead))
}

// wantedFiles: a file is fetched by one, again after a failure, and no more
// once that is settled.
func wantedFiles(t *testing.T, f *fixture) {
	a := arrival("shop", "1", "look")
	a.Media = []bot.Media{{Kind: "image", Remote: "one"}, {Kind: "voice", Remote: "two"}}
	r := f.accept(a)[0]
	f.must(f.db.WantFiles(t.Context(), r.Message, 0, 1))
	f.must(f.db.WantFiles(t.Context(), r.Message, 0, 1)) // once
	claim := func() []store.WantedFile {
		t.Helper()
		files, err := f.db.ClaimFiles(t.Context(), "another", f.now, f.now.Add(time.Minute), 10)
		f.must(err)
		f.same("files of another channel", 0, len(files))
		files, err = f.db.ClaimFiles(t.Context(), a.Address.Channel, f.now, f.now.Add(time.Minute), 10)
		f.must(err)
		return files
	}
	files := claim()
	f.same("files", 2, len(files))
	f.same("files that another process gets", 0, len(claim()))
	for _, file := range files {
		f.same("the file", a.Media[file.N], file.Media)
		if file.N == 0 {
			f.must(f.db.EndFile(t.Context(), file, f.now, ""))
		} else {
			f.must(f.db.RetryFile(t.Context(), file, f.now.Add(time.Second), "no network"))
		}
	}
	f.now = f.now.Add(time.Second)
	files = claim()
	f.same("files after a failure", 1, len(files))
	f.same("tries", 1, files[0].Attempts)
	f.now = f.now.Add(time.Hour) // its process has died
	f.same("files of a process that died", 1, len(claim()))
}

// topics: a merchant has one, and what staff wrote there is settled once.
func topics(t *testing.T, f *fixture) {
	r := f.said("shop", "1", "answer")
	want := store.Topic{Conversation: r.Conversation, Chat: -100, Thread: 9, Card: 10, Ticket: "T1", Shown: 3, Name: "⏳ T1", Relayed: 2, Listed: true}
	f.must(f.db.SaveTopic(t.Context(), want))
	got, known, err := f.db.TopicAt(t.Context(), -100, 9)
	f.must(err)
	f.same("known", true, known)
	f.same("topic", want, got)
	want.Closed, want.Listed = true, false
	f.must(f.db.SaveTopic(t.Context(), want))
	got, _, err = f.db.Topic(t.Context(), r.Conversation)
	f.must(err)
	f.same("topic", want, got)
	open, err := f.db.OpenTopics(t.Context(), 5)
	f.must(err)
	f.same("open topics", 0, len(open))
	for _, thread := range []int{0, 8} {
		if _, known, _ := f.db.TopicAt(t.Context(), -100, thread); known {
			t.Errorf("thread %d is a topic", thread)
		}
	}
	if err := f.db.SaveTopic(t.Context(), store.Topic{Conversation: "gone"}); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a topic of nobody: %v", err)
	}

	m := f.claimOutOne()
	f.must(f.db.SavePost(t.Context(), store.Post{Message: m.ID, Chat: -100, Thread: 9, Post: 40}))
	settled, more, err := f.db.OpenPosts(t.Context(), 5)
	f.must(err)
	f.same("settled", 0, len(settled))
	f.same("more", true, more)
	f.must(f.db.BuryOut(t.Context(), m, "blocked"))
	settled, more, err = f.db.OpenPosts(t.Context(), 5)
	f.must(err)
	f.same("settled", []store.Post{{Message: m.ID, Chat: -100, Thread: 9, Post: 40, Delivery: bot.Dead, Why: "blocked"}}, settled)
	f.same("more", false, more)
	f.must(f.db.MarkPost(t.Context(), m.ID))
	settled, _, err = f.db.OpenPosts(t.Context(), 5)
	f.must(err)
	f.same("settled", 0, len(settled))
}

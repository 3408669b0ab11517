package storetest

import (
	"testing"
	"time"

	"tilldesk/bot"
)

// offered: a choice belongs to the reply that offered it, and is stale once
// another turn has offered others.
func offered(t *testing.T, f *fixture) {
	pressed := func(id string, offer int64, answers ...string) bool {
		t.Helper()
		a := choice("shop", id, "yes")
		a.Offer = offer
		c := f.accept(a)[0].Conversation
		w := f.claimOne()
		f.commit(turn(w, answers...))
		if followed, err := f.db.Followed(t.Context(), c, offer); err != nil || len(answers) == 0 && followed != w.Messages[0].Stale {
			t.Errorf("Followed: %v, %v", followed, err)
		}
		return w.Messages[0].Stale
	}
	c := f.said("shop", "1", "is it on?", "is it the red one?").Conversation
	var seqs []int64
	for _, e := range f.history(c)[1:] {
		seqs = append(seqs, e.Seq)
	}
	for _, seq := range seqs {
		if pressed("press"+string(rune('0'+seq)), seq) {
			t.Errorf("choice %d of the last turn is stale", seq)
		}
	}
	f.said("shop", "2", "and now?")
	if !pressed("late", seqs[1]) {
		t.Error("a choice of the turn before the last is not stale")
	}
}

// together: a message that others belong to is not answered before they had
// time to come, and then with them.
func together(t *testing.T, f *fixture) {
	for _, part := range []struct {
		id     string
		settle time.Duration
	}{{"1", 4 * time.Second}, {"2", time.Second}, {"3", 0}} {
		a := arrival("album", part.id, part.id)
		a.Settle = part.settle
		f.accept(a)
	}
	f.now = f.now.Add(3 * time.Second)
	f.same("works while more may come", 0, len(f.claim(1)))
	f.now = f.now.Add(time.Second)
	f.same("messages", []string{"1", "2", "3"}, texts(f.claimOne().Messages))
}

// media: a file that came later is part of its message from then on.
func media(t *testing.T, f *fixture) {
	a := arrival("shop", "1", "look")
	a.Media = []bot.Media{{Kind: "image", Remote: "file-1"}, {Kind: "voice", Remote: "file-2"}}
	r := f.accept(a)[0]
	here := bot.Media{Kind: "image", Type: "image/jpeg", Remote: "file-1", Path: "photos/1.jpg", Bytes: 17}
	f.must(f.db.SetMedia(t.Context(), r.Message, 0, here))
	f.same("media", []bot.Media{here, a.Media[1]}, f.history(r.Conversation)[0].Media)
	f.must(f.db.Check(t.Context()))
	if err := f.db.SetMedia(t.Context(), r.Message, 2, here); err == nil {
		t.Error("a third file was put into a message with two")
	}
	if err := f.db.SetMedia(t.Context(), "nothing", 0, here); err == nil {
		t.Error("a file was put into a message that is not there")
	}
}

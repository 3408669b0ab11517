package storetest

import (
	"errors"
	"testing"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/store"
)

// jobs are done by one process at a time, and not before they are due.
func jobs(t *testing.T, f *fixture) {
	take := func(owner string, want bool) store.Job {
		t.Helper()
		j, ok, err := f.db.TakeJob(t.Context(), "tidy", owner, f.now, time.Minute)
		f.must(err)
		f.same("taken by "+owner, want, ok)
		return j
	}
	if at, why, err := f.db.JobDone(t.Context(), "tidy"); err != nil || !at.IsZero() || why != "" {
		t.Errorf("never done: %v %q %v", at, why, err)
	}
	first := take("a", true)
	take("b", false)
	f.now = f.now.Add(time.Minute)
	second := take("b", true) // a has died
	if err := f.db.EndJob(t.Context(), first, f.now, f.now, ""); !errors.Is(err, bot.ErrLost) {
		t.Errorf("the dead one ends it: %v, want ErrLost", err)
	}
	f.must(f.db.EndJob(t.Context(), second, f.now, f.now.Add(time.Hour), ""))
	done := f.now
	take("a", false) // not due
	f.now = f.now.Add(time.Hour)
	third := take("a", true)
	f.must(f.db.EndJob(t.Context(), third, f.now, f.now.Add(time.Minute), "disk full"))
	at, why, err := f.db.JobDone(t.Context(), "tidy")
	f.must(err)
	f.same("done at", done, at)
	f.same("what went wrong", "disk full", why)
	if _, ok, err := f.db.TakeJob(t.Context(), "other", "b", f.now, time.Minute); err != nil || !ok {
		t.Errorf("another job: %v, %v", ok, err)
	}
}

// purgeMedia lets messages forget their files and nothing else.
func purgeMedia(t *testing.T, f *fixture) {
	photo := func(remote, id string) bot.Arrival {
		a := arrival(remote, id, "words of "+remote)
		a.Media = []bot.Media{{Kind: "image", Type: "image/jpeg", Remote: "handle", Path: "media/" + remote + id + ".jpg"}}
		a.At = f.now
		return a
	}
	old := f.accept(photo("old", "1"))[0]
	f.commit(turn(f.claimOne(), "thanks"))
	open := f.fill("open")
	limit := f.now.Add(time.Hour)
	f.now = f.now.Add(2 * time.Hour)
	f.accept(photo("old", "2"))

	files, err := f.db.PurgeMedia(t.Context(), limit)
	f.must(err)
	f.same("files", []string{"media/old1.jpg"}, files)
	entries := f.history(old.Conversation)
	f.same("texts", []string{"words of old", "thanks", "words of old"}, texts(entries))
	f.same("what is left of the old photo", []bot.Media{{Kind: "image", Type: "image/jpeg"}}, entries[0].Media)
	f.same("the new photo", "media/old2.jpg", entries[2].Media[0].Path)
	f.must(f.db.Check(t.Context()))
	kept, err := f.db.Files(t.Context(), limit)
	f.must(err)
	f.same("files of a conversation with an open case", []string{"media/open.jpg"}, kept)
	f.same("its messages", 3, len(f.history(open)))
	again, err := f.db.PurgeMedia(t.Context(), limit)
	f.must(err)
	f.same("files the second time", 0, len(again))
}

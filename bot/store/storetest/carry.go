package storetest

import (
	"errors"
	"testing"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/store"
)

func (f *fixture) carry(id bot.ConversationID, remote bot.RemoteID, w bot.Window, take int) (bot.Carried, []string) {
	f.Helper()
	var offered []string
	c, err := f.db.Carry(f.Context(), bot.Call{Conversation: id, Remote: remote, Window: w, At: f.now}, func(out []bot.Outbound) bot.Carried {
		offered = texts(out)
		return bot.Carried{Body: "carried by " + string(remote), Whole: min(take, len(out))}
	})
	f.must(err)
	return c, offered
}

// carry: the answer to a call is decided once, and what it carries is sent.
func carry(t *testing.T, f *fixture) {
	id := f.said("shop", "1", "one", "two", "three").Conversation
	first, offered := f.carry(id, "call", bot.Window{}, 2)
	f.same("offered", []string{"one", "two", "three"}, offered)
	first.Whole = 0 // how many there were is not kept
	again, offered := f.carry(id, "call", bot.Window{}, 3)
	f.same("again", first, again)
	f.same("offered again", []string(nil), offered)
	known, ok, err := f.db.Carried(t.Context(), id, "call")
	f.must(err)
	f.same("read", first, known)
	f.same("known", true, ok)
	f.same("sent by the outbox", "three", f.claimOutOne().Reply.Text)
	_, offered = f.carry(id, "while it is sent", bot.Window{}, 3)
	f.same("offered while it is sent", []string{}, offered)
	if _, ok, err := f.db.Carried(t.Context(), id, "another"); ok || err != nil {
		t.Errorf("another call: %v, %v", ok, err)
	}
	if _, err := f.db.Carry(t.Context(), bot.Call{Conversation: "nobody", Remote: "call", At: f.now}, nil); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("nobody's call: %v", err)
	}
	f.flip("UPDATE carried SET body = 'altered' WHERE remote = 'call'")
	var sum *store.SumError
	if _, _, err := f.db.Carried(t.Context(), id, "call"); !errors.As(err, &sum) {
		t.Errorf("an altered body: %v, want a SumError", err)
	}
}

// holds: replies are left to the request that brought the message, and then to
// the outbox; those put off for long do not keep back the ones after them.
func holds(t *testing.T, f *fixture) {
	f.accept(arrival("shop", "1", "one"))
	next := turn(f.claimOne(), "answer")
	next.Hold = 3 * time.Second
	f.now = f.now.Add(time.Second)
	f.commit(next)
	f.now = f.now.Add(2*time.Second - time.Millisecond)
	f.same("claimed while it is held", 0, len(f.claimOut(9)))
	f.now = f.now.Add(time.Millisecond)
	m := f.claimOutOne()
	f.must(f.db.RetryOut(t.Context(), m, f.now.Add(24*time.Hour), false, "for a day"))
	f.said("shop", "2", "second")
	f.now = f.now.Add(-48 * time.Hour) // the clock was wrong
	f.same("claimed behind one that is put off", 0, len(f.claimOut(9)))
	f.now = f.now.Add(72 * time.Hour)
	m = f.claimOutOne()
	f.must(f.db.RetryOut(t.Context(), m, f.now.Add(time.Hour), true, "until the merchant writes"))
	m = f.claimOutOne()
	f.same("claimed behind one that may be passed", "second", m.Reply.Text)
	f.must(f.db.PieceSent(t.Context(), m, 2))
	f.must(f.db.RetryOut(t.Context(), m, f.now, false, "later"))
	f.same("pieces", 2, f.claimOutOne().Pieces)
	if err := f.db.PieceSent(t.Context(), m, 3); !errors.Is(err, bot.ErrLost) {
		t.Errorf("a piece of a message that another one sends: %v, want ErrLost", err)
	}
}

// windows: what the network grants is counted, by what the merchant did.
func windows(t *testing.T, f *fixture) {
	id := f.said("shop", "1").Conversation
	grant := func(kind bot.WindowKind, n int, d time.Duration) bot.Window {
		return bot.Window{Kind: kind, Opened: f.now, Until: f.now.Add(d), Allowed: n}
	}
	take := func(keep int) bool {
		t.Helper()
		_, ok, err := f.db.TakeWindow(t.Context(), id, keep, f.now)
		f.must(err)
		return ok
	}
	left := func() int {
		t.Helper()
		w, err := f.db.Window(t.Context(), id)
		f.must(err)
		return w.Left(f.now)
	}
	f.same("before anything", false, take(0))
	f.carry(id, "1", grant(bot.WindowMessage, 3, time.Hour), 0)
	f.same("first", true, take(1))
	f.same("second", true, take(1))
	f.same("what is kept", false, take(1))
	f.same("for who may", true, take(0))
	f.same("none", false, take(0))
	f.now = f.now.Add(time.Second)
	f.carry(id, "2", grant(bot.WindowClick, 2, time.Minute), 0)
	f.same("after a click", 2, left())
	f.carry(id, "2", grant(bot.WindowMessage, 3, time.Hour), 0)
	f.same("the same call grants nothing again", 2, left())
	f.now = f.now.Add(time.Second)
	f.carry(id, "3", grant(bot.WindowMessage, 3, time.Hour), 0)
	w, _, err := f.db.TakeWindow(t.Context(), id, 0, f.now)
	f.must(err)
	f.now = f.now.Add(time.Second)
	f.carry(id, "4", grant(bot.WindowClick, 2, time.Minute), 0)
	f.same("a click takes nothing away", 2, left())
	f.must(f.db.ReturnWindow(t.Context(), id, w))
	f.same("given back", 3, left())
	f.must(f.db.EmptyWindow(t.Context(), id, w))
	f.same("emptied", 0, left())
	old := w
	f.now = f.now.Add(time.Second)
	f.carry(id, "5", grant(bot.WindowMessage, 3, time.Hour), 0)
	f.must(f.db.CloseWindow(t.Context(), id, old))
	f.same("what is known of an older window", 3, left())
	w.Opened = f.now
	f.must(f.db.CloseWindow(t.Context(), id, w))
	f.same("closed", 0, left())
	again, err := f.db.ReopenWindow(t.Context(), id, 3, time.Hour)
	f.must(err)
	f.same("nothing was received since", false, again)
	f.now = f.now.Add(time.Second)
	f.accept(arrival("shop", "2", "two"))
	again, err = f.db.ReopenWindow(t.Context(), id, 3, time.Hour)
	f.must(err)
	f.same("a message was received", true, again)
	f.same("reopened", 3, left())
}

// credentials: one caller at a time gets a new token; facts are kept.
func credentials(t *testing.T, f *fixture) {
	ctx := t.Context()
	lease := func() string {
		t.Helper()
		l, err := f.db.LeaseCredential(ctx, "a", f.now, time.Minute)
		f.must(err)
		return l
	}
	c, err := f.db.Credential(ctx, "a")
	f.must(err)
	f.same("none", bot.Credential{}, c)
	first := lease()
	if first == "" || lease() != "" {
		t.Error("the lease is not one")
	}
	f.must(f.db.StoreCredential(ctx, "a", first, bot.Credential{Sealed: "box", Expires: f.now.Add(time.Hour)}))
	c, err = f.db.Credential(ctx, "a")
	f.must(err)
	f.same("stored", bot.Credential{Sealed: "box", Version: 1, Expires: f.now.Add(time.Hour)}, c)
	if err := f.db.StoreCredential(ctx, "a", first, bot.Credential{Sealed: "late"}); !errors.Is(err, bot.ErrLost) {
		t.Errorf("storing without the lease: %v, want ErrLost", err)
	}
	f.must(f.db.DropCredential(ctx, "a", 0))
	c, err = f.db.Credential(ctx, "a")
	f.must(err)
	f.same("after another one was dropped", f.now.Add(time.Hour), c.Expires)
	f.must(f.db.DropCredential(ctx, "a", 1))
	c, err = f.db.Credential(ctx, "a")
	f.must(err)
	f.same("dropped", true, c.Expires.Before(f.now))
	second := lease()
	f.now = f.now.Add(time.Minute)
	if third := lease(); second == "" || third == "" || third == second {
		t.Errorf("leases %q and %q, of which the first one has ended", second, third)
	}

	for _, step := range []struct {
		value string
		once  bool
		want  string
	}{{"1", true, "1"}, {"2", true, "1"}, {"3", false, "3"}} {
		known, err := f.db.Learn(ctx, "fact", step.value, step.once, f.now)
		f.must(err)
		f.same("learnt", step.want, known)
	}
	value, at, err := f.db.Fact(ctx, "fact")
	f.must(err)
	f.same("fact", "3", value)
	f.same("since", f.now, at)
}

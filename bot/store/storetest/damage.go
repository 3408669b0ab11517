package storetest

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/dialog"
	"tilldesk/bot/store"
)

// flip changes what is stored, as a bad disk would.
func (f *fixture) flip(statement string, args ...any) {
	f.Helper()
	res, err := Raw(f, f.dsn).Exec(statement, args...)
	f.must(err)
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		f.Fatalf("%s: changed %d rows, %v", statement, n, err)
	}
}

// wantDamage fails the test if err does not name the message.
func (f *fixture) wantDamage(what string, err error, message bot.MessageID) {
	f.Helper()
	var sum *store.SumError
	if !errors.As(err, &sum) || sum.Message != message {
		f.Errorf("%s: %v, want a SumError that names %s", what, err, message)
	}
}

func damage(t *testing.T, f *fixture) {
	for _, change := range []string{
		"text = replace(text, 'one', 'onf')", "choice = 'x'", "seq = seq + 100", "author = 'staff'", "kind = 'notice'", "at = at + 1",
		`payload = '{"step":"other"}'`, "text = text || ' '",
	} {
		r := f.said(change, "1", "reply one")
		f.must(f.db.Check(t.Context()))
		entries := f.history(r.Conversation)
		f.flip("UPDATE messages SET "+change+" WHERE id = $1", string(entries[1].ID))
		_, err := f.db.History(t.Context(), r.Conversation, 0, 10)
		f.wantDamage(change+": History", err, entries[1].ID)
		_, _, err = f.db.Replies(t.Context(), r.Message)
		f.wantDamage(change+": Replies", err, entries[1].ID)
		_, err = f.db.Export(t.Context(), r.Conversation)
		f.wantDamage(change+": Export", err, entries[1].ID)
		f.wantDamage(change+": Check", f.db.Check(t.Context()), entries[1].ID)
		f.same(change+": claims", 0, len(f.claimOut(9)))
		dead, err := f.db.DeadOut(t.Context(), 9)
		f.must(err)
		f.same(change+": dead", []string{""}, texts(dead))
		f.same(change+": its id", entries[1].ID, dead[0].ID)
		_, err = f.db.Erase(t.Context(), r.Conversation)
		f.must(err)
	}

	// Others of the conversation, and other conversations, go on.
	receipts := f.accept(arrival("a", "1", "one"), arrival("a", "2", "two"), arrival("b", "1", "one"), arrival("c", "1", "one"))
	f.flip("UPDATE messages SET text = 'on' WHERE text = 'one' AND conversation_id <> $1", string(receipts[3].Conversation))
	var got []string
	for range 2 {
		for _, w := range f.claim(9) {
			got = append(got, texts(w.Messages)...)
			f.commit(turn(w))
		}
	}
	f.same("answered", []string{"one", "two"}, sorted(got))
	dead, err := f.db.Dead(t.Context(), 9)
	f.must(err)
	var ids []bot.MessageID
	for _, d := range dead {
		ids = append(ids, d.ID)
		f.same("why", (&store.SumError{Message: d.ID}).Error(), d.Why)
	}
	f.same("put aside", true, slices.Contains(ids, receipts[0].Message) && slices.Contains(ids, receipts[2].Message) && len(ids) == 2)
	f.same("waiting", 0, f.queue().Waiting)
	f.flip("UPDATE messages SET seq = seq + 100000")
	if lines := strings.Count(f.db.Check(t.Context()).Error(), "\n"); lines > 30 {
		t.Errorf("Check names the damage in %d lines", lines)
	}
	if _, done, err := f.db.Replies(t.Context(), receipts[0].Message); err == nil || done {
		t.Errorf("Replies to a damaged message: done %t, %v", done, err)
	}
}

func damagedState(t *testing.T, f *fixture) {
	r := f.said("a", "1", "one")
	f.accept(arrival("a", "2", "two"), arrival("b", "1", "one"))
	f.flip(`UPDATE conversations SET state = replace(state, 'lang":""', 'lang":"en"') WHERE id = $1`, string(r.Conversation))
	var sum *store.SumError
	if _, err := f.db.Conversation(t.Context(), r.Conversation); !errors.As(err, &sum) || sum.Conversation != r.Conversation {
		t.Errorf("Conversation: %v, want a SumError that names it", err)
	}
	if _, _, err := f.db.ConversationOf(t.Context(), "web", "a"); !errors.As(err, &sum) {
		t.Errorf("ConversationOf: %v, want a SumError", err)
	}
	if err := f.db.Check(t.Context()); !errors.As(err, &sum) || sum.Conversation != r.Conversation {
		t.Errorf("Check: %v, want a SumError that names it", err)
	}
	f.same("messages", []string{"one"}, texts(f.claimOne().Messages))
	dead, err := f.db.Dead(t.Context(), 9)
	f.must(err)
	f.same("put aside", 1, len(dead))
	f.flip("UPDATE turns SET state = '{}'")
	if _, _, err := f.db.Replies(t.Context(), r.Message); !errors.As(err, &sum) || sum.Conversation != r.Conversation {
		t.Errorf("Replies: %v, want a SumError that names the conversation", err)
	}
}

// fill leaves a row in each table that has something of a conversation.
func (f *fixture) fill(remote string) bot.ConversationID {
	f.Helper()
	photo := arrival(remote, "1", "secret words of "+remote)
	photo.Media = []bot.Media{{Kind: "image", Path: "media/" + remote + ".jpg"}, {Kind: "image", Remote: "not here"}}
	r := f.accept(photo)[0]
	next := turn(f.claimOne(), "secret answer to "+remote, "second")
	next.Handoff = &dialog.Handoff{Cause: "asked", Facts: map[string]string{"wallet": "secret fact of " + remote}}
	next.State.Facts = next.Handoff.Facts
	next.Card = bot.Card{Cause: "asked", Facts: next.Handoff.Facts}
	f.commit(next)
	_, err := f.db.Carry(f.Context(), bot.Call{
		Conversation: r.Conversation, Remote: "1", At: f.now,
		Window: bot.Window{Kind: bot.WindowMessage, Opened: f.now, Until: f.now.Add(time.Hour), Allowed: 5},
	}, func([]bot.Outbound) bot.Carried { return bot.Carried{Body: "secret answer to " + remote} })
	f.must(err)
	f.fillTelegram(r)
	return r.Conversation
}

func eraseAll(t *testing.T, f *fixture) {
	gone, kept := f.fill("gone"), f.fill("kept")
	before := f.dump()
	export, err := f.db.Export(t.Context(), gone)
	f.must(err)
	for table, columns := range Tables(t, f.dsn) {
		if !slices.Contains(columns, "conversation_id") && table != "conversations" {
			continue
		}
		n := 0
		for _, row := range before[table] {
			if row["conversation_id"] != string(gone) && row["id"] != string(gone) {
				continue
			}
			n++
			for _, column := range columns {
				if column == "id" || column == "message_id" {
					if !bytes.Contains(export, []byte(`"id":"`+row[column].(string)+`"`)) {
						t.Errorf("the export has no row of %s", table)
					}
				}
			}
		}
		if n == 0 {
			t.Errorf("fill leaves no row in %s, so nothing is known of erasing them", table)
		}
	}
	for _, secret := range []string{"secret words of gone", "secret answer to gone", "secret fact of gone", "media/gone.jpg", "gone"} {
		if !bytes.Contains(export, []byte(secret)) {
			t.Errorf("the export lacks %q", secret)
		}
	}
	if bytes.Contains(export, []byte("kept")) {
		t.Error("the export has something of another conversation")
	}

	files, err := f.db.Erase(t.Context(), gone)
	f.must(err)
	f.same("files", []string{"media/gone.jpg"}, files)
	for table, rows := range f.dump() {
		for _, row := range rows {
			for column, value := range row {
				if text, ok := value.(string); ok && (text == string(gone) || bytes.Contains([]byte(text), []byte("gone"))) {
					t.Errorf("%s.%s still has %q", table, column, text)
				}
			}
		}
	}
	f.same("transcript of the other", 3, len(f.history(kept)))
	if _, err := f.db.Erase(t.Context(), gone); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Erase again: %v, want ErrNotFound", err)
	}
	if _, err := f.db.Export(t.Context(), gone); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Export after Erase: %v, want ErrNotFound", err)
	}

	// A worker that had it in hand has lost it; the merchant may come back.
	f.accept(arrival("again", "1", "one"))
	w := f.claimOne()
	_, err = f.db.Erase(t.Context(), w.Conversation.ID)
	f.must(err)
	if _, err := f.db.Commit(t.Context(), turn(w, "x")); !errors.Is(err, bot.ErrLost) {
		t.Errorf("Commit after Erase: %v, want ErrLost", err)
	}
	f.same("fresh", true, f.accept(arrival("again", "1", "one"))[0].Fresh)
}

func purge(t *testing.T, f *fixture) {
	settle := func() {
		t.Helper()
		for out := f.claimOut(9); len(out) > 0; out = f.claimOut(9) {
			for _, m := range out {
				f.must(f.db.Sent(t.Context(), m, "", f.now))
			}
		}
	}
	old := f.accept(func() bot.Arrival {
		a := arrival("old", "1", "one")
		a.Media = []bot.Media{{Kind: "image", Path: "media/old.jpg"}}
		return a
	}())[0]
	f.commit(turn(f.claimOne(), "to old"))
	active := f.said("active", "1", "to active")
	open := f.fill("open")
	settle()
	f.said("unsent", "1", "not sent")
	f.accept(arrival("waiting", "1", "not answered"))
	f.now = f.now.AddDate(0, 0, 30)
	limit := f.now
	f.now = f.now.Add(time.Hour)
	for _, w := range f.claim(9) {
		f.must(f.db.Retry(t.Context(), w, f.now.Add(24*time.Hour), "later"))
	}
	f.said("active", "2", "to active again")

	files, err := f.db.Purge(t.Context(), limit)
	f.must(err)
	f.same("files", []string{"media/old.jpg"}, files)
	if _, err := f.db.Conversation(t.Context(), old.Conversation); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the old conversation: %v, want ErrNotFound", err)
	}
	f.same("what is new of the active one", []string{"2", "to active again"}, texts(f.history(active.Conversation)))
	f.same("the one with an open case", 3, len(f.history(open)))
	// Of the one with an unsent reply the answered message goes.
	var left []string
	for _, row := range f.dump()["messages"] {
		left = append(left, row["text"].(string))
	}
	f.same("left", []string{"2", "not answered", "not sent", "second", "secret answer to open", "secret words of open", "to active again"}, sorted(left))
	f.same("turns left", 3, len(f.dump()["turns"]))

	f.flip("UPDATE cases SET closed_at = opened_at, state = 'closed'")
	_, err = f.db.Purge(t.Context(), f.now.Add(time.Hour))
	f.must(err)
	f.same("the case that was closed", 0, len(f.dump()["cases"]))
	f.must(f.db.Check(t.Context()))
}

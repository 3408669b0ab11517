package store_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/store"
	"tilldesk/bot/store/storetest"
)

// TestBlock: what a blocked merchant writes is stored and settled with nothing
// said; others, and they when it is undone, are answered.
func TestBlock(t *testing.T) {
	storetest.Each(t, func(t *testing.T, dsn string) {
		db := storetest.Open(t, dsn, store.Options{})
		ctx, now := t.Context(), time.Now()
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		accept := func(shop, remote, text string) bot.Receipt {
			t.Helper()
			r, err := db.Accept(ctx, []bot.Arrival{message(shop, remote, text)})
			must(err)
			return r[0]
		}
		claim := func() []bot.Work {
			t.Helper()
			works, err := db.Claim(ctx, "w", time.Now().Add(time.Second), time.Minute, 9)
			must(err)
			return works
		}
		if err := db.Block(ctx, "nobody", now); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("blocking nobody: %v", err)
		}
		first := accept("loud", "1", "hello")
		work := claim()
		must(db.Block(ctx, first.Conversation, now))
		if _, err := db.Commit(ctx, bot.Turn{Work: work[0], At: now, Replies: []bot.Reply{{Text: "hello"}}}); !errors.Is(err, bot.ErrLost) {
			t.Errorf("who answers a merchant who is blocked meanwhile: %v", err)
		}
		second := accept("loud", "2", "buy my things")
		accept("quiet", "1", "the screen is black")
		works := claim()
		if len(works) != 1 || works[0].Conversation.Address.Remote != "quiet" {
			t.Fatalf("claimed %v", works)
		}
		for _, r := range []bot.Receipt{first, second} {
			a, done, err := db.Replies(ctx, r.Message)
			if err != nil || !done || len(a.Replies) != 0 {
				t.Errorf("the answer is %v, done %v, %v", a, done, err)
			}
		}
		export, err := db.Export(ctx, first.Conversation)
		must(err)
		for _, want := range []string{"buy my things", `"blocked_at":"`, `"reason":"blocked"`} {
			if !strings.Contains(string(export), want) {
				t.Errorf("the export has no %s: %s", want, export)
			}
		}

		must(db.Block(ctx, first.Conversation, time.Time{}))
		if works := claim(); len(works) != 0 {
			t.Errorf("what came meanwhile is answered: %v", works)
		}
		accept("loud", "3", "the screen is black")
		if works := claim(); len(works) != 1 || works[0].Attempts != 0 || len(works[0].Messages) != 1 {
			t.Errorf("claimed %v", works)
		}
		must(db.Block(ctx, first.Conversation, now))
		_, err = db.Erase(ctx, first.Conversation)
		must(err)
		again := accept("loud", "4", "hello")
		if works := claim(); len(works) != 1 || works[0].Conversation.ID != again.Conversation {
			t.Errorf("an erased merchant is still kept out: %v", works)
		}
		must(db.Check(ctx))
	})
}

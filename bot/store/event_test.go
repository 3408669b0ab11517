package store_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/desk"
	"tilldesk/bot/dialog"
	"tilldesk/bot/store"
	"tilldesk/bot/store/storetest"
)

// handOver opens a case of a merchant.
func handOver(t testing.TB, db *store.DB, merchant string) (ticket string) {
	t.Helper()
	if _, err := db.Accept(t.Context(), []bot.Arrival{message(merchant, "1", "转人工")}); err != nil {
		t.Fatal(err)
	}
	works, err := db.Claim(t.Context(), "worker", time.Now(), time.Minute, 1)
	if err != nil || len(works) != 1 {
		t.Fatal(works, err)
	}
	st, err := db.Commit(t.Context(), bot.Turn{
		Work: works[0], State: dialog.State{Lang: "zh", Phase: dialog.WithHuman}, Handoff: &dialog.Handoff{Cause: dialog.CauseAsked}, At: time.Now(),
	})
	if err != nil || st.Ticket == "" {
		t.Fatal(st, err)
	}
	return st.Ticket
}

// TestEventsWithoutGaps lets transactions that have taken the numbers of their
// events end in another order: who reads on after the last event misses none.
func TestEventsWithoutGaps(t *testing.T) {
	ctx := t.Context()
	dsn := storetest.Postgres(t)
	db := storetest.Open(t, dsn, store.Options{})
	raw := storetest.Raw(t, dsn)
	d := desk.New(db, desk.Options{})
	ticket := handOver(t, db, "shop")
	last, err := db.LastEvent(ctx)
	if err != nil {
		t.Fatal(err)
	}
	note := func() {
		t.Helper()
		if _, err := d.Note(ctx, ticket, desk.Actor{ID: "lin"}, "noted", nil); err != nil {
			t.Fatal(err)
		}
	}
	read := func(want ...int64) {
		t.Helper()
		events, err := db.Events(ctx, "", last, 10)
		if err != nil {
			t.Fatal(err)
		}
		got := []int64{}
		for _, e := range events {
			got = append(got, e.ID)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("after event %d there are %v, want %v", last, got, want)
		}
		if newest, err := db.LastEvent(ctx); err != nil || len(got) > 0 && newest < got[len(got)-1] {
			t.Errorf("the newest event is %d, after %v was read: %v", newest, got, err)
		}
	}
	take := func() (n int64, end func(commit bool)) {
		t.Helper()
		tx, err := raw.BeginTx(ctx, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := tx.QueryRowContext(ctx, store.TakeNumbers, 1).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n, func(commit bool) {
			t.Helper()
			if commit {
				_, err = tx.ExecContext(ctx, `INSERT INTO case_events (n, case_id, conversation_id, ticket, kind, from_state, to_state, actor, owner, text, mentions, message, client, version, at)
					SELECT $1, id, conversation_id, ticket, 'note', state, state, '', '', '', '', '', '', 1, 0 FROM cases`, n)
				if err == nil {
					err = tx.Commit()
				}
			} else {
				err = tx.Rollback()
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}

	read()
	slow, end := take()
	note()
	read() // the note has the number after that one
	if newest, err := db.LastEvent(ctx); err != nil || newest != last {
		t.Errorf("the newest event is %d while %d is under way, want %d: %v", newest, slow, last, err)
	}
	end(true)
	read(slow, slow+1)

	last = slow + 1
	lost, end := take()
	later, endLater := take()
	note()
	end(false)
	read()
	endLater(true)
	read(later, later+1) // nobody waits for the one that came to nothing
	if lost != later-1 {
		t.Errorf("numbers %d and %d do not follow each other", lost, later)
	}
}

// BenchmarkEvents lets as many people as one replica has connections write
// notes in as many cases. The slow disk takes five milliseconds for what is
// written to it at once.
func BenchmarkEvents(b *testing.B) {
	run := func(b *testing.B, dsn string) {
		db := storetest.Open(b, dsn, store.Options{})
		d := desk.New(db, desk.Options{})
		const people = 16
		var tickets []string
		for i := range people {
			tickets = append(tickets, handOver(b, db, fmt.Sprint("merchant ", i)))
		}
		b.ResetTimer()
		var running sync.WaitGroup
		for i, ticket := range tickets {
			running.Go(func() {
				for n := i; n < b.N; n += people {
					if _, err := d.Note(b.Context(), ticket, desk.Actor{ID: "lin"}, fmt.Sprint("note ", n), nil); err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
		running.Wait()
		perSecond(b, b.N, "events")
	}
	each(b, run)
	b.Run("postgres on a slow disk", func(b *testing.B) {
		dsn := storetest.Postgres(b)
		join := "?"
		if strings.Contains(dsn, "?") {
			join = "&"
		}
		run(b, dsn+join+"commit_delay=5000&commit_siblings=0")
	})
}

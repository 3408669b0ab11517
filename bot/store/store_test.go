package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tilldesk/bot"
	"tilldesk/bot/dialog"
	"tilldesk/bot/store"
	"tilldesk/bot/store/storetest"
)

func TestSQLite(t *testing.T) {
	t.Parallel()
	storetest.Exercise(t, storetest.SQLite)
}

func TestPostgres(t *testing.T) {
	t.Parallel()
	storetest.Exercise(t, storetest.Postgres)
}

func message(conversation, id, text string) bot.Arrival {
	return bot.Arrival{Inbound: bot.Inbound{
		Address: bot.Address{Channel: "web", Remote: conversation}, Remote: bot.RemoteID(id), Text: text,
	}}
}

func TestOpenRefuses(t *testing.T) {
	for _, tt := range []struct{ dsn, want string }{
		{"", "neither sqlite:PATH nor postgres://"},
		{"mysql://root:hunter2@db/x", `"mysql" is neither`},
		{"hunter2", "neither sqlite:PATH"},
		{"sqlite:", "needs the path of a file"},
		{"sqlite:/dev/null/x.db", "opening the store in /dev/null/x.db"},
		{"postgres://tilldesk:hunter2@127.0.0.1:1/x?connect_timeout=1", `"x" on 127.0.0.1`},
		{"postgres://tilldesk:hunter2@127.0.0.1:1/x?sslmode=nonsense", "opening the store"},
		{"postgres://tilldesk:hunter2@[::1/x", "opening the store"},
	} {
		_, err := store.Open(t.Context(), tt.dsn, store.Options{})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("Open(%q): %v, want %q in it", tt.dsn, err, tt.want)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") && tt.dsn != "hunter2" {
			t.Errorf("Open(%q) gives the password away: %v", tt.dsn, err)
		}
	}
}

// TestLibc holds modernc.org/libc at the version that modernc.org/sqlite was
// translated with: with any other it may crash.
func TestLibc(t *testing.T) {
	list := func(format, module string) string {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", format, module).Output()
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(out))
	}
	out, err := exec.CommandContext(t.Context(), "go", "mod", "edit", "-json", list("{{.GoMod}}", "modernc.org/sqlite")).Output()
	if err != nil {
		t.Fatal(err)
	}
	var mod struct {
		Require []struct{ Path, Version string }
	}
	if err := json.Unmarshal(out, &mod); err != nil {
		t.Fatal(err)
	}
	want := ""
	for _, r := range mod.Require {
		if r.Path == "modernc.org/libc" {
			want = r.Version
		}
	}
	if got := list("{{.Version}}", "modernc.org/libc"); got != want || want == "" {
		t.Errorf("go.mod has modernc.org/libc %s, modernc.org/sqlite needs exactly %s", got, want)
	}
}

// TestSame gives the same messages to both databases and compares all that is
// stored, byte by byte.
func TestSame(t *testing.T) {
	postgres := storetest.Postgres(t) // skips first
	var dumps []map[string][]map[string]any
	var exports []string
	sqlite := storetest.SQLite(t)
	for _, dsn := range []string{sqlite, postgres} {
		exports = append(exports, scripted(t, dsn))
		dumps = append(dumps, storetest.Dump(t, dsn))
	}
	if diff := cmp.Diff(storetest.Tables(t, sqlite), storetest.Tables(t, postgres)); diff != "" {
		t.Errorf("tables (-sqlite +postgres):\n%s", diff)
	}
	// PostgreSQL numbers events with a sequence.
	dumps[0]["counters"] = slices.DeleteFunc(dumps[0]["counters"], func(row map[string]any) bool { return row["name"] == "event" })
	if diff := cmp.Diff(dumps[0], dumps[1]); diff != "" {
		t.Errorf("rows (-sqlite +postgres):\n%s", diff)
	}
	if diff := cmp.Diff(exports[0], exports[1]); diff != "" {
		t.Errorf("exports (-sqlite +postgres):\n%s", diff)
	}
	if len(exports[0]) < 5000 {
		t.Errorf("the exports have only %d bytes", len(exports[0]))
	}
	rows := 0
	for _, table := range dumps[0] {
		rows += len(table)
	}
	t.Logf("%d rows of %d tables and %d bytes of exports are the same on both databases", rows, len(dumps[0]), len(exports[0]))
}

// scripted runs a fixed course of events and returns the exports of it.
func scripted(t *testing.T, dsn string) string {
	now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	ids := 0
	db := storetest.Open(t, dsn, store.Options{
		Now:   func() time.Time { now = now.Add(time.Second); return now },
		NewID: func() string { ids++; return fmt.Sprintf("id-%06d", ids) },
	})
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ctx := t.Context()
	conversations := map[bot.ConversationID]bool{}
	var order []bot.ConversationID
	for i, text := range []string{"花呗扫不了", "e\u0301 👨\u200d👩\u200d👧", "nul\x00", "\xff\xfe", "<b>&\"'", "", "\u202e", "ÄÖ ß Ⅷ ﬁ", "\U0010ffff\ufffe"} {
		a := message(fmt.Sprint("shop ", i%3), fmt.Sprint(i), text)
		a.Media = []bot.Media{{Kind: "image", Type: "image/jpeg", Remote: text, Bytes: 7}}
		receipts, err := db.Accept(ctx, []bot.Arrival{a, a, message("shop z", fmt.Sprint(i), text)})
		must(err)
		for _, r := range receipts {
			if !conversations[r.Conversation] {
				conversations[r.Conversation] = true
				order = append(order, r.Conversation)
			}
		}
		for {
			works, err := db.Claim(ctx, "w", now, time.Minute, 1)
			must(err)
			if len(works) == 0 {
				break
			}
			st := works[0].Conversation.State
			st.Facts = map[string]string{"said": text}
			turn := bot.Turn{Work: works[0], State: st, Reason: dialog.Reason(text), At: now, Replies: []bot.Reply{{Text: text, Kind: dialog.KindAnswer}}}
			if i == 3 {
				turn.Handoff, turn.Card = &dialog.Handoff{Cause: "asked"}, bot.Card{Cause: "asked", Facts: st.Facts}
			}
			if i == 4 {
				turn.Dead = text
			}
			_, err = db.Commit(ctx, turn)
			must(err)
		}
		out, err := db.ClaimOut(ctx, "s", now, time.Minute, 1)
		must(err)
		switch i % 3 {
		case 0:
			must(db.Sent(ctx, out[0], bot.RemoteID(text), now))
		case 1:
			must(db.Hold(ctx, out[0], text))
		case 2:
			must(db.RetryOut(ctx, out[0], now.Add(time.Hour), false, text))
		}
	}
	var all []string
	for _, id := range order {
		export, err := db.Export(ctx, id)
		must(err)
		all = append(all, string(export))
	}
	return strings.Join(all, "\n")
}

func TestNewerSchemaIsRefused(t *testing.T) {
	storetest.Each(t, func(t *testing.T, dsn string) {
		storetest.Open(t, dsn, store.Options{}).Close()
		if _, err := storetest.Raw(t, dsn).Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, $1)", true); err != nil {
			t.Fatal(err)
		}
		for _, beside := range []bool{false, true} {
			_, err := store.Open(t.Context(), dsn, store.Options{Beside: beside})
			if !errors.Is(err, store.ErrNewer) || !strings.Contains(err.Error(), "version 99") {
				t.Errorf("Open: %v, want ErrNewer that names the version", err)
			}
		}
		t.Log("a newer schema was refused, to the service and to the commands beside it")
	})
}

func TestBeside(t *testing.T) {
	for _, dsn := range []string{storetest.NoFile(t), storetest.Postgres(t)} { // both without any table
		if _, err := store.Open(t.Context(), dsn, store.Options{Beside: true}); err == nil {
			t.Error("opened a database that is not there")
		}
	}
	storetest.Each(t, func(t *testing.T, dsn string) {
		db := storetest.Open(t, dsn, store.Options{})
		beside := storetest.Open(t, dsn, store.Options{Beside: true})
		receipts, err := db.Accept(t.Context(), []bot.Arrival{message("shop", "1", "one")})
		if err != nil {
			t.Fatal(err)
		}
		if works, err := db.Claim(t.Context(), "w", time.Now(), time.Minute, 1); len(works) != 1 || err != nil {
			t.Fatal(works, err)
		}
		storetest.Open(t, dsn, store.Options{Beside: true})
		if works, err := db.Claim(t.Context(), "w", time.Now(), time.Minute, 1); len(works) != 0 || err != nil {
			t.Errorf("opening it beside ended a claim: %v, %v", works, err)
		}
		if _, err := beside.Erase(t.Context(), receipts[0].Conversation); err != nil {
			t.Error(err)
		}
		if _, known, err := db.ConversationOf(t.Context(), "web", "shop"); known || err != nil {
			t.Errorf("after it was erased beside: known %t, %v", known, err)
		}
	})
}

func TestOpenTogether(t *testing.T) {
	dsn := storetest.Postgres(t)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			db, err := store.Open(t.Context(), dsn, store.Options{Conns: 3})
			if err != nil {
				t.Error(err)
				return
			}
			db.Close()
		})
	}
	all.Wait()
	var n int
	if err := storetest.Raw(t, dsn).QueryRow("SELECT count(*) FROM goose_db_version WHERE version_id = 1").Scan(&n); n != 1 || err != nil {
		t.Errorf("the first migration was applied %d times, %v", n, err)
	}
	t.Logf("8 processes opened an empty database at once: the first migration was applied %d time", n)
}

func TestPostgresMustBeDurable(t *testing.T) {
	dsn := storetest.Postgres(t)
	_, err := store.Open(t.Context(), dsn+"&synchronous_commit=off", store.Options{})
	if err == nil || !strings.Contains(err.Error(), "synchronous_commit is off") {
		t.Errorf("Open: %v, want it refused", err)
	}
	_, err = store.Open(t.Context(), strings.Replace(dsn, "search_path=", "search_path=not_", 1), store.Options{})
	if err == nil || !strings.Contains(err.Error(), "search_path") {
		t.Errorf("Open in a schema that is not there: %v", err)
	}
	err = storetest.Open(t, dsn, store.Options{}).Backup(t.Context(), "x")
	if err == nil || !strings.Contains(err.Error(), "pg_dump") {
		t.Errorf("Backup: %v, want it to name pg_dump", err)
	}
}

// TestConnectionsDie ends all connections of a store again and again while
// messages come in.
func TestConnectionsDie(t *testing.T) {
	dsn := storetest.Postgres(t)
	db := storetest.Open(t, dsn+"&application_name=tilldesk_dies", store.Options{Conns: 4})
	raw := storetest.Raw(t, dsn)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var killer sync.WaitGroup
	kills := make(chan struct{})
	killer.Go(func() {
		for range kills {
			if _, err := raw.Exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tilldesk_dies'"); err != nil {
				t.Error(err)
			}
		}
	})
	accepted := map[bot.RemoteID]bot.MessageID{}
	failed := 0
	for i := range 300 {
		if i%10 == 0 {
			kills <- struct{}{}
		}
		a := message("shop", fmt.Sprint(i), "x")
		receipts, err := db.Accept(ctx, []bot.Arrival{a})
		if err != nil {
			failed++
			continue
		}
		accepted[a.Remote] = receipts[0].Message
	}
	close(kills)
	killer.Wait()
	c, _, err := db.ConversationOf(ctx, "web", "shop")
	if err != nil {
		c, _, err = db.ConversationOf(ctx, "web", "shop")
	}
	if err != nil {
		t.Fatal(err)
	}
	entries, err := db.History(ctx, c.ID, 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if id, ok := accepted[e.Remote]; ok && id != e.ID {
			t.Errorf("message %s is %s, was acknowledged as %s", e.Remote, e.ID, id)
		}
		delete(accepted, e.Remote)
	}
	if len(accepted) > 0 {
		t.Errorf("%d acknowledged messages are lost: %v", len(accepted), accepted)
	}
	t.Logf("%d of 300 failed", failed)
}

package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/store"
	"tilldesk/bot/store/storetest"
)

// TestRestart opens a database whose process died: what that held is free at
// once, though its leases have not ended.
func TestRestart(t *testing.T) {
	dsn := storetest.SQLite(t)
	db := storetest.Open(t, dsn, store.Options{})
	ctx, now := t.Context(), time.Now()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err := db.Accept(ctx, []bot.Arrival{message("a", "1", "one")})
	must(err)
	works, err := db.Claim(ctx, "w", now, time.Hour, 1)
	must(err)
	_, err = db.Commit(ctx, bot.Turn{Work: works[0], Replies: []bot.Reply{{Text: "reply"}}})
	must(err)
	_, err = db.ClaimOut(ctx, "s", now, time.Hour, 1)
	must(err)
	_, err = db.Accept(ctx, []bot.Arrival{message("b", "1", "one")})
	must(err)
	_, err = db.Claim(ctx, "w", now, time.Hour, 1)
	must(err)
	must(db.Close())

	db = storetest.Open(t, dsn, store.Options{})
	works, err = db.Claim(ctx, "w", now, time.Hour, 9)
	must(err)
	if len(works) != 1 || works[0].Attempts != 1 {
		t.Errorf("claimed %+v, want the one that was being answered", works)
	}
	held, again, err := db.Recover(ctx, now)
	must(err)
	if held != 1 || again != 0 {
		t.Errorf("held %d, again %d; want the one that was being sent held", held, again)
	}
}

func TestFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "with a space & 100%?#", "数据")
	storetest.Open(t, "sqlite:"+filepath.Join(dir, "tilldesk.db"), store.Options{})
	for name, want := range map[string]fs.FileMode{".": 0o700 | fs.ModeDir, "tilldesk.db": 0o600, "tilldesk.db.lock": 0o600, "tilldesk.db-wal": 0o600} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Error(err)
		} else if info.Mode() != want {
			t.Errorf("%s has mode %v, want %v", name, info.Mode(), want)
		}
	}
}

// TestErasedBytes looks for erased words in the files themselves.
func TestErasedBytes(t *testing.T) {
	dsn := storetest.SQLite(t)
	db := storetest.Open(t, dsn, store.Options{})
	count := func(word string) (n int) {
		t.Helper()
		files, err := filepath.Glob(strings.TrimPrefix(dsn, "sqlite:") + "*")
		if err != nil || len(files) == 0 {
			t.Fatal(files, err)
		}
		for _, file := range files {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			n += bytes.Count(b, []byte(word))
		}
		return n
	}
	var gone bot.ConversationID
	for i := range 200 {
		receipts, err := db.Accept(t.Context(), []bot.Arrival{
			message("secretname", fmt.Sprint(i), strings.Repeat("secretword ", 1+i*5)), message("other", fmt.Sprint(i), "otherword"),
		})
		if err != nil {
			t.Fatal(err)
		}
		gone = receipts[0].Conversation
	}
	if count("secretword") == 0 || count("secretname") == 0 {
		t.Fatal("the words are not in the files to begin with")
	}
	if _, err := db.Erase(t.Context(), gone); err != nil {
		t.Fatal(err)
	}
	if n := count("secretword") + count("secretname") + count(string(gone)); n > 0 {
		t.Errorf("%d traces are left in the files", n)
	}
	if count("otherword") == 0 {
		t.Error("the other conversation is gone as well")
	}
}

// TestForeignWriter has another process hold the lock to write.
func TestForeignWriter(t *testing.T) {
	dsn := storetest.SQLite(t)
	db := storetest.Open(t, dsn, store.Options{})
	conn, err := storetest.Raw(t, dsn).Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	limited, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := db.Accept(limited, []bot.Arrival{message("shop", "1", "gave up")}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Accept: %v, want it to end with its context", err)
	}
	if _, known, err := db.ConversationOf(t.Context(), "web", "shop"); known || err != nil {
		t.Errorf("reading meanwhile: known %t, %v", known, err)
	}
	done := make(chan error)
	go func() {
		_, err := db.Accept(t.Context(), []bot.Arrival{message("shop", "2", "waits")})
		done <- err
	}()
	if _, err := conn.ExecContext(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Errorf("Accept: %v, want it to wait", err)
	}
}

package store_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tilldesk/bot"
	"tilldesk/bot/store"
	"tilldesk/bot/store/storetest"
)

// The test binary is also the process that is killed.
const childDSN = "TILLDESK_TEST_CHILD_DSN"

func TestMain(m *testing.M) {
	if dsn := os.Getenv(childDSN); dsn != "" {
		child(dsn)
	}
	// Each check is the history of a shop, on a real disk.
	flag.Parse()
	checks := "25"
	flag.Visit(func(f *flag.Flag) {
		if f.Name == "rapid.checks" {
			checks = f.Value.String()
		}
	})
	if err := flag.Set("rapid.checks", checks); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// child stores messages for ever and prints the number of each one that is
// acknowledged.
func child(dsn string) {
	db, err := store.Open(context.Background(), dsn, store.Options{})
	if err != nil {
		fmt.Println("refused:", err)
		os.Exit(1)
	}
	fmt.Println("open")
	for i := 0; ; i++ {
		var in []bot.Arrival
		for j := range 5 {
			in = append(in, message("shop", fmt.Sprint(i, "/", j), strings.Repeat("x", i*10)))
		}
		if _, err := db.Accept(context.Background(), in); err != nil {
			fmt.Println("failed:", err)
			os.Exit(1)
		}
		fmt.Println(i)
	}
}

// startChild starts the process and returns its output after the first line.
func startChild(t *testing.T, dsn string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childDSN+"="+dsn)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	if !lines.Scan() || lines.Text() != "open" {
		t.Fatalf("the process says %q", lines.Text())
	}
	return cmd, lines
}

func TestKill(t *testing.T) {
	dsn := storetest.SQLite(t)
	for round := range 5 {
		cmd, lines := startChild(t, dsn)
		acknowledged := ""
		for range 10 * (round + 1) {
			if lines.Scan() {
				acknowledged = lines.Text()
			}
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for lines.Scan() {
			acknowledged = lines.Text()
		}
		cmd.Wait()

		db, err := store.Open(t.Context(), dsn, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
		c, _, err := db.ConversationOf(t.Context(), "web", "shop")
		if err != nil {
			t.Fatal(err)
		}
		entries, err := db.History(t.Context(), c.ID, 0, 1_000_000)
		if err != nil {
			t.Fatal(err)
		}
		stored := map[string]int{}
		for _, e := range entries {
			batch, _, _ := strings.Cut(string(e.Remote), "/")
			stored[batch]++
		}
		var last int
		if _, err := fmt.Sscan(acknowledged, &last); err != nil {
			t.Fatalf("the process says %q", acknowledged)
		}
		for i := range last + 1 {
			if stored[fmt.Sprint(i)] != 5 {
				t.Fatalf("%d messages of batch %d are there, and it was acknowledged", stored[fmt.Sprint(i)], i)
			}
		}
		for batch, n := range stored {
			if n != 5 {
				t.Errorf("%d messages of batch %s are there: it is not whole", n, batch)
			}
		}
		if _, err := db.Erase(t.Context(), c.ID); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSecondProcessIsRefused(t *testing.T) {
	dsn := storetest.SQLite(t)
	cmd, _ := startChild(t, dsn)
	limited, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err := store.Open(limited, dsn, store.Options{})
	if !errors.Is(err, store.ErrInUse) || !strings.Contains(err.Error(), fmt.Sprint(cmd.Process.Pid)) {
		t.Errorf("Open: %v, want ErrInUse that names process %d", err, cmd.Process.Pid)
	}
	backup := filepath.Join(t.TempDir(), "backup.db")
	beside := storetest.Open(t, dsn, store.Options{Beside: true})
	if err := beside.Backup(t.Context(), backup); err != nil {
		t.Errorf("a backup beside the service: %v", err)
	}
	if err := store.Restore(t.Context(), backup, dsn); !errors.Is(err, store.ErrInUse) {
		t.Errorf("Restore: %v, want ErrInUse", err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	storetest.Open(t, dsn, store.Options{}) // the lock died with its process
}

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

// filled makes a database with some hundred messages and closes it.
func filled(t *testing.T, dsn, text string) {
	t.Helper()
	db, err := store.Open(t.Context(), dsn, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var in []bot.Arrival
	for i := range 400 {
		in = append(in, message(fmt.Sprint(text, i%40), fmt.Sprint(i), strings.Repeat(text, 40)))
	}
	if _, err := db.Accept(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestDamagedFile(t *testing.T) {
	template := storetest.SQLite(t)
	filled(t, template, "text")
	sound, err := os.ReadFile(strings.TrimPrefix(template, "sqlite:"))
	if err != nil {
		t.Fatal(err)
	}
	// damaged returns the DSN of a copy that was changed, and its path.
	damaged := func(t *testing.T, change func([]byte) []byte) (dsn, path string) {
		t.Helper()
		path = filepath.Join(t.TempDir(), "tilldesk.db")
		if err := os.WriteFile(path, change(bytes.Clone(sound)), 0o600); err != nil {
			t.Fatal(err)
		}
		return "sqlite:" + path, path
	}
	for _, tt := range []struct {
		name   string
		damage func([]byte) []byte
	}{
		{"header", func(b []byte) []byte { copy(b, "not a database"); return b }},
		{"page of a tree", func(b []byte) []byte { return zero(b, 5*4096, 6*4096) }},
		{"many pages", func(b []byte) []byte { return zero(b, 4096, len(b)/2) }},
		{"truncated", func(b []byte) []byte { return b[:len(b)/2] }},
		{"cut within a page", func(b []byte) []byte { return b[:len(b)-1000] }},
		{"something else", func([]byte) []byte { return []byte(strings.Repeat("hello ", 10000)) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dsn, path := damaged(t, tt.damage)
			_, err := store.Open(t.Context(), dsn, store.Options{})
			if !errors.Is(err, store.ErrDamaged) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "restore") {
				t.Errorf("Open: %v, want ErrDamaged that names the file and says how to put it right", err)
			}
		})
	}
	t.Run("bytes of texts", func(t *testing.T) {
		dsn, _ := damaged(t, func(b []byte) []byte {
			b[bytes.LastIndex(b, []byte("texttext"))] ^= 1
			return b
		})
		db := storetest.Open(t, dsn, store.Options{}) // nothing of its structure is wrong
		var sum *store.SumError
		if err := db.Check(t.Context()); !errors.As(err, &sum) || sum.Message == "" {
			t.Errorf("Check: %v, want a SumError", err)
		}
	})
	t.Run("WAL of another database", func(t *testing.T) {
		dsn, path := damaged(t, func(b []byte) []byte { return b })
		other := storetest.SQLite(t)
		filled(t, other, "other")
		db := storetest.Open(t, other, store.Options{})
		var in []bot.Arrival
		for i := range 300 {
			in = append(in, message("new", fmt.Sprint(i), strings.Repeat("new", 100)))
		}
		if _, err := db.Accept(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		wal, err := os.ReadFile(strings.TrimPrefix(other, "sqlite:") + "-wal")
		if err == nil {
			err = os.WriteFile(path+"-wal", wal, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		db, err = store.Open(t.Context(), dsn, store.Options{})
		if err == nil {
			defer db.Close()
			err = db.Check(t.Context())
		}
		if !errors.Is(err, store.ErrDamaged) {
			t.Errorf("%v, want ErrDamaged", err)
		}
	})
}

func zero(b []byte, from, to int) []byte {
	clear(b[from:to])
	return b
}

func TestBackup(t *testing.T) {
	dsn := storetest.SQLite(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "backup.db")
	db := storetest.Open(t, dsn, store.Options{})
	accept := func(id string) {
		t.Helper()
		if _, err := db.Accept(t.Context(), []bot.Arrival{message("shop", id, "message "+id)}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 50 {
		accept(fmt.Sprint(i))
	}
	before := storetest.Dump(t, dsn)
	if err := db.Backup(t.Context(), file); err != nil {
		t.Fatal(err)
	}
	if err := db.Backup(t.Context(), file); err == nil {
		t.Error("Backup has overwritten a file")
	}
	accept("after the backup")
	after := storetest.Dump(t, dsn)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}

	elsewhere := "sqlite:" + filepath.Join(dir, "new", "tilldesk.db")
	if err := store.Restore(t.Context(), file, elsewhere); err != nil {
		t.Fatal(err)
	}
	if err := store.Restore(t.Context(), file, dsn); err != nil {
		t.Fatal(err)
	}
	for _, restored := range []string{elsewhere, dsn} {
		storetest.Open(t, restored, store.Options{})
		if diff := cmp.Diff(before, storetest.Dump(t, restored)); diff != "" {
			t.Errorf("restored (-backed up +restored):\n%s", diff)
		}
	}
	if diff := cmp.Diff(after, storetest.Dump(t, dsn+".before-restore")); diff != "" {
		t.Errorf("what was there (-before +kept):\n%s", diff)
	}
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if diff := cmp.Diff([]string{file, filepath.Join(dir, "new")}, names); diff != "" || err != nil {
		t.Errorf("files left (-want +got):\n%s%v", diff, err)
	}
}

func TestRestoreRefuses(t *testing.T) {
	dsn := storetest.SQLite(t)
	filled(t, dsn, "text")
	good := filepath.Join(t.TempDir(), "good.db")
	db := storetest.Open(t, dsn, store.Options{})
	if err := db.Backup(t.Context(), good); err != nil {
		t.Fatal(err)
	}
	db.Close()
	before := storetest.Dump(t, dsn)
	bytesOf, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func([]byte) []byte{
		"missing":   nil,
		"truncated": func(b []byte) []byte { return b[:len(b)/2] },
		"empty":     func([]byte) []byte { return nil },
		"a byte of a text": func(b []byte) []byte {
			b[bytes.Index(b, []byte("texttexttext"))] ^= 1
			return b
		},
		"something else": func([]byte) []byte { return []byte("hello") },
	} {
		file := filepath.Join(t.TempDir(), "backup.db")
		if change != nil {
			if err := os.WriteFile(file, change(bytes.Clone(bytesOf)), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := store.Restore(t.Context(), file, dsn); err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: %v, want an error that names the file", name, err)
		}
	}
	storetest.Open(t, dsn, store.Options{})
	if diff := cmp.Diff(before, storetest.Dump(t, dsn)); diff != "" {
		t.Errorf("the database has changed (-before +after):\n%s", diff)
	}
	if err := store.Restore(t.Context(), good, "postgres://localhost/x"); err == nil || !strings.Contains(err.Error(), "pg_restore") {
		t.Errorf("Restore to PostgreSQL: %v, want it to name pg_restore", err)
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

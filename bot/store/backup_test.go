package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tilldesk/bot"
	"tilldesk/bot/store"
	"tilldesk/bot/store/storetest"
)

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

func TestFaultDamagedFile(t *testing.T) {
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
	named := 0
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
				return
			}
			named++
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
			return
		}
		named++
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
			return
		}
		named++
	})
	t.Logf("%d damages were found and named", named)
}

// TestFaultMissingLog takes the write-ahead log away after a crash, when part of
// it had been folded into the file. SQLite cannot know that it was there; what
// is left must be whole and no message altered, or it must be refused.
func TestFaultMissingLog(t *testing.T) {
	dsn := storetest.SQLite(t)
	db := storetest.Open(t, dsn, store.Options{})
	path := strings.TrimPrefix(dsn, "sqlite:")
	text := func(i int) string { return strings.Repeat(fmt.Sprint("text ", i, " "), 30) }
	refused, left := 0, 0
	for i := range 60 {
		for j := range 20 {
			if _, err := db.Accept(t.Context(), []bot.Arrival{message("shop", fmt.Sprint(i*20+j), text(i*20+j))}); err != nil {
				t.Fatal(err)
			}
		}
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		crashed := filepath.Join(t.TempDir(), "tilldesk.db")
		if err := os.WriteFile(crashed, content, 0o600); err != nil {
			t.Fatal(err)
		}
		found, err := store.Open(t.Context(), "sqlite:"+crashed, store.Options{})
		if err != nil {
			if !errors.Is(err, store.ErrDamaged) || !strings.Contains(err.Error(), crashed) || !strings.Contains(err.Error(), "restore") {
				t.Errorf("Open: %v, want ErrDamaged that names the file and says how to put it right", err)
			}
			refused++
			continue
		}
		damaged := found.Check(t.Context())
		c, known, err := found.ConversationOf(t.Context(), "web", "shop")
		if err == nil && known {
			entries, err := found.History(t.Context(), c.ID, 0, 10_000)
			for n, e := range entries {
				if e.Reply.Text != text(n) {
					t.Errorf("message %d was altered, and nobody says so", n)
				}
			}
			if err != nil && damaged == nil {
				t.Errorf("reading: %v, and Check finds nothing", err)
			}
			left = max(left, len(entries))
		}
		found.Close()
	}
	t.Logf("of 60 crashes without their log %d were refused; %d of 1200 messages were left at most, none altered", refused, left)
	if left == 0 {
		t.Error("nothing was ever folded into the file")
	}
}

// TestFaultRestoreLarge restores a gigabyte; it is made in full trials only.
func TestFaultRestoreLarge(t *testing.T) {
	if os.Getenv("TRIAL") != "full" {
		t.Skip("a gigabyte is for `make faults`")
	}
	dsn := storetest.SQLite(t)
	db := storetest.Open(t, dsn, store.Options{})
	words := strings.Repeat("words of a merchant ", 180)
	for i := range 1 << 10 {
		var in []bot.Arrival
		for j := range 256 {
			in = append(in, message(fmt.Sprint(j), fmt.Sprint(i), words))
		}
		if _, err := db.Accept(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(t.TempDir(), "backup.db")
	begin := time.Now()
	if err := db.Backup(t.Context(), file); err != nil {
		t.Fatal(err)
	}
	copied := time.Since(begin)
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	begin = time.Now()
	if err := store.Restore(t.Context(), file, storetest.NoFile(t)); err != nil {
		t.Fatal(err)
	}
	took := time.Since(begin)
	t.Logf("a backup of %d MB took %v, restoring it %v", info.Size()>>20, copied.Round(time.Millisecond), took.Round(time.Millisecond))
	if took > time.Minute {
		t.Errorf("restoring took %v, want at most a minute", took)
	}
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
		err := store.Restore(t.Context(), file, dsn)
		if err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: %v, want an error that names the file", name, err)
		}
		if errors.Is(err, store.ErrDamaged) && !strings.Contains(err.Error(), "it is no sound backup, and the database is as it was; restore another one") {
			t.Errorf("%s: %v, want it to say that the backup is at fault", name, err)
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

package store_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tilldesk/bot/store"
	"tilldesk/bot/store/storetest"
)

// The test binary is also the process that is killed in a migration.
const (
	migratingDSN = "TILLDESK_TEST_MIGRATING_DSN"
	migration    = "TILLDESK_TEST_MIGRATION" // which is added
)

// migrating updates a database.
func migrating(dsn, text string) {
	store.AddMigration(text)
	_, err := store.Open(context.Background(), dsn, store.Options{})
	fmt.Println("the migration has ended:", err)
	os.Exit(1)
}

// startMigrating updates a database in a process of its own. It returns how to
// kill that.
func startMigrating(t *testing.T, dsn, text string) (kill func()) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), migratingDSN+"="+dsn, migration+"="+text)
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		_ = cmd.Process.Kill() // if it has ended, it says why
		if _ = cmd.Wait(); said.Len() > 0 {
			t.Fatalf("it was not killed in the migration: %s", said.String())
		}
	}
}

// comeTo waits until something is so.
func comeTo(t *testing.T, what string, so func() bool) {
	t.Helper()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	late := time.After(2 * time.Minute)
	for !so() {
		select {
		case <-look.C:
		case <-late:
			t.Fatalf("after two minutes it has not come to that %s", what)
		}
	}
}

// TestFaultMigrationKilled kills a process half-way through a migration:
// nothing of that migration is left, the program before it works on, and the
// next start of the new one makes the whole of it.
func TestFaultMigrationKilled(t *testing.T) {
	const whole = "CREATE TABLE half (n TEXT);\nALTER TABLE messages ADD COLUMN half TEXT;\n"
	storetest.Each(t, func(t *testing.T, dsn string) {
		db := storetest.Open(t, dsn, store.Options{})
		want := storetest.Tables(t, dsn)
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if path, ok := strings.CutPrefix(dsn, "sqlite:"); ok {
			kill := startMigrating(t, dsn, whole+"INSERT INTO half WITH RECURSIVE c (n) AS (VALUES (0) UNION ALL SELECT n + 1 FROM c) SELECT n FROM c;")
			comeTo(t, "half of the migration is on the disk", func() bool { // since it does not fit into the memory for it
				info, err := os.Stat(path + "-wal")
				return err == nil && info.Size() > 4<<20
			})
			kill()
		} else {
			// The last statement waits for a lock; the server sees that its client
			// is gone when that ends.
			gate := int64(os.Getpid())
			holder, err := storetest.Raw(t, dsn).Conn(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer holder.Close()
			hold := func(query string) (n int) {
				if err := holder.QueryRowContext(t.Context(), query, gate).Scan(&n); err != nil {
					t.Fatal(err)
				}
				return n
			}
			waiting := func() bool {
				return hold("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid::bigint = $1") > 0
			}
			hold("SELECT 1 FROM pg_advisory_lock($1)")
			kill := startMigrating(t, dsn, whole+fmt.Sprintf("SELECT pg_advisory_xact_lock(%d);", gate))
			comeTo(t, "the migration waits", waiting)
			kill()
			hold("SELECT 1 FROM pg_advisory_unlock($1)")
			comeTo(t, "the migration waits no more", func() bool { return !waiting() })
		}

		open := func(what string) {
			t.Helper()
			db, err := store.Open(t.Context(), dsn, store.Options{})
			if err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			defer db.Close()
			if _, err := db.Queue(t.Context()); err != nil {
				t.Errorf("%s: %v", what, err)
			}
			if err := db.Check(t.Context()); err != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
		open("the program without the migration")
		if diff := cmp.Diff(want, storetest.Tables(t, dsn)); diff != "" {
			t.Errorf("the migration was killed and left something (-without it +with it):\n%s", diff)
		}
		undo := store.AddMigration(whole)
		defer undo()
		open("the program with the migration")
		got := storetest.Tables(t, dsn)
		if len(got) != len(want)+1 || len(got["messages"]) != len(want["messages"])+1 {
			t.Errorf("the next start has not made the whole of it: %v", got)
		}
		t.Logf("killed in a migration: %d tables before and after, %d once it was made in full", len(want), len(got))
	})
}

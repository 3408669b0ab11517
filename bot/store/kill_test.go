package store_test

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

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
	if dsn := os.Getenv(migratingDSN); dsn != "" {
		migrating(dsn, os.Getenv(migration))
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
	limited, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	begin := time.Now()
	_, err := store.Open(limited, dsn, store.Options{})
	took := time.Since(begin)
	if os.Getenv("TRIAL") == "full" && took > time.Second {
		t.Errorf("it was refused only after %v", took)
	}
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
	t.Logf("a second process was refused after %v, and taken when the first one was killed", took.Round(time.Millisecond))
}

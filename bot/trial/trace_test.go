package trial

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// hexed writes a text as strace does with -xx.
func hexed(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		b.WriteString(`\x` + hex.EncodeToString([]byte{c}))
	}
	return b.String()
}

// TestDisk follows a trace with calls that fail, are interrupted and overlap,
// and cuts the power after each step.
func TestDisk(t *testing.T) {
	file := hexed("/d/f")
	lines := []string{
		fmt.Sprintf(`11 pwrite64(3<%s>, "%s", 2, 0) = 2`, file, hexed("ab")),
		fmt.Sprintf(`11 pwrite64(3<%s>, "%s", 2, 9) = -1 ENOSPC (No space left on device)`, file, hexed("zz")),
		`11 --- SIGURG {si_signo=SIGURG} ---`,
		fmt.Sprintf(`12 fsync(3<%s> <unfinished ...>`, file),
		fmt.Sprintf(`11 pwrite64(3<%s>, "%s", 1, 2) = 1`, file, hexed("c")), // too late for that sync
		`12 <... fsync resumed>)              = 0`,
		fmt.Sprintf(`12 fdatasync(3<%s>) = 0`, file),
		fmt.Sprintf(`12 ftruncate(3<%s>, 1) = 0`, file),
		fmt.Sprintf(`12 fsync(3<%s>)  = 0`, file),
		fmt.Sprintf(`12 write(4<%s>, "%s", 2) = 2`, hexed("socket:[1]"), hexed("ok")),
		fmt.Sprintf(`12 unlink("%s") = 0`, file),
		// Killed after the client had the answer, and before strace heard of it.
		fmt.Sprintf(`12 write(4<%s>, "%s", 2) = ?`, hexed("socket:[1]"), hexed("ok")),
		fmt.Sprintf(`12 write(4<%s>, "%s", 2) = ? <unavailable>`, hexed("socket:[1]"), hexed("ok")),
		fmt.Sprintf(`12 write(4<%s>, "%s", 2) = -1 (errno 18446744073709551615)`, hexed("socket:[1]"), hexed("ok")),
		fmt.Sprintf(`12 write(4<%s>, "%s", 2) = -1 EPIPE (Broken pipe)`, hexed("socket:[1]"), hexed("ok")),
		fmt.Sprintf(`11 fsync(3<%s> <unfinished ...>`, file),
		`11 <... fsync resumed>)              = ?`,
		`12 +++ killed by SIGKILL +++`,
	}
	tr := &Trace{filepath.Join(t.TempDir(), "trace")}
	if err := os.WriteFile(tr.file, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var disk Disk
	var got, began []string
	steps := 0
	safe := func(what string, c *Call) {
		dir := t.TempDir()
		if err := disk.Cut(dir, nil, "/d/f"); err != nil {
			t.Fatal(err)
		}
		left, err := os.ReadFile(filepath.Join(dir, "f"))
		if err != nil {
			left = []byte("none")
		}
		got = append(got, fmt.Sprintf("%s %s: %s", c.Name, what, left))
		if rng := rand.New(rand.NewPCG(1, 1)); disk.Cut(dir, rng, "/d/f") != nil {
			t.Error("cutting with chance fails")
		}
	}
	if err := tr.Watch(func(step int, c *Call) {
		disk.Began(step, c)
		if step != steps {
			t.Errorf("step %d is numbered %d", steps, step)
		}
		began = append(began, c.Name)
		steps++
	}, func(step int, c *Call) {
		disk.Ended(step, c)
		steps++
		safe("ended", c)
	}); err != nil {
		t.Fatal(err)
	}
	if all := strings.Join(began, " "); all != "pwrite64 fsync pwrite64 fsync ftruncate fsync write unlink write write write fsync" {
		t.Errorf("began: %s", all)
	}
	want := []string{
		"pwrite64 ended: ", "pwrite64 ended: ", "fsync ended: ab", "fsync ended: abc", "ftruncate ended: abc", "fsync ended: a",
		"write ended: a", "unlink ended: none",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("after each call the disk has certainly\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

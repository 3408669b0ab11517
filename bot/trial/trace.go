package trial

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A Trace is what a service asked of its disk and wrote to its connections, in
// order, as strace has recorded it.
type Trace struct{ file string }

// NewTrace lets a command, which was not started yet, be traced. Without
// strace, or the right to use it, the test is skipped.
func NewTrace(t testing.TB, cmd *exec.Cmd) *Trace {
	t.Helper()
	tr := &Trace{filepath.Join(t.TempDir(), "trace")}
	watch(t, cmd, "-y", "-xx", "-s", "1000000", "-o", tr.file, "-e", "trace=pwrite64,write,fsync,fdatasync,ftruncate,unlink,unlinkat")
	return tr
}

// DelaySyncs lets each sync of a command, which was not started yet, take so
// much longer. Without strace, or the right to use it, the test is skipped.
func DelaySyncs(t testing.TB, cmd *exec.Cmd, by time.Duration) {
	t.Helper()
	watch(t, cmd, "-o", "/dev/null", "--seccomp-bpf", "-e", "trace=fsync,fdatasync",
		"-e", fmt.Sprintf("inject=fsync,fdatasync:delay_exit=%d", by.Microseconds()))
}

// watch lets a command be run by strace.
func watch(t testing.TB, cmd *exec.Cmd, args ...string) {
	t.Helper()
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("strace is not there: what the disk is asked for cannot be seen")
	}
	if out, err := exec.Command(strace, "-o", "/dev/null", "true").CombinedOutput(); err != nil {
		t.Skipf("strace may not be used here: %v %s", err, out)
	}
	cmd.Args = append(append(append([]string{strace, "-f"}, args...), cmd.Path), cmd.Args[1:]...)
	cmd.Path = strace
}

// A Call is one system call: write, pwrite64, fsync, ftruncate or unlink.
type Call struct {
	Name string
	Path string // of the file, or a name for a connection
	Data []byte
	At   int64 // the offset of pwrite64, the size of ftruncate
}

// Watch calls began and ended for each call that succeeded, in the order in
// which they did; calls of several threads overlap. step numbers both from 0.
// A call whose thread is killed in it has began only.
func (tr *Trace) Watch(began, ended func(step int, c *Call)) error {
	f, err := os.Open(tr.file)
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewReaderSize(f, 1<<20)
	open := map[string]*Call{} // by thread, what has begun
	for step := 0; ; {
		line, err := lines.ReadString('\n')
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		thread, rest, _ := strings.Cut(strings.TrimRight(line, "\n"), " ")
		rest = strings.TrimLeft(rest, " ")
		if strings.HasPrefix(rest, "<... ") {
			if c := open[thread]; c != nil {
				delete(open, thread)
				if succeeded(rest) {
					ended(step, c)
					step++
				}
			}
			continue
		}
		c, err := parseCall(rest)
		if err != nil {
			return fmt.Errorf("reading the trace: %w: %.100q", err, rest)
		}
		if c == nil {
			continue
		}
		unfinished := strings.HasSuffix(rest, "<unfinished ...>") || cutOff(rest)
		if !unfinished && !succeeded(rest) {
			continue
		}
		began(step, c)
		step++
		if unfinished {
			open[thread] = c
			continue
		}
		ended(step, c)
		step++
	}
}

// succeeded reports whether the end of a line of strace says so.
func succeeded(line string) bool {
	call, result, ok := cutLast(line, "= ")
	return ok && strings.HasSuffix(strings.TrimRight(call, " "), ")") && !strings.HasPrefix(result, "-") && !strings.HasPrefix(result, "?")
}

// cutOff reports whether a line of strace is of a call in which the thread was
// killed. What it did, such as an answer that its reader has, is done.
func cutOff(line string) bool {
	_, result, ok := cutLast(line, "= ")
	return ok && (strings.HasPrefix(result, "?") || strings.HasPrefix(result, "-1 (errno ")) // an error that has no name
}

func cutLast(s, sep string) (before, after string, found bool) {
	at := strings.LastIndex(s, sep)
	if at < 0 {
		return s, "", false
	}
	return s[:at], s[at+len(sep):], true
}

// parseCall reads a call; nil is a line that is none, such as a signal.
func parseCall(line string) (*Call, error) {
	name, args, ok := strings.Cut(line, "(")
	if !ok || strings.ContainsAny(name, " -+") {
		return nil, nil
	}
	c := &Call{Name: name}
	if name == "fdatasync" {
		c.Name = "fsync"
	}
	if name == "unlink" || name == "unlinkat" {
		c.Name = "unlink"
		path, _, err := quoted(args)
		c.Path = string(path)
		return c, err
	}
	_, after, ok := strings.Cut(args, "<")
	path, after, ok2 := strings.Cut(after, ">")
	if !ok || !ok2 {
		return nil, nil // a number that is no open file
	}
	raw, err := unhex(path)
	if err != nil {
		return nil, err
	}
	c.Path = string(raw)
	switch c.Name {
	case "write", "pwrite64":
		var rest string
		if c.Data, rest, err = quoted(after); err != nil {
			return nil, err
		}
		if name == "pwrite64" {
			fields := strings.Split(rest, ", ")
			if len(fields) < 3 {
				return nil, fmt.Errorf("no offset")
			}
			c.At, err = strconv.ParseInt(strings.FieldsFunc(fields[2], func(r rune) bool { return r == ')' || r == ' ' })[0], 10, 64)
		}
	case "ftruncate":
		size := strings.TrimPrefix(after, ", ")
		c.At, err = strconv.ParseInt(strings.FieldsFunc(size, func(r rune) bool { return r == ')' || r == ' ' })[0], 10, 64)
	}
	return c, err
}

// quoted reads the first string in quotes and returns what follows it.
func quoted(s string) (text []byte, rest string, err error) {
	_, s, ok := strings.Cut(s, `"`)
	body, rest, ok2 := strings.Cut(s, `"`)
	if !ok || !ok2 {
		return nil, "", fmt.Errorf("no string")
	}
	text, err = unhex(body)
	return text, rest, err
}

// unhex reads \x61\x62; what is not in that form is taken as it is.
func unhex(s string) ([]byte, error) {
	if !strings.HasPrefix(s, `\x`) {
		return []byte(s), nil
	}
	return hex.DecodeString(strings.ReplaceAll(s, `\x`, ""))
}

// A Disk holds of each file what is certainly on it: what was written before
// the last sync that has ended. The rest may be there or not.
type Disk struct {
	files map[string]*diskFile
}

// diskFile is one file.
type diskFile struct {
	safe    []byte
	pending []*Call // after the last sync
	synced  map[*Call]int
}

// Began and Ended follow a trace, see [Trace.Watch].
func (d *Disk) Began(_ int, c *Call) {
	if c.Name == "fsync" {
		f := d.file(c.Path)
		f.synced[c] = len(f.pending)
	}
}

// Ended notes what a call has done.
func (d *Disk) Ended(_ int, c *Call) {
	switch c.Name {
	case "unlink":
		delete(d.files, c.Path)
	case "pwrite64", "ftruncate":
		f := d.file(c.Path)
		f.pending = append(f.pending, c)
	case "fsync":
		f := d.file(c.Path)
		n := f.synced[c]
		delete(f.synced, c)
		for _, p := range f.pending[:min(n, len(f.pending))] {
			f.safe = p.apply(f.safe)
		}
		for other := range f.synced { // of another thread
			f.synced[other] = max(0, f.synced[other]-n)
		}
		f.pending = f.pending[min(n, len(f.pending)):]
	}
}

func (d *Disk) file(path string) *diskFile {
	if d.files == nil {
		d.files = map[string]*diskFile{}
	}
	f := d.files[path]
	if f == nil {
		f = &diskFile{synced: map[*Call]int{}}
		d.files[path] = f
	}
	return f
}

func (c *Call) apply(file []byte) []byte {
	size := c.At
	if c.Name == "pwrite64" {
		size = max(int64(len(file)), c.At+int64(len(c.Data)))
	}
	for int64(len(file)) < size {
		file = append(file, make([]byte, size-int64(len(file)))...)
	}
	if c.Name == "ftruncate" {
		return file[:size]
	}
	copy(file[c.At:], c.Data)
	return file
}

// Cut writes to a folder what is left of the files named if the power is cut
// now: all that is safe and, of what is not, nothing or, with a source of
// chance, some writes and not others.
func (d *Disk) Cut(to string, rng *rand.Rand, paths ...string) error {
	for _, path := range paths {
		f := d.files[path]
		if f == nil {
			continue
		}
		left := append([]byte(nil), f.safe...)
		for _, p := range f.pending {
			if rng != nil && rng.IntN(2) == 0 {
				left = p.apply(left)
			}
		}
		if err := os.WriteFile(filepath.Join(to, filepath.Base(path)), left, 0o600); err != nil {
			return err
		}
	}
	return nil
}

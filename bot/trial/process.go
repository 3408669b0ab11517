package trial

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A Process is a service in a process of its own, which may be killed.
type Process struct {
	cmd  *exec.Cmd
	pid  int           // of the service: that of cmd, or of the one that cmd watches
	URL  string        // without a slash at its end
	Took time.Duration // from its start until it listened
	log  *tail
	end  sync.Once
	err  error // how it ended
}

// StartProcess starts a service and waits until it prints where it listens. It
// is killed when the test ends, if it lives so long.
func StartProcess(t testing.TB, cmd *exec.Cmd) *Process {
	t.Helper()
	p, err := TryProcess(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Kill() })
	return p
}

// TryProcess starts a service and waits until it prints where it listens; it
// fails if the service ends before that.
func TryProcess(cmd *exec.Cmd) (*Process, error) {
	p := &Process{cmd: cmd, log: new(tail)}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	cmd.Stderr = p.log
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if at := strings.Index(line, "http://"); at >= 0 {
			p.URL, _, _ = strings.Cut(strings.TrimRight(line[at:], "/\n"), " ")
			p.Took = time.Since(begin)
			p.pid = cmd.Process.Pid
			if watched := children(p.pid); len(watched) > 0 {
				p.pid = watched[0]
			}
			go io.Copy(io.Discard, lines) //nolint:errcheck // it ends with the process
			return p, nil
		}
		if err != nil {
			_ = cmd.Process.Kill()
			return nil, fmt.Errorf("the service did not start: %w\n%s", cmd.Wait(), p.log)
		}
	}
}

// children returns the ids of the processes that a process has started, as
// Linux tells; none elsewhere.
func children(pid int) (ids []int) {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid)) // none if it is not there
	for _, field := range strings.Fields(string(text)) {
		if id, err := strconv.Atoi(field); err == nil {
			ids = append(ids, id)
		}
	}
	return ids
}

// PID returns the id of the process of the service.
func (p *Process) PID() int { return p.pid }

// Log returns the end of what the service has logged.
func (p *Process) Log() string { return p.log.String() }

// Signal sends a signal.
func (p *Process) Signal(s syscall.Signal) error { return syscall.Kill(p.pid, s) }

// Kill kills the process, as a power cut of the machine that it runs on would,
// and returns how it ended.
func (p *Process) Kill() error { return p.finish(syscall.SIGKILL) }

// Stop asks the process to stop and returns how it ended: nil if well.
func (p *Process) Stop() error { return p.finish(syscall.SIGTERM) }

func (p *Process) finish(s syscall.Signal) error {
	p.end.Do(func() {
		_ = p.Signal(s) // it may have ended by itself
		p.err = p.cmd.Wait()
	})
	return p.err
}

// Memory returns how much memory the process has and has had at most, in bytes,
// as Linux tells; 0 elsewhere.
func (p *Process) Memory() (now, most int64) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.PID()))
	if err != nil {
		return 0, 0
	}
	for line := range strings.Lines(string(status)) {
		var kb int64
		switch {
		case strings.HasPrefix(line, "VmRSS:"):
			_, _ = fmt.Sscanf(line, "VmRSS: %d", &kb)
			now = kb << 10
		case strings.HasPrefix(line, "VmHWM:"):
			_, _ = fmt.Sscanf(line, "VmHWM: %d", &kb)
			most = kb << 10
		}
	}
	return now, most
}

// ForgetPeak lets Memory count from now on how much the process has had at most,
// where Linux can do that.
func (p *Process) ForgetPeak() error {
	return os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", p.PID()), []byte("5"), 0)
}

// CPU returns how much time the processors have spent on the process, as Linux
// tells; 0 elsewhere.
func (p *Process) CPU() time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.PID()))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), ") ") // the name may hold anything
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	const tick = 10 * time.Millisecond // USER_HZ is 100 on all that Go runs on
	return time.Duration(user+system) * tick
}

// Files returns how many files the process has open, as Linux tells; 0
// elsewhere.
func (p *Process) Files() int {
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.PID()))
	if err != nil {
		return 0
	}
	return len(entries)
}

// tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex
	text []byte
}

const tailBytes = 8 << 10

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, b...)
	if over := len(t.text) - 2*tailBytes; over > 0 {
		t.text = bytes.Clone(t.text[len(t.text)-tailBytes:])
	}
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text[max(0, len(t.text)-tailBytes):])
}

package storetest

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A Server is a PostgreSQL server of a test's own, which may be killed.
type Server struct {
	testing.TB
	bin, dir string
	port     int
	as       *syscall.SysProcAttr // the server refuses to run as root
	cmd      *exec.Cmd
	log      bytes.Buffer
}

// NewServer makes and starts a server that goes with the test. Without the
// programs of PostgreSQL the test is skipped, or fails if CI is "true".
func NewServer(t testing.TB) *Server {
	t.Helper()
	s := &Server{TB: t, as: &syscall.SysProcAttr{}}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if path, err := exec.LookPath("initdb"); err == nil {
		found = append(found, path)
	}
	if len(found) == 0 {
		const hint = "initdb is not there: a PostgreSQL server of our own cannot be made"
		if os.Getenv("CI") == "true" {
			t.Fatal(hint)
		}
		t.Skip(hint)
	}
	s.bin = filepath.Dir(found[len(found)-1])
	dir, err := os.MkdirTemp("", "postgres")
	if err != nil {
		t.Fatal(err)
	}
	s.dir = dir
	t.Cleanup(func() { os.RemoveAll(dir) })
	if os.Geteuid() == 0 {
		s.become("postgres")
	}
	if out, err := s.command("initdb", "-D", s.dir+"/data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync").CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	// Below the ports that the system gives to clients: one that tries to
	// connect to a dead server there can end up connected to itself.
	for s.port = 21000 + os.Getpid()%5000; ; s.port++ {
		l, err := net.Listen("tcp", s.address())
		if err == nil {
			l.Close()
			break
		}
		if s.port > 31000 {
			t.Fatal("no port is free")
		}
	}
	s.Start()
	t.Cleanup(s.Kill)
	return s
}

// become lets the server run as a user.
func (s *Server) become(name string) {
	s.Helper()
	u, err := user.Lookup(name)
	if err != nil {
		s.Skipf("PostgreSQL does not run as root, and there is no user %s: %v", name, err)
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	if err := os.Chown(s.dir, uid, gid); err != nil {
		s.Fatal(err)
	}
	s.as.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

func (s *Server) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(s.bin, name), args...)
	cmd.Dir = s.dir
	cmd.SysProcAttr = s.as
	return cmd
}

func (s *Server) address() string { return fmt.Sprintf("127.0.0.1:%d", s.port) }

// DSN is that of the server's database.
func (s *Server) DSN() string {
	return fmt.Sprintf("postgres://postgres@%s/postgres?sslmode=disable", s.address())
}

// Start starts the server and waits until it can be used.
func (s *Server) Start() {
	s.Helper()
	deadline := time.Now().Add(time.Minute)
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for {
		s.cmd = s.command("postgres", "-D", s.dir+"/data", "-h", "127.0.0.1", "-p", strconv.Itoa(s.port), "-k", s.dir,
			"-c", "max_connections=80", "-c", "shared_buffers=32MB")
		s.cmd.Stdout, s.cmd.Stderr = &s.log, &s.log
		if err := s.cmd.Start(); err != nil {
			s.Fatal(err)
		}
		ended := make(chan error, 1)
		cmd := s.cmd
		go func() { ended <- cmd.Wait() }()
		for up := true; up; {
			if s.answers() {
				return
			}
			select {
			case <-ended: // what a killed server has left in memory is not gone yet
				up = false
			case <-look.C:
			}
			if time.Now().After(deadline) {
				s.Fatalf("PostgreSQL does not start:\n%s", s.log.String())
			}
		}
		<-look.C
	}
}

func (s *Server) answers() bool {
	pool, err := sql.Open("pgx", s.DSN())
	if err != nil {
		return false
	}
	defer pool.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	return pool.PingContext(ctx) == nil
}

// Kill kills the server with all its processes.
func (s *Server) Kill() {
	pid := s.cmd.Process.Pid
	children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	_ = syscall.Kill(pid, syscall.SIGKILL)
	for _, child := range strings.Fields(string(children)) {
		if n, err := strconv.Atoi(child); err == nil {
			_ = syscall.Kill(n, syscall.SIGKILL)
		}
	}
	// A server finds these and thinks that another one runs.
	for _, file := range []string{"data/postmaster.pid", fmt.Sprintf(".s.PGSQL.%d.lock", s.port), fmt.Sprintf(".s.PGSQL.%d", s.port)} {
		_ = os.Remove(filepath.Join(s.dir, file))
	}
}

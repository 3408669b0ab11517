//go:build linux

package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tilldesk/bot/store/storetest"
	"tilldesk/bot/trial"
)

// logged is the whole log of a process, in a file, read line by line.
type logged struct {
	*testing.T
	file string
	at   int // read so far
}

// await returns how long it takes until a line holds all words.
func (l *logged) await(words ...string) time.Duration {
	l.Helper()
	begin := time.Now()
	tooLong, look := time.After(2*time.Minute), time.NewTicker(10*time.Millisecond)
	defer look.Stop()
	for {
		text, err := os.ReadFile(l.file)
		must(l.T, err)
	search:
		for line := range strings.Lines(string(text[l.at:])) {
			if !strings.HasSuffix(line, "\n") {
				break // half of it
			}
			l.at += len(line)
			for _, word := range words {
				if !strings.Contains(line, word) {
					continue search
				}
			}
			return time.Since(begin)
		}
		select {
		case <-look.C:
		case <-tooLong:
			l.Fatalf("no line with %q; the log ends with\n%s", words, text[max(0, len(text)-4000):])
		}
	}
}

// followed starts a service that follows a configuration file and that cannot
// read what its owner may not read, root or not. It returns the file and the
// log.
func followed(s *site) (p *trial.Process, file string, log *logged) {
	dir := s.TempDir()
	log = &logged{T: s.T, file: filepath.Join(dir, "log")}
	file = filepath.Join(dir, "tilldesk.yaml")
	must(s.T, os.WriteFile(file, []byte("log:\n  level: info\n"), 0o600))
	cmd := s.command()
	cmd.Dir = dir
	bound := "exec"
	if os.Geteuid() == 0 {
		if _, err := exec.LookPath("setpriv"); err != nil {
			s.Skip("without setpriv root may read every file: ", err)
		}
		bound = "exec setpriv --bounding-set -dac_override,-dac_read_search"
	}
	cmd.Args = []string{"/bin/sh", "-c", bound + ` "$0" 2> log`, cmd.Path}
	cmd.Path = "/bin/sh"
	p = trial.StartProcess(s, cmd)
	s.replicas = append(s.replicas, p)
	return p, file, log
}

// TestFaultReload spoils the configuration of a service under load in every way
// in which that happens, and mends it each time. What it had works on, the log
// says what is wrong and where, and the next good file is taken.
func TestFaultReload(t *testing.T) {
	notShort(t)
	s := newSite(t, storetest.SQLite(t))
	_, file, log := followed(s)
	log.await("this content is used")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	done := s.merchants(ctx, 10, 2)

	write := func(text string) { t.Helper(); must(t, os.WriteFile(file, []byte(text), 0o600)) }
	beside := func(name, text string) string {
		t.Helper()
		name = filepath.Join(filepath.Dir(file), name)
		must(t, os.WriteFile(name, []byte(text), 0o600))
		return name
	}
	swap := func(text string) { // as a ConfigMap is changed
		t.Helper()
		one, link := beside(fmt.Sprintf("version-%d.yaml", time.Now().UnixNano()), text), file+".tmp"
		must(t, os.Symlink(one, link))
		must(t, os.Rename(link, file))
	}
	bad := []struct {
		name  string
		spoil func()
		words []string // of the line that is logged
	}{
		{"bad YAML", func() { write("log:\n  level: info\n bad\n") }, []string{"tilldesk.yaml:3"}},
		{"empty", func() { write("") }, []string{"empty"}},
		{"unknown key", func() { write("log:\n  level: info\n  colour: red\n") }, []string{"tilldesk.yaml:3", "colour"}},
		{"out of range", func() { write("log:\n  level: loud\n") }, []string{"tilldesk.yaml:2", "log.level"}},
		{"removed", func() { must(t, os.Remove(file)) }, []string{"tilldesk.yaml"}},
		{"a folder in its place", func() { must(t, os.Remove(file)); must(t, os.Mkdir(file, 0o700)) }, []string{"tilldesk.yaml"}},
		{"a link to a bad one", func() { swap("log:\n  level: loud\n") }, []string{"tilldesk.yaml:2", "log.level"}},
		{"a link to nothing", func() { must(t, os.Remove(file)); must(t, os.Symlink("nothing", file)) }, []string{"tilldesk.yaml"}},
		{"may not be read", func() { must(t, os.Chmod(file, 0)) }, []string{"tilldesk.yaml", "permission"}},
	}
	good := 0
	mend := func() time.Duration {
		t.Helper()
		good++
		text := fmt.Sprintf("retention:\n  media_days: %d\n", good)
		must(t, os.RemoveAll(file))
		if good%3 == 0 {
			swap(text)
		} else {
			write(text)
		}
		return log.await("settings have changed", "media_days")
	}
	rounds, spoilt := howMany(1, 20), 0
	writes := 0
	var toldAfter, takenAfter time.Duration
	for range rounds {
		for _, tt := range bad {
			tt.spoil()
			spoilt++
			took := log.await(append([]string{"not taken"}, tt.words...)...)
			if toldAfter = max(toldAfter, took); fullTrial() && took > 2*time.Second {
				t.Errorf("%s: said after %v", tt.name, took)
			}
			took = mend()
			if takenAfter = max(takenAfter, took); fullTrial() && took > 2*time.Second {
				t.Errorf("%s: the next good file was taken after %v", tt.name, took)
			}
		}
		pace := time.NewTicker(10 * time.Millisecond)
		for i := range 100 { // in a second, good and bad ones
			write([]string{"log:\n  level: info\n", "log:\n  level: info\n bad\n", "log:\n  level: debug\n", ""}[i%4])
			writes++
			<-pace.C
		}
		pace.Stop()
		write(fmt.Sprintf("retention:\n  messages_days: %d\n", writes))
		takenAfter = max(takenAfter, log.await("settings have changed", "messages_days"))
	}
	s.listen(20)
	r := s.stopped(stop, done)
	for status, n := range s.ledger.Statuses() {
		if status != http.StatusOK {
			t.Errorf("%d requests were answered with %d", n, status)
		}
	}
	t.Logf("%d bad files, said after %v at most; %d good ones and %d writes in bursts, taken after %v at most; meanwhile %d messages; answers by status: %v",
		spoilt, toldAfter.Round(time.Millisecond), spoilt+rounds, writes, takenAfter.Round(time.Millisecond), r.Messages, s.ledger.Statuses())
}

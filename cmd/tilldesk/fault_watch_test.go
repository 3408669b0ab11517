//go:build linux

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tilldesk/bot/store/storetest"
	"tilldesk/bot/trial"
)

// TestFaultNoWatches runs the service where the system gives it no watches of
// files: edits are found by looking.
func TestFaultNoWatches(t *testing.T) {
	none := []string{"-Ur", "sh", "-c", `echo 0 > /proc/sys/user/max_inotify_instances && exec "$0"`}
	if out, err := exec.Command("unshare", append(none, "true")...).CombinedOutput(); err != nil {
		t.Skipf("no watches can be taken away here: %v %s", err, out)
	}
	s := newSite(t, storetest.SQLite(t))
	cmd := s.command()
	cmd.Args = append(append([]string{"unshare"}, none...), cmd.Path)
	unshare, err := exec.LookPath("unshare")
	must(t, err)
	cmd.Path = unshare
	cmd.Dir = t.TempDir()
	file := filepath.Join(cmd.Dir, "tilldesk.yaml")
	must(t, os.WriteFile(file, []byte("log:\n  level: info\n"), 0o600))
	p := trial.StartProcess(t, cmd)

	said := func(words ...string) {
		t.Helper()
		tooLong, look := time.After(3*time.Minute), time.NewTicker(50*time.Millisecond)
		defer look.Stop()
		for {
			for line := range strings.Lines(p.Log()) {
				all := true
				for _, word := range words {
					all = all && strings.Contains(line, word)
				}
				if all {
					return
				}
			}
			select {
			case <-look.C:
			case <-tooLong:
				t.Fatalf("no line with %q in:\n%s", words, p.Log())
			}
		}
	}
	said("the system does not tell of changed files")
	must(t, os.WriteFile(file, []byte("log:\n  level: loud\n"), 0o600))
	said("not taken", "tilldesk.yaml:2")
	must(t, os.WriteFile(file, []byte("log:\n  level: warn\n"), 0o600))
	said("settings have changed", "log.level")
	if err := p.Stop(); err != nil {
		t.Errorf("it ended with %v", err)
	}
}

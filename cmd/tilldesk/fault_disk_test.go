//go:build linux

package main

import (
	"bytes"
	"context"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// mount gives the test a small disk of its own.
func mount(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=32m"); err != nil {
		t.Skip("only root can mount a small disk: ", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// TestFaultDiskFull fills the disk under load, with and without a floor: what
// is not stored is asked for again, what is stored can be read, one command
// gives some room back, and the service goes on by itself when there is room.
func TestFaultDiskFull(t *testing.T) {
	notShort(t)
	for _, tt := range []struct{ name, floor string }{{"with a floor", "8"}, {"to the last byte", "0"}} {
		t.Run(tt.name, func(t *testing.T) {
			disk := mount(t)
			dsn := "sqlite:" + filepath.Join(disk, "tilldesk.db")
			settings := []string{"TILLDESK_STORE_MEDIA=" + filepath.Join(disk, "media"), "TILLDESK_STORE_MIN_FREE_MB=" + tt.floor, "TILLDESK_STORE_BALLAST_MB=2"}
			s := newSite(t, dsn, settings...)
			s.start()
			doctor := func(want string) {
				t.Helper()
				a := trialApp(s.dir)
				for _, v := range append(settings, "TILLDESK_STORE_DSN="+dsn) {
					name, value, _ := strings.Cut(v, "=")
					a.env = with(a.env, name, value)
				}
				var out, errs bytes.Buffer
				if status := a.run(t.Context(), []string{"doctor", "--free-ballast"}, strings.NewReader(""), &out, &errs); status != 0 || !strings.Contains(out.String(), want) {
					t.Errorf("status %d, %s%s", status, out.String(), errs.String())
				}
			}
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			done := s.merchants(ctx, 20, 5)
			for i := range howMany(2, 10) {
				s.listen(60)
				refused := s.ledger.Statuses()[http.StatusServiceUnavailable]
				empty := fill(t, disk)
				for s.ledger.Statuses()[http.StatusServiceUnavailable] < refused+40 {
					s.last(lookEvery)
				}
				if messages, raw, ok := history(t, s.url()+"/", "merchant-0000-000000"); !ok || messages == 0 {
					t.Errorf("what is stored cannot be read: %s", raw)
				}
				if i == 0 { // it comes back when there has been room for a while
					doctor("2 MB are free again")
				}
				doctor("there is no ballast")
				empty()
			}
			s.listen(60)
			s.stopped(stop, done)
			s.onlyPolite()
			t.Logf("answers by status: %v", s.ledger.Statuses())
		})
	}
}

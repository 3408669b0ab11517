//go:build linux

package main

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/png"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"tilldesk/bot/store/storetest"
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
			rounds := howMany(2, 10)
			var slowest time.Duration
			for i := range rounds {
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
				slowest = max(slowest, s.takenAgain())
			}
			s.listen(60)
			s.stopped(stop, done)
			s.onlyPolite()
			t.Logf("the disk was full %d times, messages were taken again %v after there was room at most; answers by status: %v",
				rounds, slowest.Round(time.Millisecond), s.ledger.Statuses())
		})
	}
}

// takenAgain waits until a message is taken and returns how long that took. A
// full trial holds it to ten seconds.
func (s *site) takenAgain() time.Duration {
	s.Helper()
	for len(s.heard) > 0 { // what was taken before
		<-s.heard
	}
	begin := time.Now()
	s.listen(1)
	took := time.Since(begin)
	if fullTrial() && took > 10*time.Second {
		s.Errorf("messages were taken again only %v after there was room", took)
	}
	return took
}

// TestFaultFloor lets the disk of a service under load sink below the floor, not
// to its end, and rise again. Below it nothing is taken and all that was taken
// before is answered; it can be read, photos are put off too, the log says what
// to do, and when there is room the service takes messages by itself.
func TestFaultFloor(t *testing.T) {
	notShort(t)
	const floor, left = 8 * megabyte, 4 * megabyte
	disk := mount(t)
	s := newSite(t, "sqlite:"+filepath.Join(disk, "tilldesk.db"), "TILLDESK_STORE_MEDIA="+filepath.Join(disk, "media"),
		fmt.Sprint("TILLDESK_STORE_MIN_FREE_MB=", floor/megabyte), "TILLDESK_LOG_LEVEL=warn")
	p := s.start()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	done := s.merchants(ctx, 20, 5)
	refused := func(more int) {
		for most := s.ledger.Statuses()[http.StatusServiceUnavailable] + more; s.ledger.Statuses()[http.StatusServiceUnavailable] < most; {
			s.last(lookEvery)
		}
	}
	photo := func(want int) {
		t.Helper()
		resp, err := http.Post(s.url()+"/api/photo?conversation=merchant-with-photos&message_id=p1", "image/png", bytes.NewReader(dot(t)))
		must(t, err)
		must(t, resp.Body.Close())
		if resp.StatusCode != want {
			t.Errorf("a photo is answered with %d, want %d", resp.StatusCode, want)
		}
	}
	rounds := howMany(2, 10)
	taken, put := 0, 0
	var slowest time.Duration
	for range rounds {
		s.listen(60)
		empty := fillBut(t, disk, left)
		refused(40)
		s.settle() // all that was taken is answered, and needs room for that
		rows := storetest.Count(t, s.dsn, "inbox", "1 = 1")
		refused(40)
		taken += storetest.Count(t, s.dsn, "inbox", "1 = 1") - rows
		put += 40
		photo(http.StatusServiceUnavailable)
		if messages, raw, ok := history(t, s.url()+"/", "merchant-0000-000000"); !ok || messages == 0 {
			t.Errorf("what is stored cannot be read: %s", raw)
		}
		if free, err := freeBytes(disk); err != nil || free == 0 || free >= floor {
			t.Errorf("%d bytes are free, %v: the test has not come to where it wants to be", free, err)
		}
		if log := p.Log(); !strings.Contains(log, "store.min_free_mb") || !strings.Contains(log, "doctor --free-ballast") {
			t.Errorf("the log does not say what to do:\n%s", log)
		}
		empty()
		slowest = max(slowest, s.takenAgain())
	}
	s.listen(60)
	photo(http.StatusOK)
	r := s.stopped(stop, done)
	s.onlyPolite()
	if taken > 0 {
		t.Errorf("%d messages were taken below the floor", taken)
	}
	if strings.Contains(p.Log(), "disk is full") || r.Held > 0 || r.Dead > 0 {
		t.Errorf("%d held, %d dead: the floor did not keep the disk from being full\n%s", r.Held, r.Dead, p.Log())
	}
	t.Logf("%d times below the floor: %d messages refused while nothing was taken, taken again %v after there was room at most; answers by status: %v",
		rounds, put, slowest.Round(time.Millisecond), s.ledger.Statuses())
}

// fillBut takes room on a disk until so much is left, and returns what gives it
// back.
func fillBut(t *testing.T, dir string, left uint64) (empty func()) {
	t.Helper()
	name := filepath.Join(dir, "filler")
	f, err := os.Create(name)
	must(t, err)
	for block := make([]byte, 1<<16); ; {
		free, err := freeBytes(dir)
		must(t, err)
		if free <= left {
			break
		}
		_, err = f.Write(block)
		must(t, err)
	}
	must(t, f.Close())
	return func() { must(t, os.Remove(name)) }
}

// dot is a picture.
func dot(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	must(t, png.Encode(&b, image.NewGray(image.Rect(0, 0, 8, 8))))
	return b.Bytes()
}

package main

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/jpeg"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"tilldesk/bot/store"
	"tilldesk/bot/store/storetest"
	"tilldesk/config"
)

// photo is a small picture.
func photo(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	must(t, jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, 64, 48)), nil))
	return b.Bytes()
}

// TestRetention has merchants write, moves the clock by 400 days and looks for
// what they wrote in every byte that is left: in the database, its log and the
// folder of photos.
func TestRetention(t *testing.T) {
	storetest.Each(t, func(t *testing.T, dsn string) {
		dir := t.TempDir()
		a := littleApp(dir)
		a.env = with(a.env, "TILLDESK_STORE_DSN", dsn)
		s := startHere(t, a)
		s.learnt(t)
		write := func(talk, id, text string) {
			t.Helper()
			if _, raw, ok := say(s.url, talk, id, text); !ok {
				t.Fatalf("not answered: %s", raw)
			}
		}
		for i := range 20 {
			write(fmt.Sprintf("merchant-gone-%04d", i), "m1", fmt.Sprintf("花呗扫不了 wordsthatgo%d", i))
		}
		write("merchant-kept-0001", "m1", "转人工 wordsthatstay")
		if status := post(t, s.url+"api/photo?conversation=merchant-gone-0001&message_id=m2", photo(t)); status != http.StatusOK {
			t.Fatalf("the photo was answered with %d", status)
		}
		if status := post(t, s.url+"api/photo?conversation=merchant-kept-0001&message_id=m2", photo(t)); status != http.StatusOK {
			t.Fatalf("the photo was answered with %d", status)
		}
		if got := s.stop(); got != 0 {
			t.Fatalf("status %d", got)
		}
		media := filepath.Join(dir, "media")
		must(t, os.WriteFile(filepath.Join(media, "left-over.jpg"), []byte("wordsthatgo"), 0o600))
		if n := files(t, media); n != 3 {
			t.Fatalf("%d files, want two photos and one that nothing names", n)
		}

		db, err := store.Open(t.Context(), dsn, store.Options{})
		must(t, err)
		defer db.Close()
		root, err := os.OpenRoot(media)
		must(t, err)
		defer root.Close()
		moved := 0 * time.Hour
		limits := config.Retention{}
		r := &retention{db: db, media: root, owner: "test", log: testLogger(&bytes.Buffer{}), now: func() time.Time { return time.Now().Add(moved) },
			limits: func() config.Retention { return limits }}
		count := func() int { return storetest.Count(t, dsn, "messages", "1 = 1") }
		all := count()

		// For ever, and not old enough yet.
		must(t, r.tryOnce(t.Context()))
		moved = 400 * 24 * time.Hour
		must(t, r.tryOnce(t.Context()))
		limits = config.Retention{MessagesDays: 401, MediaDays: 401, AuditDays: 401}
		moved += retentionEvery
		must(t, r.tryOnce(t.Context()))
		if n := count(); n != all || files(t, media) != 3 {
			t.Fatalf("%d of %d messages and %d files are left within their time", n, all, files(t, media))
		}
		// It is not due again, whatever the limits are now.
		limits = config.Retention{MessagesDays: 365, MediaDays: 30, AuditDays: 365}
		must(t, r.tryOnce(t.Context()))
		if n := count(); n != all {
			t.Fatalf("the job was done again before it was due: %d of %d messages are left", n, all)
		}
		moved += retentionEvery
		must(t, r.tryOnce(t.Context()))

		if n := files(t, media); n != 1 {
			t.Errorf("%d files are left, want the one of the open case", n)
		}
		if n := storetest.Count(t, dsn, "conversations", "1 = 1"); n != 1 {
			t.Errorf("%d conversations are left, want that with the open case", n)
		}
		must(t, db.Check(t.Context()))
		var dump bytes.Buffer
		for _, rows := range storetest.Dump(t, dsn) {
			fmt.Fprintln(&dump, rows)
		}
		if !bytes.Contains(dump.Bytes(), []byte("wordsthatstay")) {
			t.Error("what belongs to an open case is gone")
		}
		if bytes.Contains(dump.Bytes(), []byte("wordsthatgo")) {
			t.Error("a row still has what should be gone")
		}
		searched := 0
		must(t, filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			searched++
			return noneLeft(t, name)
		}))
		if path, ok := strings.CutPrefix(dsn, "sqlite:"); ok {
			for _, suffix := range []string{"", "-wal"} {
				must(t, noneLeft(t, path+suffix))
				searched++
			}
		}
		t.Logf("%d of %d messages are left; %d files were searched, byte by byte", count(), all, searched)
	})
}

// noneLeft fails the test if a file has what should be gone.
func noneLeft(t *testing.T, name string) error {
	data, err := os.ReadFile(name)
	if bytes.Contains(data, []byte("wordsthatgo")) {
		t.Errorf("%s still has what should be gone", name)
	}
	if os.IsNotExist(err) && strings.HasSuffix(name, "-wal") {
		return nil
	}
	return err
}

// TestRetentionFails cannot delete a file: that is said, tried again soon, and
// done then.
func TestRetentionFails(t *testing.T) {
	dsn := storetest.SQLite(t)
	db := storetest.Open(t, dsn, store.Options{})
	root, err := os.OpenRoot(t.TempDir())
	must(t, err)
	now := time.Now()
	r := &retention{db: db, media: root, owner: "test", log: testLogger(&bytes.Buffer{}), now: func() time.Time { return now },
		limits: func() config.Retention { return config.Retention{MediaDays: 1} }}
	must(t, root.Close()) // nothing can be looked at any more
	if err := r.tryOnce(t.Context()); err == nil {
		t.Fatal("it did not fail")
	}
	cfg := config.Default()
	if found := examineRetention(t.Context(), cfg, db); len(found) != 1 || found[0].ok {
		t.Errorf("doctor says %+v", found)
	}
	if r.media, err = os.OpenRoot(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	now = now.Add(retentionAgain)
	must(t, r.tryOnce(t.Context()))
	if found := examineRetention(t.Context(), cfg, db); len(found) != 1 || !found[0].ok {
		t.Errorf("doctor says %+v", found)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r.run(ctx) // returns
}

func post(t *testing.T, url string, body []byte) int {
	t.Helper()
	resp, err := http.Post(url, "image/jpeg", bytes.NewReader(body))
	must(t, err)
	must(t, resp.Body.Close())
	return resp.StatusCode
}

// files counts the files below a folder.
func files(t *testing.T, dir string) (n int) {
	t.Helper()
	must(t, filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			n++
		}
		return err
	}))
	return n
}

// vanishing is a folder in which a file is gone once it has been listed, as a
// photo that is being stored is when it gets its name.
type vanishing struct {
	fstest.MapFS
	file string
}

func (v vanishing) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := v.MapFS.ReadDir(name)
	for i, e := range entries {
		if path.Join(name, e.Name()) == v.file {
			entries[i] = gonePart{e}
		}
	}
	return entries, err
}

type gonePart struct{ fs.DirEntry }

func (gonePart) Info() (fs.FileInfo, error) { return nil, fs.ErrNotExist }

func TestSweepGoesOnWhilePhotosAreStored(t *testing.T) {
	now := time.Now()
	old := &fstest.MapFile{ModTime: now.AddDate(-1, 0, 0)}
	media := vanishing{fstest.MapFS{"photos/a/b.jpg.part": old, "photos/c/d.jpg": old, "photos/c/named.jpg": old, "photos/c/new.jpg": {ModTime: now}}, "photos/a/b.jpg.part"}
	got, err := unnamed(media, now.AddDate(0, -1, 0), map[string]bool{"photos/c/named.jpg": true})
	if err != nil || !slices.Equal(got, []string{"photos/c/d.jpg"}) {
		t.Errorf("%q, %v", got, err)
	}
}

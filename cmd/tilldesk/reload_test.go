package main

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tilldesk/bot"
	"tilldesk/config"
	"tilldesk/content"
)

// lines is a writer that passes on what is written to it, line by line.
type lines struct {
	mu   sync.Mutex
	part []byte
	all  []string
	news chan struct{} // closed and renewed with each line
}

func newLines() *lines { return &lines{news: make(chan struct{})} }

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.part = append(l.part, p...)
	for {
		line, rest, ok := bytes.Cut(l.part, []byte("\n"))
		if !ok {
			return len(p), nil
		}
		l.all = append(l.all, string(line))
		l.part = rest
		close(l.news)
		l.news = make(chan struct{})
	}
}

// await returns the first line at or after from that holds all words, and the
// number of the line after it.
func (l *lines) await(t *testing.T, from int, words ...string) (line string, next int) {
	t.Helper()
	tooLong := time.NewTimer(2 * time.Minute) // it will not come any more
	defer tooLong.Stop()
	for {
		l.mu.Lock()
		all, news := l.all, l.news
		l.mu.Unlock()
	search:
		for ; from < len(all); from++ {
			for _, word := range words {
				if !strings.Contains(all[from], word) {
					continue search
				}
			}
			return all[from], from + 1
		}
		select {
		case <-news:
		case <-tooLong.C:
			t.Fatalf("no line with %q in:\n%s", words, strings.Join(all, "\n"))
		}
	}
}

// running is a service in this process.
type runningService struct {
	url    string
	log    *lines
	stop   func() int // and wait for its status
	status <-chan int
}

// startHere starts a service in this process and waits until it listens.
func startHere(t *testing.T, a *app, args ...string) *runningService {
	t.Helper()
	out, log := newLines(), newLines()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan int, 1)
	go func() { ended <- a.run(ctx, append([]string{"serve"}, args...), strings.NewReader(""), out, log) }()
	s := &runningService{log: log, status: ended}
	s.stop = sync.OnceValue(func() int { cancel(); return <-ended })
	t.Cleanup(func() { s.stop() })
	line, _ := out.await(t, 0, "ready: ")
	_, s.url, _ = strings.Cut(line, "ready: ")
	return s
}

// learnt waits until the service can answer.
func (s *runningService) learnt(t *testing.T) {
	t.Helper()
	s.log.await(t, 0, "this content is used")
}

func status(t *testing.T, url string) int {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode
}

// TestServeTakesMessagesWhileItLearns holds back the learning: the service
// listens, is alive and not ready, and stores what comes; then it answers.
func TestServeTakesMessagesWhileItLearns(t *testing.T) {
	a := littleApp(t.TempDir())
	learning := make(chan struct{})
	a.learn = func(ctx context.Context, cfg config.Content, c *content.Content) (*bot.Knowledge, error) {
		<-learning
		return learnLittle(ctx, cfg, c)
	}
	s := startHere(t, a)
	if got := status(t, s.url+"healthz"); got != http.StatusOK {
		t.Errorf("/healthz answers %d while it learns", got)
	}
	if got := status(t, s.url+"readyz"); got != http.StatusServiceUnavailable {
		t.Errorf("/readyz answers %d while it learns", got)
	}
	answered := make(chan said, 1)
	go func() {
		answer, raw, ok := say(s.url, "merchant-number-0001", "message-1", "花呗扫不了")
		if !ok {
			t.Errorf("not answered: %s", raw)
		}
		answered <- answer
	}()
	// The message is there although nobody has answered it.
	for {
		if _, raw, _ := history(t, s.url, "merchant-number-0001"); strings.Contains(raw, "花呗扫不了") {
			break
		}
	}
	select {
	case <-answered:
		t.Error("it was answered before anything was learnt")
	default:
	}
	close(learning)
	if answer := <-answered; answer.State.Intent == nil || *answer.State.Intent != "scan.huabei" {
		t.Errorf("answered %+v", answer)
	}
	if got := status(t, s.url+"readyz"); got != http.StatusOK {
		t.Errorf("/readyz answers %d when it has learnt", got)
	}
}

// TestServeWithoutSoundContent starts with content that is not sound: there is
// nothing to answer with, so it ends and says where the problem is.
func TestServeWithoutSoundContent(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, dir string){
		"no folder": func(t *testing.T, dir string) { must(t, os.RemoveAll(dir)) },
		"broken file": func(t *testing.T, dir string) {
			appendTo(t, filepath.Join(dir, "replies/replies.yaml"), "\nnonsense: [\n")
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			folder := copyContent(t, filepath.Join(dir, "content"))
			spoil(t, folder)
			a := littleApp(dir)
			a.env = with(a.env, "TILLDESK_CONTENT_DIR", folder)
			var out, errs bytes.Buffer
			if status := a.run(t.Context(), []string{"serve"}, strings.NewReader(""), &out, &errs); status != exitUsage || !strings.Contains(errs.String(), "content.dir") {
				t.Errorf("status %d: %s", status, errs.String())
			}
		})
	}
}

// TestContentIsFollowed edits the content of a running service.
func TestContentIsFollowed(t *testing.T) {
	dir := t.TempDir()
	folder := copyContent(t, filepath.Join(dir, "one"))
	link := filepath.Join(dir, "content")
	must(t, os.Symlink("one", link))
	a := littleApp(dir)
	a.env = with(a.env, "TILLDESK_CONTENT_DIR", link)
	s := startHere(t, a)
	_, at := s.log.await(t, 0, "this content is used", "before=\"\"")

	greeting := filepath.Join(folder, "answers/smalltalk.thanks.yaml")
	before, err := os.ReadFile(greeting)
	must(t, err)
	must(t, os.WriteFile(greeting, []byte("intent: [smalltalk"), 0o600))
	_, at = s.log.await(t, at, "not taken", "smalltalk.thanks.yaml:1")
	if _, raw, ok := say(s.url, "merchant-number-0001", "message-1", "花呗扫不了"); !ok {
		t.Errorf("it does not answer beside a broken edit: %s", raw)
	}
	must(t, os.WriteFile(greeting, before, 0o600))
	_, at = s.log.await(t, at, "again what it was")

	must(t, os.WriteFile(greeting, append(before, []byte("# edited\n")...), 0o600))
	_, at = s.log.await(t, at, "this content is used")

	// As a ConfigMap is changed: a link is swapped.
	copyContent(t, filepath.Join(dir, "two"))
	must(t, os.Symlink("two", filepath.Join(dir, "tmp")))
	must(t, os.Rename(filepath.Join(dir, "tmp"), link))
	_, at = s.log.await(t, at, "this content is used")

	// Removed and made again.
	must(t, os.Rename(filepath.Join(dir, "two"), filepath.Join(dir, "gone")))
	_, at = s.log.await(t, at, "not taken")
	must(t, os.Rename(filepath.Join(dir, "gone"), filepath.Join(dir, "two")))
	_, at = s.log.await(t, at, "again what it was")
	if _, raw, ok := say(s.url, "merchant-number-0001", "message-2", "没有"); !ok {
		t.Errorf("it does not answer after all this: %s", raw)
	}
	_ = at
}

// TestConfigurationIsFollowed edits the configuration file of a running
// service in all the ways in which that goes wrong.
func TestConfigurationIsFollowed(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "tilldesk.yaml")
	write := func(text string) { t.Helper(); must(t, os.WriteFile(file, []byte(text), 0o600)) }
	write("log:\n  level: info\n")
	a := littleApp(dir)
	a.env = without(a.env, "TILLDESK_LIMITS_ADDRESS_PER_SECOND")
	s := startHere(t, a, "--config", file)
	_, at := s.log.await(t, 0, "this content is used")
	healthy := func() {
		t.Helper()
		if got := status(t, s.url+"readyz"); got != http.StatusOK {
			t.Errorf("/readyz answers %d", got)
		}
	}

	for _, tt := range []struct {
		name  string
		edit  func()
		words []string // of the line that is logged
	}{
		{"bad YAML", func() { write("log:\n  level: info\n bad\n") }, []string{"not taken", "tilldesk.yaml:3"}},
		{"good again", func() { write("log:\n  level: debug\n") }, []string{"settings have changed", "log.level"}},
		{"empty", func() { write("") }, []string{"not taken", "empty"}},
		{"unknown key", func() { write("log:\n  level: debug\n  colour: red\n") }, []string{"not taken", "tilldesk.yaml:3", "colour"}},
		{"out of range", func() { write("limits:\n  address_per_second: -1\n") }, []string{"not taken", "tilldesk.yaml:2", "address_per_second"}},
		{"a limit", func() { write("limits:\n  address_per_second: 7\n") }, []string{"settings have changed", "address_per_second"}},
		{"removed", func() { must(t, os.Remove(file)) }, []string{"not taken", "tilldesk.yaml"}},
		{"made again", func() { write("limits:\n  address_per_second: 9\n") }, []string{"settings have changed", "address_per_second"}},
		{"a folder in its place", func() { must(t, os.Remove(file)); must(t, os.Mkdir(file, 0o700)) }, []string{"not taken", "tilldesk.yaml"}},
		{"a link in its place", func() {
			must(t, os.Remove(file))
			must(t, os.WriteFile(filepath.Join(dir, "real.yaml"), []byte("limits:\n  address_per_second: 11\n"), 0o600))
			must(t, os.Symlink("real.yaml", file))
		}, []string{"settings have changed", "address_per_second"}},
		{"the link swapped", func() {
			must(t, os.WriteFile(filepath.Join(dir, "other.yaml"), []byte("limits:\n  address_per_second: 12\n"), 0o600))
			must(t, os.Symlink("other.yaml", file+".tmp"))
			must(t, os.Rename(file+".tmp", file))
		}, []string{"settings have changed", "address_per_second"}},
		{"one for a restart", func() {
			must(t, os.Remove(file))
			write("http:\n  public_url: https://help.example\nlimits:\n  address_per_second: 12\n")
		}, []string{"restart", "http.public_url"}},
		{"written again and again", func() {
			for i := range 200 {
				write(strings.Repeat("# more\n", i) + "http:\n  public_url: https://help.example\nlimits:\n  address_per_second: 12\n")
			}
			write("log:\n  level: error\n")
		}, []string{"settings have changed", "log.level"}},
	} {
		t.Log(tt.name)
		tt.edit()
		_, at = s.log.await(t, at, tt.words...)
		healthy()
	}
	if got := s.stop(); got != 0 {
		t.Errorf("status %d", got)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func appendTo(t *testing.T, name, text string) {
	t.Helper()
	data, err := os.ReadFile(name)
	must(t, err)
	must(t, os.WriteFile(name, append(data, text...), 0o600))
}

// copyContent writes the content that is built in to a folder.
func copyContent(t *testing.T, dir string) string {
	t.Helper()
	must(t, os.CopyFS(dir, content.BuiltIn()))
	must(t, filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		return os.Chmod(name, 0o600)
	}))
	return dir
}

// with is an environment with one variable more.
func with(env func(string) (string, bool), name, value string) func(string) (string, bool) {
	return func(n string) (string, bool) {
		if n == name {
			return value, true
		}
		return env(n)
	}
}

// without is an environment with one variable less.
func without(env func(string) (string, bool), name string) func(string) (string, bool) {
	return func(n string) (string, bool) {
		if n == name {
			return "", false
		}
		return env(n)
	}
}

// history returns what is stored of a conversation.
func history(t *testing.T, url, conversation string) (messages int, raw string, ok bool) {
	t.Helper()
	resp, err := http.Get(fmt.Sprintf("%sapi/chat?conversation=%s", url, conversation))
	if err != nil {
		return 0, "", false
	}
	defer resp.Body.Close()
	var b bytes.Buffer
	if _, err := b.ReadFrom(resp.Body); err != nil {
		return 0, "", false
	}
	return strings.Count(b.String(), `"seq"`), b.String(), resp.StatusCode == http.StatusOK
}

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"tilldesk/bot"
	"tilldesk/bot/trial"
	"tilldesk/config"
	"tilldesk/content"
)

func TestEachLine(t *testing.T) {
	long := strings.Repeat("好", maxLine)
	for _, tt := range []struct {
		name, in string
		want     []string
	}{
		{"nothing", "", nil},
		{"no end", "a\nb", []string{"a", "b"}},
		{"blank lines", "a\n\n \nb\n", []string{"a", "", " ", "b"}},
		{"Windows", "\uFEFFa\r\nb\r\n", []string{"a", "b"}},
		{"any bytes", "\xff\x00\n", []string{"\xff\x00"}},
		{"too long", "a\n" + long + "\nb\n", []string{"a", long[:maxLine], "b"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			err := eachLine(t.Context(), iotest.OneByteReader(strings.NewReader(tt.in)), func(line string) error {
				got = append(got, line)
				return nil
			})
			if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
				t.Errorf("lines (-want +got), %v:\n%.2000s", err, diff)
			}
		})
	}
	broken := errors.New("broken")
	err := eachLine(t.Context(), iotest.ErrReader(broken), func(string) error { return nil })
	var failure failedError
	if !errors.Is(err, broken) || !errors.As(err, &failure) {
		t.Errorf("a reader that fails gives %v", err)
	}
	if err := eachLine(t.Context(), strings.NewReader("a\nb\n"), func(string) error { return broken }); err != broken {
		t.Errorf("a function that fails gives %v", err)
	}
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestFilesNameTheLine(t *testing.T) {
	for _, tt := range []struct{ name, file, text, want string }{
		{"blank lines count", "rows.jsonl", "{\"text\":\"a\",\"intent\":\"x\"}\n\n{\"text\":\"b\"}\n", "rows.jsonl:3: a JSON object with text and intent or act is needed"},
		{"no JSON", "rows.jsonl", "\uFEFF{\"text\":\"a\",\"intent\":\"x\"}\r\nhello\r\n", `rows.jsonl:2: a JSON object with text and intent or act is needed, this is "hello"`},
		{"no rows", "rows.jsonl", "\n \n", "rows.jsonl: no rows in it"},
		{"no conversations", "talk.yaml", "# nothing\n", "talk.yaml: no conversations in it"},
		{"no conversation", "talk.yaml", "hello\n", "talk.yaml:1: "},
		{"wrong type", "talk.yaml", "name: a\nturns: 7\n", "talk.yaml:2: "},
		{"broken YAML", "talk.yaml", "name: a\nturns: [\n", "talk.yaml:2: "},
		{"a turn of nobody", "talk.yaml", "name: a\nturns:\n  - sya: hello\n", `talk.yaml: turn 1 of "a": say or choose is needed`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, _, errs := tilldesk(t, "", "eval", write(t, tt.file, tt.text))
			if status != exitUsage || !strings.Contains(errs, tt.want) || strings.Count(errs, "\n") > 2 {
				t.Errorf("status %d, %q; want %q", status, errs, tt.want)
			}
		})
	}
	file := write(t, "talk.yaml", "- name: a\n  turns:\n    - say: ''\n      intnt: scan.huabei\n")
	if status, _, errs := tilldesk(t, "", "eval", file); status != 0 || !strings.Contains(errs, `talk.yaml:4: unknown field "intnt" is left out`) {
		t.Errorf("a key that means nothing: status %d, %q", status, errs)
	}
}

func TestSignals(t *testing.T) {
	trial.Knowledge(t) // learnt outside of the bubbles below
	rows := write(t, "rows.jsonl", `{"text":"hello","intent":"scan.huabei"}`)
	learning := func(ctx context.Context, _ config.Content, _ *content.Content) (*bot.Knowledge, error) {
		<-ctx.Done()
		return nil, context.Cause(ctx)
	}
	for _, tt := range []struct {
		name   string
		learn  func(context.Context, config.Content, *content.Content) (*bot.Knowledge, error)
		args   []string
		status int
	}{
		{"chat", learnOnce(t), []string{"chat"}, 0},
		{"chat in JSON", learnOnce(t), []string{"chat", "--json"}, 0},
		{"match", learnOnce(t), []string{"match"}, 0},
		{"chat before it begins", learning, []string{"chat"}, 0},
		{"eval before it begins", learning, []string{"eval", rows}, exitFailed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, signal := context.WithCancel(t.Context())
				in, typing := io.Pipe()
				defer typing.Close()
				a := &app{env: func(string) (string, bool) { return "", false }, learn: tt.learn}
				var errs bytes.Buffer
				status := make(chan int)
				go func() { status <- a.run(ctx, tt.args, in, io.Discard, &errs) }()
				synctest.Wait() // nobody types
				signal()
				if got := <-status; got != tt.status || strings.Count(errs.String(), "\n") != tt.status {
					t.Errorf("%v ends with %d and says %q; want %d", tt.args, got, errs.String(), tt.status)
				}
			})
		})
	}
}

// gone is a pipe whose reader has gone, or another file that cannot be written.
type gone struct{ error }

func (g gone) Write([]byte) (int, error) { return 0, g.error }

func TestOutputThatNobodyReads(t *testing.T) {
	notShort(t)
	rows := write(t, "rows.jsonl", `{"text":"hello","intent":"smalltalk.greeting"}`)
	for _, args := range [][]string{
		{"match", "hello"}, {"match"}, {"match", "--json"}, {"chat"}, {"chat", "--json"}, {"search", "--json", "断网还能收款吗"}, {"search", "断网还能收款吗"},
		{"eval", rows}, {"eval", "--json", rows}, {"bench", "--train", rows, "--test", rows}, {"content", "examples"}, {"content", "check"}, {"version"},
	} {
		for err, want := range map[error]int{syscall.EPIPE: 0, syscall.ENOSPC: exitFailed} {
			a := &app{env: func(string) (string, bool) { return "", false }, learn: learnOnce(t)}
			if got := a.run(t.Context(), args, strings.NewReader("hello\n"), gone{err}, io.Discard); got != want {
				t.Errorf("%v after %v: status %d, want %d", args, err, got, want)
			}
		}
	}
}

// TestBrokenConnectionIsAFailure tells a reader that has gone from a network
// that has: the work was not done.
func TestBrokenConnectionIsAFailure(t *testing.T) {
	broken := func(context.Context, config.Content, *content.Content) (*bot.Knowledge, error) {
		return nil, fmt.Errorf("asking a database: %w", syscall.EPIPE)
	}
	a := &app{env: func(string) (string, bool) { return "", false }, learn: broken}
	if got := a.run(t.Context(), []string{"match", "hello"}, strings.NewReader(""), io.Discard, io.Discard); got != exitFailed {
		t.Errorf("status %d, want %d", got, exitFailed)
	}
}

func TestOneLine(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"one", "one"},
		{"one\ntwo\n", "one; two"},
		{"failed to connect:\n\tfirst: refused\n\n\tsecond: refused", "failed to connect: first: refused; second: refused"},
	} {
		if got := oneLine(errors.New(tt.in)); got != tt.want {
			t.Errorf("oneLine(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestEveryCommandExplainsItself(t *testing.T) {
	var visit func(*cobra.Command)
	visit = func(cmd *cobra.Command) {
		if cmd.Example == "" || cmd.Short == "" {
			t.Errorf("`%s -h` has no example or no description", cmd.CommandPath())
		}
		for _, sub := range cmd.Commands() {
			visit(sub)
		}
	}
	visit(new(app).root())
}

package shelf_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"tilldesk/content/source"
	"tilldesk/intents"
	"tilldesk/intents/shelf"
)

// set is a small set of intents; more makes it another one.
func set(more ...string) *intents.Set {
	s := &intents.Set{
		Intents: []intents.Intent{{ID: "network", Kind: intents.Symptom}, {ID: "scan.huabei", Kind: intents.Symptom}},
		Acts:    []intents.ActExample{{Text: "好了", Act: intents.ActYes, Lang: source.Zh}, {Text: "没有", Act: intents.ActNo, Lang: source.Zh}},
		Lexicon: &intents.Lexicon{Same: map[string]string{"花贝": "花呗"}},
	}
	add := func(intent string, texts ...string) {
		for _, text := range texts {
			s.Examples = append(s.Examples, intents.Example{Text: text, Intent: intent, Lang: source.Zh})
		}
	}
	add("network", "没有网", "断网了", "no signal")
	add("scan.huabei", "花呗扫不了", "花贝付不出来", "huabei does not work")
	add("scan.huabei", more...)
	return s
}

// files returns the names and contents of what lies on the shelf.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		found[e.Name()] = string(data)
	}
	return found
}

// stopped is a context in which nothing can be learnt.
func stopped(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

func TestKeepsWhatWasLearnt(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	s := shelf.Shelf{Dir: dir, Warn: func(err error) { t.Error(err) }}
	first, err := s.Engine(t.Context(), set())
	if err != nil {
		t.Fatal(err)
	}
	again, err := s.Engine(stopped(t), set())
	if err != nil {
		t.Fatalf("it learns again: %v", err)
	}
	for _, text := range []string{"花贝扫不了", "断网", "hello", ""} {
		if want, got := fmt.Sprint(first.Match(text)), fmt.Sprint(again.Match(text)); got != want {
			t.Errorf("%q: %s, before it was kept %s", text, got, want)
		}
		for _, asked := range []intents.Asked{intents.AskedCheck, intents.AskedResult} {
			want, wantScore := first.Act(text, asked)
			if got, score := again.Act(text, asked); got != want || score != wantScore {
				t.Errorf("%q after a %s: %s %v, before it was kept %s %v", text, asked, got, score, want, wantScore)
			}
		}
	}
	if _, err := s.Engine(stopped(t), set("花呗红包用不了")); err == nil {
		t.Error("an engine of other examples is taken")
	}
	other := set()
	other.Lexicon.Same["花呗呗"] = "花呗"
	if _, err := s.Engine(stopped(t), other); err == nil {
		t.Error("an engine of another lexicon is taken")
	}
}

func TestDamageIsMended(t *testing.T) {
	dir := t.TempDir()
	warned := 0
	s := shelf.Shelf{Dir: dir, Warn: func(error) { warned++ }}
	if _, err := s.Engine(t.Context(), set()); err != nil {
		t.Fatal(err)
	}
	for name, content := range files(t, dir) {
		for i, damaged := range []string{"", content[:len(content)-1], content[:50] + "x" + content[51:]} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(damaged), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Engine(t.Context(), set()); err != nil {
				t.Fatal(err)
			}
			if warned != i+1 {
				t.Errorf("%d warnings after %d damages", warned, i+1)
			}
			if got := files(t, dir)[name]; got != content {
				t.Error("the damaged file was not replaced by what stood there")
			}
		}
	}
}

func TestFolderCannotBeUsed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	warned := 0
	s := shelf.Shelf{Dir: filepath.Join(file, "below"), Warn: func(error) { warned++ }}
	if e, err := s.Engine(t.Context(), set()); err != nil || e.Match("花呗扫不了").Guesses[0].Intent != "scan.huabei" {
		t.Errorf("the engine is %v, %v", e, err)
	}
	if warned == 0 {
		t.Error("nobody was told")
	}
}

func TestOldOnesAreRemoved(t *testing.T) {
	dir := t.TempDir()
	s := shelf.Shelf{Dir: dir, Warn: func(err error) { t.Error(err) }}
	for i := range 7 {
		if _, err := s.Engine(t.Context(), set(fmt.Sprintf("第%d种说法", i))); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Engine(t.Context(), set("第0种说法")); err != nil { // always in use
			t.Fatal(err)
		}
	}
	if n := len(files(t, dir)); n != 4 {
		t.Errorf("%d files are kept", n)
	}
	if _, err := s.Engine(stopped(t), set("第0种说法")); err != nil {
		t.Errorf("the one in use is gone: %v", err)
	}
}

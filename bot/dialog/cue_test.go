package dialog_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tilldesk/content/source"
)

// TestCues compares what is heard by cues with what is heard when everything is
// looked for: in all ways to say something that stand in the content, in what
// merchants say in conversations, and in parts of both put together.
func TestCues(t *testing.T) {
	c := script(t)
	read := c.Intents.Lexicon.Reader()
	texts := conversations(t)
	c.Script.Ways(func(_ *source.Document, _ []any, way string) {
		texts = append(texts, strings.NewReplacer("(", "", ")", " ", "|", " ", "…", " ", "{", "", "}", "").Replace(way))
	})
	heard := 0
	same := func(text string) string {
		want := c.Script.ToldWithoutCues(text)
		heard += len(want)
		return cmp.Diff(want, c.Script.ToldBy(text))
	}
	for _, text := range texts {
		for _, text := range []string{text, read(text)} {
			if diff := same(text); diff != "" {
				t.Errorf("%s (-everything looked for +by cues):\n%s", text, diff)
			}
		}
	}
	if heard == 0 {
		t.Error("nothing was heard at all")
	}
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.SampledFrom(texts), 1, 4).Draw(t, "parts")
		text := strings.Join(parts, rapid.SampledFrom([]string{"", " ", "，", "\n"}).Draw(t, "between"))
		if diff := same(text); diff != "" {
			t.Fatalf("%s (-everything looked for +by cues):\n%s", text, diff)
		}
	})
	if n := c.Script.Uncued(); n > 0 {
		t.Errorf("%d lists of ways to say something have no cue and are looked for in every message", n)
	}
}

// conversations returns what merchants write in those that are kept as examples.
func conversations(t *testing.T) (lines []string) {
	t.Helper()
	files, err := filepath.Glob("../../content/testdata/conversations/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d conversations: %v", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if said, ok := strings.CutPrefix(line, "> "); ok {
				lines = append(lines, strings.TrimSpace(said))
			}
		}
	}
	return lines
}

package source_test

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"tilldesk/content/source"
)

type step struct {
	ID   string      `yaml:"id"`
	Text source.Text `yaml:"text"`
}

type file struct {
	Name  string `yaml:"name"`
	Steps []step `yaml:"steps"`
}

func folder(files map[string]string) source.Folder {
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return source.Folder{FS: fsys, Problems: new(source.Problems)}
}

func TestYAMLProblemsNameTheLine(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"unknown key", "name: a\nnmae: b\n", "a.yaml:2: "},
		{"wrong type", "name: a\nsteps: 7\n", "a.yaml:2: "},
		{"key twice", "name: a\nname: b\n", "a.yaml:2: "},
		{"broken", "name: a\nsteps:\n  - id: [x\n", "a.yaml:"},
		{"not UTF-8", "name: a\n# \xff\n", "a.yaml:2: this is not UTF-8"},
		{"NUL", "name: a\n\x00\n", "a.yaml:2: a NUL byte"},
		{"two documents", "name: a\n---\nname: b\n", "a.yaml: one YAML document is expected, found 2"},
		{"empty", "", "a.yaml: nothing stands in this file"},
		{"remarks alone", "# later\n", "a.yaml: nothing stands in this file"},
		{"a document without a body", "---\n", "a.yaml: nothing stands in this file"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := folder(map[string]string{"a.yaml": tt.text})
			if doc := f.YAML("a.yaml", new(file)); doc != nil {
				t.Error("a broken file gave a document")
			}
			if err := f.Err(); err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("problem %v, want %q…", err, tt.want)
			}
		})
	}
}

func TestProblemsAreInOneOrder(t *testing.T) {
	var a, b source.Problems
	for _, msg := range []string{"one", "two", "one"} {
		a.Add("a.yaml", 1, "%s", msg)
	}
	for _, msg := range []string{"two", "one"} {
		b.Add("a.yaml", 1, "%s", msg)
	}
	if got, want := a.Err().Error(), b.Err().Error(); got != want {
		t.Errorf("the same problems, found in another order:\n%s\n\n%s", got, want)
	}
}

func TestDocumentLine(t *testing.T) {
	f := folder(map[string]string{"a.yaml": "name: a\n\n# remark\nsteps:\n  - id: one\n    text: {zh: 一, en: one}\n  - id: two\n    text:\n      zh: 二\n      en: two\n"})
	var v file
	doc := f.YAML("a.yaml", &v)
	if doc == nil {
		t.Fatal(f.Err())
	}
	for _, tt := range []struct {
		keys []any
		want int
	}{
		{nil, 1},
		{[]any{"steps"}, 4},
		{[]any{"steps", 0}, 5},
		{[]any{"steps", 0, "text", "en"}, 6},
		{[]any{"steps", 1, "text", "en"}, 10},
		{[]any{"steps", 1, "missing", "en"}, 7},
		{[]any{"steps", 9}, 4},
	} {
		if got := doc.Line(tt.keys...); got != tt.want {
			t.Errorf("Line(%v) = %d, want %d", tt.keys, got, tt.want)
		}
	}
}

func TestCheckText(t *testing.T) {
	for _, tt := range []struct{ name, zh, en, want string }{
		{"good", "好的", "Good", ""},
		{"missing", "", "Good", "the zh text is missing"},
		{"no Chinese", "ok", "Good", "has no Chinese"},
		{"Chinese as English", "好的", "好的", "is Chinese"},
		{"too long", strings.Repeat("好", 700), "Good", "WeChat takes 2048"},
		{"forbidden", "请看 MEPOS 网站", "Good", "must never be said"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := folder(map[string]string{"a.yaml": "name: a\n"})
			doc := f.YAML("a.yaml", new(file))
			doc.CheckText(source.Text{Zh: tt.zh, En: tt.en}, "name")
			err := f.Err()
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("problem %v, want %q", err, tt.want)
			}
		})
	}
}

func TestLines(t *testing.T) {
	f := folder(map[string]string{"a.txt": "\ufeffone\r\n\n# remark\n  two  \n"})
	got := f.Lines("a.txt")
	if len(got) != 2 || got[0] != (source.Line{Number: 1, Text: "one"}) || got[1] != (source.Line{Number: 4, Text: "two"}) {
		t.Errorf("lines %v", got)
	}
	if err := f.Err(); err != nil {
		t.Error(err)
	}
}

func TestOnlyRegularFilesAreRead(t *testing.T) {
	f := folder(nil)
	f.FS = fstest.MapFS{"pipe.yaml": {Mode: fs.ModeNamedPipe}}
	if doc := f.YAML("pipe.yaml", new(file)); doc != nil {
		t.Error("a pipe gave a document")
	}
	if err := f.Err(); err == nil || !strings.Contains(err.Error(), "pipe.yaml: cannot read this file: it is no regular file") {
		t.Errorf("problem %v", err)
	}
}

func TestMissingFolderAndFile(t *testing.T) {
	f := folder(nil)
	f.Files("nowhere", ".yaml")
	f.YAML("nothing.yaml", new(file))
	if n := len(f.List()); n != 2 {
		t.Errorf("%d problems, want 2: %v", n, f.Err())
	}
}

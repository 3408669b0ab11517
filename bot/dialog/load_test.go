package dialog_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"tilldesk/bot/dialog"
	"tilldesk/content/source"
)

func TestReplyProblemsNameTheLine(t *testing.T) {
	for _, tt := range []struct {
		name  string
		files map[string]string
		want  string // among the problems
		not   string // in none of them
	}{
		{"said nowhere", map[string]string{"replies/a.yaml": "greeting: {zh: 您好, en: Hello}\nnonsense: {zh: 多余, en: Too many}\n", "replies/b.yaml": "thanks: {zh: 不客气, en: Welcome}\n"},
			`replies/a.yaml:2: reply "nonsense" is said nowhere`, "replies: reply \"greeting\""},
		{"missing", map[string]string{"replies/a.yaml": "greeting: {zh: 您好, en: Hello}\n"}, `replies: reply "thanks" is missing`, "reply \"greeting\" is"},
		{"in two files", map[string]string{"replies/a.yaml": "greeting: {zh: 您好, en: Hello}\n", "replies/b.yaml": "thanks: {zh: 不客气, en: Welcome}\ngreeting: {zh: 您好, en: Hello}\n"},
			`replies/b.yaml:2: reply "greeting" stands in replies/a.yaml too`, "is said nowhere"},
		{"no folder", nil, "replies: cannot read this folder", "is missing"},
		{"nothing in it", map[string]string{"replies/README.md": "later"}, "replies: no replies; ", "is missing"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			fsys := fstest.MapFS{}
			for name, text := range tt.files {
				fsys[name] = &fstest.MapFile{Data: []byte(text)}
			}
			folder := source.Folder{FS: fsys, Problems: new(source.Problems)}
			dialog.Load(folder)
			problems := folder.Err().Error()
			if !strings.Contains(problems, tt.want) || strings.Contains(problems, tt.not) {
				t.Errorf("want %q and not %q:\n%s", tt.want, tt.not, problems)
			}
		})
	}
}

package intents_test

import (
	"slices"
	"testing"
	"testing/fstest"

	"tilldesk/content/source"
	"tilldesk/intents"
)

func TestLexiconProblemsNameTheLine(t *testing.T) {
	const terms = "- id: a\n  name: {zh: 甲, en: A}\n  words: [same word]\n"
	fsys := fstest.MapFS{
		"lexicon/wallets.yaml": {Data: []byte(terms)},
		"lexicon/brands.yaml":  {Data: []byte("- id: b\n  name: {zh: 乙}\n  words:\n    - Same Word\n")},
		"lexicon/words.yaml": {Data: []byte("same:\n  花呗:\n    - 花贝\n  白条:\n    - 花贝\n    - 条\n" +
			"synonyms:\n  - [alone]\nperson:\n  - 人工\n  - \"\\u200b\"\nhelp:\n  polite: [thanks]\n  asks:\n    - help\n    - \" \"\n")},
	}
	folder := source.Folder{FS: fsys, Problems: new(source.Problems)}
	intents.Load(folder)
	found := map[string][]int{}
	for _, p := range folder.List() {
		found[p.File] = append(found[p.File], p.Line)
	}
	for file, want := range map[string][]int{
		"lexicon/wallets.yaml": nil,
		"lexicon/brands.yaml":  {2, 4},
		"lexicon/words.yaml":   {3, 6, 8, 11, 16},
	} {
		if got := found[file]; !slices.Equal(got, want) {
			t.Errorf("%s: problems on lines %v, want %v:\n%v", file, got, want, folder.Err())
		}
	}
}

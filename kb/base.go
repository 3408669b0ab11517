// Package kb is the knowledge base: articles in passages that each answer one
// question, error codes with what to do about them, and the search over both.
// It is the only package that knows bleve.
package kb

import (
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"tilldesk/content/source"
)

// An Article is a subject of the knowledge base.
type Article struct {
	ID       string      `yaml:"id"`
	Intents  []string    `yaml:"intents"`
	Title    source.Text `yaml:"title"`
	Passages []Passage   `yaml:"passages"`
}

// A Passage answers one question.
type Passage struct {
	ID      string      `yaml:"id"`
	Heading source.Text `yaml:"heading"` // the question, as a merchant asks it
	Asks    Asks        `yaml:"asks"`    // other ways to ask it
	Text    source.Text `yaml:"text"`
	Source  []string    `yaml:"source"`
	// Covers and Corrects name items of the source articles' coverage list
	// that the passage answers, or sets right.
	Covers   []string `yaml:"covers"`
	Corrects []string `yaml:"corrects"`
}

// Asks is other ways to ask for a passage, by language.
type Asks struct {
	Zh []string `yaml:"zh"`
	En []string `yaml:"en"`
}

// In returns the ways to ask in lang.
func (a Asks) In(lang source.Lang) []string {
	if lang == source.En {
		return a.En
	}
	return a.Zh
}

// A Source is where a fact comes from.
type Source struct {
	ID    string `yaml:"id"`
	Title string `yaml:"title"`
	URL   string `yaml:"url"`
}

// Base is the loaded knowledge base. It is read-only and safe for concurrent use.
type Base struct {
	articles []*Article
	byID     map[string]*Article
	codes    *Codes
	folder   source.Folder // that it was read from
}

// Articles returns all articles by id.
func (b *Base) Articles() []*Article { return b.articles }

// Only returns a base of those articles that keep returns true for, which it is
// asked in the order of their ids, with the codes of all.
func (b *Base) Only(keep func(*Article) bool) *Base {
	some := &Base{byID: map[string]*Article{}, codes: b.codes, folder: b.folder}
	for _, a := range b.articles {
		if keep(a) {
			some.articles = append(some.articles, a)
			some.byID[a.ID] = a
		}
	}
	return some
}

// Article returns the article with the id, or nil.
func (b *Base) Article(id string) *Article { return b.byID[id] }

// Title returns the title of an article, empty if there is none.
func (b *Base) Title(id string) source.Text {
	if a := b.byID[id]; a != nil {
		return a.Title
	}
	return source.Text{}
}

// Document returns the file that an article was read from.
func (b *Base) Document(a *Article) *source.Document {
	return b.folder.Document(path.Join(articlesDir, a.ID+".yaml"))
}

// Codes returns the error codes.
func (b *Base) Codes() *Codes { return b.codes }

const (
	articlesDir = "articles"
	codesDir    = "codes"
	sourcesFile = "sources.yaml"
)

var itemID = regexp.MustCompile(`^M\d{2,3}$`)

// Load reads articles, codes and sources. What is wrong with them is added to
// the folder's problems.
func Load(folder source.Folder) *Base {
	b := &Base{byID: map[string]*Article{}, folder: folder}
	sources := loadSources(folder)
	for _, file := range folder.Files(articlesDir, ".yaml") {
		a := new(Article)
		doc := folder.YAML(file, a)
		if doc == nil {
			continue
		}
		if want := strings.TrimSuffix(path.Base(file), ".yaml"); a.ID != want {
			doc.Add([]any{"id"}, "id %q does not match the file name, %q is expected", a.ID, want)
			a.ID = want
		}
		a.check(doc, sources)
		b.articles = append(b.articles, a)
		b.byID[a.ID] = a
	}
	b.codes = loadCodes(folder, sources)
	return b
}

func loadSources(folder source.Folder) map[string]bool {
	var list []Source
	doc := folder.YAML(sourcesFile, &list)
	ids := map[string]bool{}
	for i, s := range list {
		if doc == nil {
			break
		}
		if s.ID == "" || ids[s.ID] {
			doc.Add([]any{i}, "source %q needs an id of its own", s.ID)
		}
		if strings.TrimSpace(s.Title) == "" {
			doc.Add([]any{i}, "source %q needs a title", s.ID)
		}
		ids[s.ID] = true
	}
	return ids
}

func (a *Article) check(doc *source.Document, sources map[string]bool) {
	doc.CheckText(a.Title, "title")
	if len(a.Intents) == 0 {
		doc.Add([]any{"intents"}, "an article names the intents that it belongs to")
	}
	if len(a.Passages) == 0 {
		doc.Add([]any{"passages"}, "an article has one passage or more")
	}
	ids := map[string]bool{}
	for i, p := range a.Passages {
		at := []any{"passages", i}
		if p.ID == "" || ids[p.ID] {
			doc.Add(at, "passage %q needs an id of its own", p.ID)
		}
		ids[p.ID] = true
		doc.CheckText(p.Heading, "passages", i, "heading")
		doc.CheckText(p.Text, "passages", i, "text")
		if len(p.Asks.Zh) == 0 != (len(p.Asks.En) == 0) {
			doc.Add([]any{"passages", i, "asks"}, "asks needs zh and en, or neither")
		}
		checkSources(doc, p.Source, sources, at...)
		for _, key := range []string{"covers", "corrects"} {
			for _, id := range map[string][]string{"covers": p.Covers, "corrects": p.Corrects}[key] {
				if !itemID.MatchString(id) {
					doc.Add([]any{"passages", i, key}, "%s %q; items are written M01 to M999", key, id)
				}
			}
		}
	}
}

func checkSources(doc *source.Document, ids []string, known map[string]bool, at ...any) {
	if len(ids) == 0 {
		doc.Add(at, "a fact needs a source: an id of %s, or practice", sourcesFile)
	}
	for _, id := range ids {
		if !known[id] {
			doc.Add(append(slices.Clone(at), "source"), "source %q is not in %s (known: %d, such as %s)",
				id, sourcesFile, len(known), strings.Join(firstOf(known, 3), ", "))
		}
	}
}

func firstOf(m map[string]bool, n int) []string {
	keys := slices.Sorted(maps.Keys(m))
	return keys[:min(n, len(keys))]
}

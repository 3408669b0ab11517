// Package content is what the bot knows and says, and the check that keeps it
// sound. README.md in this folder describes the files for their editors.
package content

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"sync"

	"tilldesk/bot/dialog"
	"tilldesk/content/source"
	"tilldesk/intents"
	"tilldesk/kb"
)

//go:embed answers articles codes intents lexicon playbooks replies sources.yaml
var builtIn embed.FS

// BuiltIn returns the content that is part of the binary.
func BuiltIn() fs.FS { return builtIn }

// Open returns the content in dir, or what is built in if dir is empty. Links
// cannot lead out of dir.
func Open(dir string) (fs.FS, error) {
	if dir == "" {
		return builtIn, nil
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		var pathErr *fs.PathError
		if errors.As(err, &pathErr) {
			err = pathErr.Err
		}
		return nil, fmt.Errorf("content.dir %q: %w; give a folder made like the content folder of the source tree, or leave it empty", dir, err)
	}
	return root.FS(), nil
}

// Content is the parts of a content folder, loaded and checked.
type Content struct {
	Intents *intents.Set
	Base    *kb.Base
	Script  *dialog.Script
	Digest  string // of all files: same digest, same content
}

// An Error is everything that is wrong with a content folder.
type Error struct {
	Problems []source.Problem // at least one, by file and line
}

// Error returns the first problems on one line, and how many more there are.
func (e *Error) Error() string {
	const shown = 3
	var b strings.Builder
	for i, p := range e.Problems[:min(shown, len(e.Problems))] {
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(p.String())
	}
	if more := len(e.Problems) - shown; more > 0 {
		fmt.Fprintf(&b, "; and %d more, which `tilldesk content check` names", more)
	}
	return b.String()
}

// Load reads and checks a content folder. If there is any problem the content
// must not be used, and the error is an [*Error] that has them all.
func Load(fsys fs.FS) (*Content, error) {
	c, problems := load(fsys)
	if len(problems) > 0 {
		return nil, &Error{problems}
	}
	return c, nil
}

// Check returns every problem of a content folder, by file and line. It looks
// further than Load: it plays each playbook to find steps that nobody would
// ever be asked.
func Check(fsys fs.FS) []source.Problem {
	c, problems := load(fsys)
	if len(problems) == 0 {
		problems = c.unreached()
	}
	return problems
}

func load(fsys fs.FS) (*Content, []source.Problem) {
	folder := source.Folder{FS: fsys, Problems: new(source.Problems)}
	c := new(Content)
	var parts sync.WaitGroup
	parts.Go(func() { c.Intents = intents.Load(folder) })
	parts.Go(func() { c.Base = kb.Load(folder) })
	parts.Go(func() { c.Script = dialog.Load(folder) })
	parts.Wait()
	c.Script.Label = c.Intents.Label
	c.Script.ArticleTitle = c.Base.Title
	c.checkLinks(folder)
	digest, err := digestOf(fsys)
	if err != nil {
		folder.Add(".", 0, "cannot read the folder: %v", err)
	}
	c.Digest = digest
	return c, folder.List()
}

// folders are the parts of a content folder that the bot uses.
var folders = []string{"answers", "articles", "codes", "intents", "lexicon", "playbooks", "replies", "sources.yaml"}

func digestOf(fsys fs.FS) (string, error) {
	h := sha256.New()
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		top, _, _ := strings.Cut(name, "/")
		if d.IsDir() && name != "." && !slices.Contains(folders, top) {
			return fs.SkipDir
		}
		if d.IsDir() || !slices.Contains(folders, top) || strings.HasPrefix(path.Base(name), ".") {
			return nil
		}
		if info, err := fs.Stat(fsys, name); err != nil || !info.Mode().IsRegular() {
			return err
		}
		f, err := fsys.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		one := sha256.New()
		n, err := io.Copy(one, f)
		fmt.Fprintf(h, "%s %d %x\n", name, n, one.Sum(nil))
		return err
	})
	if err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)[:8]), nil
}

// Summary says in one line how much there is.
func (c *Content) Summary() string {
	zh := 0
	for _, ex := range c.Intents.Examples {
		if ex.Lang == source.Zh {
			zh++
		}
	}
	return fmt.Sprintf("content %s is clean: %d intents, %d + %d examples (zh + en), %d playbooks, %d articles, %d codes",
		c.Digest, len(c.Intents.Intents), zh, len(c.Intents.Examples)-zh, len(c.Script.Symptoms()),
		len(c.Base.Articles()), len(c.Base.Codes().All()))
}

// Package source reads the files that editors write: strict YAML and plain
// lists, in two languages, where every problem names its file and line.
//
// It knows nothing of what the files mean. Packages intents, kb and dialog
// describe their own files as Go structs and read them through a Folder;
// package content puts the parts together and checks what crosses them.
package source

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// Lang is a language that content is written in.
type Lang string

// The languages of content. Traditional Chinese is read as Chinese and
// answered by converting the script, so it has no texts of its own.
const (
	Zh Lang = "zh"
	En Lang = "en"
)

// Langs lists the languages of content in a fixed order.
var Langs = []Lang{Zh, En}

// Text is one sentence in each language.
type Text struct {
	Zh string `yaml:"zh"`
	En string `yaml:"en"`
}

// In returns the text in lang; anything but En gives Chinese.
func (t Text) In(lang Lang) string {
	if lang == En {
		return t.En
	}
	return t.Zh
}

// IsZero reports whether the text is empty in both languages.
func (t Text) IsZero() bool { return t.Zh == "" && t.En == "" }

// A Problem is something an editor has to mend.
type Problem struct {
	File string // slash-separated path below the content folder
	Line int    // from 1; 0 if the problem is the whole file
	Msg  string // what is wrong and what is allowed
}

func (p Problem) String() string {
	if p.Line == 0 {
		return p.File + ": " + p.Msg
	}
	return fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.Msg)
}

// Problems collects what is wrong with a content folder. The zero value is
// ready to use; it is safe for concurrent use.
type Problems struct {
	mu   sync.Mutex
	list []Problem
}

// Add records a problem.
func (p *Problems) Add(file string, line int, format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.list = append(p.list, Problem{file, line, fmt.Sprintf(format, args...)})
}

// List returns the problems, each once, by file, line and words.
func (p *Problems) List() []Problem {
	p.mu.Lock()
	list := slices.Clone(p.list)
	p.mu.Unlock()
	slices.SortFunc(list, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Msg, b.Msg))
	})
	return slices.Compact(list)
}

// Err returns nil if there is no problem, else an error that lists them all,
// one per line.
func (p *Problems) Err() error {
	list := p.List()
	if len(list) == 0 {
		return nil
	}
	lines := make([]string, len(list))
	for i, problem := range list {
		lines[i] = problem.String()
	}
	return errors.New(strings.Join(lines, "\n"))
}

// maxFile bounds a content file: an editor's mistake (a video, a log) must not
// take the memory of the service.
const maxFile = 4 << 20

// Folder is a content folder whose problems are collected while it is read.
type Folder struct {
	FS fs.FS
	*Problems
}

// Files returns the names of the files in dir with the extension ext, sorted.
// A folder that does not exist is a problem.
func (f Folder) Files(dir, ext string) []string {
	entries, err := fs.ReadDir(f.FS, dir)
	if err != nil {
		f.Add(dir, 0, "cannot read this folder: %v", errReason(err))
		return nil
	}
	var names []string
	for _, e := range entries {
		if !e.IsDir() && path.Ext(e.Name()) == ext && !strings.HasPrefix(e.Name(), ".") {
			names = append(names, path.Join(dir, e.Name()))
		}
	}
	return names
}

// A Line is a line of a plain list.
type Line struct {
	Number int
	Text   string
}

// Lines reads a plain list: one entry per line, blank lines and lines that
// start with # left out.
func (f Folder) Lines(file string) []Line {
	data, ok := f.read(file)
	if !ok {
		return nil
	}
	var lines []Line
	n := 0
	for text := range strings.Lines(string(data)) {
		n++
		if text = strings.TrimSpace(text); text != "" && !strings.HasPrefix(text, "#") {
			lines = append(lines, Line{n, text})
		}
	}
	return lines
}

// A Document is a YAML file that knows on which line each value stands. It
// reads the file again when it is asked: content that is sound is never asked,
// and a large base would keep every file in memory for it.
type Document struct {
	Name   string
	folder Folder
	parse  sync.Once
	body   ast.Node
}

// root returns what the file consists of, nil if it is no longer what it was.
func (d *Document) root() ast.Node {
	d.parse.Do(func() {
		data, ok := d.folder.read(d.Name)
		if !ok {
			return
		}
		if parsed, err := parser.ParseBytes(data, 0); err == nil && len(parsed.Docs) > 0 {
			d.body = parsed.Docs[0].Body
		}
	})
	return d.body
}

// YAML reads file into v, a pointer to a struct or slice, and returns the
// document for questions about lines. A key that v does not have, a wrong type
// and a key given twice are problems; then, as after a syntax error, the
// document is nil.
func (f Folder) YAML(file string, v any) *Document {
	data, ok := f.read(file)
	if !ok {
		return nil
	}
	parsed, err := parser.ParseBytes(data, 0)
	if err == nil {
		switch n := len(parsed.Docs); {
		case n == 0, n == 1 && parsed.Docs[0].Body == nil:
			f.Add(file, 0, "nothing stands in this file; write it or take it away")
			return nil
		case n > 1:
			f.Add(file, 0, "one YAML document is expected, found %d", n)
			return nil
		}
	}
	if err == nil {
		err = yaml.NodeToValue(parsed.Docs[0].Body, v, yaml.Strict())
	}
	if err != nil {
		line, msg := yamlError(err)
		f.Add(file, line, "%s", msg)
		return nil
	}
	pack(v)
	return f.Document(file)
}

// Document returns the document of a YAML file, for questions about lines.
func (f Folder) Document(file string) *Document { return &Document{Name: file, folder: f} }

func (f Folder) read(file string) ([]byte, bool) {
	info, err := fs.Stat(f.FS, file)
	switch {
	case err != nil:
	case !info.Mode().IsRegular(): // to read a pipe would wait for a writer
		err = errors.New("it is no regular file")
	case info.Size() > maxFile:
		err = fmt.Errorf("it has %d bytes, %d are allowed", info.Size(), maxFile)
	}
	var data []byte
	if err == nil {
		data, err = fs.ReadFile(f.FS, file)
	}
	if err != nil {
		f.Add(file, 0, "cannot read this file: %v", errReason(err))
		return nil, false
	}
	data = bytes.TrimPrefix(data, []byte("\uFEFF"))
	if !utf8.Valid(data) {
		f.Add(file, invalidLine(data), "this is not UTF-8; save the file as UTF-8")
		return nil, false
	}
	if i := bytes.IndexByte(data, 0); i >= 0 {
		f.Add(file, 1+bytes.Count(data[:i], []byte("\n")), "a NUL byte stands here; remove it")
		return nil, false
	}
	return data, true
}

func invalidLine(data []byte) int {
	line := 1
	for len(data) > 0 {
		r, n := utf8.DecodeRune(data)
		if r == utf8.RuneError && n <= 1 {
			return line
		}
		if r == '\n' {
			line++
		}
		data = data[n:]
	}
	return line
}

func errReason(err error) error {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err
	}
	return err
}

func yamlError(err error) (line int, msg string) {
	var yamlErr yaml.Error
	if errors.As(err, &yamlErr) {
		if token := yamlErr.GetToken(); token != nil && token.Position != nil {
			line = token.Position.Line
		}
		return line, yamlErr.GetMessage()
	}
	return 0, strings.SplitN(err.Error(), "\n", 2)[0]
}

// Line returns the line of the value that keys lead to: a string is a key of a
// mapping, an int an index of a sequence. Where the way ends early, it is the
// line of the last value that exists.
func (d *Document) Line(keys ...any) int {
	if d == nil {
		return 0
	}
	node := d.root()
	if node == nil {
		return 0
	}
	line := lineOf(node)
	for _, key := range keys {
		next, at := child(node, key)
		if next == nil {
			break
		}
		node, line = next, at
	}
	return line
}

// Add records a problem at the value that keys lead to.
func (d *Document) Add(keys []any, format string, args ...any) {
	d.folder.Add(d.Name, d.Line(keys...), format, args...)
}

func child(node ast.Node, key any) (ast.Node, int) {
	switch n := node.(type) {
	case *ast.MappingNode:
		for _, v := range n.Values {
			if name, ok := key.(string); ok && keyName(v.Key) == name {
				return v.Value, lineOf(v.Key)
			}
		}
	case *ast.MappingValueNode:
		if name, ok := key.(string); ok && keyName(n.Key) == name {
			return n.Value, lineOf(n.Key)
		}
	case *ast.SequenceNode:
		if i, ok := key.(int); ok && i < len(n.Values) {
			return n.Values[i], lineOf(n.Values[i])
		}
	}
	return nil, 0
}

func keyName(n ast.MapKeyNode) string {
	if s, ok := n.(*ast.StringNode); ok {
		return s.Value
	}
	return n.String()
}

func lineOf(n ast.Node) int {
	// The first token of a mapping is the colon of its first pair.
	if m, ok := n.(*ast.MappingNode); ok && len(m.Values) > 0 {
		return lineOf(m.Values[0].Key)
	}
	if t := n.GetToken(); t != nil && t.Position != nil {
		return t.Position.Line
	}
	return 0
}

package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	goccy "github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/parser"
	"go.yaml.in/yaml/v3"
)

// readDocument finds where in a configuration file each setting stands, which
// viper does not tell, and what stands there that is no setting. It reads with
// the YAML library that viper uses, so that both see the same file.
func readDocument(file string, data []byte, all settings) (layer, []error) {
	d := document{file: file, all: all, found: layer{}, lines: map[string]int{}}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var first, second yaml.Node
	if err := decoder.Decode(&first); errors.Is(err, io.EOF) {
		return nil, nil // no file, or nothing but comments in it
	} else if err != nil {
		return nil, []error{syntaxError(file, data, err)}
	}
	if err := decoder.Decode(&second); err == nil {
		d.add(&second, "a second YAML document starts here, allowed: one")
	} else if !errors.Is(err, io.EOF) {
		d.problems = append(d.problems, syntaxError(file, data, err))
	}
	d.section("", first.Content[0])
	return d.found, d.problems
}

// citation is how messages of the YAML libraries cite the file. What they cite
// may be a piece of a secret.
var citation = regexp.MustCompile("\"(\\\\.|[^\"\\\\])*\"")

// syntaxError says where data is no YAML, which err is about. The library that
// viper uses is often a line or a block off; the one that reads the content
// points at the line, but takes some files that the former refuses.
func syntaxError(file string, data []byte, err error) error {
	var exact goccy.Error
	if _, err := parser.ParseBytes(data, 0); errors.As(err, &exact) && exact.GetToken() != nil {
		message := citation.ReplaceAllString(exact.GetMessage(), "(...)")
		message = strings.ReplaceAll(message, "\t", `\t`)
		return fmt.Errorf("%s:%d: this is not YAML: %s", file, exact.GetToken().Position.Line, message)
	}
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	if line, rest, ok := strings.Cut(message, ": "); ok && strings.HasPrefix(line, "line ") {
		file, message = file+":"+strings.TrimPrefix(line, "line "), rest
	}
	if i := strings.IndexAny(message, "'\"`\n"); i >= 0 {
		message = strings.TrimSpace(message[:i])
	}
	return fmt.Errorf("%s: this is not YAML: %s", file, message)
}

// document is a file while it is read.
type document struct {
	file     string
	all      settings
	found    layer
	lines    map[string]int // of every key, sections too
	problems []error
}

func (d *document) add(at *yaml.Node, format string, args ...any) {
	d.problems = append(d.problems, fmt.Errorf("%s:%d: %s", d.file, at.Line, fmt.Sprintf(format, args...)))
}

// section reads the mapping of the keys that start with prefix, which is empty
// or ends in a dot.
func (d *document) section(prefix string, node *yaml.Node) {
	node = resolved(node)
	switch {
	case node.Kind == yaml.MappingNode:
		for i := 0; i < len(node.Content); i += 2 {
			d.pair(prefix, node.Content[i], node.Content[i+1])
		}
	case isNull(node): // a section whose keys are all commented out
	case prefix == "":
		d.add(node, "%s stands here, allowed: sections such as \"log:\" with keys below them", kindOf(node))
	default:
		// The value may be a secret in the wrong place: it is not shown.
		d.add(node, "%s is %s, allowed: a section with keys below it", strings.TrimSuffix(prefix, "."), kindOf(node))
	}
}

func (d *document) pair(prefix string, key, value *yaml.Node) {
	if key.Kind != yaml.ScalarNode {
		d.add(key, "%s stands here, allowed: a key such as %s", kindOf(key), d.all[0].key)
		return
	}
	name := prefix + strings.ToLower(key.Value)
	if first, twice := d.lines[name]; twice {
		d.add(key, "%s is given twice, first in line %d, allowed: once", quote(name), first)
		return
	}
	d.lines[name] = key.Line
	if d.all.isSection(name) {
		d.section(name+".", value)
		return
	}
	_, asFile, ok := d.all.named(name)
	value = resolved(value)
	switch {
	case !ok:
		d.add(key, "unknown key %s, the nearest known one is %s", quote(name), nearest(name, d.all.names()))
	case isNull(value):
	case value.Kind != yaml.ScalarNode:
		d.add(value, "%s is %s, allowed: one value", name, kindOf(value))
	default:
		found := given{origin: fmt.Sprintf("%s:%d", d.file, key.Line)}
		if asFile {
			found.value = value.Value
		}
		d.found[name] = found
	}
}

func resolved(node *yaml.Node) *yaml.Node {
	if node.Kind == yaml.AliasNode {
		return node.Alias
	}
	return node
}

func isNull(node *yaml.Node) bool {
	return node.Kind == yaml.ScalarNode && node.ShortTag() == "!!null"
}

func kindOf(node *yaml.Node) string {
	switch node.Kind {
	case yaml.MappingNode:
		return "a section"
	case yaml.SequenceNode:
		return "a list"
	default:
		return "a single value"
	}
}

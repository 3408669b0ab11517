package importtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"
)

// wanted are the trials that must not get lost from the table.
var wanted = strings.Fields(`F1 F2 F3i F3ii F4 F5 F6 F8 F14 F15 F17 F18 F19 F21 F22 F23 F24 F25 F26
	L1 L2 L3 L4 L7 L8 L9 L11 I2 I3 I4 I6 I7 I11`)

// TestTrials holds docs/trials.md to the tree: what it names is there, and what
// is called a trial there is in it.
func TestTrials(t *testing.T) {
	const root = "../.."
	page, err := os.ReadFile(path.Join(root, "docs/trials.md"))
	if err != nil {
		t.Fatal(err)
	}
	has := map[string]bool{} // package and test
	err = fs.WalkDir(os.DirFS(root), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(name, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path.Join(root, name), nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, decl := range file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil {
				has["./"+path.Dir(name)+" "+f.Name.Name] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	ids, named := map[string]bool{}, map[string]bool{}
	for _, row := range regexp.MustCompile(`(?m)^\| ([FLI][0-9]+i*) \| (\S+) \| ([^|]+) \| [^|]+ \|$`).FindAllStringSubmatch(string(page), -1) {
		ids[row[1]] = true
		for _, test := range strings.Fields(row[3]) {
			name, inputs, fuzzed := strings.Cut(test, ":")
			if fuzzed != strings.HasPrefix(name, "Fuzz") || fuzzed && !regexp.MustCompile(`^[0-9]+$`).MatchString(inputs) {
				t.Errorf("%s: %s; a fuzz target, and nothing else, has a number of inputs behind a colon", row[1], test)
			}
			named[row[2]+" "+name] = true
			if !has[row[2]+" "+name] {
				t.Errorf("%s: there is no %s in %s", row[1], name, row[2])
			}
		}
	}
	for _, id := range wanted {
		if !ids[id] {
			t.Errorf("the trial %s is not in docs/trials.md, or its line cannot be read", id)
		}
	}
	for test := range has {
		dir, name, _ := strings.Cut(test, " ")
		trial := strings.HasPrefix(name, "TestFault") || strings.HasPrefix(name, "TestLoad") && dir == "./cmd/tilldesk"
		if trial && !named[test] {
			t.Errorf("%s of %s is not in docs/trials.md", name, dir)
		}
	}
}

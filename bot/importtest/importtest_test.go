// Package importtest holds the tree to its layering: each library has one
// package that knows it, and what decides knows nothing of what transports or
// stores.
package importtest

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

const module = "tilldesk/"

// A confinement keeps imports to the folders that may know them, in tests too.
// Patterns are those of the go command: "kb/..." is kb and all below it.
type confinement struct{ imports, folders []string }

var confinements = []confinement{
	{[]string{"github.com/spf13/viper/..."}, []string{"config"}},
	{[]string{"github.com/fsnotify/..."}, []string{"config/watch"}},
	{[]string{"github.com/blevesearch/..."}, []string{"kb/..."}},
	{[]string{"github.com/go-telegram/bot/..."}, []string{"bot/telegram/..."}},
	{[]string{"github.com/silenceper/wechat/..."}, []string{"bot/wechat/..."}},
	{[]string{"github.com/coreos/go-oidc/...", "golang.org/x/oauth2/..."}, []string{"bot/signin/..."}},
	{[]string{"golang.org/x/crypto/argon2/..."}, []string{"bot/staff"}},
	{[]string{"database/sql/...", "modernc.org/sqlite/...", "github.com/jackc/...", "github.com/pressly/goose/..."}, []string{"bot/store/..."}},
}

// A layer says which of our packages a folder may import; the first layer that
// matches a folder counts. Outside of tests, which may put the layers together
// as they like.
type layer struct {
	folder string
	may    []string
}

var layers = []layer{
	{"config/...", nil},
	{"content/source/...", nil},
	{"kb/...", []string{"kb/...", "content/source", "intents/hanzi"}},
	{"intents/...", []string{"intents/...", "content/source", "kb"}},
	{"bot/dialog/...", []string{"bot/dialog/...", "content/source", "intents/...", "kb/..."}},
	{"content", []string{"bot/dialog", "content/source", "intents/...", "kb/..."}},
	{"bot/desk", []string{"bot", "bot/dialog", "content/source", "intents/...", "kb/..."}},
	{"bot/hook", []string{"bot", "bot/desk", "content/source"}},
	{"bot", []string{"bot/dialog", "content/source", "intents/...", "kb/..."}},
}

// pure is the folder that decides from its arguments alone, and what it can
// therefore not need outside of tests.
var pure = struct {
	folder string
	never  []string
}{"bot/dialog/...", []string{"context", "database/...", "net/...", "os/...", "syscall/...", "log/..."}}

// forTests is what is there for tests alone.
var forTests = []string{"bot/channeltest/...", "bot/store/storetest/...", "bot/trial/..."}

// violations returns, by file, the imports of the Go files in fsys that are
// not allowed, and the number of files seen.
func violations(fsys fs.FS) (found []string, files int, err error) {
	err = fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if name != "." && (entry.Name() == "testdata" || strings.HasPrefix(entry.Name(), ".")) {
				return fs.SkipDir
			}
			return nil
		}
		if path.Ext(name) != ".go" {
			return nil
		}
		files++
		source, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), name, source, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range parsed.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			if why := refusal(name, imported); why != "" {
				found = append(found, fmt.Sprintf("%s imports %s: %s", name, imported, why))
			}
		}
		return nil
	})
	return found, files, err
}

// refusal says why file must not import imported, "" if it may.
func refusal(file, imported string) string {
	folder := path.Dir(file)
	for _, c := range confinements {
		if matches(c.imports, imported) && !matches(c.folders, folder) {
			return "only " + strings.Join(c.folders, ", ") + " may"
		}
	}
	if strings.HasSuffix(file, "_test.go") {
		return ""
	}
	if matches([]string{pure.folder}, folder) && matches(pure.never, imported) {
		return pure.folder + " decides from its arguments alone"
	}
	ours, isOurs := strings.CutPrefix(imported, module)
	if !isOurs {
		return ""
	}
	if strings.HasPrefix(ours, "cmd/") {
		return "nothing imports a command"
	}
	if matches(forTests, ours) && !matches(forTests, folder) {
		return "only tests may"
	}
	i := slices.IndexFunc(layers, func(l layer) bool { return matches([]string{l.folder}, folder) })
	if i < 0 || matches(layers[i].may, ours) {
		return ""
	}
	if len(layers[i].may) == 0 {
		return layers[i].folder + " may import none of our packages"
	}
	return "of our packages, " + layers[i].folder + " may import only " + strings.Join(layers[i].may, ", ")
}

func matches(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		root, below := strings.CutSuffix(pattern, "/...")
		return name == root || below && strings.HasPrefix(name, root+"/")
	})
}

func TestTree(t *testing.T) {
	root := os.DirFS("../..")
	if _, err := fs.Stat(root, "go.mod"); err != nil {
		t.Fatalf("this is not the top of the module: %v", err)
	}
	found, files, err := violations(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, violation := range found {
		t.Error(violation)
	}
	if files < 10 {
		t.Errorf("only %d Go files seen", files)
	}
}

func TestViolations(t *testing.T) {
	const layerOfKB = "of our packages, kb/... may import only kb/..., content/source, intents/hanzi"
	for _, tt := range []struct {
		file, imports, want string // want "" means allowed
	}{
		{"config/load.go", "github.com/spf13/viper", ""},
		{"cmd/tilldesk/main.go", "github.com/spf13/viper", "only config may"},
		{"bot/engine_test.go", "github.com/spf13/viper", "only config may"},
		{"bot/engine.go", "github.com/spf13/viper/remote", "only config may"},
		{"bot/engine.go", "github.com/spf13/viperx", ""},

		{"kb/index.go", "github.com/blevesearch/bleve/v2/analysis", ""},
		{"intents/engine.go", "github.com/blevesearch/bleve/v2", "only kb/... may"},
		{"bot/telegram/send.go", "github.com/go-telegram/bot/models", ""},
		{"bot/telegram.go", "github.com/go-telegram/bot", "only bot/telegram/... may"},
		{"bot/wechat/receive.go", "github.com/silenceper/wechat/v2/officialaccount", ""},
		{"bot/telegram/send.go", "github.com/silenceper/wechat/v2", "only bot/wechat/... may"},
		{"bot/store/storetest/open.go", "database/sql", ""},
		{"bot/outbox/claim.go", "database/sql", "only bot/store/... may"},
		{"cmd/tilldesk/serve_test.go", "github.com/jackc/pgx/v5/stdlib", "only bot/store/... may"},
		{"cmd/tilldesk/serve.go", "modernc.org/sqlite", "only bot/store/... may"},

		{"bot/dialog/step.go", "strings", ""},
		{"bot/dialog/step.go", "context", "bot/dialog/... decides from its arguments alone"},
		{"bot/dialog/step.go", "os", "bot/dialog/... decides from its arguments alone"},
		{"bot/dialog/step.go", "net/http", "bot/dialog/... decides from its arguments alone"},
		{"bot/dialog/step_test.go", "os", ""},
		{"bot/engine.go", "context", ""},

		{"bot/engine.go", "tilldesk/bot/dialog", ""},
		{"bot/engine.go", "tilldesk/bot/telegram", "of our packages, bot may import only bot/dialog, content/source, intents/..., kb/..."},
		{"bot/telegram/send.go", "tilldesk/bot", ""},
		{"bot/telegram/send.go", "tilldesk/cmd/tilldesk", "nothing imports a command"},
		{"bot/dialog/step.go", "tilldesk/intents", ""},
		{"bot/dialog/step.go", "tilldesk/bot", "of our packages, bot/dialog/... may import only bot/dialog/..., content/source, intents/..., kb/..."},
		{"intents/engine.go", "tilldesk/kb", ""},
		{"intents/engine.go", "tilldesk/bot/dialog", "of our packages, intents/... may import only intents/..., content/source, kb"},
		{"kb/index.go", "tilldesk/intents/hanzi", ""},
		{"kb/index.go", "tilldesk/intents", layerOfKB},
		{"kb/index.go", "tilldesk/bot", layerOfKB},
		{"kb/index_test.go", "tilldesk/bot", ""},
		{"config/config.go", "tilldesk/content", "config/... may import none of our packages"},
		{"bot/desk/card.go", "tilldesk/kb", ""},
		{"bot/desk/desk.go", "tilldesk/bot/store", "of our packages, bot/desk may import only bot, bot/dialog, content/source, intents/..., kb/..."},
		{"bot/hook/hook.go", "tilldesk/bot/desk", ""},
		{"content/content.go", "tilldesk/bot/dialog", ""},
		{"content/content.go", "tilldesk/bot", "of our packages, content may import only bot/dialog, content/source, intents/..., kb/..."},
		{"content/source/source.go", "tilldesk/bot", "content/source/... may import none of our packages"},

		{"cmd/tilldesk/serve.go", "tilldesk/bot/trial", "only tests may"},
		{"cmd/tilldesk/serve_test.go", "tilldesk/bot/trial", ""},
		{"bot/trial/network.go", "tilldesk/bot/channeltest", ""},

		{"bot/testdata/x.go", "github.com/spf13/viper", ""},
	} {
		t.Run(tt.file+" "+tt.imports, func(t *testing.T) {
			tree := fstest.MapFS{
				tt.file:          {Data: fmt.Appendf(nil, "package p\n\nimport (\n\t\"fmt\"\n\tx %q\n)\n", tt.imports)},
				"other/clean.go": {Data: []byte("package other\n")},
			}
			got, _, err := violations(tree)
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			if tt.want != "" {
				want = []string{fmt.Sprintf("%s imports %s: %s", tt.file, tt.imports, tt.want)}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("violations (-want +got):\n%s", diff)
			}
		})
	}
}

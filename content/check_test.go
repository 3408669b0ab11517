package content_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tilldesk/content"
	"tilldesk/content/source"
)

// overlaid is a content folder in which some files are other than in the
// built-in one; a nil text is a file that is not there.
type overlaid map[string]*string

func (o overlaid) Open(name string) (fs.File, error) {
	text, ok := o[name]
	if !ok {
		return content.BuiltIn().Open(name)
	}
	if text == nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return memory{strings.NewReader(*text), name}, nil
}

type memory struct {
	*strings.Reader
	name string
}

func (m memory) Close() error               { return nil }
func (m memory) Stat() (fs.FileInfo, error) { return size{m}, nil }

type size struct{ memory }

func (s size) Name() string       { return filepath.Base(s.name) }
func (s size) Size() int64        { return s.Reader.Size() }
func (s size) IsDir() bool        { return false }
func (s size) Sys() any           { return nil }
func (s size) ModTime() time.Time { return time.Time{} }
func (s size) Mode() fs.FileMode  { return 0o444 }

// mutate changes one text in one file of the built-in content.
func mutate(t *testing.T, file, from, to string) fs.FS {
	t.Helper()
	data, err := fs.ReadFile(content.BuiltIn(), file)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(data), from) {
		t.Fatalf("%s has no %q to change", file, from)
	}
	text := strings.Replace(string(data), from, to, 1)
	return overlaid{file: &text}
}

func TestCheckNamesFileAndLine(t *testing.T) {
	const huabei, steps = "playbooks/scan.huabei.yaml", "playbooks/steps.yaml"
	for _, tt := range []struct{ name, file, from, to, want string }{
		{"unknown key", huabei, "money: note", "monye: note", huabei + ":8: "},
		{"broken YAML", huabei, "causes:", "causes: [", huabei + ":"},
		{"dead end", huabei, "settles: [not_enabled]", "settles: [quota]", `dead end: no fix cures "not_enabled"`},
		{"priors", huabei, "prior: 0.36", "prior: 0.1", huabei + ":9: the priors add up to"},
		{"probability", huabei, "refused: 0.85", "refused: 1.85", "yes of \"refused\" is 1.85; allowed: 0 to 1"},
		{"unknown cause", huabei, "settles: [refused]", "settles: [refusal]", `settles names "refusal"`},
		{"missing translation", huabei, "en: Huabei does not go through", "en: ''", huabei + ":4: the en text is missing"},
		{"goto nowhere", huabei, "goto: scan.one_wallet", "goto: scan.two_wallets", `goto "scan.two_wallets": there is no other playbook`},
		{"waits for itself", huabei, "  - id: plain_alipay\n", "  - id: plain_alipay\n    after: [plain_alipay]\n", "it waits for itself"},
		{"unknown article", huabei, "article: limit-whose", "article: limit-who", `there is no article "limit-who"`},
		{"two actions", steps, "en: Ask the customer to close the payment code and open it again, then scan it once.", "en: Close the code and then open it.", steps + ":"},
		{"irreversible without warning", steps, "zh: 请顾客关掉付款码再重新打开，您只扫一次。", "zh: 恢复出厂设置以后再扫一次。", "cannot be undone"},
		{"too long for WeChat", "replies/replies.yaml", "您好！收款遇到什么问题", strings.Repeat("好", 700), "WeChat takes 2048"},
		{"reply gone", "replies/replies.yaml", "\nempty:", "\nemtpy:", `reply "empty" is missing`},
		{"no source", "articles/network-weak.yaml", "source: [R15, R40]", "source: []", "a fact needs a source"},
		{"example under two intents", "intents/examples/zh/payment.fees.txt", "\n", "\n花呗怎么开通啊亲\n", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			fsys := mutate(t, tt.file, tt.from, tt.to)
			if tt.want == "" {
				o := fsys.(overlaid)
				other := *text(t, "intents/examples/zh/account.enable_huabei.txt") + "\n花呗怎么开通啊亲\n"
				o["intents/examples/zh/account.enable_huabei.txt"] = &other
				tt.want = "one message has one intent"
			}
			problems := content.Check(fsys)
			for _, p := range problems {
				if strings.Contains(p.String(), tt.want) {
					return
				}
			}
			t.Errorf("problems %v, want %q", problems, tt.want)
		})
	}
}

func text(t *testing.T, file string) *string {
	t.Helper()
	data, err := fs.ReadFile(content.BuiltIn(), file)
	if err != nil {
		t.Fatal(err)
	}
	s := string(data)
	return &s
}

func TestMissingFile(t *testing.T) {
	_, err := content.Load(overlaid{"intents/intents.yaml": nil})
	var all *content.Error
	if !errors.As(err, &all) {
		t.Fatalf("error %v", err)
	}
	want := source.Problem{File: "intents/intents.yaml", Msg: "cannot read this file: file does not exist"}
	if !slices.Contains(all.Problems, want) {
		t.Errorf("problems %v", all.Problems)
	}
	if text := err.Error(); strings.Contains(text, "\n") || len(text) > 1000 || !strings.Contains(text, "more, which `tilldesk content check` names") {
		t.Errorf("the error is not one line of the first problems: %s", text)
	}
}

func TestOpen(t *testing.T) {
	if _, err := content.Open(filepath.Join(t.TempDir(), "nowhere")); err == nil || !strings.Contains(err.Error(), "content.dir") {
		t.Errorf("a missing folder gives %v", err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := content.Open(file); err == nil {
		t.Error("a file is taken for a folder")
	}
	if problems := content.Check(os.DirFS(t.TempDir())); len(problems) == 0 {
		t.Error("an empty folder checks clean")
	}
}

func TestDigest(t *testing.T) {
	a, err := content.Load(content.BuiltIn())
	if err != nil {
		t.Fatal(err)
	}
	b, err := content.Load(mutate(t, "replies/replies.yaml", "祝生意兴隆", "祝您生意兴隆"))
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Digest) != 16 || a.Digest == b.Digest {
		t.Errorf("digests %s and %s of different content", a.Digest, b.Digest)
	}
}

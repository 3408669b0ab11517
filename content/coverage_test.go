package content_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"tilldesk/content"
)

// An item of the coverage list is covered where a merchant who raises it is
// answered: by a step of a playbook or a passage of an article.
type item struct {
	ID      string   `yaml:"id"`
	Must    string   `yaml:"must"` // cover, correct or drop
	Item    string   `yaml:"item"`
	Intents []string `yaml:"intents"`
}

// place is where an item is answered and for which intents.
type place struct {
	name     string
	intents  []string
	corrects bool
}

func places(c *content.Content) map[string][]place {
	at := map[string][]place{}
	for _, a := range c.Base.Articles() {
		for _, p := range a.Passages {
			name := "article " + a.ID + "/" + p.ID
			for _, id := range p.Covers {
				at[id] = append(at[id], place{name, a.Intents, false})
			}
			for _, id := range p.Corrects {
				at[id] = append(at[id], place{name, a.Intents, true})
			}
		}
	}
	for _, intent := range c.Script.Symptoms() {
		for _, step := range c.Script.Playbook(intent).Steps {
			for _, id := range step.Covers {
				at[id] = append(at[id], place{"step " + intent + "/" + step.ID, []string{intent}, false})
			}
		}
	}
	return at
}

// TestCoverage holds the knowledge base to the checklist of the source
// articles: each usable item is answered for an intent that it concerns, and
// each wrong or dangerous one is set right by a passage.
func TestCoverage(t *testing.T) {
	c, err := content.Load(content.BuiltIn())
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile("testdata/coverage.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var items []item
	if err := yaml.Unmarshal(data, &items); err != nil {
		t.Fatal(err)
	}
	if len(items) < 120 {
		t.Fatalf("the checklist has %d items; it was cut", len(items))
	}
	at := places(c)
	known := map[string]bool{}
	for _, it := range items {
		known[it.ID] = true
		var names []string
		covered, corrected := false, false
		for _, p := range at[it.ID] {
			names = append(names, p.name)
			for _, intent := range p.intents {
				covered = covered || len(it.Intents) == 0 || slices.Contains(it.Intents, intent)
			}
			corrected = corrected || p.corrects
		}
		switch {
		case it.Must == "drop":
			continue
		case it.Must == "correct" && !corrected:
			t.Errorf("%s (%s) is wrong or dangerous, and no passage sets it right", it.ID, it.Item)
		case it.Must == "cover" && !covered:
			t.Errorf("%s (%s) is answered nowhere for %v; found: %v", it.ID, it.Item, it.Intents, names)
		}
		t.Logf("%s %s: %s", it.ID, it.Item, strings.Join(names, ", "))
	}
	for id := range at {
		if !known[id] {
			t.Errorf("%s is named in the content and is not on the checklist", id)
		}
	}
}

// never are strings of the source articles that no answer may contain; after a
// word that forbids, some of them are right.
var never = []struct {
	text   string
	unless []string
}{
	{text: "mepos"}, {text: "qianpos"}, {text: "免费领取"}, {text: "首刷"},
	{text: "跳商户", unless: forbids}, {text: "打印机驱动", unless: forbids}, {text: "恢复出厂", unless: forbids}, {text: "提额", unless: forbids},
	{text: "factory reset", unless: forbids}, {text: "printer driver", unless: forbids},
}

var forbids = []string{"不要", "别", "不能", "不用", "不会", "没有", "不", "勿", "骗", "拒", "never", "not", "no ", "don't", "scam", "nobody", "only"}

// TestNothingDangerousIsSaid reads every text that the bot can say.
func TestNothingDangerousIsSaid(t *testing.T) {
	c, err := content.Load(content.BuiltIn())
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	each(c, func(where, text string) {
		n++
		lower := strings.ToLower(text)
		for _, bad := range never {
			if strings.Contains(lower, bad.text) && !slices.ContainsFunc(bad.unless, func(w string) bool { return strings.Contains(lower, w) }) {
				t.Errorf("%s says %q: %s", where, bad.text, text)
			}
		}
	})
	if n < 1000 {
		t.Errorf("only %d texts were read", n)
	}
}

// each calls f for every text of playbooks, answers, articles and codes.
func each(c *content.Content, f func(where, text string)) {
	both := func(where string, zh, en string) {
		f(where+" zh", zh)
		f(where+" en", en)
	}
	for _, intent := range c.Script.Symptoms() {
		p := c.Script.Playbook(intent)
		both("opening of "+intent, p.Opening.Zh, p.Opening.En)
		for _, s := range p.Steps {
			both(fmt.Sprintf("step %s/%s", intent, s.ID), s.Text.Zh, s.Text.En)
			both(fmt.Sprintf("how of %s/%s", intent, s.ID), s.How.Zh, s.How.En)
			both(fmt.Sprintf("risk of %s/%s", intent, s.ID), s.Risk.Zh, s.Risk.En)
		}
	}
	for _, intent := range c.Script.Answered() {
		a := c.Script.Answer(intent)
		both("answer to "+intent, a.Text.Zh, a.Text.En)
	}
	for _, a := range c.Base.Articles() {
		for _, p := range a.Passages {
			both("passage "+a.ID+"/"+p.ID, p.Text.Zh, p.Text.En)
		}
	}
	for _, code := range c.Base.Codes().All() {
		both("code "+code.ID(), code.Meaning.Zh, code.Meaning.En)
		both("action of "+code.ID(), code.Action.Zh, code.Action.En)
	}
}

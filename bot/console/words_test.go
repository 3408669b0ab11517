package console

import (
	"io/fs"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tilldesk/bot/desk"
	"tilldesk/content/source"
)

// families are keys whose last part is data.
var families = []string{"deed", "detail", "role", "state", "urgency", "cause", "result", "channel", "lang", "by", "delivery", "event", "fact", "nav", "queue", "alert", "field"}

var (
	inTemplates = regexp.MustCompile(`\bt "([a-z_.]+)"`)
	inCode      = regexp.MustCompile(`(?:say|sayOr|begin|add)\([^"\n]*"([a-z_]+(?:\.[a-z_0-9]+)*)"|inputError\{"([a-z_.]+)"\}|(?:return|=) "([a-z]+\.[a-z_]+)"`)
	inScript    = regexp.MustCompile(`word\(([^)]*"[^)]*)\)`)
	quoted      = regexp.MustCompile(`"([a-z_.]+)"`)
	places_     = regexp.MustCompile(`\{\d\}`)
)

// TestWords finds texts that are missing in a language, differ in their
// values, or are not used, and keys that have no text.
func TestWords(t *testing.T) {
	for key, text := range catalogue {
		for _, lang := range source.Langs {
			if strings.TrimSpace(text.In(lang)) == "" {
				t.Errorf("%s has no text in %s", key, lang)
			}
		}
		zh, en := places_.FindAllString(text.Zh, -1), places_.FindAllString(text.En, -1)
		slices.Sort(zh)
		slices.Sort(en)
		if !slices.Equal(zh, en) {
			t.Errorf("%s has the values %v in Chinese and %v in English", key, zh, en)
		}
	}
	used, quotes := map[string]string{}, "" // where keys are used, and all code
	read := func(dir fs.FS, pattern string, keys func(text string) []string) {
		names, err := fs.Glob(dir, pattern)
		if err != nil || len(names) == 0 {
			t.Fatalf("no files %s: %v", pattern, err)
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			body, err := fs.ReadFile(dir, name)
			if err != nil {
				t.Fatal(err)
			}
			quotes += string(body)
			for _, key := range keys(string(body)) {
				used[key] = name
			}
		}
	}
	submatches := func(re *regexp.Regexp) func(string) []string {
		return func(text string) (found []string) {
			for _, match := range re.FindAllStringSubmatch(text, -1) {
				for _, key := range match[1:] {
					if key != "" {
						found = append(found, key)
					}
				}
			}
			return found
		}
	}
	read(files, "templates/*.html", submatches(inTemplates))
	read(os.DirFS("."), "*.go", submatches(inCode))
	read(files, "static/*.js", func(text string) (found []string) {
		for _, match := range inScript.FindAllStringSubmatch(text, -1) {
			for _, key := range quoted.FindAllStringSubmatch(match[1], -1) {
				found = append(found, "js."+key[1])
			}
		}
		return found
	})
	for _, key := range slices.Sorted(maps.Keys(used)) {
		if _, ok := catalogue[key]; !ok && !isFamily(key) && !isFamily("fact."+key) {
			t.Errorf("%s uses %q, which has no text", used[key], key)
		}
	}
	for key := range catalogue {
		if used[key] == "" && !isFamily(key) && !strings.Contains(quotes, `"`+strings.TrimPrefix(key, "js.")+`"`) {
			t.Errorf("%s is not used", key)
		}
	}
}

// isFamily reports whether the key, or the beginning of a key, is made from
// data.
func isFamily(key string) bool {
	first, _, _ := strings.Cut(key, ".")
	return slices.Contains(families, first)
}

// TestFamilies asks for a text of everything that the desk knows.
func TestFamilies(t *testing.T) {
	var keys []string
	for _, state := range desk.States {
		keys = append(keys, "state."+string(state))
	}
	for _, n := range navs {
		keys = append(keys, "nav."+n.name)
	}
	for _, v := range views {
		keys = append(keys, "queue."+v.name)
	}
	for _, kind := range []desk.EventKind{
		desk.EventWaiting, desk.EventTaken, desk.EventPutBack, desk.EventGiven, desk.EventUrgency, desk.EventTags, desk.EventSnoozed,
		desk.EventWoken, desk.EventOverdue, desk.EventResolved, desk.EventConfirmed, desk.EventRated, desk.EventReopened,
		desk.EventReleased, desk.EventClosed, desk.EventMerged, desk.EventSplit, desk.EventErased, desk.EventRenamed, desk.EventBlocked, desk.EventUnblocked,
	} {
		keys = append(keys, "event."+string(kind))
	}
	for _, key := range keys {
		if _, ok := catalogue[key]; !ok {
			t.Errorf("%s has no text", key)
		}
	}
}

// TestTemplates makes sure that no template may put markup together by itself.
func TestTemplates(t *testing.T) {
	for _, dir := range []string{"."} {
		names, err := fs.Glob(os.DirFS(dir), "*.go")
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			body, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, kind := range []string{"HTML", "HTMLAttr", "JS", "JSStr", "CSS", "URL", "Srcset"} {
				if strings.Contains(string(body), "template."+kind+"(") && !strings.HasSuffix(name, "_test.go") {
					t.Errorf("%s makes a template.%s: what strangers wrote must be escaped", name, kind)
				}
			}
		}
	}
	names, err := fs.Glob(files, "templates/*.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		body, err := fs.ReadFile(files, name)
		if err != nil {
			t.Fatal(err)
		}
		if found := regexp.MustCompile(`(?i)<script(?:>| [^>]*>[^<])|<style| style=| on[a-z]+=`).FindString(string(body)); found != "" {
			t.Errorf("%s has %q, which the content security policy forbids", name, found)
		}
	}
}

package web_test

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tilldesk/bot/web"
)

func get(h http.Handler, url string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", url, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestPage(t *testing.T) {
	h := web.New(&fakeEngine{}, &fakeStore{}, web.Options{})
	for _, tt := range []struct{ url, header, lang, title string }{
		{"/", "", "zh-CN", "收款助手"},
		{"/", "*", "zh-CN", "收款助手"},
		{"/", "zh-TW,zh;q=0.9,en;q=0.8", "zh-CN", "收款助手"},
		{"/", "en-US,en;q=0.9,zh;q=0.5", "en", "Payment help"},
		{"/", "zh;q=0.1,en;q=0.9", "en", "Payment help"},
		{"/", "de-DE", "en", "Payment help"},
		{"/?lang=en", "zh", "en", "Payment help"},
		{"/?lang=zh", "en", "zh-CN", "收款助手"},
		{"/?lang=xx", "en", "en", "Payment help"},
		{"/", strings.Repeat("x-", 10_000), "en", "Payment help"},
	} {
		w := get(h, tt.url, "Accept-Language", tt.header)
		body := w.Body.String()
		if w.Code != http.StatusOK || !strings.Contains(body, `<html lang="`+tt.lang+`">`) || !strings.Contains(body, "<title>"+tt.title+"</title>") {
			t.Errorf("%s for %.40q: %d, not in %s", tt.url, tt.header, w.Code, tt.lang)
		}
		for _, inline := range []*regexp.Regexp{regexp.MustCompile(`<script[^>]*>[^<]`), regexp.MustCompile(`<style`), regexp.MustCompile(`\s(style|on[a-z]+)=`)} {
			if found := inline.FindString(body); found != "" {
				t.Errorf("%s has %q; scripts and styles are in files of their own", tt.url, found)
			}
		}
		if strings.Contains(body, `id="photo"`) {
			t.Error("the page offers photos without a folder to keep them in")
		}
	}
}

func TestAssets(t *testing.T) {
	h := web.New(&fakeEngine{}, &fakeStore{}, web.Options{})
	paths := slices.Compact(slices.Sorted(slices.Values(regexp.MustCompile(`/assets/[a-z]+\.[0-9a-f]{12}\.[a-z]+`).FindAllString(get(h, "/").Body.String(), -1))))
	if len(paths) != 3 {
		t.Fatalf("assets %v, want a script, a style sheet and an icon", paths)
	}
	kinds := map[string]string{"js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8", "svg": "image/svg+xml"}
	for _, path := range paths {
		w := get(h, path)
		ext := path[strings.LastIndex(path, ".")+1:]
		if w.Code != http.StatusOK || w.Header().Get("Content-Type") != kinds[ext] || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d %v", path, w.Code, w.Header())
		}
	}
	for _, url := range append(paths, "/", "/widget.js") {
		plain, packed := get(h, url), get(h, url, "Accept-Encoding", "br, gzip")
		unpacked, err := gzip.NewReader(packed.Body)
		if err != nil {
			t.Fatalf("%s: %v", url, err)
		}
		body, err := io.ReadAll(unpacked)
		if err != nil || string(body) != plain.Body.String() {
			t.Errorf("%s differs when compressed (%v)", url, err)
		}
		if w := get(h, url, "If-None-Match", plain.Header().Get("ETag")); w.Code != http.StatusNotModified {
			t.Errorf("%s again: %d", url, w.Code)
		}
	}
	if w := get(h, "/assets/chat.js"); w.Code != http.StatusNotFound {
		t.Errorf("a name without its hash: %d", w.Code)
	}
	if w := get(h, "/favicon.ico"); w.Code != http.StatusFound || !slices.Contains(paths, w.Header().Get("Location")) {
		t.Errorf("the icon: %d %s", w.Code, w.Header().Get("Location"))
	}
}

// TestHeaders shows that every response carries the security headers, errors
// too, and that nothing of the interface is kept by caches.
func TestHeaders(t *testing.T) {
	plain := web.New(&fakeEngine{}, &fakeStore{}, web.Options{AddressPerSecond: 1})
	framed := web.New(&fakeEngine{}, &fakeStore{}, web.Options{EmbedOrigins: []string{"https://shop.example", "https://other.example"}, HTTPS: true})
	for _, url := range []string{"/", "/?embed=1", "/widget.js", "/favicon.ico", "/nothing", "/assets/nothing", "/api/nothing",
		"/api/chat", "/api/chat?conversation=" + talk(1), "/api/photo"} {
		w := get(plain, url)
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY",
		} {
			if got := w.Header().Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", url, name, got, want)
			}
		}
		policy := w.Header().Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'", "script-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"} {
			if !strings.Contains(policy, part) {
				t.Errorf("%s: policy %q lacks %q", url, policy, part)
			}
		}
		if strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") {
			t.Errorf("%s: policy %q", url, policy)
		}
		if strings.HasPrefix(url, "/api/") && w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: Cache-Control %q, want no-store", url, w.Header().Get("Cache-Control"))
		}
		w = get(framed, url)
		if policy := w.Header().Get("Content-Security-Policy"); !strings.HasSuffix(policy, "frame-ancestors https://shop.example https://other.example") {
			t.Errorf("%s, framed: policy %q", url, policy)
		}
		if w.Header().Get("X-Frame-Options") != "" || w.Header().Get("Strict-Transport-Security") == "" {
			t.Errorf("%s, framed: %v", url, w.Header())
		}
	}
	if got := get(plain, "/widget.js").Header().Get("Cross-Origin-Resource-Policy"); got != "cross-origin" {
		t.Errorf("other sites may load widget.js: %q", got)
	}
}

// TestWords shows that both languages have every text, and that every text that
// the page and its script use exists.
func TestWords(t *testing.T) {
	read := func(name string) string {
		b, err := os.ReadFile("page/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	var words map[string]map[string]string
	if err := json.Unmarshal([]byte(read("words.json")), &words); err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, pattern := range []struct{ file, expression string }{
		{"page.html", `data-t(?:-[a-z]+)?="([a-z_0-9]+)"`},
		{"page.html", `\.T\.([a-z_0-9]+)`},
		{"chat.js", `(?:word|notice)\("([a-z_0-9]+)"`},
		{"chat.js", `(?:word|notice)\([^()]*\? "([a-z_]+)" : "[a-z_]*"\)`},
		{"chat.js", `(?:word|notice)\([^()]*\? "[a-z_]*" : "([a-z_]+)"\)`},
	} {
		found := regexp.MustCompile(pattern.expression).FindAllStringSubmatch(read(pattern.file), -1)
		if len(found) == 0 {
			t.Errorf("nothing in %s is like %s", pattern.file, pattern.expression)
		}
		for _, m := range found {
			used[m[1]] = true
		}
	}
	for _, lang := range []string{"zh", "en"} {
		for key := range used {
			if words[lang][key] == "" {
				t.Errorf("%s: no text for %q", lang, key)
			}
		}
	}
	for key := range words["zh"] {
		if words["en"][key] == "" {
			t.Errorf("%q has no English text", key)
		}
		inGo := strings.HasPrefix(key, "error_") || strings.HasPrefix(key, "photo_")
		if !used[key] && !inGo && !strings.Contains(read("chat.js"), `"`+key+`"`) && !strings.Contains(read("chat.js"), key+":") {
			t.Errorf("%q is used nowhere", key)
		}
	}
	if len(words["zh"]) != len(words["en"]) {
		t.Errorf("%d Chinese texts, %d English ones", len(words["zh"]), len(words["en"]))
	}
}

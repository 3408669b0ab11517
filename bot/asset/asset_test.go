package asset_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"tilldesk/bot/asset"
)

func TestSet(t *testing.T) {
	set := asset.NewSet(fstest.MapFS{"page/a.css": {Data: []byte("a { color: red }")}}, "/static/", "page/a.css")
	url := set.URL("a.css")
	if !strings.HasPrefix(url, "/static/a.") || !strings.HasSuffix(url, ".css") {
		t.Fatalf("the path is %q", url)
	}
	other := asset.NewSet(fstest.MapFS{"page/a.css": {Data: []byte("a { color: blue }")}}, "/static/", "page/a.css")
	if other.URL("a.css") == url {
		t.Error("other content has the same name: browsers would keep the old one")
	}
	get := func(path string, header http.Header) *http.Response {
		r := httptest.NewRequest("GET", path, nil)
		r.Header = header
		w := httptest.NewRecorder()
		set.ServeHTTP(w, r)
		return w.Result()
	}
	for _, tt := range []struct {
		name, path string
		header     http.Header
		status     int
		body       string
	}{
		{"plain", url, http.Header{}, 200, "a { color: red }"},
		{"compressed", url, http.Header{"Accept-Encoding": {"gzip"}}, 200, "a { color: red }"},
		{"unknown", "/static/a.css", http.Header{}, 404, "404 page not found\n"},
		{"climbing", "/static/../asset.go", http.Header{}, 404, "404 page not found\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			answer := get(tt.path, tt.header)
			var body io.Reader = answer.Body
			if answer.Header.Get("Content-Encoding") == "gzip" {
				var err error
				if body, err = gzip.NewReader(body); err != nil {
					t.Fatal(err)
				}
			}
			text, err := io.ReadAll(body)
			if err != nil {
				t.Fatal(err)
			}
			if answer.StatusCode != tt.status || !strings.HasSuffix(string(text), tt.body) {
				t.Errorf("got %d %q, want %d %q", answer.StatusCode, text, tt.status, tt.body)
			}
		})
	}
	tag := get(url, http.Header{}).Header.Get("ETag")
	if answer := get(url, http.Header{"If-None-Match": {tag}}); answer.StatusCode != http.StatusNotModified {
		t.Errorf("a file that the browser has: status %d", answer.StatusCode)
	}
}

// TestDark: the dark colours are all of the light ones but those that look the
// same, and a page stands after them.
func TestDark(t *testing.T) {
	set := asset.NewSet(fstest.MapFS{"a.css": {Data: []byte("p {}")}}, "/", "a.css")
	w := httptest.NewRecorder()
	set.ServeHTTP(w, httptest.NewRequest("GET", set.URL("a.css"), nil))
	light, rest, ok := strings.Cut(w.Body.String(), "prefers-color-scheme: dark")
	if !ok || !strings.HasSuffix(rest, "p {}") {
		t.Fatalf("the style is %q", w.Body)
	}
	for _, name := range regexp.MustCompile(`--[a-z-]+:`).FindAllString(light, -1) {
		if n := strings.Count(rest, "  "+name) + strings.Count(rest, "\n"+name); n != 2 && name != "--round:" {
			t.Errorf("%s stands %d times among the dark colours, want one for each way to come to them", name, n)
		}
	}
}

package signin

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"strings"
	"testing"
	"time"

	"tilldesk/content/source"
)

// FuzzNext follows the address as a browser would: it never leads out of the
// desk.
func FuzzNext(f *testing.F) {
	for _, to := range []string{"/desk/", "/desk/case/T1?x=//y", "//evil", "/desk/../evil", "/desk/\\evil", "/desk/%2e%2e/evil", "/desk/\x00", "/desk/.%2e/x", "/DESK/"} {
		f.Add(to)
	}
	base, err := url.Parse("https://help.example/desk/signin")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, to string) {
		got := next(to)
		if got != home && got != to {
			t.Errorf("next(%q) = %q", to, got)
		}
		u, err := base.Parse(got)
		if err != nil {
			return // the browser stays where it is
		}
		if u.Host != base.Host || u.Scheme != base.Scheme || !strings.HasPrefix(path.Clean(u.EscapedPath())+"/", home) {
			t.Errorf("next(%q) = %q leads to %s", to, got, u)
		}
	})
}

// FuzzFlow gives the gate any cookie and any answer: none is taken without a
// state that is in both.
func FuzzFlow(f *testing.F) {
	good := base64.RawURLEncoding.EncodeToString([]byte(`{"s":"state","n":"nonce","v":"verifier","to":"/desk/","until":"2026-03-01T10:00:00Z"}`))
	f.Add(good, "state=state&code=x")
	f.Add(good, "state=&code=x")
	f.Add("e30", "state=")
	f.Add("%", "iss=x;y")
	g := &Gate{opt: Options{Now: func() time.Time { return time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC) }}, openid: newOpenID(OpenID{Issuer: "https://login.example"}, "https://help.example")}
	f.Fuzz(func(t *testing.T, cookie, query string) {
		r := httptest.NewRequest(http.MethodGet, "/desk/signin/openid/callback", nil)
		r.URL.RawQuery = query
		r.AddCookie(&http.Cookie{Name: flowCookie, Value: cookie})
		flow, ok := g.flow(r)
		if ok && (flow.State == "" || flow.State != r.URL.Query().Get("state") || flow.Nonce == "" || flow.Verifier == "" || !flow.Until.After(g.opt.Now())) {
			t.Errorf("%q with %q is taken: %+v", cookie, query, flow)
		}
	})
}

// TestWords looks for words that one language lacks, and for names in them
// that the other one does not fill.
func TestWords(t *testing.T) {
	if len(catalogue) != len(source.Langs) {
		t.Fatalf("%d languages", len(catalogue))
	}
	zh, en := catalogue[source.Zh], catalogue[source.En]
	for key, text := range zh {
		if text == "" || en[key] == "" {
			t.Errorf("%s is not there in both languages", key)
		}
		if strings.Count(text, "{") != strings.Count(en[key], "{") {
			t.Errorf("%s is filled differently: %q, %q", key, text, en[key])
		}
	}
	for key := range en {
		if zh[key] == "" {
			t.Errorf("%s is not there in both languages", key)
		}
	}
	for _, w := range []struct {
		wait   time.Duration
		zh, en string
	}{{1500 * time.Millisecond, "2 秒", "2 s"}, {2 * time.Minute, "120 秒", "120 s"}, {2*time.Minute + 1, "3 分钟", "3 min"}} {
		if sayWait(source.Zh, w.wait) != w.zh || sayWait(source.En, w.wait) != w.en {
			t.Errorf("%v is said as %q and %q", w.wait, sayWait(source.Zh, w.wait), sayWait(source.En, w.wait))
		}
	}
}

func TestLangOf(t *testing.T) {
	for _, tt := range []struct {
		header, cookie string
		chosen, want   Lang
	}{
		{"", "", "", "zh"}, {"zh-TW,en;q=0.8", "", "", "zh"}, {"en-GB", "", "", "en"}, {"de, fr;q=0.9", "", "", "en"}, {"fr, zh;q=0.2", "", "", "zh"},
		{"zh", "en", "", "en"}, {"zh", "fr", "", "zh"}, {"zh", "zh", "en", "en"}, {"zh", "", "xx", "zh"}, {strings.Repeat("zz-", 9000), "", "", "zh"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/desk/", nil)
		r.Header.Set("Accept-Language", tt.header)
		if tt.cookie != "" {
			r.AddCookie(&http.Cookie{Name: langCookie, Value: tt.cookie})
		}
		if got := langOf(r, tt.chosen); got != tt.want {
			t.Errorf("langOf %+v = %q", tt, got)
		}
	}
}

func TestBrowserName(t *testing.T) {
	for header, want := range map[string]string{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0": "Edge · Windows",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/604.1":     "Safari · iPhone",
		"Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36 MicroMessenger/8.0":                       "WeChat · Android",
		"curl/8.1": "curl/8.1", "": "", strings.Repeat("é", 100): strings.Repeat("é", 20),
	} {
		if got := browserName(header); got != want {
			t.Errorf("browserName(%q) = %q, want %q", header, got, want)
		}
	}
}

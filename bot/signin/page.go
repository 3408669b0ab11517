package signin

import (
	"bytes"
	"embed"
	"encoding/json"
	"html/template"
	"io/fs"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"tilldesk/bot/asset"
)

//go:embed page
var files embed.FS

var (
	pages     = template.Must(template.ParseFS(files, "page/page.html"))
	assets    *asset.Set
	catalogue map[Lang]map[string]string
)

// assetPath is below which the files of the pages are served.
const assetPath = "/desk/signin/assets/"

func init() {
	root, err := fs.Sub(files, "page")
	if err != nil {
		panic("signin: " + err.Error())
	}
	assets = asset.NewSet(root, assetPath, "signin.css", "icon.svg")
	words, err := fs.ReadFile(root, "words.json")
	if err == nil {
		err = json.Unmarshal(words, &catalogue)
	}
	if err != nil {
		panic("signin: page/words.json: " + err.Error())
	}
}

// say returns the words with a key in a language, with {names} replaced: names
// and values take turns.
func say(lang Lang, key string, oldnew ...string) string {
	return strings.NewReplacer(oldnew...).Replace(catalogue[lang][key])
}

// sayWait says how long somebody has to wait, rounded up.
func sayWait(lang Lang, wait time.Duration) string {
	if wait > 2*time.Minute {
		return say(lang, "minutes", "{n}", strconv.Itoa(int(math.Ceil(wait.Minutes()))))
	}
	return say(lang, "seconds", "{n}", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
}

// page is what every page shows; each adds its own.
type page struct {
	View    Viewer
	Title   string // key of the words
	Narrow  bool
	Switch  bool   // offers the other language
	Here    string // where to come back to after that
	Message string
	Alarm   bool // the message is a problem
}

// T returns the words with a key.
func (p page) T(key string) string { return say(p.View.Lang, key) }

// HTMLLang returns the value of the lang attribute.
func (p page) HTMLLang() string { return htmlLang(p.View.Lang) }

// Asset returns the path of a file.
func (p page) Asset(name string) string { return assets.URL(name) }

// show answers with a page.
func (g *Gate) show(w http.ResponseWriter, status int, name string, lang Lang, data any) {
	var body bytes.Buffer
	if err := pages.ExecuteTemplate(&body, name, data); err != nil {
		g.opt.Log.Error("a page could not be made", "page", name, "error", err)
		http.Error(w, say(lang, "broken"), http.StatusInternalServerError)
		return
	}
	head := w.Header()
	head.Set("Content-Type", "text/html; charset=utf-8")
	head.Set("Content-Language", htmlLang(lang))
	w.WriteHeader(status)
	_, _ = body.WriteTo(w) // if it fails, the browser has gone
}

// refuse says why a request was not carried out. key names the words; those
// for its title end in _title.
func (g *Gate) refuse(w http.ResponseWriter, r *http.Request, status int, key string) {
	v := From(r.Context())
	if v.Lang == "" {
		v.Lang = langOf(r, "")
	}
	if !wantsPage(r) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(say(v.Lang, key) + "\n"))
		return
	}
	g.show(w, status, "refusal", v.Lang, struct {
		page
		SignIn bool
	}{page{View: v, Title: key + "_title", Narrow: true, Message: say(v.Lang, key)}, v.ID == ""})
}

// wantsPage reports whether a browser will show the answer.
func wantsPage(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "text/html")
}

// askToSignIn sends a browser to the sign-in page, and tells anything else
// that nobody is signed in.
func (g *Gate) askToSignIn(w http.ResponseWriter, r *http.Request) {
	if safe(r.Method) && wantsPage(r) {
		to := "/desk/signin"
		if path := next(r.URL.RequestURI()); path != home {
			to += "?next=" + queryEscape(path)
		}
		g.sendTo(w, r, to)
		return
	}
	g.refuse(w, r, http.StatusUnauthorized, "expired")
}

// sendTo sends the browser to another page of the desk.
func (g *Gate) sendTo(w http.ResponseWriter, r *http.Request, path string) {
	http.Redirect(w, r, path, http.StatusSeeOther)
}

// seconds is a whole number of seconds, rounded up.
func seconds(d time.Duration) string { return strconv.Itoa(int(math.Ceil(max(d.Seconds(), 1)))) }

func queryEscape(s string) string { return template.URLQueryEscaper(s) }

// browserNames are the words in the header of a browser that tell it from
// others, the telling ones first.
var browserNames = []struct{ word, name string }{
	{"MicroMessenger", "WeChat"}, {"Edg/", "Edge"}, {"OPR/", "Opera"}, {"Firefox/", "Firefox"}, {"Chrome/", "Chrome"}, {"Safari/", "Safari"},
}

var systemNames = []struct{ word, name string }{
	{"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Android", "Android"}, {"Windows", "Windows"}, {"Mac OS", "Mac"}, {"Linux", "Linux"},
}

// browserName says in two words what browser sent a User-Agent header.
func browserName(header string) string {
	var parts []string
	for _, names := range [][]struct{ word, name string }{browserNames, systemNames} {
		for _, n := range names {
			if strings.Contains(header, n.word) {
				parts = append(parts, n.name)
				break
			}
		}
	}
	if len(parts) == 0 {
		return shorten(header, 40)
	}
	return strings.Join(parts, " · ")
}

package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"html/template"
	"net/http"
	"path"
	"strings"
	"time"

	"golang.org/x/text/language"

	"tilldesk/bot"
	"tilldesk/content/source"
)

//go:embed page
var files embed.FS

// A file is ready to be served, as it is and compressed.
type file struct {
	kind       string // MIME type
	body, gzip []byte
	tag        string // names the content
}

func newFile(kind string, body []byte) file {
	var packed bytes.Buffer
	w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err == nil {
		_, err = w.Write(body)
	}
	if err = errors.Join(err, w.Close()); err != nil {
		panic("web: compressing in memory: " + err.Error())
	}
	sum := sha256.Sum256(body)
	return file{kind, body, packed.Bytes(), hex.EncodeToString(sum[:6])}
}

// serve sends the file, or says that the browser has it.
func (f file) serve(w http.ResponseWriter, r *http.Request) {
	head := w.Header()
	head.Set("Content-Type", f.kind)
	head.Add("Vary", "Accept-Encoding")
	body, tag := f.body, f.tag
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		body, tag = f.gzip, f.tag+"-gzip"
		head.Set("Content-Encoding", "gzip")
	}
	head.Set("ETag", `"`+tag+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

var (
	assets    = map[string]file{}   // by a name that changes with the content, so that browsers may keep it for good
	assetURLs = map[string]string{} // by file name
	catalogue = map[source.Lang]map[string]string{}
	pageHTML  = template.Must(template.New("page.html").Parse(string(mustRead("page.html"))))
	widgetJS  = newFile(kinds[".js"], mustRead("widget.js"))
)

var kinds = map[string]string{
	".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml", ".html": "text/html; charset=utf-8",
}

func init() {
	for _, name := range []string{"chat.css", "chat.js", "icon.svg"} {
		ext := path.Ext(name)
		f := newFile(kinds[ext], mustRead(name))
		hashed := strings.TrimSuffix(name, ext) + "." + f.tag + ext
		assets[hashed] = f
		assetURLs[name] = "/assets/" + hashed
	}
	if err := json.Unmarshal(mustRead("words.json"), &catalogue); err != nil {
		panic("web: page/words.json: " + err.Error())
	}
}

func mustRead(name string) []byte {
	body, err := files.ReadFile("page/" + name)
	if err != nil {
		panic("web: " + err.Error())
	}
	return body
}

// words returns a text of the page in a language.
func words(lang source.Lang, key string) string { return catalogue[lang][key] }

// acceptedLang is the language that the sender's browser prefers, or "" if it
// does not say.
func acceptedLang(r *http.Request) source.Lang {
	header := r.Header.Get("Accept-Language")
	if len(header) > 256 {
		header = header[:256]
	}
	tags, _, err := language.ParseAcceptLanguage(header)
	if err != nil || len(tags) == 0 {
		return ""
	}
	for _, tag := range tags {
		switch base, _ := tag.Base(); base.String() {
		case "zh":
			return source.Zh
		case "en":
			return source.En
		}
	}
	return ""
}

// pageLang is the language to speak to the sender in: the one that was asked
// for, else the browser's, else Chinese.
func pageLang(r *http.Request) source.Lang {
	switch lang := source.Lang(r.URL.Query().Get("lang")); lang {
	case source.Zh, source.En:
		return lang
	}
	if lang := acceptedLang(r); lang != "" {
		return lang
	}
	if tag := r.Header.Get("Accept-Language"); tag != "" && !strings.HasPrefix(tag, "*") {
		return source.En // of the two, more of the others read it
	}
	return bot.LangOf("")
}

// pages are the variants of the page.
type pages map[variant]file

type variant struct {
	lang     source.Lang
	embedded bool
}

// newPages makes the page in both languages, alone and for a frame.
func newPages(photos bool) pages {
	all, err := json.Marshal(catalogue)
	if err != nil {
		panic("web: encoding the texts: " + err.Error())
	}
	made := pages{}
	for lang, texts := range catalogue {
		for _, embedded := range []bool{false, true} {
			var page bytes.Buffer
			if err := pageHTML.Execute(&page, struct {
				Lang             source.Lang
				HTMLLang         string
				T                map[string]string
				Words            string
				Asset            map[string]string
				Photos, Embedded bool
			}{lang, htmlLang(lang), texts, string(all), assetURLs, photos, embedded}); err != nil {
				panic("web: " + err.Error())
			}
			made[variant{lang, embedded}] = newFile(kinds[".html"], page.Bytes())
		}
	}
	return made
}

func (p pages) serve(w http.ResponseWriter, r *http.Request) {
	lang := pageLang(r)
	head := w.Header()
	head.Set("Content-Language", htmlLang(lang))
	head.Set("Vary", "Accept-Language")
	head.Set("Cache-Control", "no-cache")
	p[variant{lang, r.URL.Query().Get("embed") != ""}].serve(w, r)
}

func htmlLang(lang source.Lang) string {
	if lang == source.Zh {
		return "zh-CN"
	}
	return "en"
}

func serveAsset(w http.ResponseWriter, r *http.Request) {
	f, ok := assets[r.PathValue("name")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	f.serve(w, r)
}

func favicon(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, assetURLs["icon.svg"], http.StatusFound)
}

// serveWidget serves the script that a shop's own site adds. Other sites load
// it, so it may be read across origins; whether the chat shows there is decided
// by the page's own policy.
func serveWidget(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cross-Origin-Resource-Policy", "cross-origin")
	w.Header().Set("Cache-Control", "public, max-age=3600")
	widgetJS.serve(w, r)
}

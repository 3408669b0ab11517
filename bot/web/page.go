package web

import (
	"bytes"
	"embed"
	"encoding/json"
	"html/template"
	"net/http"
	"strings"

	"golang.org/x/text/language"

	"tilldesk/bot"
	"tilldesk/bot/asset"
	"tilldesk/content/source"
)

//go:embed page
var files embed.FS

var (
	assets    = asset.NewSet(files, "/assets/", "page/chat.css", "page/chat.js", "page/icon.svg")
	catalogue = map[source.Lang]map[string]string{}
	pageHTML  = template.Must(template.New("page.html").Parse(string(mustRead("page.html"))))
	widgetJS  = asset.New(".js", mustRead("widget.js"))
)

func init() {
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
type pages map[variant]asset.File

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
			}{lang, htmlLang(lang), texts, string(all), assets.URLs(), photos, embedded}); err != nil {
				panic("web: " + err.Error())
			}
			made[variant{lang, embedded}] = asset.New(".html", page.Bytes())
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
	p[variant{lang, r.URL.Query().Get("embed") != ""}].ServeHTTP(w, r)
}

func htmlLang(lang source.Lang) string {
	if lang == source.Zh {
		return "zh-CN"
	}
	return "en"
}

func favicon(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, assets.URL("icon.svg"), http.StatusFound)
}

// serveWidget serves the script that a shop's own site adds. Other sites load
// it, so it may be read across origins; whether the chat shows there is decided
// by the page's own policy.
func serveWidget(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cross-Origin-Resource-Policy", "cross-origin")
	w.Header().Set("Cache-Control", "public, max-age=3600")
	widgetJS.ServeHTTP(w, r)
}

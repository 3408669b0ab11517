package signin

import (
	"net/http"

	"golang.org/x/text/language"

	"tilldesk/content/source"
)

// Lang is a language of the desk: source.Zh or source.En.
type Lang = source.Lang

// langOf is the language to answer in: the one that somebody chose for good,
// the one that was chosen in this browser, the browser's own, else Chinese.
func langOf(r *http.Request, chosen Lang) Lang {
	if chosen == source.Zh || chosen == source.En {
		return chosen
	}
	if c, err := r.Cookie(langCookie); err == nil && (c.Value == string(source.Zh) || c.Value == string(source.En)) {
		return Lang(c.Value)
	}
	header := shorten(r.Header.Get("Accept-Language"), 256)
	tags, _, err := language.ParseAcceptLanguage(header)
	if err != nil || len(tags) == 0 {
		return source.Zh
	}
	for _, tag := range tags {
		switch base, _ := tag.Base(); Lang(base.String()) {
		case source.Zh:
			return source.Zh
		case source.En:
			return source.En
		}
	}
	return source.En // of the two, more of the others read it
}

// htmlLang is the value of the lang attribute.
func htmlLang(lang Lang) string {
	if lang == source.Zh {
		return "zh-CN"
	}
	return "en"
}

package console

import (
	"bytes"
	"cmp"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"time"
	"unicode/utf8"

	"tilldesk/bot/asset"
	"tilldesk/bot/desk"
	"tilldesk/bot/signin"
	"tilldesk/content/source"
)

//go:embed static templates
var files embed.FS

var assets = asset.NewSet(files, "/desk/static/", "static/desk.css", "static/desk.js", "static/icon.svg")

// pageNames are the pages that there are templates for.
var pageNames = []string{"queue", "case", "merchant", "search", "canned", "team", "hours", "undelivered", "figures", "content", "problem"}

// looks are the pages by language and name.
type looks map[source.Lang]map[string]*template.Template

// newLooks parses all templates. A mistake in one is found as the service
// starts, not when the page is looked at.
func newLooks(now func() time.Time, zone func() *time.Location) (looks, error) {
	all := looks{}
	for _, lang := range source.Langs {
		words := scriptWords(lang)
		shared, err := template.New("").Funcs(template.FuncMap{
			"t":           func(key string, values ...any) string { return say(lang, key, values...) },
			"scriptWords": func() string { return words },
			"deed":        func(action string) string { return deedOf(lang, action) },
			"detail":      func(details string) string { return detailOf(lang, details) },
			"asset":       assets.URL,
			"initial":     initial,
			"stamp":       func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
			"age":         func(t time.Time) string { return since(lang, now().Sub(t)) },
			"clock":       func(t time.Time) string { return clock(t, zone()) },
			"moment":      func(t time.Time) string { return moment(lang, t, now(), zone()) },
		}).ParseFS(files, "templates/layout.html", "templates/row.html", "templates/line.html")
		if err != nil {
			return nil, fmt.Errorf("the layout of the desk: %w", err)
		}
		all[lang] = map[string]*template.Template{"rail": shared}
		for _, name := range pageNames {
			page, err := shared.Clone()
			if err == nil {
				page, err = page.ParseFS(files, "templates/"+name+".html")
			}
			if err != nil {
				return nil, fmt.Errorf("the page %s of the desk: %w", name, err)
			}
			all[lang][name] = page
		}
	}
	return all, nil
}

// initial is what stands for somebody in a circle.
func initial(name string) string {
	r, _ := utf8.DecodeRuneInString(name)
	return string(r)
}

// A page is what every template gets.
type page struct {
	Lang     source.Lang
	HTMLLang string
	Theme    string
	Me       signin.Viewer
	Title    string
	Path     string // of the page, with its query
	Here     string // the name of the page in the navigation, or ""
	Pause    int    // milliseconds between two refreshes; a second if 0
	Badge    string // before the title of the tab
	Nav      []tab
	Near     int    // so many of Nav stay in view on a phone
	Last     int64  // the newest event that the page may know of
	Follows  string // "all" to be refreshed by every event, "" by those of Ticket, "none"
	Ticket   string
	Told     string // what has just been done, or could not be
	ToldBad  bool
	Body     any

	counts desk.Counts // as the viewer sees them
}

// A tab leads to a page, or to another view of this one.
type tab struct {
	Name, Path string
	Here       bool
	Icon, Hot  string
	Count      int
	Tone       string // of the count
}

// navs are the pages in the order in which they stand.
var navs = []struct{ name, path, hot string }{
	{"queue", "/desk/", "q"},
	{"mine", "/desk/?view=mine", "m"},
	{"search", "/desk/search", "s"},
	{"undelivered", "/desk/undelivered", "x"},
	{"figures", "/desk/figures", "d"},
	{"canned", "/desk/canned", "c"},
	{"team", "/desk/team", "w"},
	{"hours", "/desk/hours", "h"},
	{"content", "/desk/content", "b"},
}

// begin returns what all pages have. here names the page in the navigation.
// The newest event is read first: what happens later reaches the page through
// the stream.
func (c *Console) begin(r *http.Request, here, title string) (page, error) {
	ctx, v := r.Context(), signin.From(r.Context())
	p := page{
		Lang: v.Lang, HTMLLang: htmlLang(v.Lang), Theme: cmp.Or(string(v.Theme), "auto"),
		Near: 4, Me: v, Title: say(v.Lang, title), Path: r.URL.RequestURI(), Here: here,
	}
	var err error
	if p.Last, err = c.desk.LastEvent(ctx); err != nil {
		return page{}, err
	}
	if p.counts, err = c.desk.Counts(ctx, actor(v)); err != nil {
		return page{}, err
	}
	hours, err := c.desk.Hours(ctx)
	if err != nil {
		return page{}, err
	}
	c.place.Store(hours.Location())
	parked, err := c.store.CountParked(ctx)
	if err != nil {
		return page{}, err
	}
	if p.counts.Waiting > 0 {
		p.Badge = strconv.Itoa(p.counts.Waiting)
	}
	for _, n := range navs {
		t := tab{Name: say(v.Lang, "nav."+n.name), Path: n.path, Here: n.name == here, Icon: n.name, Hot: n.hot}
		switch n.name {
		case "queue":
			t.Count, t.Tone = p.counts.Waiting, "hot"
		case "mine":
			t.Count = p.counts.Mine
		case "undelivered":
			t.Count, t.Tone = parked, "bad"
		}
		p.Nav = append(p.Nav, t)
	}
	return p, nil
}

// show sends a page. It is made in memory first, so that a page is whole or is
// an error.
func (c *Console) show(w http.ResponseWriter, r *http.Request, status int, name string, p page) {
	part := "layout"
	if name == "rail" {
		part = "rail"
	}
	var body bytes.Buffer
	if err := c.looks[p.Lang][name].ExecuteTemplate(&body, part, p); err != nil {
		c.log.Error("a page could not be made", "page", name, "error", err)
		http.Error(w, say(p.Lang, "problem.broken"), http.StatusInternalServerError)
		return
	}
	head := w.Header()
	head.Set("Content-Type", "text/html; charset=utf-8")
	head.Set("Content-Language", p.HTMLLang)
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body.Bytes()) // the browser may have gone
	}
}

// actor is the viewer as the desk knows people.
func actor(v signin.Viewer) desk.Actor {
	return desk.Actor{ID: string(v.ID), Name: v.Name, Lead: v.Role == "lead"}
}

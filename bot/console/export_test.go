package console

import "html/template"

var (
	DeedOf   = deedOf
	DetailOf = detailOf
)

// Break lets each page whose name is given panic while it is made, in every
// language.
func (c *Console) Break(name string) {
	for _, pages := range c.looks {
		t := template.New(name).Funcs(template.FuncMap{"fall": func() string { panic("what people wrote") }})
		pages[name] = template.Must(t.Parse(`{{define "layout"}}<p>half of a page {{fall}}{{end}}`))
	}
}

package console

import (
	"net/http"
	"net/url"
	"strings"

	"tilldesk/bot/desk"
	"tilldesk/bot/signin"
	"tilldesk/content/source"
	"tilldesk/kb"
)

// searchBody is the page of the search.
type searchBody struct {
	Query string
	Rows  []row
	Next  string
}

// search finds cases by their ticket, merchant or messages, closed ones too.
func (c *Console) search(w http.ResponseWriter, r *http.Request) {
	ctx, v := r.Context(), signin.From(r.Context())
	query := strings.TrimSpace(r.URL.Query().Get("q"))
	p, err := c.begin(r, "search", "search.title")
	if err != nil {
		c.fail(w, r, err)
		return
	}
	p.Follows = "none"
	body := searchBody{Query: query}
	if query != "" {
		found, err := c.desk.Cases(ctx, desk.Filter{Any: true, Search: query, Order: desk.ByNewest, After: r.URL.Query().Get("after")})
		if err != nil {
			c.fail(w, r, err)
			return
		}
		names, err := c.names(ctx)
		if err != nil {
			c.fail(w, r, err)
			return
		}
		body.Rows = c.rows(v, found.Cases, names)
		if found.Next != "" {
			body.Next = "/desk/search?" + url.Values{"q": {query}, "after": {found.Next}}.Encode()
		}
	}
	p.Body = body
	c.show(w, r, http.StatusOK, "search", p)
}

// passageOf is a passage of the knowledge base in the merchant's language,
// ready to be sent.
func passageOf(hit kb.Hit, lang source.Lang) passage {
	return passage{hit.Title.In(lang), strings.TrimSpace(hit.Text.In(lang))}
}

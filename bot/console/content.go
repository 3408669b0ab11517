package console

import (
	"net/http"

	"tilldesk/bot/signin"
	"tilldesk/content/source"
)

// contentBody is the page of what the bot knows.
type contentBody struct {
	Editions []edition
	Learnt   []learnt
}

type edition struct {
	Title   string
	Without string // what is used if it has no name
	Edition
}

type learnt struct {
	Symptom, Brand, Step, Result string
	Times                        int64
}

func (c *Console) content(w http.ResponseWriter, r *http.Request) {
	ctx, v := r.Context(), signin.From(r.Context())
	p, err := c.begin(r, "content", "content.title")
	if err != nil {
		c.fail(w, r, err)
		return
	}
	p.Follows = "none"
	lang := v.Lang
	content, configuration := c.opt.Editions()
	body := contentBody{Editions: []edition{
		{say(lang, "content.title"), say(lang, "content.builtin"), content},
		{say(lang, "content.configuration"), say(lang, "content.defaults"), configuration},
	}}
	counts, err := c.store.Outcomes(ctx)
	if err != nil {
		c.fail(w, r, err)
		return
	}
	for _, n := range counts {
		body.Learnt = append(body.Learnt, learnt{
			c.symptom(lang, n.Intent), c.factOf(lang, "brand", n.Brand), c.step(lang, n.Intent, n.Step),
			sayOr(lang, "result."+string(n.Result), string(n.Result)), n.N,
		})
	}
	p.Body = body
	c.show(w, r, http.StatusOK, "content", p)
}

// step is what a step of a playbook says, or its id.
func (c *Console) step(lang source.Lang, intent, id string) string {
	if k := c.opt.Knowledge(); k != nil {
		if text := k.Script.StepText(intent, id).In(lang); text != "" {
			return text
		}
	}
	return id
}

package console

import (
	"net/http"
	"strings"

	"tilldesk/bot/desk"
	"tilldesk/bot/signin"
	"tilldesk/content/source"
)

// cannedBody is the page of the canned replies.
type cannedBody struct {
	List   []cannedReply
	Places []string
}

type cannedReply struct{ ID, Name, First, Zh, En string }

// places are the placeholders that [desk.Fill] fills in.
var places = []string{"{merchant}", "{ticket}", "{staff}"}

func (c *Console) canned(w http.ResponseWriter, r *http.Request) {
	ctx, v := r.Context(), signin.From(r.Context())
	p, err := c.begin(r, "canned", "canned")
	if err != nil {
		c.fail(w, r, err)
		return
	}
	p.Follows = "none"
	all, err := c.desk.CannedReplies(ctx, "")
	if err != nil {
		c.fail(w, r, err)
		return
	}
	body := cannedBody{Places: places}
	for _, one := range all {
		text := one.Text.In(v.Lang)
		if text == "" {
			text = one.Text.Zh + one.Text.En
		}
		first, _, _ := strings.Cut(text, "\n")
		body.List = append(body.List, cannedReply{one.ID, one.Name, first, one.Text.Zh, one.Text.En})
	}
	p.Body = body
	c.show(w, r, http.StatusOK, "canned", p)
}

// saveCanned adds a canned reply, or changes the one that the path names.
func (c *Console) saveCanned(w http.ResponseWriter, r *http.Request) {
	v := signin.From(r.Context())
	_, err := c.desk.SaveCanned(r.Context(), actor(v), desk.Canned{
		ID: r.PathValue("id"), Name: r.PostFormValue("name"),
		Text: source.Text{Zh: r.PostFormValue("zh"), En: r.PostFormValue("en")},
	})
	if err != nil {
		c.fail(w, r, err)
		return
	}
	c.done(w, r, "/desk/canned", told{Told: say(v.Lang, "saved")})
}

func (c *Console) deleteCanned(w http.ResponseWriter, r *http.Request) {
	if err := c.desk.DeleteCanned(r.Context(), r.PathValue("id")); err != nil {
		c.fail(w, r, err)
		return
	}
	c.done(w, r, "/desk/canned", told{})
}

// picked is a canned reply for a case, filled in.
type picked struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// pickCanned finds canned replies for a case, filled in.
func (c *Console) pickCanned(w http.ResponseWriter, r *http.Request) {
	ctx, v := r.Context(), signin.From(r.Context())
	k, err := c.desk.Case(ctx, r.PathValue("ticket"))
	if err != nil {
		c.fail(w, r, err)
		return
	}
	found, err := c.desk.CannedReplies(ctx, r.URL.Query().Get("q"))
	if err != nil {
		c.fail(w, r, err)
		return
	}
	list := []picked{}
	for _, one := range found[:min(len(found), 20)] {
		list = append(list, picked{one.Name, desk.Fill(one, k, actor(v))})
	}
	writeJSON(w, http.StatusOK, list)
}

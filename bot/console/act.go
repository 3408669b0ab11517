package console

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/desk"
	"tilldesk/bot/signin"
	"tilldesk/content/source"
)

// An action changes a case, as a form says. It returns what to tell besides
// what the page will show.
type action func(c *Console, ctx context.Context, ticket string, who desk.Actor, form url.Values) error

// caseActions are the actions by the last part of their path.
var caseActions = map[string]action{
	"take": func(c *Console, ctx context.Context, ticket string, who desk.Actor, _ url.Values) error {
		_, err := c.desk.Take(ctx, ticket, who)
		return err
	},
	"put-back": func(c *Console, ctx context.Context, ticket string, who desk.Actor, form url.Values) error {
		_, err := c.desk.PutBack(ctx, ticket, who, form.Get("why"))
		return err
	},
	"give": func(c *Console, ctx context.Context, ticket string, who desk.Actor, form url.Values) error {
		_, err := c.desk.Give(ctx, ticket, who, form.Get("to"), form.Get("why"))
		return err
	},
	"resolve": func(c *Console, ctx context.Context, ticket string, who desk.Actor, form url.Values) error {
		f := desk.Finding{Cause: form.Get("cause"), Fix: form.Get("fix")}
		if words := strings.TrimSpace(form.Get("cause_words")); words != "" {
			f.Cause = words
		}
		if words := strings.TrimSpace(form.Get("fix_words")); words != "" {
			f.Fix = words
		}
		_, err := c.desk.Resolve(ctx, ticket, who, f)
		return err
	},
	"close": func(c *Console, ctx context.Context, ticket string, who desk.Actor, form url.Values) error {
		_, err := c.desk.Close(ctx, ticket, who, form.Get("why"))
		return err
	},
	"reopen": func(c *Console, ctx context.Context, ticket string, who desk.Actor, _ url.Values) error {
		_, err := c.desk.Reopen(ctx, ticket, who)
		return err
	},
	"release": func(c *Console, ctx context.Context, ticket string, who desk.Actor, _ url.Values) error {
		_, err := c.desk.Release(ctx, ticket, who)
		return err
	},
	"snooze": func(c *Console, ctx context.Context, ticket string, who desk.Actor, form url.Values) error {
		until, err := c.until(form.Get("until"))
		if err == nil {
			_, err = c.desk.Snooze(ctx, ticket, who, until)
		}
		return err
	},
	"tags": func(c *Console, ctx context.Context, ticket string, who desk.Actor, form url.Values) error {
		split := func(r rune) bool { return r == ',' || r == '，' || r == '、' }
		_, err := c.desk.Tag(ctx, ticket, who, strings.FieldsFunc(form.Get("tags"), split))
		return err
	},
	"urgency": func(c *Console, ctx context.Context, ticket string, who desk.Actor, form url.Values) error {
		n, err := strconv.Atoi(form.Get("urgency"))
		if err != nil {
			return &desk.InputError{Field: "urgency", Why: source.Text{Zh: "0（不急）到 3（紧急）", En: "0 (low) to 3 (urgent)"}}
		}
		_, err = c.desk.SetUrgency(ctx, ticket, who, desk.Urgency(n))
		return err
	},
	"merge": func(c *Console, ctx context.Context, ticket string, who desk.Actor, form url.Values) error {
		_, err := c.desk.Merge(ctx, ticket, who, strings.ToUpper(strings.TrimSpace(form.Get("into"))))
		return err
	},
	"split": func(c *Console, ctx context.Context, ticket string, who desk.Actor, _ url.Values) error {
		_, err := c.desk.Split(ctx, ticket, who)
		return err
	},
	"name": func(c *Console, ctx context.Context, ticket string, who desk.Actor, form url.Values) error {
		_, err := c.desk.Rename(ctx, ticket, who, form.Get("name"))
		return err
	},
}

// sayTo sends a reply to the merchant, or keeps a note. A reply with the same
// id is the same reply.
func (c *Console) sayTo(ctx context.Context, ticket string, who desk.Actor, form url.Values, media []bot.Media) error {
	text := form.Get("text")
	if form.Get("as") != "note" {
		_, _, err := c.desk.Reply(ctx, ticket, who, desk.Message{Client: form.Get("id"), Text: text, Media: media, To: bot.ConversationID(form.Get("to"))})
		return err
	}
	mentions, err := c.mentioned(ctx, text)
	if err == nil {
		_, err = c.desk.Note(ctx, ticket, who, text, mentions)
	}
	return err
}

// mentioned returns the ids of the staff whose names follow an @ in a text.
func (c *Console) mentioned(ctx context.Context, text string) ([]string, error) {
	if !strings.ContainsAny(text, "@＠") {
		return nil, nil
	}
	members, err := c.desk.Members(ctx)
	if err != nil {
		return nil, err
	}
	folded := strings.ToLower(strings.ReplaceAll(text, "＠", "@"))
	var ids []string
	for _, m := range members {
		if m.Name != "" && strings.Contains(folded, "@"+strings.ToLower(m.Name)) {
			ids = append(ids, m.ID)
		}
	}
	return ids, nil
}

// until reads how long to snooze: a duration from now, a time, or nothing to
// end it.
func (c *Console) until(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if d, err := time.ParseDuration(text); err == nil {
		return c.now().Add(d), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, &desk.InputError{Field: "until", Why: source.Text{Zh: "请填多久以后，例如 30m，或者时间，例如 2026-11-23T09:00:00Z", En: "a duration such as 30m, or a time such as 2026-11-23T09:00:00Z"}}
	}
	return at, nil
}

// act is the route of an action.
func (c *Console) act(do action) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ticket := r.PathValue("ticket")
		if err := r.ParseForm(); err != nil {
			c.fail(w, r, &inputError{"problem.form"})
			return
		}
		if err := do(c, r.Context(), ticket, actor(signin.From(r.Context())), r.PostForm); err != nil {
			c.fail(w, r, err)
			return
		}
		c.done(w, r, "/desk/case/"+url.PathEscape(ticket), told{})
	}
}

// here notes who has a case open, and whether they type.
func (c *Console) here(w http.ResponseWriter, r *http.Request) {
	v := signin.From(r.Context())
	k, err := c.desk.Case(r.Context(), r.PathValue("ticket"))
	if err == nil {
		err = c.desk.See(r.Context(), desk.Presence{
			Ticket: k.Ticket, Staff: string(v.ID), Typing: r.PostFormValue("typing") != "", Gone: r.PostFormValue("gone") != "",
		})
	}
	if err != nil {
		c.fail(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

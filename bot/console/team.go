package console

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"tilldesk/bot/desk"
	"tilldesk/bot/signin"
	"tilldesk/bot/staff"
	"tilldesk/content/source"
)

// teamBody is the page of the staff.
type teamBody struct {
	Lead   bool
	Once   *once
	People []person
	Tools  []string
	Audit  []staff.Entry
	More   string
}

type once struct {
	Name, Password string
	Until          time.Time
}

type person struct {
	ID, Name       string
	Role           staff.Role
	Self           bool
	Away, Disabled bool
	Speaks         string
	Open           int
	Seen           time.Time
}

const entriesAtOnce = 50

func (c *Console) team(w http.ResponseWriter, r *http.Request) { c.showTeam(w, r, nil) }

// showTeam sends the page of the staff, with a one-time password that was just
// made. It is on this page alone and cannot be had again.
func (c *Console) showTeam(w http.ResponseWriter, r *http.Request, made *once) {
	ctx, v := r.Context(), signin.From(r.Context())
	p, err := c.begin(r, "team", "team.title")
	if err != nil {
		c.fail(w, r, err)
		return
	}
	p.Follows = "none"
	all, err := c.opt.Accounts.All(ctx)
	if err != nil {
		c.fail(w, r, err)
		return
	}
	loads, err := c.desk.Loads(ctx) // once for all: to count the cases takes a while where there are many
	if err != nil {
		c.fail(w, r, err)
		return
	}
	names := map[string]string{}
	body := teamBody{Lead: v.Role.Includes(staff.Lead), Once: made}
	for _, s := range all {
		names[string(s.ID)] = s.Name
		body.People = append(body.People, person{
			string(s.ID), s.Name, s.Role, s.ID == v.ID, s.Away, !s.Enabled(), speaks(s), loads[string(s.ID)].Open, s.SignedIn,
		})
	}
	if body.Lead {
		for _, tool := range c.opt.Tools {
			body.Tools = append(body.Tools, tool.Name())
		}
		before, _ := strconv.ParseInt(r.URL.Query().Get("before"), 10, 64) // 0, the newest, if it is no number
		if body.Audit, err = c.opt.Accounts.Entries(ctx, before, entriesAtOnce); err != nil {
			c.fail(w, r, err)
			return
		}
		for i := range body.Audit {
			body.Audit[i].Object = nameIn(names, body.Audit[i].Object)
		}
		if n := len(body.Audit); n == entriesAtOnce {
			body.More = "/desk/team?before=" + strconv.FormatInt(body.Audit[n-1].Seq, 10)
		}
	}
	p.Body = body
	c.show(w, r, http.StatusOK, "team", p)
}

func (c *Console) addStaff(w http.ResponseWriter, r *http.Request) {
	v := signin.From(r.Context())
	role, err := staff.CheckRole(r.PostFormValue("role"))
	if err != nil {
		c.fail(w, r, &desk.InputError{Field: "role", Why: source.Text{Zh: "请选客服或主管", En: "agent or lead"}})
		return
	}
	name, err := staff.CheckName(r.PostFormValue("name"))
	if err != nil {
		c.fail(w, r, &inputError{"problem.staff_name"})
		return
	}
	s, password, err := c.opt.Accounts.Add(r.Context(), staff.New{Name: name, Role: role, Lang: langIn(r.PostFormValue("lang"))}, v.By())
	if err != nil {
		c.fail(w, r, err)
		return
	}
	c.showTeam(w, r, &once{s.Name, password.Password, password.Until})
}

func langIn(text string) source.Lang {
	switch lang := source.Lang(text); lang {
	case source.Zh, source.En:
		return lang
	}
	return ""
}

// changeStaff changes an account, as the last part of the path says.
func (c *Console) changeStaff(w http.ResponseWriter, r *http.Request) {
	ctx, v, id := r.Context(), signin.From(r.Context()), staff.ID(r.PathValue("id"))
	accounts := c.opt.Accounts
	actions := map[string]func(context.Context) error{
		"role": func(ctx context.Context) error {
			return accounts.SetRole(ctx, id, staff.Role(r.PostFormValue("role")), v.By())
		},
		"enable":  func(ctx context.Context) error { return accounts.Enable(ctx, id, v.By()) },
		"disable": func(ctx context.Context) error { return accounts.Disable(ctx, id, v.By()) },
	}
	if r.PathValue("action") == "password" {
		s, err := accounts.Get(ctx, id)
		var password staff.Once
		if err == nil {
			password, err = accounts.Reset(ctx, id, v.By())
		}
		if err != nil {
			c.fail(w, r, err)
			return
		}
		c.showTeam(w, r, &once{s.Name, password.Password, password.Until})
		return
	}
	do, ok := actions[r.PathValue("action")]
	if !ok {
		c.fail(w, r, desk.ErrNotFound)
		return
	}
	if err := do(ctx); err != nil {
		c.fail(w, r, err)
		return
	}
	c.done(w, r, "/desk/team", told{Told: say(v.Lang, "saved")})
}

// testTool tries whether a team's own tool can be told.
func (c *Console) testTool(w http.ResponseWriter, r *http.Request) {
	v := signin.From(r.Context())
	n, err := strconv.Atoi(r.PathValue("n"))
	if err != nil || n < 0 || n >= len(c.opt.Tools) {
		c.fail(w, r, desk.ErrNotFound)
		return
	}
	if err := c.opt.Tools[n].Test(r.Context()); err != nil {
		why := source.Text{Zh: say(source.Zh, "tools.failed"), En: say(source.En, "tools.failed")}
		if known := Untold(nil); errors.As(err, &known) {
			why = known.Why()
		}
		c.log.Warn("a tool could not be told of a test", "tool", c.opt.Tools[n].Name(), "error", err)
		c.fail(w, r, &toolError{c.opt.Tools[n].Name(), why})
		return
	}
	c.done(w, r, "/desk/team", told{Told: say(v.Lang, "tools.fine", c.opt.Tools[n].Name())})
}

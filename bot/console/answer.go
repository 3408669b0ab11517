package console

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"tilldesk/bot"
	"tilldesk/bot/desk"
	"tilldesk/bot/signin"
	"tilldesk/bot/staff"
	"tilldesk/content/source"
)

// told is the answer to a form.
type told struct {
	Told  string `json:"told,omitempty"`  // what was done, where the page does not show it
	Go    string `json:"go,omitempty"`    // the page to go to
	Error string `json:"error,omitempty"` // why it was not done
}

// asksJSON reports whether a script sent the form, and not the browser.
func asksJSON(r *http.Request) bool {
	return strings.HasPrefix(r.Header.Get("Accept"), "application/json")
}

// done answers a form that was carried out: the browser goes to the page at
// path.
func (c *Console) done(w http.ResponseWriter, r *http.Request, path string, t told) {
	if asksJSON(r) {
		writeJSON(w, http.StatusOK, t)
		return
	}
	http.Redirect(w, r, path, http.StatusSeeOther)
}

// fail answers a request that could not be carried out, in words for staff.
// Only what is not theirs to mend is logged.
func (c *Console) fail(w http.ResponseWriter, r *http.Request, err error) {
	v := signin.From(r.Context())
	status, text := explain(v.Lang, err)
	learning, full := errors.Is(err, desk.ErrNotReady), errors.Is(err, bot.ErrNoRoom)
	if learning || full {
		w.Header().Set("Retry-After", "5")
	}
	if status >= 500 && !learning && !full { // those are said elsewhere, once for all
		if r.Context().Err() != nil {
			return // nobody waits for the answer
		}
		c.log.Error("a request to the desk failed", "route", r.Pattern, "error", err)
	}
	if asksJSON(r) {
		writeJSON(w, status, told{Error: text})
		return
	}
	title := "problem.failed"
	switch {
	case status == http.StatusNotFound:
		title = "problem.not_found"
	case learning:
		title = "problem.moment"
	}
	p, beginErr := c.begin(r, "", title)
	if beginErr != nil {
		http.Error(w, text, status)
		return
	}
	p.Follows = "none"
	back := "/desk/"
	if ticket := r.PathValue("ticket"); ticket != "" && status != http.StatusNotFound {
		back = "/desk/case/" + ticket
	}
	p.Body = struct{ Text, Back string }{text, back}
	c.show(w, r, status, "problem", p)
}

// explain returns the status of an error and what to tell staff.
func explain(lang source.Lang, err error) (status int, text string) {
	var taken *desk.TakenError
	var state *desk.StateError
	var input *desk.InputError
	var entered *inputError
	var tool *toolError
	switch {
	case errors.As(err, &taken):
		name := taken.Name
		if name == "" {
			name = taken.Owner
		}
		return http.StatusConflict, say(lang, "problem.taken", taken.Ticket, name)
	case errors.As(err, &state):
		return http.StatusConflict, say(lang, "problem.state", say(lang, "state."+string(state.State)))
	case errors.As(err, &input):
		return http.StatusBadRequest, say(lang, "problem.input", sayOr(lang, "field."+input.Field, input.Field), input.Why.In(lang))
	case errors.As(err, &tool):
		return http.StatusBadGateway, say(lang, "tools.bad", tool.name, tool.why.In(lang))
	case errors.As(err, &entered):
		return http.StatusBadRequest, say(lang, entered.key)
	case errors.Is(err, desk.ErrNotFound), errors.Is(err, staff.ErrUnknown):
		return http.StatusNotFound, say(lang, "problem.not_found_what")
	case errors.Is(err, desk.ErrNotReady):
		return http.StatusServiceUnavailable, say(lang, "problem.learning")
	case errors.Is(err, bot.ErrNoRoom):
		return http.StatusServiceUnavailable, say(lang, "problem.no_room")
	case errors.Is(err, staff.ErrTaken):
		return http.StatusConflict, say(lang, "problem.name_taken")
	case errors.Is(err, staff.ErrLastLead):
		return http.StatusConflict, say(lang, "problem.last_lead")
	}
	return http.StatusServiceUnavailable, say(lang, "problem.broken")
}

// A toolError is about a team's own tool that could not be told.
type toolError struct {
	name string
	why  source.Text
}

func (e *toolError) Error() string { return e.name + ": " + e.why.En }

// An inputError is about what was entered; key is that of its words.
type inputError struct{ key string }

func (e *inputError) Error() string { return catalogue[e.key].En }

// writeJSON answers with v. An error of writing is the browser's: it is gone.
func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		http.Error(w, "encoding the answer failed", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
}

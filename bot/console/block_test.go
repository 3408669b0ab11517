package console_test

import (
	"net/http"
	"strings"
	"testing"

	"tilldesk/bot/browsertest"
	"tilldesk/bot/desk"
	"tilldesk/bot/staff"
	"tilldesk/bot/store/storetest"
)

// TestBlockButtons blocks a merchant and lets them in again, by the buttons of
// their case and of their own page.
func TestBlockButtons(t *testing.T) {
	s := start(t, storetest.SQLite(t))
	s.hire("Li Na", staff.Lead, "en")
	id := s.hears("web", "merchant-0001", "a person please")
	ticket := s.ticketOf(id)
	p := s.enter(desktop, "Li Na", "/desk/case/"+ticket)
	p.Until("document.body.dataset.awake")
	browsertest.Eval[any](p, "window.asked = []; window.confirm = (text) => { asked.push(text); return asked.length > 1; }; null")
	form := "form[action$='/block']"
	blocked := func(want bool) {
		t.Helper()
		since, err := s.db.Blocked(t.Context(), id)
		if err != nil || since.IsZero() == want {
			t.Errorf("blocked since %v, %v; want %v", since, err, want)
		}
	}
	p.Click("#acts details.pop:last-of-type summary")
	p.Click(form + " button") // and changes their mind
	p.Until("asked.length === 1 && asked[0].includes('neither answered nor shown')")
	blocked(false)
	p.Type(form+" [name=why]", "sends nothing but adverts")
	p.Click(form + " button")
	p.Says("Blocked since")
	p.Says("sends nothing but adverts")
	blocked(true)
	if k, err := s.desk.Case(t.Context(), ticket); err != nil || k.State != desk.Closed {
		t.Errorf("the case is %s, %v; want it closed", k.State, err)
	}
	p.Click("form[action$='/unblock'] button")
	p.Until("!document.querySelector(\"form[action$='/unblock']\")")
	blocked(false)

	p.Go(s.URL + "/desk/merchant/" + string(id))
	p.Click("details:has(" + form + ") summary")
	p.Click(form + " button")
	p.Until("document.querySelector(\"form[action$='/unblock']\")")
	blocked(true)
	p.Click("form[action$='/unblock'] button")
	p.Until("document.querySelector(\"form[action$='/block']\")")
	blocked(false)
}

// TestAgentsDoNotBlock shows agents no button for what they may not do.
func TestAgentsDoNotBlock(t *testing.T) {
	s := start(t, storetest.SQLite(t))
	s.hire("Sam", staff.Agent, "en")
	id := s.hears("web", "merchant-0001", "a person please")
	c := s.signIn("Sam")
	for _, path := range []string{"/desk/case/" + s.ticketOf(id), "/desk/merchant/" + string(id)} {
		if status, page := c.get(path); status != http.StatusOK || strings.Contains(page, "/block") {
			t.Errorf("%s: status %d, with a button to block: %v", path, status, strings.Contains(page, "/block"))
		}
	}
	if status, _ := c.post("/desk/merchant/"+string(id)+"/block", "why", "x"); status != http.StatusForbidden {
		t.Errorf("an agent blocks: status %d, want 403", status)
	}
}

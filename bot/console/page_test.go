package console_test

import (
	"html"
	"net/http"
	"strings"
	"testing"

	"tilldesk/bot/desk"
	"tilldesk/bot/staff"
	"tilldesk/bot/store/storetest"
)

// TestPages looks at every page in both languages.
func TestPages(t *testing.T) {
	s := start(t, storetest.SQLite(t))
	s.hire("Li Na", staff.Lead, "zh")
	s.hire("Sam", staff.Agent, "en")
	id := s.hears("web", "merchant-0001", "花呗扫不了")
	s.hears("web", "merchant-0001", "找人工")
	ticket := s.ticketOf(id)
	for _, who := range []struct{ name, lang, title string }{{"Li Na", "zh-CN", "花呗"}, {"Sam", "en", "Huabei"}} {
		c := s.signIn(who.name)
		for _, path := range []string{
			"/desk/", "/desk/?view=mine", "/desk/?view=open", "/desk/?view=late", "/desk/?view=snoozed", "/desk/?view=resolved", "/desk/?view=closed",
			"/desk/?channel=web&lang=zh&urgency=2", "/desk/case/" + ticket, "/desk/merchant/" + string(id),
			"/desk/search", "/desk/search?q=" + ticket, "/desk/undelivered", "/desk/figures", "/desk/figures?days=90", "/desk/canned",
			"/desk/team", "/desk/hours", "/desk/content", "/desk/rail",
		} {
			status, body := c.get(path)
			if status != http.StatusOK {
				t.Errorf("%s for %s: status %d\n%s", path, who.name, status, body)
				continue
			}
			if path != "/desk/rail" && !strings.Contains(body, `<html lang="`+who.lang+`"`) {
				t.Errorf("%s for %s is not in %s", path, who.name, who.lang)
			}
			if strings.Contains(body, "ZgotmplZ") || strings.Contains(body, "%!") || strings.Contains(strings.ReplaceAll(body, "data-words", ""), "<b>{0}") {
				t.Errorf("%s for %s has a hole", path, who.name)
			}
		}
		if _, body := c.get("/desk/case/" + ticket); !strings.Contains(body, who.title) {
			t.Errorf("the case does not say %q:\n%s", who.title, body)
		}
		if _, body := c.get("/desk/rail?here=search"); !strings.Contains(body, `href="/desk/search" data-goto="s" aria-current="page"`) {
			t.Errorf("the navigation alone does not say where one is:\n%s", body)
		}
		for _, path := range []string{"/desk/case/T999", "/desk/merchant/nobody", "/desk/merchant/" + string(id) + "/photo/none/0", "/desk/nothing"} {
			if status, _ := c.get(path); status != http.StatusNotFound {
				t.Errorf("%s: status %d, want 404", path, status)
			}
		}
	}
}

// TestCase leads a case through its forms, as a browser without a script does.
func TestCase(t *testing.T) {
	s := start(t, storetest.SQLite(t))
	s.hire("Li Na", staff.Lead, "en")
	s.hire("Sam", staff.Agent, "en")
	sam, li := s.signIn("Sam"), s.signIn("Li Na")
	id := s.hears("web", "merchant-0001", "a customer's Huabei is refused")
	s.hears("web", "merchant-0001", "I want to talk to a person")
	ticket := s.ticketOf(id)
	path := "/desk/case/" + ticket
	says := func(c *client, want ...string) {
		t.Helper()
		_, body := c.get(path)
		for _, text := range want {
			if !strings.Contains(html.UnescapeString(body), text) {
				t.Errorf("the page does not say %q:\n%s", text, body)
			}
		}
	}
	do := func(c *client, action string, want int, fields ...string) string {
		t.Helper()
		status, body := c.post(path+"/"+action, fields...)
		if status != want {
			t.Errorf("%s: status %d, want %d\n%s", action, status, want, body)
		}
		return body
	}
	do(sam, "take", http.StatusOK)
	says(sam, "Yours", "Sam took it")
	says(li, "With Sam")
	if body := do(li, "say", http.StatusConflict, "as", "reply", "text", "hello", "id", "1"); !strings.Contains(body, "is with Sam already") {
		t.Errorf("a reply to another one's case says\n%s", body)
	}
	do(sam, "say", http.StatusOK, "as", "reply", "text", "Hello, this is Sam.", "id", "2")
	do(sam, "say", http.StatusOK, "as", "reply", "text", "Hello, this is Sam.", "id", "2") // the browser was in doubt
	do(sam, "say", http.StatusOK, "as", "note", "text", "@li na please look", "id", "3")
	says(li, "Hello, this is Sam.", "Note by Sam", "Waiting on merchant")
	entries, err := s.db.History(t.Context(), id, 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, e := range entries {
		if e.Reply.Text == "Hello, this is Sam." {
			n++
		}
		if strings.Contains(e.Reply.Text, "please look") {
			t.Error("the merchant sees a note")
		}
	}
	if n != 1 {
		t.Errorf("the merchant was told %d times, want once", n)
	}
	do(sam, "tags", http.StatusOK, "tags", "vip，huabei, ")
	do(sam, "urgency", http.StatusOK, "urgency", "2")
	do(sam, "urgency", http.StatusBadRequest, "urgency", "x")
	do(sam, "name", http.StatusOK, "name", "Noodle Bar")
	do(sam, "snooze", http.StatusOK, "until", "30m")
	says(sam, "vip", "High", "Noodle Bar", "Snoozed until")
	do(sam, "snooze", http.StatusOK, "until", "")
	do(sam, "snooze", http.StatusBadRequest, "until", "soon")
	members, err := s.desk.Members(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	lead := members[0].ID
	do(sam, "give", http.StatusOK, "to", lead, "why", "knows it")
	says(li, "Yours", "Sam gave it to Li Na")
	do(li, "put-back", http.StatusOK)
	do(sam, "take", http.StatusOK)
	do(sam, "resolve", http.StatusOK, "cause_words", "not enabled", "fix_words", "enabled it")
	says(sam, "Resolved, to be confirmed", "not enabled", "enabled it", "Sam resolved it")
	do(sam, "reopen", http.StatusOK)
	do(sam, "release", http.StatusOK)
	do(sam, "take", http.StatusConflict)
	if k, err := s.desk.Case(t.Context(), ticket); err != nil || k.State != desk.Released {
		t.Errorf("the case is %v, %v", k.State, err)
	}
}

// TestPagePanics breaks one page: who asks for it is told so in their language
// and sees nothing of the panic, the other pages go on.
func TestPagePanics(t *testing.T) {
	s := start(t, storetest.SQLite(t))
	s.hire("Li Na", staff.Lead, "zh")
	s.hire("Sam", staff.Agent, "en")
	s.console.Break("search")
	for name, words := range map[string]string{"Li Na": "稍后再试", "Sam": "try again in a moment"} {
		c := s.signIn(name)
		for range 2 {
			if status, body := c.get("/desk/search"); status != http.StatusInternalServerError || !strings.Contains(body, words) || strings.Contains(body, "half") || strings.Contains(body, "wrote") {
				t.Errorf("%s: status %d\n%s", name, status, body)
			}
			if status, _ := c.get("/desk/"); status != http.StatusOK {
				t.Errorf("%s: another page has status %d", name, status)
			}
		}
	}
	t.Log("4 panics of a template, in 2 languages; another page was shown after each")
}

package console_test

import (
	"html"
	"net/http"
	"strings"
	"testing"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/desk"
	"tilldesk/bot/staff"
	"tilldesk/bot/store/storetest"
)

// TestUndelivered shows a reply that may not have arrived at its place in the
// talk and in the list, and does with it what is decided.
func TestUndelivered(t *testing.T) {
	storetest.Each(t, func(t *testing.T, dsn string) {
		s := start(t, dsn)
		sam := s.hire("Sam", staff.Agent, "en")
		c := s.signIn("Sam")
		id := s.hears("wechat", "merchant-0001", "找人工")
		ticket := s.ticketOf(id)
		sent := func() []bot.Outbound {
			t.Helper()
			out, err := s.db.ClaimOut(t.Context(), "test", time.Now(), time.Minute, 10, "wechat")
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		for out := sent(); len(out) > 0; out = sent() { // what the bot said
			for _, m := range out {
				if err := s.db.Sent(t.Context(), m, "remote", time.Now()); err != nil {
					t.Fatal(err)
				}
			}
		}
		_, message, err := s.desk.Reply(t.Context(), ticket, desk.Actor{ID: string(sam.ID), Name: "Sam"}, desk.Message{Text: "您好 <b>"})
		if err != nil {
			t.Fatal(err)
		}
		hold := func() {
			t.Helper()
			out := sent()
			if len(out) != 1 || out[0].ID != message {
				t.Fatalf("to be sent: %v", out)
			}
			if err := s.db.Hold(t.Context(), out[0], "the line broke"); err != nil {
				t.Fatal(err)
			}
		}
		says := func(path string, want bool, texts ...string) {
			t.Helper()
			status, body := c.get(path)
			for _, text := range texts {
				if status != http.StatusOK || strings.Contains(html.UnescapeString(body), text) != want {
					t.Errorf("%s (%d) says %q: %v, want %v", path, status, text, !want, want)
				}
			}
		}
		hold()
		resend := "/desk/undelivered/" + string(message) + "/resend"
		says("/desk/case/"+ticket, true, "may not have arrived", resend, "Undelivered")
		says("/desk/undelivered", true, "您好 <b>", "the line broke", resend)
		if status, _ := c.post(resend); status != http.StatusOK {
			t.Errorf("sending again: status %d", status)
		}
		says("/desk/undelivered", false, "您好 <b>")
		hold()
		if status, _ := c.post("/desk/undelivered/" + string(message) + "/settle"); status != http.StatusOK {
			t.Errorf("it arrived: status %d", status)
		}
		says("/desk/case/"+ticket, true, "delivered")
		says("/desk/case/"+ticket, false, "may not have arrived")
		if status, body := c.post(resend); status != http.StatusBadRequest || !strings.Contains(body, "dealt with") {
			t.Errorf("sending again what has arrived: status %d\n%s", status, body)
		}
		if status, _ := c.post("/desk/undelivered/" + string(message) + "/eat"); status != http.StatusNotFound {
			t.Errorf("an action that does not exist: status %d", status)
		}
	})
}

// TestMerchant exports and erases a merchant: only a lead may, and only who
// types the word.
func TestMerchant(t *testing.T) {
	s := start(t, storetest.SQLite(t))
	s.hire("Li Na", staff.Lead, "en")
	s.hire("Sam", staff.Agent, "en")
	li, sam := s.signIn("Li Na"), s.signIn("Sam")
	id := s.hears("web", "merchant-0001", "花呗扫不了")
	path := "/desk/merchant/" + string(id)
	if status, _ := sam.get(path + "/export"); status != http.StatusForbidden {
		t.Errorf("an agent exports: status %d", status)
	}
	if status, body := li.get(path + "/export"); status != http.StatusOK || !strings.Contains(body, "花呗扫不了") {
		t.Errorf("a lead exports: status %d\n%s", status, body)
	}
	if status, _ := sam.post(path+"/erase", "sure", "erase"); status != http.StatusForbidden {
		t.Errorf("an agent erases: status %d", status)
	}
	if status, _ := li.post(path+"/erase", "talk", string(id), "sure", "yes"); status != http.StatusBadRequest {
		t.Errorf("a lead who is not sure erases: status %d", status)
	}
	for _, talks := range [][]string{nil, {"talk", "somebody-else"}, {"talk", string(id), "talk", string(id)}} {
		if status, _ := li.post(path+"/erase", append(talks, "sure", "erase")...); status != http.StatusBadRequest {
			t.Errorf("a lead erases %q: status %d", talks, status)
		}
	}
	if status, body := li.get(path); status != http.StatusOK || !strings.Contains(html.UnescapeString(body), "Web chat -0001 · ") {
		t.Errorf("the merchant's page, status %d, does not say what would be erased:\n%s", status, body)
	}
	if status, _ := li.post(path+"/erase", "talk", string(id), "sure", "erase"); status != http.StatusOK {
		t.Errorf("a lead erases: status %d", status)
	}
	if status, _ := li.get(path); status != http.StatusNotFound {
		t.Errorf("the merchant is still there: status %d", status)
	}
	_, body := li.get("/desk/team")
	for _, action := range []string{"exported a merchant's data", "erased a merchant's data"} {
		if !strings.Contains(html.UnescapeString(body), action) {
			t.Errorf("the audit log does not have %q", action)
		}
	}
}

// TestTeam adds somebody, who signs in with the password that is shown once,
// and disables them.
func TestTeam(t *testing.T) {
	s := start(t, storetest.SQLite(t))
	s.hire("Li Na", staff.Lead, "en")
	li := s.signIn("Li Na")
	_, body := li.post("/desk/team", "name", "Max", "role", "agent", "lang", "en")
	_, rest, ok := strings.Cut(body, `class="secret">`)
	if !ok {
		t.Fatalf("no password is shown:\n%s", body)
	}
	once, _, _ := strings.Cut(rest, "<")
	if _, body := li.get("/desk/team"); strings.Contains(body, once) {
		t.Error("the password is shown again")
	}
	if status, _ := li.post("/desk/team", "name", "max", "role", "agent"); status != http.StatusConflict {
		t.Errorf("a second Max: status %d", status)
	}
	if status, _ := li.post("/desk/team", "name", "Bea", "role", "owner"); status != http.StatusBadRequest {
		t.Errorf("a role that does not exist: status %d", status)
	}
	for n, want := range map[string]string{"0": "crm.example", "1": "it answered 410", "2": "Not found", "x": "Not found"} {
		if _, body := li.post("/desk/tools/" + n + "/test"); !strings.Contains(body, want) {
			t.Errorf("testing tool %s does not say %q:\n%s", n, want, body)
		}
	}
	all, err := s.accounts.All(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range all {
		action := "/desk/team/" + string(one.ID) + "/disable"
		status, body := li.post(action)
		if want := map[bool]int{true: http.StatusOK, false: http.StatusConflict}[one.Name == "Max"]; status != want {
			t.Errorf("disabling %s: status %d, want %d\n%s", one.Name, status, want, body)
		}
	}
}

package console_test

import (
	"strings"
	"testing"

	"tilldesk/bot/console"
	"tilldesk/bot/signin"
	"tilldesk/bot/staff"
	"tilldesk/bot/store/storetest"
	"tilldesk/content/source"
)

// TestDeeds looks for words for every change that the audit log names by its
// route, and shows them to a lead.
func TestDeeds(t *testing.T) {
	s := start(t, storetest.SQLite(t))
	for _, route := range s.gate.Routes() {
		own := strings.HasPrefix(route.Pattern, "POST /desk/me") || strings.HasSuffix(route.Pattern, "/here") ||
			route.Pattern == "POST /desk/signout" || route.Pattern == "POST /desk/password" // recorded by what they do, or not at all
		if own || route.Needs == signin.Public || !strings.HasPrefix(route.Pattern, "POST ") && !strings.HasSuffix(route.Pattern, "/export") {
			continue
		}
		for _, lang := range []source.Lang{"zh", "en"} {
			if text := console.DeedOf(lang, route.Pattern); text == route.Pattern {
				t.Errorf("%s has no words in %s", route.Pattern, lang)
			}
		}
	}
	for details, want := range map[string]string{
		"": "", "own choice": "本人修改", "role agent, first sign-in": "角色：客服，第一次登录", "answered with Not Found": "answered with Not Found",
	} {
		if got := console.DetailOf("zh", details); got != want {
			t.Errorf("the details %q are shown as %q, want %q", details, got, want)
		}
	}
	s.hire("李娜", staff.Lead, "zh")
	c := s.signIn("李娜")
	ticket := s.ticketOf(s.hears("web", "merchant-0001", "找人工"))
	c.post("/desk/case/" + ticket + "/take")
	_, page := c.get("/desk/team")
	for _, want := range []string{"<td>登录</td>", "<td>接单</td>", "<td>新增同事</td>"} {
		if !strings.Contains(page, want) {
			t.Errorf("the log does not say %q", want)
		}
	}
	if strings.Contains(page, "{ticket}") {
		t.Error("the log shows the pattern of a route")
	}
}

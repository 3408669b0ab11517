package console_test

import (
	"strings"
	"testing"

	"tilldesk/bot/desk"
	"tilldesk/bot/staff"
	"tilldesk/bot/store/storetest"
)

// TestAngryWhileWaiting writes angrily while a case waits: it moves up, and its
// page says why.
func TestAngryWhileWaiting(t *testing.T) {
	s := start(t, storetest.SQLite(t))
	s.hire("Sam", staff.Agent, "en")
	ticket := s.ticketOf(s.hears("wechat", "shop", "找人工"))
	s.hears("wechat", "shop", "你们什么垃圾服务")
	c, err := s.desk.Case(t.Context(), ticket)
	if err != nil || c.Urgency != desk.High {
		t.Errorf("urgency %d, %v; want %d", c.Urgency, err, desk.High)
	}
	if _, page := s.signIn("Sam").get("/desk/case/" + ticket); !strings.Contains(page, "The merchant is angry: now High") {
		t.Errorf("the page does not say why:\n%s", page)
	}
}

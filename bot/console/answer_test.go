package console_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"tilldesk/bot"
	"tilldesk/bot/console"
	"tilldesk/bot/desk"
	"tilldesk/bot/signin"
	"tilldesk/bot/staff"
	"tilldesk/bot/store/storetest"
)

// TestBadEntries fills in forms wrongly: what is said is in the language of
// who did, and only in that.
func TestBadEntries(t *testing.T) {
	s := start(t, storetest.SQLite(t))
	s.hire("吴姐", staff.Lead, "zh")
	s.hire("Li Na", staff.Lead, "en")
	ticket := s.ticketOf(s.hears("wechat", "shop", "找人工"))
	long := strings.Repeat("长", 5000)
	text := regexp.MustCompile(`(?s)<h1>[^<]*</h1><p>([^<]*)</p>`)
	for _, who := range []string{"吴姐", "Li Na"} {
		c := s.signIn(who)
		for _, tt := range [][]string{
			{"/say", "text", ""}, {"/say", "text", long}, {"/say", "as", "note", "text", " "}, {"/say", "text", "好", "id", strings.Repeat("i", 600)},
			{"/give", "to", "nobody"}, {"/tags", "tags", strings.Repeat("长", 60)}, {"/urgency", "urgency", "x"}, {"/urgency", "urgency", "9"},
			{"/merge", "into", ticket}, {"/snooze", "until", "x"}, {"/snooze", "until", "100000h"},
			{"", "zone", "Nowhere"}, {"", "day1", "9-18"}, {"", "day1", "12:00-14:00 13:00-15:00"}, {"", "holidays", "soon"},
		} {
			path := "/desk/case/" + ticket + tt[0]
			if tt[0] == "" {
				path = "/desk/hours"
			}
			checkEntry(t, c, who == "吴姐", text, path, tt[1:])
		}
		checkEntry(t, c, who == "吴姐", text, "/desk/canned", []string{"name", "", "zh", "好"})
		checkEntry(t, c, who == "吴姐", text, "/desk/canned", []string{"name", "hi", "zh", ""})
		checkEntry(t, c, who == "吴姐", text, "/desk/team", []string{"name", "x", "role", "king"})
		checkEntry(t, c, who == "吴姐", text, "/desk/team", []string{"name", "", "role", "agent"})
	}
}

// example are the words that look the same in every language.
var example = regexp.MustCompile(`Asia/Shanghai|2026-11-23T09:00:00Z|30m|“[^”]*”|T\d+`)

func checkEntry(t *testing.T, c *client, chinese bool, text *regexp.Regexp, path string, fields []string) {
	t.Helper()
	status, page := c.post(path, fields...)
	found := text.FindStringSubmatch(page)
	if status != http.StatusBadRequest || found == nil {
		t.Errorf("%s %.40q: status %d, want 400 and why", path, fields, status)
		return
	}
	words := example.ReplaceAllString(found[1], "")
	han, latin := false, false
	for _, r := range words {
		han = han || unicode.Is(unicode.Han, r)
		latin = latin || unicode.Is(unicode.Latin, r)
	}
	if han != chinese || latin == chinese {
		t.Errorf("%s %.40q: %q", path, fields, found[1])
	}
}

// TestWhileLearning gives a case back to a bot that has not learnt yet.
func TestWhileLearning(t *testing.T) {
	s := start(t, storetest.SQLite(t))
	s.hire("吴姐", staff.Lead, "zh")
	ticket := s.ticketOf(s.hears("wechat", "shop", "找人工"))
	early := desk.New(s.db, desk.Options{Knowledge: func() *bot.Knowledge { return nil }, Roster: roster{s.accounts}})
	pages, err := console.New(early, s.db, console.Options{
		Accounts: s.accounts, Knowledge: func() *bot.Knowledge { return nil }, Media: s.media,
		Editions: func() (content, configuration console.Edition) { return },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pages.HangUp)
	gate, err := signin.New(s.accounts, staff.NewHasher(staff.Cost{Memory: 8, Passes: 1, Threads: 1}), s.db, signin.Options{})
	if err != nil {
		t.Fatal(err)
	}
	pages.Routes(gate)
	c := s.signIn("吴姐")
	s.Config.Handler = gate
	if status, page := c.get("/desk/case/" + ticket); status != http.StatusOK {
		t.Errorf("the case: status %d\n%s", status, page)
	}
	status, page := c.post("/desk/case/" + ticket + "/release")
	if status != http.StatusServiceUnavailable || !strings.Contains(page, "请稍等") || strings.Contains(page, "没有成功") {
		t.Errorf("status %d, want 503 and to wait:\n%s", status, page)
	}
}

package console_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"tilldesk/bot"
	"tilldesk/bot/browsertest"
	"tilldesk/bot/staff"
	"tilldesk/bot/store/storetest"
)

// TestMergedPages merges the cases of a merchant who writes on two channels:
// each page has both, the reply goes where they wrote last, and it can be undone.
func TestMergedPages(t *testing.T) {
	s := start(t, storetest.SQLite(t))
	s.hire("Li Na", staff.Lead, "en")
	c := s.signIn("Li Na")
	chat := s.hears("web", "merchant-on-the-web", "the printer prints nothing at all")
	s.hears("web", "merchant-on-the-web", "a person please")
	phone := s.hears("telegram", "merchant-on-the-phone", "a person please, I wrote on your site too")
	double, kept := s.ticketOf(chat), s.ticketOf(phone)
	shows := func(path string, want bool, texts ...string) {
		t.Helper()
		status, page := c.get(path)
		for _, text := range texts {
			if status != http.StatusOK || strings.Contains(page, text) != want {
				t.Errorf("%s: status %d, with %q: %v, want %v", path, status, text, !want, want)
			}
		}
	}
	does := func(path string, fields ...string) {
		t.Helper()
		if status, page := c.post(path, fields...); status != http.StatusOK {
			t.Fatalf("%s: status %d\n%s", path, status, page)
		}
	}
	does("/desk/case/"+double+"/say", "as", "note", "id", "1", "text", "paper was changed yesterday")
	shows("/desk/case/"+kept, false, "the printer prints nothing", "paper was changed", `class="to small"`)
	does("/desk/case/"+double+"/merge", "into", strings.ToLower(kept))
	both := []string{"the printer prints nothing", "I wrote on your site too", "Merchant · Web", "Merchant · Telegram"}
	shows("/desk/case/"+kept, true, append(both, "paper was changed", `class="to small"`)...)
	shows("/desk/case/"+double, true, "Merged into "+kept, "Undo the merge", "open "+kept)
	shows("/desk/case/"+double, false, `id="compose"`) // an answer would be refused
	for _, id := range []bot.ConversationID{chat, phone} {
		shows("/desk/merchant/"+string(id), true, append(both, double, kept, "several conversations")...)
		shows("/desk/merchant/"+string(id)+"/export", true, "merchant-on-the-web", "merchant-on-the-phone")
		alone, other := "merchant-on-the-web", "merchant-on-the-phone"
		if id == phone {
			alone, other = other, alone
		}
		shows("/desk/merchant/"+string(id)+"/export/alone", true, alone)
		shows("/desk/merchant/"+string(id)+"/export/alone", false, other)
	}

	s.hears("web", "merchant-on-the-web", "it is the new terminal")
	_, page := c.get("/desk/case/" + kept)
	chosen := regexp.MustCompile(`<option value="([^"]+)" selected>Web`).FindStringSubmatch(page)
	if chosen == nil || chosen[1] != string(chat) {
		t.Fatalf("a reply would not go to the web, where they wrote last: %q", chosen)
	}
	does("/desk/case/"+kept+"/say", "as", "reply", "id", "2", "text", "Which one is it?", "to", chosen[1])
	history, err := s.db.History(t.Context(), chat, 0, 100)
	if last := history[len(history)-1]; err != nil || last.Reply.Text != "Which one is it?" || last.Author != bot.Staff {
		t.Errorf("the last message on the web is %+v, %v", last, err)
	}

	// A long talk on one side leafs back to the beginning of both.
	for i := range 60 {
		s.hears("web", "merchant-on-the-web", fmt.Sprintf("line %d of a long story", i))
		s.hears("telegram", "merchant-on-the-phone", fmt.Sprintf("line %d of the same story", i))
	}
	all := ""
	for path, n := "/desk/merchant/"+string(phone), 0; path != "" && n < 9; n++ {
		_, page := c.get(path)
		all += page
		path = ""
		if next := regexp.MustCompile(`href="(/desk/merchant/[^"]+before=[^"]+)"`).FindStringSubmatch(page); next != nil {
			path = strings.ReplaceAll(next[1], "&amp;", "&")
		}
	}
	for _, text := range []string{">the printer prints nothing at all<", ">line 0 of a long story<", ">line 0 of the same story<", ">line 59 of a long story<"} {
		if strings.Count(all, text) != 1 {
			t.Errorf("leafing back shows %q %d times", text, strings.Count(all, text))
		}
	}

	does("/desk/case/"+kept+"/name", "name", "Till <& Co>")
	shows("/desk/case/"+double, true, "After that:", "Web chat e-web: no name, not blocked", "Telegram phone: called “Till &lt;&amp; Co&gt;”, not blocked")
	does("/desk/case/" + double + "/split")
	shows("/desk/case/"+kept, false, "the printer prints nothing", `class="to small"`)
	shows("/desk/merchant/"+string(phone), false, "the printer prints nothing", "several conversations")
	shows("/desk/case/"+double, true, "took the merge into "+kept+" back", "Yours")
}

// TestEraseOneOfTwo erases one of two conversations that were merged: which are
// there is shown before, and what was left alone after it.
func TestEraseOneOfTwo(t *testing.T) {
	s := start(t, storetest.SQLite(t))
	s.hire("Li Na", staff.Lead, "en")
	c := s.signIn("Li Na")
	chat, phone := s.hears("web", "merchant-on-the-web", "a person please"), s.hears("telegram", "merchant-on-the-phone", "a person please")
	double, kept := s.ticketOf(chat), s.ticketOf(phone)
	if status, _ := c.post("/desk/case/"+double+"/merge", "into", kept); status != http.StatusOK {
		t.Fatal(status)
	}
	p := s.enter(desktop, "Li Na", "/desk/merchant/"+string(chat))
	p.Click("details:has(.alarm) summary")
	for _, text := range []string{"Web chat e-web · ", "Telegram phone · ", "cases " + double, "cases " + kept, "Staff have merged these", "Merchant e-web", "Erase what is ticked"} {
		p.Says(text)
	}
	p.Shot("erase")
	p.Fits()
	if got := browsertest.Eval[string](p, "[...document.querySelectorAll('[name=talk]:checked')].map((e) => e.value).join()"); got != string(chat) {
		t.Errorf("%q would be erased, want the one that was asked for, %q", got, chat)
	}
	p.Type("[name=sure]", "erase")
	p.Click("button.danger")
	p.Says("Erased: Web chat e-web. Left alone: Telegram phone.")
	if status, _ := c.get("/desk/merchant/" + string(chat)); status != http.StatusNotFound {
		t.Errorf("it is still there: status %d", status)
	}
	if status, page := c.get("/desk/case/" + kept); status != http.StatusOK || !strings.Contains(page, "Another conversation of this merchant was erased") {
		t.Errorf("the other one: status %d\n%s", status, page)
	}
}

// TestMerchantPageIsLive writes as a merchant whose page is open.
func TestMerchantPageIsLive(t *testing.T) {
	s := start(t, storetest.SQLite(t))
	s.hire("Sam", staff.Agent, "en")
	id := s.hears("web", "merchant-0001", "a person please")
	p := s.enter(desktop, "Sam", "/desk/merchant/"+string(id))
	p.Says("a person please")
	p.Until("document.body.dataset.awake")
	browsertest.Eval[any](p, "window.stays = true; null")
	s.hears("web", "merchant-0001", "the queue is getting long")
	p.Until("document.querySelector('#log').textContent.includes('the queue is getting long')")
	s.signIn("Sam").post("/desk/case/" + s.ticketOf(id) + "/take")
	p.Until("document.querySelector('#cases .row').textContent.includes('Sam')")
	if !browsertest.Eval[bool](p, "window.stays") {
		t.Error("the page was loaded again")
	}
}

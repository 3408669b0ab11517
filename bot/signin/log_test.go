package signin_test

import (
	"net/http"
	"strings"
	"testing"

	"tilldesk/bot/staff"
	"tilldesk/bot/store/storetest"
)

// TestNothingSecretIsLogged does all that can go wrong, up to a database that
// is gone, and looks for what was sent in what was logged and answered.
func TestNothingSecretIsLogged(t *testing.T) {
	d := newDesk(t, storetest.SQLite(t), behindProxy)
	d.add("anna", staff.Agent, good)
	_, once, err := d.accounts.Add(t.Context(), staff.New{Name: "fresh"}, staff.ByCommand)
	if err != nil {
		t.Fatal(err)
	}
	c := d.browser()
	var said strings.Builder
	all := func() {
		for _, a := range []answer{
			d.guess(c, "192.0.2.1", "anna", "a planted password"), d.guess(c, "192.0.2.1 level=ERROR", "planted name\nlevel=ERROR", "a planted password"),
			d.guess(d.browser(), "192.0.2.2", "fresh", once.Password), d.guess(c, "192.0.2.1", "anna", good), d.get(c, "/desk/me"),
			d.post(c, "/desk/password", "now", "a planted password", "new", "another planted password", "again", "x"),
			d.post(c, "/desk/cases/T1/take", "text", "planted words of a merchant"),
			d.send(c, "POST", "/desk/signout", nil, http.Header{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://evil.example"}}),
			d.get(c, "/desk/signin?next=/desk/%0d%0aplanted"), d.get(c, "/desk/nothing?planted=1"),
		} {
			said.WriteString(a.body)
		}
	}
	all()
	tokens := []string{d.cookie(c, "tilldesk_session"), d.cookie(c, "tilldesk_browser")}
	if err := d.db.Close(); err != nil {
		t.Fatal(err)
	}
	all()
	if a := d.get(c, "/desk/"); a.status != http.StatusServiceUnavailable || strings.Contains(a.body, "sql") {
		t.Errorf("without a database: %d %s", a.status, a.body)
	}
	log := d.log.String()
	if !strings.Contains(log, "level=ERROR") || !strings.Contains(log, "a sign-in was refused") {
		t.Errorf("the log does not say what went wrong: %s", log)
	}
	for _, secret := range append(tokens, "planted password", once.Password, good, "planted words", "argon2id") {
		if secret == "" {
			t.Fatal("there is no token to look for")
		}
		if strings.Contains(log, secret) {
			t.Errorf("%q is in the log", secret)
		}
		if strings.Contains(said.String(), secret) {
			t.Errorf("%q is in an answer", secret)
		}
	}
	for line := range strings.Lines(log) {
		if !strings.HasPrefix(line, "time=") {
			t.Errorf("a sender has made a line of the log: %s", line)
		}
	}
}

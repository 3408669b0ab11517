package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"tilldesk/bot/store/storetest"
)

// staffCommand runs `tilldesk staff` on the store in dir.
func staffCommand(t *testing.T, dir string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	status = littleApp(dir).run(t.Context(), append([]string{"staff"}, args...), strings.NewReader(""), &out, &errs)
	return status, out.String(), errs.String()
}

// once is the one-time password in what a command or the service printed.
func once(t *testing.T, printed string) string {
	t.Helper()
	_, after, ok := strings.Cut(printed, "one-time password: ")
	password, _, _ := strings.Cut(after, "\n")
	if !ok || len(password) < 20 {
		t.Fatalf("no one-time password in %q", printed)
	}
	return password
}

func TestStaffCommands(t *testing.T) {
	dir := t.TempDir() // add makes the store
	for _, tt := range []struct {
		name     string
		args     []string
		status   int
		out, err string
	}{
		{"add", []string{"add", "anna"}, 0, "anna can sign in at /desk/ as agent", ""},
		{"add a lead", []string{"add", "王芳", "--role", "lead", "--lang", "zh", "--telegram", "100200300"}, 0, "王芳 can sign in at /desk/ as lead", ""},
		{"a name that is taken", []string{"add", "ANNA"}, 1, "", "another account's already"},
		{"a Telegram user who is taken", []string{"add", "bob", "--telegram", "100200300"}, 1, "", "another account's already"},
		{"an unknown role", []string{"add", "bob", "--role", "boss"}, 2, "", `--role "boss" is no role; allowed: agent, lead`},
		{"an unknown language", []string{"add", "bob", "--lang", "fr"}, 2, "", `--lang "fr"; allowed: zh, en`},
		{"a Telegram user who cannot be", []string{"add", "bob", "--telegram", "-5"}, 2, "", "--telegram -5; allowed"},
		{"no name", []string{"add"}, 2, "", "give NAME"},
		{"a blank name", []string{"add", "  "}, 2, "", "a name is needed"},
		{"two names", []string{"add", "bob", "bill"}, 2, "", `"bill" is one argument too many`},
		{"a name that hides something", []string{"add", "bob\u202ereversed"}, 2, "", "cannot be seen"},
		{"list", []string{"list"}, 0, "王芳", ""},
		{"list with a name", []string{"list", "anna"}, 2, "", `"anna"`},
		{"passwd", []string{"passwd", "Anna"}, 0, "one-time password: ", ""},
		{"passwd of nobody", []string{"passwd", "nobody"}, 1, "", `there is no account "nobody"`},
		{"disable", []string{"disable", "anna"}, 0, "anna can no longer sign in", ""},
		{"disable again", []string{"disable", "anna"}, 0, "anna can no longer sign in", ""},
		{"passwd of somebody disabled", []string{"passwd", "anna"}, 0, "one-time password: ", "anna is disabled"},
		{"disable the last lead", []string{"disable", "王芳"}, 0, "王芳", "nobody who can sign in is a lead"},
		{"disable nobody", []string{"disable", "nobody"}, 1, "", `there is no account "nobody"`},
		{"enable", []string{"enable", "王芳"}, 0, "王芳 can sign in again", ""},
		{"an unknown command", []string{"promote", "anna"}, 2, "", `"promote"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, out, errs := staffCommand(t, dir, tt.args...)
			if status != tt.status || !strings.Contains(out, tt.out) || !strings.Contains(errs, tt.err) {
				t.Errorf("status %d, stdout %q, stderr %q; want %d, %q and %q", status, out, errs, tt.status, tt.out, tt.err)
			}
			if status == 2 && strings.Count(errs, "\n") != 1 {
				t.Errorf("stderr has more than one line: %q", errs)
			}
		})
	}

	_, out, _ := staffCommand(t, dir, "list", "--json")
	var lines []staffLine
	for line := range strings.Lines(out) {
		var l staffLine
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, l)
	}
	if len(lines) != 2 || lines[0].Name != "anna" || lines[0].State != "disabled" || lines[1].Role != "lead" || lines[1].Telegram != 100200300 || lines[1].Speaks[0] != "zh" {
		t.Errorf("list --json says %+v", lines)
	}
	if status, _, errs := staffCommand(t, filepath.Join(dir, "nothing here"), "list"); status != 2 || !strings.Contains(errs, "store.dsn") {
		t.Errorf("list without a store: status %d, %s", status, errs)
	}
}

// TestStaffBesideTheService signs in with what the first start printed, and
// sees what commands do while the service runs.
func TestStaffBesideTheService(t *testing.T) {
	dir := t.TempDir()
	service := startChild(t, dir)
	printed, err := service.said.ReadString('\n')
	if err == nil {
		var more string
		more, err = service.said.ReadString('\n')
		printed += more
	}
	if err != nil || !strings.Contains(printed, "sign in as admin") {
		t.Fatalf("the first start prints %q, %v", printed, err)
	}
	admin, status := signIn(t, service.url, "admin", once(t, printed))
	if status != "/desk/password" {
		t.Fatalf("the first sign-in leads to %q", status)
	}
	post := func(c *http.Client, path string, form url.Values) *http.Response {
		t.Helper()
		resp, err := c.PostForm(service.url+path, form)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp
	}
	const chosen = "four quiet green lamps"
	if resp := post(admin, "desk/password", url.Values{"new": {chosen}, "again": {chosen}}); resp.Header.Get("Location") != "/desk/" {
		t.Fatalf("choosing a password: %s", resp.Status)
	}

	exit, out, errs := staffCommand(t, dir, "add", "anna", "--lang", "en")
	if exit != 0 {
		t.Fatal(errs)
	}
	anna, status := signIn(t, service.url, "anna", once(t, out))
	if status != "/desk/password" {
		t.Fatalf("anna comes to %q", status)
	}
	for _, command := range []string{"passwd", "disable"} {
		if exit, _, errs := staffCommand(t, dir, command, "admin"); exit != 0 {
			t.Fatal(errs)
		}
		resp, err := admin.Get(service.url + "desk/me")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			t.Errorf("after %s the session goes on", command)
		}
	}
	if _, status := signIn(t, service.url, "admin", chosen); status != "" {
		t.Errorf("a disabled account with an old password comes to %q", status)
	}
	if resp, err := anna.Get(service.url + "desk/password"); err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("the session of another: %v, %v", resp, err)
	}
}

// TestDoctorLooksAtStaff asks doctor before and after somebody has changed the
// audit log by hand.
func TestDoctorLooksAtStaff(t *testing.T) {
	dir := t.TempDir()
	doctor := func() string {
		t.Helper()
		var out, errs bytes.Buffer
		a := littleApp(dir)
		values := a.env
		a.env = func(name string) (string, bool) {
			switch name {
			case "TILLDESK_OIDC_ISSUER":
				return "http://127.0.0.1:1", true
			case "TILLDESK_OIDC_CLIENT_ID", "TILLDESK_OIDC_LEAD_GROUPS":
				return "x", true
			case "TILLDESK_HTTP_PUBLIC_URL":
				return "http://127.0.0.1:8080", true
			}
			return values(name)
		}
		a.run(t.Context(), []string{"doctor"}, strings.NewReader(""), &out, &errs)
		return out.String() + errs.String()
	}
	want := func(said string, parts ...string) {
		t.Helper()
		for _, part := range parts {
			if !strings.Contains(said, part) {
				t.Errorf("doctor does not say %q:\n%s", part, said)
			}
		}
	}
	staffCommand(t, dir, "add", "anna")
	want(doctor(), "MEND  staff    none of 1 account is a lead who can sign in", "ok    audit    whole, up to entry 1", "MEND  oidc     asking the provider http://127.0.0.1:1")
	staffCommand(t, dir, "add", "bob", "--role", "lead")
	staffCommand(t, dir, "disable", "anna")
	want(doctor(), "ok    staff    1 lead and 0 agents can sign in")
	raw := storetest.Raw(t, "sqlite:"+filepath.Join(dir, "tilldesk.db"))
	if _, err := raw.Exec("UPDATE audit SET name = 'bob' WHERE seq = 1"); err != nil {
		t.Fatal(err)
	}
	said := doctor()
	want(said, "MEND  audit    checking the audit log: entry 1 does not have its checksum")
	if n := strings.Count(said, "MEND  audit"); n != 1 {
		t.Errorf("doctor says so %d times", n)
	}
}

// signIn returns a browser that has signed in, and where it was sent; "" means
// that it was not let in.
func signIn(t *testing.T, at, name, password string) (c *http.Client, location string) {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c = &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := c.PostForm(at+"desk/signin", url.Values{"name": {name}, "password": {password}})
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return c, resp.Header.Get("Location")
}

package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"tilldesk/bot/signin"
	"tilldesk/bot/staff"
)

// runDesk runs the whole service in this process and returns its parts that
// tests look into, and its address.
func runDesk(t *testing.T, dir string) (s *service, at string) {
	t.Helper()
	a := littleApp(dir)
	running := make(chan *service, 1)
	a.parts = append(a.parts, part{name: "test", open: func(_ context.Context, s *service) (plug, error) {
		running <- s
		return plug{}, nil
	}})
	out := newLineWriter()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan int, 1)
	var errs bytes.Buffer
	go func() {
		ended <- a.run(ctx, []string{"serve"}, strings.NewReader(""), out, &errs)
		out.Close()
	}()
	t.Cleanup(func() {
		stop()
		if status := <-ended; status != 0 {
			t.Errorf("the service ended with %d: %s", status, errs.String())
		}
	})
	for line := range out.lines {
		if _, url, ok := strings.Cut(line, "ready: "); ok {
			go func() {
				for range out.lines { // nobody else listens
				}
			}()
			at = strings.TrimSpace(url)
			untilLearnt(t, at)
			return <-running, at
		}
	}
	t.Fatal("the service did not start")
	return nil, ""
}

// untilLearnt waits until the service can do all that it does.
func untilLearnt(t *testing.T, at string) {
	t.Helper()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		resp, err := http.Get(at + "readyz")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			return
		}
		select {
		case <-again.C:
		case <-t.Context().Done():
			t.Fatal("the service did not learn")
		}
	}
}

// lineWriter hands on what is written, line by line.
type lineWriter struct {
	*io.PipeWriter
	lines chan string
}

func newLineWriter() lineWriter {
	r, w := io.Pipe()
	out := lineWriter{w, make(chan string, 100)}
	go func() {
		defer close(out.lines)
		var line strings.Builder
		b := make([]byte, 1)
		for {
			if _, err := r.Read(b); err != nil {
				return
			}
			if b[0] == '\n' {
				out.lines <- line.String()
				line.Reset()
				continue
			}
			line.WriteByte(b[0])
		}
	}()
	return out
}

// TestEveryRouteOfTheDesk walks the table of routes of the whole service: as
// nobody, as an agent and as a lead, and each unsafe route from another site.
// A page that is added is in the table, and so in this test.
func TestEveryRouteOfTheDesk(t *testing.T) {
	s, at := runDesk(t, t.TempDir())
	const password = "four quiet green lamps"
	browsers := map[staff.Role]*http.Client{"": {CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	for _, role := range staff.Roles {
		person, _, err := s.staff.Add(t.Context(), staff.New{Name: string(role), Role: role}, staff.ByCommand)
		if err == nil {
			err = s.staff.SetPassword(t.Context(), person.ID, password, staff.ByCommand)
		}
		if err != nil {
			t.Fatal(err)
		}
		c, to := signIn(t, at, string(role), password)
		if to != "/desk/" {
			t.Fatalf("%s comes to %q", role, to)
		}
		browsers[role] = c
	}
	send := func(role staff.Role, method, path string, header http.Header) *http.Response {
		t.Helper()
		// The context of the test ends streams.
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		r, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(at, "/")+path, strings.NewReader(url.Values{}.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		for name, values := range header {
			r.Header[name] = values
		}
		resp, err := browsers[role].Do(r)
		if err != nil {
			t.Fatalf("%s %s: %v", method, path, err)
		}
		resp.Body.Close()
		return resp
	}
	routes := s.gate.Routes()
	if len(routes) < 40 {
		t.Errorf("only %d routes: are the pages of the desk there?", len(routes))
	}
	for _, route := range routes {
		method, path := examplePath(route.Pattern)
		own := strings.HasPrefix(path, "/desk/signin")
		if !own && path != "/desk/signout" {
			for _, role := range []staff.Role{"", staff.Agent, staff.Lead} {
				resp := send(role, method, path, nil)
				refused := resp.StatusCode == http.StatusUnauthorized || resp.StatusCode == http.StatusForbidden
				if want := route.Needs != signin.Public && !role.Includes(route.Needs); refused != want {
					t.Errorf("%s as %q: %s; it needs %q", route.Pattern, role, resp.Status, route.Needs)
				}
				if resp.StatusCode >= 500 {
					t.Errorf("%s as %q: %s", route.Pattern, role, resp.Status)
				}
				if policy := resp.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
					t.Errorf("%s as %q has the policy %q", route.Pattern, role, policy)
				}
				if cached := resp.Header.Get("Cache-Control"); route.Needs != signin.Public && !strings.Contains(cached, "no-store") && !strings.Contains(cached, "private") {
					t.Errorf("%s as %q may be kept: %q", route.Pattern, role, cached)
				}
			}
		}
		if method == http.MethodGet {
			continue
		}
		for _, header := range []http.Header{
			{"Sec-Fetch-Site": {"cross-site"}}, {"Sec-Fetch-Site": {"same-site"}}, {"Origin": {"https://evil.example"}}, {"Origin": {"null"}},
		} {
			if resp := send(staff.Lead, method, path, header); resp.StatusCode != http.StatusForbidden {
				t.Errorf("%s from another site (%v): %s", route.Pattern, header, resp.Status)
			}
		}
	}
	for _, method := range []string{"PUT", "DELETE", "PATCH"} {
		if resp := send(staff.Lead, method, "/desk/", nil); resp.StatusCode < 400 {
			t.Errorf("%s /desk/: %s", method, resp.Status)
		}
	}
	if err := s.db.CheckAudit(t.Context()); err != nil {
		t.Error(err)
	}
}

// examplePath is a path that a pattern matches, with its method.
func examplePath(pattern string) (method, path string) {
	method, path, _ = strings.Cut(pattern, " ")
	path = strings.TrimSuffix(path, "{$}")
	for {
		before, rest, ok := strings.Cut(path, "{")
		if !ok {
			return method, path
		}
		_, after, _ := strings.Cut(rest, "}")
		path = before + "1" + after
	}
}

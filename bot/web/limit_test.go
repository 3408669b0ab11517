package web_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"tilldesk/bot/web"
)

// A sender sends requests from an address, at a time.
type sender struct {
	h   *web.Handler
	now time.Time
}

func newSender(opt web.Options) *sender {
	s := &sender{now: time.Date(2026, 1, 1, 9, 0, 0, 0, time.UTC)}
	opt.Now = func() time.Time { return s.now }
	s.h = web.New(&fakeEngine{}, &fakeStore{}, opt)
	return s
}

func (s *sender) say(from, conversation string, headers ...string) *httptest.ResponseRecorder {
	body := fmt.Sprintf(`{"conversation":%q,"message_id":"m","text":"a"}`, conversation)
	r := httptest.NewRequest("POST", "/api/chat", strings.NewReader(body))
	r.RemoteAddr = from
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.h.ServeHTTP(w, r)
	return w
}

// passes counts how many of n requests are let through.
func (s *sender) passes(n int, from, conversation func(i int) string, headers ...string) (passed int) {
	for i := range n {
		if s.say(from(i), conversation(i), headers...).Code == http.StatusOK {
			passed++
		}
	}
	return passed
}

func TestLimits(t *testing.T) {
	one := func(int) string { return "192.0.2.1:1000" }
	ports := func(i int) string { return fmt.Sprintf("192.0.2.1:%d", 1000+i) }
	hosts := func(i int) string { return fmt.Sprintf("192.0.%d.%d:1000", 2+i/250, i%250) }
	same := func(int) string { return talk(1) }
	const proxied = "X-Forwarded-For"
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	for _, tt := range []struct {
		name         string
		opt          web.Options
		from         func(int) string
		conversation func(int) string
		headers      []string
		want         int // of 100
	}{
		{"switched off", web.Options{}, one, same, nil, 100},
		{"one address", web.Options{AddressPerSecond: 20}, one, talk, nil, 20},
		{"one address, many ports", web.Options{AddressPerSecond: 20}, ports, talk, nil, 20},
		{"many addresses", web.Options{AddressPerSecond: 20}, hosts, talk, nil, 100},
		{"one customer's IPv6 network", web.Options{AddressPerSecond: 20},
			func(i int) string { return fmt.Sprintf("[2001:db8:1:2::%x]:1000", i) }, talk, nil, 20},
		{"many IPv6 networks", web.Options{AddressPerSecond: 20},
			func(i int) string { return fmt.Sprintf("[2001:db8:1:%x::1]:1000", i) }, talk, nil, 100},
		{"IPv4 written as IPv6", web.Options{AddressPerSecond: 20},
			func(i int) string { return []string{"192.0.2.1:1000", "[::ffff:192.0.2.1]:1000"}[i%2] }, talk, nil, 20},
		{"one conversation", web.Options{ConversationPerMinute: 30}, hosts, same, nil, 30},
		{"many conversations", web.Options{ConversationPerMinute: 30}, one, talk, nil, 100},
		{"a forged forwarding header", web.Options{AddressPerSecond: 20}, one, talk, []string{proxied, "198.51.100.1"}, 20},
		{"behind a trusted proxy", web.Options{AddressPerSecond: 20, TrustedProxies: proxies},
			func(i int) string { return fmt.Sprintf("10.0.0.%d:1000", i) }, talk, []string{proxied, "203.0.113.9, 198.51.100.1, 10.1.1.1"}, 20},
		{"a header that is no address", web.Options{AddressPerSecond: 20, TrustedProxies: proxies},
			func(int) string { return "10.0.0.1:1000" }, talk, []string{proxied, "unknown"}, 20},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSender(tt.opt)
			if got := s.passes(100, tt.from, tt.conversation, tt.headers...); got != tt.want {
				t.Errorf("%d of 100 pass, want %d", got, tt.want)
			}
		})
	}
}

func TestLimitIsPolite(t *testing.T) {
	for lang, want := range map[string]string{"en": "wait", "zh-CN": "稍等"} {
		s := newSender(web.Options{ConversationPerMinute: 30})
		var w *httptest.ResponseRecorder
		for range 31 {
			w = s.say("192.0.2.1:1", talk(1), "Accept-Language", lang)
		}
		var e map[string]string
		if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil {
			t.Fatal(err)
		}
		wait, err := strconv.Atoi(w.Header().Get("Retry-After"))
		if w.Code != http.StatusTooManyRequests || !strings.Contains(e["error"], want) || err != nil || wait < 1 {
			t.Fatalf("%s: %d, Retry-After %q, %s", lang, w.Code, w.Header().Get("Retry-After"), w.Body)
		}
		s.now = s.now.Add(time.Duration(wait) * time.Second)
		if w := s.say("192.0.2.1:1", talk(1)); w.Code != http.StatusOK {
			t.Errorf("after the wait that was asked for: %d", w.Code)
		}
	}
}

// TestLimitForgets shows that what a limiter remembers is bounded, and that it
// forgets the one that was not seen for longest.
func TestLimitForgets(t *testing.T) {
	s := newSender(web.Options{AddressPerSecond: 1})
	address := func(i int) string { return fmt.Sprintf("10.%d.%d.%d:1", i>>16, i>>8&255, i&255) }
	const many = 16_384
	for i := range many {
		if w := s.say(address(i), talk(1)); w.Code != http.StatusOK {
			t.Fatalf("address %d: %d", i, w.Code)
		}
	}
	if w := s.say(address(0), talk(1)); w.Code != http.StatusTooManyRequests {
		t.Fatalf("the first address again: %d", w.Code)
	}
	s.say(address(many), talk(1)) // one more: the second address is forgotten
	for i, want := range map[int]int{0: http.StatusTooManyRequests, 1: http.StatusOK, many: http.StatusTooManyRequests} {
		if w := s.say(address(i), talk(1)); w.Code != want {
			t.Errorf("address %d: %d, want %d", i, w.Code, want)
		}
	}
}

// TestChange takes over another limit and other sites while it serves.
func TestChange(t *testing.T) {
	s := start(t, web.Options{})
	ask := func() (status int, policy string) {
		resp, err := http.Get(s.URL + "/api/chat?conversation=0123456789abcdef")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		return resp.StatusCode, resp.Header.Get("Content-Security-Policy")
	}
	for range 5 {
		if status, _ := ask(); status != http.StatusOK {
			t.Fatalf("status %d without a limit", status)
		}
	}
	s.web.Change(web.Options{AddressPerSecond: 0.001, EmbedOrigins: []string{"https://shop.example"}})
	if status, policy := ask(); status != http.StatusOK || !strings.Contains(policy, "frame-ancestors https://shop.example") {
		t.Errorf("the first request after it: status %d, %s", status, policy)
	}
	if status, _ := ask(); status != http.StatusTooManyRequests {
		t.Errorf("status %d beyond the new limit", status)
	}
	s.web.Change(web.Options{})
	if status, policy := ask(); status != http.StatusOK || !strings.Contains(policy, "frame-ancestors 'none'") {
		t.Errorf("without a limit again: status %d, %s", status, policy)
	}
}

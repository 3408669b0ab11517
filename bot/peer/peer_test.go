package peer_test

import (
	"net/http/httptest"
	"net/netip"
	"testing"

	"tilldesk/bot/peer"
)

func TestOf(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for _, tt := range []struct {
		name, remote string
		forwarded    []string
		want         string
	}{
		{"direct", "192.0.2.1:4711", nil, "192.0.2.1"},
		{"direct, with a header of its own", "192.0.2.1:4711", []string{"203.0.113.9"}, "192.0.2.1"},
		{"by a proxy", "10.0.0.1:80", []string{"192.0.2.1"}, "192.0.2.1"},
		{"by two proxies", "10.0.0.1:80", []string{"192.0.2.1, 10.9.9.9"}, "192.0.2.1"},
		{"forged before the proxy's", "10.0.0.1:80", []string{"203.0.113.9, 192.0.2.1"}, "192.0.2.1"},
		{"in two headers", "10.0.0.1:80", []string{"203.0.113.9", "192.0.2.1"}, "192.0.2.1"},
		{"nonsense from the proxy", "10.0.0.1:80", []string{"203.0.113.9, unknown"}, "10.0.0.1"},
		{"a proxy without the header", "10.0.0.1:80", nil, "10.0.0.1"},
		{"mapped", "[::ffff:192.0.2.1]:4711", nil, "192.0.2.1"},
		{"a network", "[2001:db8:1:2:3:4:5:6]:4711", nil, "2001:db8:1:2::/64"},
		{"with a zone", "[fe80::1%eth0]:4711", nil, "fe80::/64"},
		{"a network by a proxy", "[fd00::1]:80", []string{"2001:db8:1:2::9"}, "2001:db8:1:2::/64"},
		{"no address", "@", nil, "@"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/", nil)
			r.RemoteAddr = tt.remote
			for _, f := range tt.forwarded {
				r.Header.Add("X-Forwarded-For", f)
			}
			if got := peer.Of(r, trusted); got != tt.want {
				t.Errorf("Of = %q, want %q", got, tt.want)
			}
		})
	}
}

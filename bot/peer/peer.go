// Package peer says from where a request came, also behind proxies.
package peer

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Of returns whom a request counts against: an IPv4 address or an IPv6 network
// of 64 bits, as one customer has that many. Behind trusted proxies it is the
// last address of X-Forwarded-For that is not one of them; from anybody else
// that header is not believed.
func Of(r *http.Request, trusted []netip.Prefix) string {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	addr := from.Addr().Unmap()
	isTrusted := func(a netip.Addr) bool {
		return slices.ContainsFunc(trusted, func(p netip.Prefix) bool { return p.Contains(a) })
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && isTrusted(addr); i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		addr = hop.Unmap()
	}
	if addr.Is6() {
		if net, err := addr.WithZone("").Prefix(64); err == nil {
			return net.String()
		}
	}
	return addr.String()
}

package hook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"tilldesk/bot/desk"
	"tilldesk/content/source"
)

// Post is a web-hook.
type Post struct {
	name   string
	url    string
	secret []byte
	client *http.Client
	now    func() time.Time
}

// NewPost returns the web-hook at an http or https URL. secret signs it.
// private lets it be in a private network, or on this machine.
func NewPost(to string, secret []byte, private bool) (*Post, error) {
	u, err := url.Parse(to)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, errors.New("it is no http or https URL") // the URL itself may hold a token
	}
	sum := sha256.Sum256([]byte(to))
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	if !private {
		dialer.ControlContext = public
	}
	return &Post{
		name: "hook " + u.Hostname() + " " + hex.EncodeToString(sum[:4]), url: to, secret: secret, now: time.Now,
		client: &http.Client{
			Transport: &http.Transport{
				DialContext: dialer.DialContext, TLSHandshakeTimeout: 5 * time.Second, ResponseHeaderTimeout: within,
				MaxIdleConnsPerHost: tellers, IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: 64 << 10,
			},
			// A redirect could lead where a web-hook must not go.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// carrierGrade is the network that providers share among customers.
var carrierGrade = netip.MustParsePrefix("100.64.0.0/10")

// public refuses to connect to an address that is not on the open internet. It
// is asked with the address itself, after its name was resolved.
func public(_ context.Context, _, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	if ip := to.Addr().Unmap(); !ip.IsGlobalUnicast() || ip.IsPrivate() || carrierGrade.Contains(ip) {
		return errPrivate
	}
	return nil
}

// Name implements Target.
func (p *Post) Name() string { return p.name }

// Kinds implements Target: all that have a name.
func (p *Post) Kinds() []desk.EventKind {
	var kinds []desk.EventKind
	for kind := range names {
		kinds = append(kinds, kind)
	}
	return kinds
}

// Tell implements Target.
func (p *Post) Tell(ctx context.Context, b Body) error {
	text, err := json.Marshal(b)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrGone, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, bytes.NewReader(text))
	if err != nil {
		return errors.New("its URL cannot be used")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "tilldesk")
	req.Header.Set("Tilldesk-Event", string(b.Event))
	req.Header.Set("Tilldesk-Delivery", b.ID)
	req.Header.Set("Tilldesk-Signature", Sign(p.secret, p.now(), text))
	res, err := p.client.Do(req)
	if err != nil {
		if u := new(url.Error); errors.As(err, &u) {
			err = u.Err // without the URL, which may hold a token
		}
		return unreached(err)
	}
	defer res.Body.Close()
	_, _ = io.CopyN(io.Discard, res.Body, 64<<10) // so that the connection can be used again
	switch {
	case res.StatusCode >= 200 && res.StatusCode < 300:
		return nil
	case res.StatusCode == http.StatusGone:
		return &TellError{answered(res.StatusCode), ErrGone}
	}
	return &TellError{Text: answered(res.StatusCode)}
}

// A TellError says in both languages why a target was not told, for the page
// from which staff try it.
type TellError struct {
	Text source.Text
	Err  error // what is behind it, or nil
}

func (e *TellError) Error() string {
	if e.Err != nil {
		return e.Text.En + ": " + e.Err.Error()
	}
	return e.Text.En
}

// Why returns what to tell staff.
func (e *TellError) Why() source.Text { return e.Text }

func (e *TellError) Unwrap() error { return e.Err }

func answered(status int) source.Text {
	n := strconv.Itoa(status)
	return source.Text{Zh: "对方回答了 " + n + "，应该是 2xx", En: "it answered " + n + ", not 2xx"}
}

// errPrivate refuses an address that a web-hook must not go to.
var errPrivate = errors.New("it leads into a private network; allow that with webhooks.private_networks if it is meant")

// unreached says why there was no answer.
func unreached(err error) error {
	var name *net.DNSError
	var certificate *tls.CertificateVerificationError
	var slow net.Error
	text := source.Text{Zh: "连不上对方的服务器", En: "its server cannot be reached"}
	switch {
	case errors.Is(err, errPrivate):
		text = source.Text{Zh: "地址在内网；如果本来就要这样，请打开 webhooks.private_networks", En: "its address is refused"}
	case errors.As(err, &name):
		text = source.Text{Zh: "找不到这个域名", En: "its name is not known"}
	case errors.As(err, &certificate):
		text = source.Text{Zh: "对方的证书不可信", En: "its certificate cannot be trusted"}
	case errors.As(err, &slow) && slow.Timeout():
		text = source.Text{Zh: "对方没有及时回答", En: "it did not answer in time"}
	}
	return &TellError{text, err}
}

// Test tells the web-hook that this is a test and returns what is wrong, if
// anything is.
func (p *Post) Test(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	return p.Tell(ctx, Body{ID: "test", Event: Test, At: p.now().UTC().Truncate(time.Second)})
}

// Sign returns the signature of a body that is sent at a time.
func Sign(secret []byte, at time.Time, body []byte) string {
	stamp := strconv.FormatInt(at.Unix(), 10)
	return "t=" + stamp + ",v1=" + hex.EncodeToString(sum(secret, stamp, body))
}

func sum(secret []byte, stamp string, body []byte) []byte {
	h := hmac.New(sha256.New, secret)
	h.Write([]byte(stamp + "."))
	h.Write(body)
	return h.Sum(nil)
}

// Verify reports whether a signature is right for the body and not older than
// age: what a receiver should check, so that nobody else speaks for tilldesk and
// what was sent once cannot be sent again.
func Verify(secret []byte, signature string, body []byte, now time.Time, age time.Duration) bool {
	stamp, given, ok := strings.Cut(strings.TrimPrefix(signature, "t="), ",v1=")
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	mac, herr := hex.DecodeString(given)
	if !ok || err != nil || herr != nil || now.Sub(time.Unix(seconds, 0)).Abs() > age {
		return false
	}
	return hmac.Equal(mac, sum(secret, stamp, body))
}

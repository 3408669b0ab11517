package botapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	tg "github.com/go-telegram/bot"
)

// PublicURL is the Bot API of Telegram itself.
const PublicURL = "https://api.telegram.org"

// Bounds on answers: far more than the API gives, far less than memory.
const (
	maxAnswer  = 1 << 20
	maxUpdates = 64 << 20 // a hundred of them
	// maxRequest is the largest upload, with its form around it.
	maxRequest = 12 << 20
)

// ErrToken says that a token does not look like one of BotFather.
var ErrToken = errors.New("a bot token looks like 123456789:AAF…, as BotFather gives it")

var tokenForm = regexp.MustCompile(`^([0-9]{1,19}):[A-Za-z0-9_-]{2,100}$`)

// Client calls the Bot API as one bot. It is safe for concurrent use.
type Client struct {
	api   *tg.Bot
	http  *http.Client
	url   string
	token string
	id    int64
}

// New returns a client for the bot of the token. baseURL is where the Bot API
// is, [PublicURL] if empty. Nothing is called yet. It fails with ErrToken.
func New(token, baseURL string) (*Client, error) {
	parts := tokenForm.FindStringSubmatch(token)
	if parts == nil {
		return nil, ErrToken
	}
	id, err := strconv.ParseInt(parts[1], 10, 64)
	if err != nil {
		return nil, ErrToken
	}
	if baseURL == "" {
		baseURL = PublicURL
	}
	baseURL = strings.TrimRight(baseURL, "/")
	if u, err := url.Parse(baseURL); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("the address of the Bot API must be an http or https URL such as " + PublicURL)
	}
	c := &Client{http: newHTTP(), url: baseURL, token: token, id: id}
	c.api, err = tg.New(token, tg.WithServerURL(baseURL), tg.WithSkipGetMe(),
		tg.WithHTTPClient(time.Minute, doer{c.http}), tg.WithErrorsHandler(func(error) {}))
	if err != nil {
		return nil, ErrToken // the only thing New can find
	}
	return c, nil
}

// ID is the bot's own id, which the token begins with.
func (c *Client) ID() int64 { return c.id }

// CloseIdle closes connections that nothing uses.
func (c *Client) CloseIdle() { c.http.CloseIdleConnections() }

func newHTTP() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			DialContext:         (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 15 * time.Second}).DialContext,
			TLSHandshakeTimeout: 5 * time.Second,
			MaxIdleConnsPerHost: 16,
			IdleConnTimeout:     45 * time.Second,
			ForceAttemptHTTP2:   true,
			// A line that was cut without a word is noticed before the next call.
			HTTP2: &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 5 * time.Second},
		},
		// The token is in the path; it goes nowhere else.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// An attempt is what is known of one request.
type attempt struct {
	connected atomic.Bool // the request may have reached the server
	status    atomic.Int64
	after     atomic.Int64 // seconds of a Retry-After header
}

type attemptKey struct{}

// doer makes the requests of the library: each body in memory, so that one for
// a connection that turns out to be closed goes out on another, and answers
// without end cut off.
type doer struct{ http *http.Client }

func (d doer) Do(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(io.LimitReader(req.Body, maxRequest+1))
	req.Body.Close()
	switch {
	case err != nil:
		return nil, errors.New("the request could not be written") // its error may quote it
	case len(body) > maxRequest:
		return nil, fmt.Errorf("the request has more than %d bytes", maxRequest)
	}
	req.ContentLength = int64(len(body))
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	req.Body, _ = req.GetBody()
	if len(body) == 0 {
		req.Body, req.GetBody = http.NoBody, nil
	}
	resp, err := d.http.Do(req)
	if err != nil {
		return nil, err
	}
	if a, ok := req.Context().Value(attemptKey{}).(*attempt); ok {
		a.status.Store(int64(resp.StatusCode))
		if n, err := strconv.ParseInt(resp.Header.Get("Retry-After"), 10, 32); err == nil {
			a.after.Store(n)
		}
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(resp.Body, maxAnswer), resp.Body}
	return resp, nil
}

// traced returns a context in which an attempt is watched.
func traced(ctx context.Context) (context.Context, *attempt) {
	a := new(attempt)
	ctx = context.WithValue(ctx, attemptKey{}, a)
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { a.connected.Store(true) }}), a
}

// call makes a call with the library and explains its error.
func call[P, R any](ctx context.Context, method string, f func(context.Context, P) (R, error), params P) (R, error) {
	ctx, a := traced(ctx)
	r, err := f(ctx, params)
	if err != nil {
		var none R
		return none, explain(method, err, a)
	}
	return r, nil
}

package wechat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/silenceper/wechat/v2/util"
)

// apiHost is the host of the calls, which Options.APIURL replaces.
const apiHost = "https://api.weixin.qq.com"

const (
	maxAnswer   = 1 << 20 // bytes of an answer of the API
	callTimeout = 8 * time.Second
)

// The SDK has one HTTP client for the whole process, without a timeout. It gets
// one that is bounded in every way and sends each call to the API that its
// context names.
var useClient = sync.OnceFunc(func() {
	dialer := &net.Dialer{Timeout: 3 * time.Second}
	util.DefaultHTTPClient = &http.Client{
		Timeout: callTimeout,
		Transport: &transport{&http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			DialContext:         dialer.DialContext,
			TLSHandshakeTimeout: 3 * time.Second,
			MaxIdleConnsPerHost: 16,
			IdleConnTimeout:     90 * time.Second,
			ForceAttemptHTTP2:   true,
		}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
})

// What a context says of the calls made with it: the channel whose API it is,
// and the bytes that an answer may have, as an int.
type (
	channelKey struct{}
	limitKey   struct{}
)

// transport is the way of all calls of the SDK.
type transport struct{ http.RoundTripper }

// A statusError is an answer that is not the API's own: that always has the
// status 200.
type statusError int

func (e statusError) Error() string { return fmt.Sprintf("the answer has the status %d", int(e)) }

// errEndless says that an answer is larger than any of the API's.
var errEndless = errors.New("the answer is larger than it can be")

func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	way := t.RoundTripper
	if c, ok := r.Context().Value(channelKey{}).(*Channel); ok {
		r = r.Clone(r.Context())
		r.URL.Scheme, r.URL.Host, r.Host = c.base.Scheme, c.base.Host, c.base.Host
		r.URL.Path = c.base.Path + r.URL.Path
		if c.opt.Network != nil {
			way = c.opt.Network
		}
	}
	resp, err := way.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		resp.Body.Close()
		return nil, statusError(resp.StatusCode)
	}
	limit, ok := r.Context().Value(limitKey{}).(int)
	if !ok {
		limit = maxAnswer
	}
	resp.Body = &bounded{resp.Body, limit + 1}
	return resp, nil
}

// bounded is a body that fails when it is larger than it may be.
type bounded struct {
	io.ReadCloser
	left int
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p[:min(len(p), b.left)])
	if b.left -= n; b.left == 0 {
		return 0, errEndless
	}
	return n, err
}

// A CallError is what the API answered instead of doing what it was asked
// (全局返回码). Nothing was done.
type CallError struct {
	What    string // the call
	Code    int64
	Message string // of WeChat, with the rid that its support wants
}

func (e *CallError) Error() string {
	return fmt.Sprintf("WeChat refused %s: %d %s", e.What, e.Code, e.Message)
}

// codeOf returns the code of an API's refusal in err, 0 if there is none.
func codeOf(err error) int64 {
	var refused *CallError
	if errors.As(err, &refused) {
		return refused.Code
	}
	return 0
}

// An unsentError is a failure before anything of the request was sent.
type unsentError struct{ error }

func (e unsentError) Unwrap() error { return e.error }

// exchange runs a call of the SDK against this account's API and makes its
// errors fit to be shown: those of the SDK hold the URL, and so the token.
func (c *Channel) exchange(ctx context.Context, what string, call func(context.Context) ([]byte, error)) ([]byte, error) {
	useClient()
	var connected atomic.Bool
	ctx = context.WithValue(ctx, channelKey{}, c)
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }})
	answer, err := call(ctx)
	if err == nil {
		return answer, nil
	}
	var broken *url.Error
	var status statusError
	switch {
	case errors.As(err, &status):
		err = status
	case errors.As(err, &broken):
		err = broken.Err // without the URL
	case errors.Is(err, errEndless), ctx.Err() != nil, errors.Is(err, io.ErrUnexpectedEOF):
	default:
		err = fmt.Errorf("a %T", err) // its text may hold anything
	}
	err = fmt.Errorf("%s: %w", what, err)
	if !connected.Load() {
		return nil, unsentError{err}
	}
	return nil, err
}

// post makes a call with a JSON body and reads its JSON answer into into,
// which may be nil.
func (c *Channel) post(ctx context.Context, what, path, token string, body, into any) error {
	answer, err := c.exchange(ctx, what, func(ctx context.Context) ([]byte, error) {
		return util.PostJSONContext(ctx, apiHost+path+"?access_token="+url.QueryEscape(token), body)
	})
	if err != nil {
		return err
	}
	return decode(what, answer, into, true)
}

// get makes a call without a body.
func (c *Channel) get(ctx context.Context, what, path, token string, into any) error {
	answer, err := c.exchange(ctx, what, func(ctx context.Context) ([]byte, error) {
		return util.HTTPGetContext(ctx, apiHost+path+"?access_token="+url.QueryEscape(token))
	})
	if err != nil {
		return err
	}
	return decode(what, answer, into, false)
}

// decode reads an answer of the API. coded ones always have an error code; its
// absence shows that somebody else answered.
func decode(what string, answer []byte, into any, coded bool) error {
	var head struct {
		ErrCode *int64 `json:"errcode"`
		ErrMsg  string `json:"errmsg"`
	}
	if err := json.Unmarshal(answer, &head); err != nil {
		return fmt.Errorf("%s: the answer is not WeChat's: it is not a JSON object", what)
	}
	switch {
	case head.ErrCode == nil && coded:
		return fmt.Errorf("%s: the answer is not WeChat's: it has no errcode", what)
	case head.ErrCode != nil && *head.ErrCode != 0:
		return &CallError{what, *head.ErrCode, clip(oneLine(head.ErrMsg), 200)}
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(answer, into); err != nil {
		return fmt.Errorf("%s: the answer is not what WeChat documents", what)
	}
	return nil
}

// authorised makes a call with the token. If WeChat does not take the token
// any more, another one is got and the call made once again.
func (c *Channel) authorised(ctx context.Context, call func(token string) error) error {
	refused := ""
	for again := false; ; again = true {
		token, err := c.tokens.get(ctx, refused)
		if err != nil {
			return unsentError{err}
		}
		err = call(token.text)
		if !badToken(codeOf(err)) {
			return err
		}
		c.tokens.drop(ctx, token)
		if again {
			return err
		}
		refused = token.text
	}
}

// badToken reports whether a code says that the token is not taken.
func badToken(code int64) bool { return code == 40001 || code == 40014 || code == 42001 }

package wechat

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"tilldesk/bot"
)

const (
	maxBody  = 64 << 10
	maxEcho  = 128
	freshFor = 10 * time.Minute // either way, for clocks that differ
	// success is what WeChat takes as "received, no reply". It is never
	// encrypted (被动回复用户消息).
	success = "success"
)

// query is what WeChat puts into the URL.
type query struct {
	timestamp, nonce, signature string
	msgSignature                string // over the encrypted body
	encrypted                   bool
	echo                        string
}

// ServeHTTP takes what WeChat sends: the verification of the URL (GET), and
// messages and events (POST). It says a status of its own for everything:
// WeChat must not take for received what was not stored, and a stranger must
// not learn more than "no".
func (c *Channel) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		w.Header().Set("Allow", "GET, POST")
		refuse(w, http.StatusMethodNotAllowed)
		return
	}
	q, err := c.checkQuery(r.URL.Query(), c.opt.Now())
	if err != nil {
		c.turnAway(w, r, err)
		return
	}
	if r.Method == http.MethodGet {
		c.verify(w, q)
		return
	}
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); strings.HasSuffix(kind, "json") {
		refuse(w, http.StatusUnsupportedMediaType)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		refuse(w, http.StatusRequestEntityTooLarge)
		return
	case err != nil:
		refuse(w, http.StatusBadRequest)
		return
	}
	inner, err := c.unwrap(q, body)
	if err != nil {
		c.turnAway(w, r, err)
		return
	}
	c.receive(w, r, inner)
}

// checkQuery reads the parameters of a request and refuses it if they are not
// signed with our token or too old.
func (c *Channel) checkQuery(values url.Values, now time.Time) (query, error) {
	q := query{encrypted: values.Get("encrypt_type") == "aes", msgSignature: values.Get("msg_signature"), echo: values.Get("echostr")}
	for _, p := range []struct {
		name string
		into *string
	}{{"timestamp", &q.timestamp}, {"nonce", &q.nonce}, {"signature", &q.signature}} {
		if len(values[p.name]) != 1 { // of two, one could be signed and the other one used
			return q, errSignature
		}
		*p.into = values.Get(p.name)
	}
	if !c.signed(q.signature, q.timestamp, q.nonce) {
		return q, errSignature
	}
	seconds, err := strconv.ParseInt(q.timestamp, 10, 64)
	if err != nil || seconds < 0 || seconds > 1<<40 {
		return q, errStale
	}
	if age := now.Sub(time.Unix(seconds, 0)); age > freshFor || age < -freshFor {
		return q, errStale
	}
	return q, nil
}

// verify answers the verification of the URL.
func (c *Channel) verify(w http.ResponseWriter, q query) {
	if q.echo == "" || len(q.echo) > maxEcho || strings.ContainsFunc(q.echo, func(r rune) bool { return r < ' ' || r > '~' }) {
		refuse(w, http.StatusBadRequest)
		return
	}
	if !strings.HasPrefix(q.echo, probeMark) {
		c.opt.Log.Info("WeChat has verified the callback URL")
		c.learn(factVerified, "yes")
	}
	write(w, "text/plain; charset=utf-8", q.echo)
}

// unwrap returns the message in a body. Once there is a key, nothing that is
// not encrypted is taken: the signature of the query does not cover the body.
func (c *Channel) unwrap(q query, body []byte) ([]byte, error) {
	switch {
	case len(c.keys) > 0 && !q.encrypted:
		return nil, errPlain
	case len(c.keys) > 0:
		return c.open(q, body)
	case q.encrypted:
		return nil, errNoKey
	}
	return body, nil
}

// receive takes an authentic body.
func (c *Channel) receive(w http.ResponseWriter, r *http.Request, inner []byte) {
	fields, err := parse(inner)
	if err != nil && len(c.keys) == 0 { // anybody can have written it
		refuse(w, http.StatusBadRequest)
		return
	}
	in := newIncoming(fields)
	if err == nil {
		err = in.check()
	}
	if err != nil {
		// It is WeChat's own, and would be no better the second time.
		c.opt.Log.Error("a message of WeChat's cannot be read and is left out; please report it", "kind", clip(in.kind, 40), "bytes", len(inner), "error", err)
		write(w, "text/plain; charset=utf-8", success)
		return
	}
	if err := c.ours(r.Context(), in.to); err != nil {
		c.turnAway(w, r, err)
		return
	}
	c.answer(w, r, in)
}

// check says why a message cannot be told from others.
func (in incoming) check() error {
	m := bot.Inbound{Address: bot.Address{Channel: Name, Remote: in.from}, Remote: "x"}
	if err := m.Check(); err != nil {
		return errors.New("its sender is missing or malformed")
	}
	if in.kind == "" {
		return errors.New("it has no type")
	}
	return nil
}

// turnAway refuses a request that is not from WeChat, or not for us.
func (c *Channel) turnAway(w http.ResponseWriter, r *http.Request, why error) {
	status := http.StatusForbidden
	if errors.Is(why, errStore) {
		status = http.StatusServiceUnavailable
	}
	c.opt.Log.Warn("a WeChat callback was refused", "method", r.Method, "status", status, "error", why)
	refuse(w, status)
}

func refuse(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	fmt.Fprintln(w, http.StatusText(status))
}

func write(w http.ResponseWriter, kind, body string) {
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = io.WriteString(w, body) // WeChat asks again if it did not get it
}

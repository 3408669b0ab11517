package wechattest

import (
	"bytes"
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// An Account is what WeChat knows of an official account.
type Account struct {
	AppID, Secret, Token string
	AESKey               string // "": what is posted is not encrypted
	OriginalID           string
}

// Shop is an account for tests.
func Shop() Account {
	return Account{
		AppID: "wx49f0ab532d5d035a", Secret: "5ecr3t0f4b17c0ffee5ecr3t0f4b17c0", Token: "c0unter70ken",
		AESKey: "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR", OriginalID: "gh_0123456789ab",
	}
}

// Fields are the elements of a message, in order: name, value, name, value.
type Fields []string

// XML returns the message as WeChat writes it.
func (f Fields) XML() string {
	var b strings.Builder
	b.WriteString("<xml>")
	for i := 0; i+1 < len(f); i += 2 {
		name, value := f[i], f[i+1]
		switch name {
		case "CreateTime", "MsgId", "MsgID", "Location_X", "Location_Y", "Scale":
			fmt.Fprintf(&b, "<%s>%s</%s>", name, value, name)
		default:
			fmt.Fprintf(&b, "<%s><![CDATA[%s]]></%s>", name, strings.ReplaceAll(value, "]]>", "]]]]><![CDATA[>"), name)
		}
	}
	return b.String() + "</xml>"
}

var lastID atomic.Int64

// Message returns the fields of a message of a kind that a merchant sent now.
func (a Account) Message(from, kind string, more ...string) Fields {
	return a.MessageAt(time.Now(), from, kind, more...)
}

// MessageAt is Message at a time.
func (a Account) MessageAt(at time.Time, from, kind string, more ...string) Fields {
	f := Fields{"ToUserName", a.OriginalID, "FromUserName", from, "CreateTime", strconv.FormatInt(at.Unix(), 10), "MsgType", kind}
	f = append(f, more...)
	if kind != "event" {
		f = append(f, "MsgId", strconv.FormatInt(23_000_000_000_000_000+lastID.Add(1), 10))
	}
	return f
}

// A Post is a request to a callback.
type Post struct {
	Query url.Values
	Body  string
}

// Post returns the request that delivers a message at a time.
func (a Account) Post(at time.Time, message string) Post {
	timestamp, nonce := strconv.FormatInt(at.Unix(), 10), strconv.FormatUint(uint64(lastID.Add(1)), 10)
	p := Post{Query: url.Values{"timestamp": {timestamp}, "nonce": {nonce}, "signature": {Sign(a.Token, timestamp, nonce)}}, Body: message}
	if a.AESKey != "" {
		sealed := Seal(a.AESKey, a.AppID, random(16), message)
		p.Query.Set("encrypt_type", "aes")
		p.Query.Set("msg_signature", Sign(a.Token, timestamp, nonce, sealed))
		p.Body = Fields{"ToUserName", a.OriginalID, "Encrypt", sealed}.XML()
	}
	return p
}

// Request makes a request of the post.
func (p Post) Request(ctx context.Context, callback string) *http.Request {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, callback+"?"+p.Query.Encode(), strings.NewReader(p.Body))
	if err != nil {
		panic(err)
	}
	r.Header.Set("Content-Type", "text/xml")
	return r
}

// A Reply is a passive reply, as the phone shows it.
type Reply struct {
	Kind    string // MsgType; "" if there is none ("success")
	Content string
}

// passive is a passive reply as it is written.
type passive struct {
	XMLName      xml.Name `xml:"xml"`
	ToUserName   string
	FromUserName string
	CreateTime   string
	MsgType      string
	Content      string
}

// Read reads an answer as WeChat does. An error means that the phone says that
// the account is out of order.
func (a Account) Read(answer []byte, to string, now time.Time) (Reply, error) {
	if s := string(answer); s == "success" || s == "" {
		return Reply{}, nil
	}
	if a.AESKey != "" {
		var sealed struct {
			XMLName      xml.Name `xml:"xml"`
			Encrypt      string
			MsgSignature string
			TimeStamp    string
			Nonce        string
		}
		if err := strict(answer, &sealed); err != nil {
			return Reply{}, fmt.Errorf("the envelope: %w", err)
		}
		if at, err := strconv.ParseInt(sealed.TimeStamp, 10, 64); err != nil || at < now.Unix()-600 || at > now.Unix()+600 {
			return Reply{}, fmt.Errorf("the envelope was made at %q, which is not now in seconds", sealed.TimeStamp)
		}
		if sealed.MsgSignature != Sign(a.Token, sealed.TimeStamp, sealed.Nonce, sealed.Encrypt) {
			return Reply{}, fmt.Errorf("the signature is wrong")
		}
		inner, err := Open(a.AESKey, a.AppID, sealed.Encrypt)
		if err != nil {
			return Reply{}, err
		}
		answer = []byte(inner)
	}
	var p passive
	if err := strict(answer, &p); err != nil {
		return Reply{}, fmt.Errorf("the reply: %w", err)
	}
	at, err := strconv.ParseInt(p.CreateTime, 10, 64)
	switch {
	case err != nil || at < now.Unix()-600 || at > now.Unix()+600:
		return Reply{}, fmt.Errorf("the reply was made at %q", p.CreateTime)
	case p.ToUserName != to || p.FromUserName != a.OriginalID:
		return Reply{}, fmt.Errorf("the reply is from %q to %q", p.FromUserName, p.ToUserName)
	case p.MsgType == "text":
		return Reply{p.MsgType, p.Content}, checkText(p.Content)
	case p.MsgType == "transfer_customer_service" && p.Content == "":
		return Reply{p.MsgType, ""}, nil
	}
	return Reply{}, fmt.Errorf("the reply is of the type %q", p.MsgType)
}

// maxText is what a text may have, in bytes.
const maxText = 2048

func checkText(s string) error {
	switch {
	case strings.TrimSpace(s) == "":
		return fmt.Errorf("the text is empty")
	case len(s) > maxText:
		return fmt.Errorf("the text has %d bytes", len(s))
	case strings.ContainsFunc(s, func(r rune) bool {
		return r < ' ' && r != '\n' && r != '\t' && r != '\r' || r == 0xFFFE || r == 0xFFFF
	}):
		return fmt.Errorf("the text has characters that XML forbids")
	}
	return nil
}

// strict reads one XML document and nothing else.
func strict(b []byte, into any) error {
	d := xml.NewDecoder(bytes.NewReader(b))
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return fmt.Errorf("there is something after the document")
	}
	return nil
}

// A Delivery is one try to deliver a message.
type Delivery struct {
	Status int
	Answer []byte
	Reply  Reply
	Took   time.Duration
	Err    error // of the connection, or of reading the answer
}

// Deliver posts a message once and hangs up after five seconds, as WeChat does.
func (a Account) Deliver(ctx context.Context, client *http.Client, callback, to, message string) Delivery {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	return a.Try(ctx, client, callback, to, message)
}

// Try is Deliver with the patience of ctx, for tests that are not about time.
func (a Account) Try(ctx context.Context, client *http.Client, callback, to, message string) Delivery {
	began := time.Now()
	d := a.deliver(client, a.Post(began, message).Request(ctx, callback), to)
	d.Took = time.Since(began)
	return d
}

func (a Account) deliver(client *http.Client, r *http.Request, to string) (d Delivery) {
	resp, err := client.Do(r)
	if err != nil {
		d.Err = err
		return d
	}
	defer resp.Body.Close()
	d.Status = resp.StatusCode
	if d.Answer, d.Err = io.ReadAll(io.LimitReader(resp.Body, 1<<20)); d.Err != nil {
		return d
	}
	if d.Status == http.StatusOK {
		d.Reply, d.Err = a.Read(d.Answer, to, time.Now())
	} else {
		d.Err = fmt.Errorf("the status is %d", d.Status)
	}
	return d
}

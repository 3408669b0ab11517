package wechat_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/store"
	"tilldesk/bot/store/storetest"
	"tilldesk/bot/wechat"
	"tilldesk/bot/wechat/wechattest"
)

// inbox is an engine that answers everything with an echo, at once.
type inbox struct {
	db *store.DB

	mu  sync.Mutex
	got []bot.Inbound
	say func(bot.Inbound) []bot.Reply
	err error
}

func (e *inbox) Accept(ctx context.Context, in bot.Inbound) (bot.Receipt, error) {
	if e.err != nil {
		return bot.Receipt{}, e.err
	}
	receipts, err := e.db.Accept(ctx, []bot.Arrival{{Inbound: in}})
	if err != nil {
		return bot.Receipt{}, err
	}
	if receipts[0].Fresh {
		e.mu.Lock()
		e.got = append(e.got, in)
		e.mu.Unlock()
		say := []bot.Reply{{Text: "你说：" + in.Text, Kind: "answer"}}
		if e.say != nil {
			say = e.say(in)
		}
		works, err := e.db.Claim(ctx, "test", time.Now(), time.Minute, 1)
		if err != nil || len(works) != 1 {
			return bot.Receipt{}, fmt.Errorf("claimed %d: %w", len(works), err)
		}
		if _, err := e.db.Commit(ctx, bot.Turn{Work: works[0], State: works[0].Conversation.State, Replies: say, Hold: 3500 * time.Millisecond, Reason: "test"}); err != nil {
			return bot.Receipt{}, err
		}
	}
	return receipts[0], nil
}

func (e *inbox) Replies(ctx context.Context, id bot.MessageID) (bot.Answered, error) {
	a, done, err := e.db.Replies(ctx, id)
	if err == nil && !done {
		<-ctx.Done()
		err = ctx.Err()
	}
	return a, err
}

func (e *inbox) messages() []bot.Inbound {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.got
}

// shop is a channel on a store, with WeChat's side of its account.
type shop struct {
	wechattest.Account
	*inbox
	channel *wechat.Channel
	log     *bytes.Buffer
}

func options(a wechattest.Account) wechat.Options {
	return wechat.Options{AppID: a.AppID, AppSecret: a.Secret, Token: a.Token, AESKey: a.AESKey}
}

func open(t testing.TB, a wechattest.Account, change func(*wechat.Options)) *shop {
	t.Helper()
	s := &shop{Account: a, inbox: &inbox{db: storetest.Open(t, storetest.SQLite(t), store.Options{})}, log: &bytes.Buffer{}}
	opt := options(a)
	opt.Log = slog.New(slog.NewJSONHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	if change != nil {
		change(&opt)
	}
	var err error
	if s.channel, err = wechat.New(s.inbox, s.db, opt); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.channel.Close)
	return s
}

func (s *shop) serve(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.channel.ServeHTTP(w, r)
	return w
}

func (s *shop) post(p wechattest.Post) *httptest.ResponseRecorder {
	return s.serve(p.Request(context.Background(), "http://shop.test/wechat/callback"))
}

// said posts a message and returns the text of the passive reply.
func (s *shop) said(t testing.TB, message wechattest.Fields) string {
	t.Helper()
	w := s.post(s.Post(time.Now(), message.XML()))
	if w.Code != http.StatusOK {
		t.Fatalf("status %d", w.Code)
	}
	reply, err := s.Read(w.Body.Bytes(), message[3], time.Now())
	if err != nil {
		t.Fatalf("the phone shows an error: %v", err)
	}
	return reply.Content
}

func plain() wechattest.Account {
	a := wechattest.Shop()
	a.AESKey = ""
	return a
}

// The door lets in what WeChat has signed, and nothing else.
func TestDoor(t *testing.T) {
	hello := func(a wechattest.Account) string { return a.Message("o-merchant", "text", "Content", "你好").XML() }
	now := time.Now()
	for _, tt := range []struct {
		name   string
		plain  bool // the account has no key
		change func(a wechattest.Account, p *wechattest.Post)
		want   int
	}{
		{"encrypted", false, nil, 200},
		{"not encrypted, without a key", true, nil, 200},
		{"not encrypted, with a key", false, func(a wechattest.Account, p *wechattest.Post) {
			a.AESKey = ""
			*p = a.Post(now, hello(a))
		}, 403},
		{"not encrypted, but said to be", false, func(a wechattest.Account, p *wechattest.Post) { p.Body = hello(a) }, 403},
		{"encrypted, without a key", true, func(a wechattest.Account, p *wechattest.Post) { *p = wechattest.Shop().Post(now, hello(a)) }, 403},
		{"both in one body", false, func(a wechattest.Account, p *wechattest.Post) {
			p.Body = strings.Replace(p.Body, "</xml>", "<Content>forged</Content><FromUserName>other</FromUserName></xml>", 1)
		}, 200},
		{"wrong signature", false, func(_ wechattest.Account, p *wechattest.Post) { p.Query.Set("signature", strings.Repeat("0", 40)) }, 403},
		{"no signature", false, func(_ wechattest.Account, p *wechattest.Post) { p.Query.Del("signature") }, 403},
		{"two signatures", false, func(_ wechattest.Account, p *wechattest.Post) { p.Query.Add("signature", "x") }, 403},
		{"two nonces", false, func(_ wechattest.Account, p *wechattest.Post) { p.Query.Add("nonce", "x") }, 403},
		{"signature of another token", false, func(a wechattest.Account, p *wechattest.Post) {
			a.Token = "another"
			*p = a.Post(now, hello(a))
		}, 403},
		{"signature of no token", false, func(a wechattest.Account, p *wechattest.Post) {
			a.Token = ""
			*p = a.Post(now, hello(a))
		}, 403},
		{"wrong signature of the body", false, func(_ wechattest.Account, p *wechattest.Post) {
			p.Query.Set("msg_signature", p.Query.Get("signature"))
		}, 403},
		{"another app id", false, func(a wechattest.Account, p *wechattest.Post) {
			a.AppID = "wx-another"
			*p = a.Post(now, hello(a))
		}, 403},
		{"another key", false, func(a wechattest.Account, p *wechattest.Post) {
			a.AESKey = strings.Repeat("A", 43)
			*p = a.Post(now, hello(a))
		}, 403},
		{"garbage in the envelope", false, func(a wechattest.Account, p *wechattest.Post) { *p = sealed(a, now, "!!! not base64 !!!") }, 403},
		{"no blocks in the envelope", false, func(a wechattest.Account, p *wechattest.Post) { *p = sealed(a, now, "AAAA") }, 403},
		{"nothing in the envelope", false, func(a wechattest.Account, p *wechattest.Post) { *p = sealed(a, now, "") }, 403},
		{"padding", false, func(a wechattest.Account, p *wechattest.Post) {
			*p = sealed(a, now, strings.Repeat("A", 64*4/3-1)+"=")
		}, 403},
		{"9 minutes old", false, func(a wechattest.Account, p *wechattest.Post) { *p = a.Post(now.Add(-9*time.Minute), hello(a)) }, 200},
		{"11 minutes old", false, func(a wechattest.Account, p *wechattest.Post) { *p = a.Post(now.Add(-11*time.Minute), hello(a)) }, 403},
		{"11 minutes ahead", false, func(a wechattest.Account, p *wechattest.Post) { *p = a.Post(now.Add(11*time.Minute), hello(a)) }, 403},
		{"ten years old", false, func(a wechattest.Account, p *wechattest.Post) { *p = a.Post(now.AddDate(-10, 0, 0), hello(a)) }, 403},
		{"a time that is no number", false, func(a wechattest.Account, p *wechattest.Post) { resign(a, p, "timestamp", "soon") }, 403},
		{"a time that is too large", false, func(a wechattest.Account, p *wechattest.Post) { resign(a, p, "timestamp", "99999999999999999999") }, 403},
		{"a time below 0", false, func(a wechattest.Account, p *wechattest.Post) { resign(a, p, "timestamp", "-1") }, 403},
		{"for another account", false, func(a wechattest.Account, p *wechattest.Post) {
			a.OriginalID = "gh_another"
			*p = a.Post(now, hello(a))
		}, 403},
		{"64 KiB", false, func(_ wechattest.Account, p *wechattest.Post) { p.Body += strings.Repeat(" ", 64<<10-len(p.Body)) }, 200},
		{"more than 64 KiB", false, func(_ wechattest.Account, p *wechattest.Post) { p.Body += strings.Repeat(" ", 64<<10+1-len(p.Body)) }, 413},
		{"not XML", false, func(_ wechattest.Account, p *wechattest.Post) { p.Body = "hello" }, 403},
		{"not XML, without a key", true, func(_ wechattest.Account, p *wechattest.Post) { p.Body = "hello" }, 400},
		{"JSON", false, func(_ wechattest.Account, p *wechattest.Post) { p.Body = `{"ToUserName":"gh_1","Encrypt":"AAAA"}` }, 403},
		{"JSON, without a key", true, func(_ wechattest.Account, p *wechattest.Post) {
			p.Body = `{"ToUserName":"gh_1","FromUserName":"o-1","MsgType":"text","Content":"hi","MsgId":1}`
		}, 400},
		{"no body", false, func(_ wechattest.Account, p *wechattest.Post) { p.Body = "" }, 403},
		{"an echostr in a POST", false, func(_ wechattest.Account, p *wechattest.Post) { p.Query.Set("echostr", "echo") }, 200},
		{"authentic, but no XML", false, func(a wechattest.Account, p *wechattest.Post) { *p = a.Post(now, "hello") }, 200},
		{"authentic, without a sender", false, func(a wechattest.Account, p *wechattest.Post) {
			*p = a.Post(now, wechattest.Fields{"ToUserName", a.OriginalID, "MsgType", "text"}.XML())
		}, 200},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := wechattest.Shop()
			if tt.plain {
				a = plain()
			}
			s := open(t, a, func(o *wechat.Options) { o.OriginalID = a.OriginalID })
			p := a.Post(now, hello(a))
			if tt.change != nil {
				tt.change(a, &p)
			}
			w := s.post(p)
			if w.Code != tt.want {
				t.Fatalf("status %d %s, want %d\n%s", w.Code, w.Body, tt.want, s.log)
			}
			taken := s.messages()
			authentic := tt.want == 200 && !strings.HasPrefix(tt.name, "authentic")
			if authentic != (len(taken) == 1) {
				t.Fatalf("%d messages were taken", len(taken))
			}
			if authentic {
				if taken[0].Text != "你好" || taken[0].Address.Remote != "o-merchant" {
					t.Errorf("taken: %+v", taken[0])
				}
				if reply, err := a.Read(w.Body.Bytes(), "o-merchant", time.Now()); err != nil || reply.Content != "你说：你好" {
					t.Errorf("the phone shows %+v, %v", reply, err)
				}
			}
			if tt.want == 200 && !authentic && w.Body.String() != "success" {
				t.Errorf("answered %q", w.Body)
			}
			for _, secret := range []string{a.Token, a.Secret, wechattest.Shop().AESKey, "你好"} {
				if strings.Contains(s.log.String(), secret) {
					t.Errorf("the log has %q: %s", secret, s.log)
				}
			}
		})
	}
}

// sealed is a post with something in its envelope that is signed.
func sealed(a wechattest.Account, at time.Time, content string) wechattest.Post {
	p := a.Post(at, "")
	p.Query.Set("msg_signature", wechattest.Sign(a.Token, p.Query.Get("timestamp"), p.Query.Get("nonce"), content))
	p.Body = wechattest.Fields{"ToUserName", a.OriginalID, "Encrypt", content}.XML()
	return p
}

// resign changes a parameter and signs the query anew.
func resign(a wechattest.Account, p *wechattest.Post, name, value string) {
	p.Query.Set(name, value)
	p.Query.Set("signature", wechattest.Sign(a.Token, p.Query.Get("timestamp"), p.Query.Get("nonce")))
}

func TestVerification(t *testing.T) {
	a := wechattest.Shop()
	now := time.Now()
	for _, tt := range []struct {
		name   string
		change func(url.Values)
		status int
		body   string
	}{
		{"good", nil, 200, "5838394372940"},
		{"wrong signature", func(q url.Values) { q.Set("signature", "x") }, 403, "Forbidden\n"},
		{"no echostr", func(q url.Values) { q.Del("echostr") }, 400, "Bad Request\n"},
		{"a script", func(q url.Values) { q.Set("echostr", "<script>\n") }, 400, "Bad Request\n"},
		{"too long", func(q url.Values) { q.Set("echostr", strings.Repeat("1", 129)) }, 400, "Bad Request\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t, a, nil)
			timestamp := strconv.FormatInt(now.Unix(), 10)
			q := url.Values{"timestamp": {timestamp}, "nonce": {"7"}, "signature": {wechattest.Sign(a.Token, timestamp, "7")}, "echostr": {"5838394372940"}}
			if tt.change != nil {
				tt.change(q)
			}
			w := s.serve(httptest.NewRequest(http.MethodGet, "/wechat/callback?"+q.Encode(), nil))
			if w.Code != tt.status || w.Body.String() != tt.body {
				t.Errorf("got %d %q, want %d %q", w.Code, w.Body, tt.status, tt.body)
			}
			if h := w.Header(); h.Get("X-Content-Type-Options") != "nosniff" || !strings.HasPrefix(h.Get("Content-Type"), "text/plain") {
				t.Errorf("headers: %v", h)
			}
		})
	}
	s := open(t, a, nil)
	if w := s.serve(httptest.NewRequest(http.MethodPut, "/wechat/callback", nil)); w.Code != 405 {
		t.Errorf("PUT: %d", w.Code)
	}
	p := a.Post(now, "x")
	r := p.Request(t.Context(), "/wechat/callback")
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	if w := s.serve(r); w.Code != 415 {
		t.Errorf("JSON: %d", w.Code)
	}
}

// After the key was changed, what was encrypted with the one before is read.
func TestKeyRotation(t *testing.T) {
	before := wechattest.Shop()
	after := before
	after.AESKey = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
	s := open(t, after, func(o *wechat.Options) { o.PreviousAESKey = before.AESKey })
	w := s.post(before.Post(time.Now(), before.Message("o-merchant", "text", "Content", "旧").XML()))
	if reply, err := after.Read(w.Body.Bytes(), "o-merchant", time.Now()); err != nil || reply.Content != "你说：旧" {
		t.Errorf("with the key before: %+v, %v", reply, err)
	}
	if got := s.said(t, after.Message("o-merchant", "text", "Content", "新")); got != "你说：新" {
		t.Errorf("with the new key: %q", got)
	}
}

// The account's original id is learnt from the first message and holds then.
func TestOriginalIDIsPinned(t *testing.T) {
	a := wechattest.Shop()
	s := open(t, a, nil)
	s.said(t, a.Message("o-1", "text", "Content", "1"))
	other := a
	other.OriginalID = "gh_other"
	if w := s.post(other.Post(time.Now(), other.Message("o-2", "text", "Content", "2").XML())); w.Code != 403 {
		t.Errorf("another account: %d", w.Code)
	}
	again, err := wechat.New(s.inbox, s.db, options(a))
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	again.ServeHTTP(w, other.Post(time.Now(), other.Message("o-3", "text", "Content", "3").XML()).Request(t.Context(), "/"))
	if w.Code != 403 {
		t.Errorf("another account, after a restart: %d", w.Code)
	}
}

// Known answers, of the documentation and of other implementations.
func TestKnownAnswers(t *testing.T) {
	for _, tt := range []struct{ token, timestamp, nonce, want string }{
		{"AAAAA", "1714036504", "1514711492", "f464b24fc39322e44b38aa78f5edd27bd1441696"},
		{"AAAAA", "1714037059", "486452656", "899cf89e464efb63f54ddac96b0a0a235f53aa78"},
	} {
		at, err := strconv.ParseInt(tt.timestamp, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		a := wechattest.Shop()
		a.Token = tt.token
		s := open(t, a, func(o *wechat.Options) { o.Now = func() time.Time { return time.Unix(at, 0) } })
		q := url.Values{"timestamp": {tt.timestamp}, "nonce": {tt.nonce}, "signature": {tt.want}, "echostr": {"hello"}}
		if w := s.serve(httptest.NewRequest(http.MethodGet, "/?"+q.Encode(), nil)); w.Code != 200 || w.Body.String() != "hello" {
			t.Errorf("%v: %d", tt, w.Code)
		}
	}
	const key = "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR"
	if got := wechattest.Seal(key, "rust", []byte("1234567890123456"), "test"); got != "9s4gMv99m88kKTh/H8IdkNiFGeG9pd7vNWl50fGRWXY=" {
		t.Errorf("sealed: %s", got)
	}
	const sealed = "4ByGGj+sVCYcvGeQYhaKIk1o0pQRNbRjxybjTGblXrBaXlTXeOo1+bXFXDQQb1o6co6Yh9Bv41n7hOchLF6p+Q=="
	if got, err := wechattest.Open(key, "wx49f0ab532d5d035a", sealed); got != "5927782489442352469" {
		t.Errorf("opened: %q, %v", got, err)
	}
	if got := wechattest.Sign("123456", "1411443780", "437374425", sealed); got != "dd6b9c95b495b3f7e2901bfbc76c664930ffdb96" {
		t.Errorf("signed: %s", got)
	}
	// The same through the door: what it holds is no message, so it is
	// acknowledged; a refusal would be 403.
	a := wechattest.Account{AppID: "wx49f0ab532d5d035a", Secret: "s", Token: "123456", AESKey: key, OriginalID: "gh_1"}
	s := open(t, a, func(o *wechat.Options) { o.Now = func() time.Time { return time.Unix(1411443780, 0) } })
	p := wechattest.Post{Query: url.Values{
		"timestamp": {"1411443780"}, "nonce": {"437374425"}, "signature": {wechattest.Sign("123456", "1411443780", "437374425")},
		"encrypt_type": {"aes"}, "msg_signature": {"dd6b9c95b495b3f7e2901bfbc76c664930ffdb96"},
	}, Body: "<xml><ToUserName>gh_1</ToUserName><Encrypt>" + sealed + "</Encrypt></xml>"}
	if w := s.post(p); w.Code != 200 || w.Body.String() != "success" {
		t.Errorf("the known envelope: %d %s", w.Code, w.Body)
	}
}

func TestNewRefuses(t *testing.T) {
	for name, change := range map[string]func(*wechat.Options){
		"no token":            func(o *wechat.Options) { o.Token = "" },
		"a short token":       func(o *wechat.Options) { o.Token = "ab" },
		"no secret":           func(o *wechat.Options) { o.AppSecret = "" },
		"no app id":           func(o *wechat.Options) { o.AppID = "" },
		"a short key":         func(o *wechat.Options) { o.AESKey = "abc" },
		"only a previous key": func(o *wechat.Options) { o.PreviousAESKey, o.AESKey = o.AESKey, "" },
		"an API without host": func(o *wechat.Options) { o.APIURL = "api" },
	} {
		opt := options(wechattest.Shop())
		change(&opt)
		if _, err := wechat.New(nil, nil, opt); err == nil {
			t.Errorf("%s: no error", name)
		} else if strings.Contains(err.Error(), wechattest.Shop().Secret) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Keys whose last character has bits that mean nothing are WeChat's own.
	opt := options(wechattest.Shop())
	opt.AESKey = strings.Repeat("z", 43)
	if _, err := wechat.New(nil, nil, opt); err != nil {
		t.Error(err)
	}
}

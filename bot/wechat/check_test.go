package wechat_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/silenceper/wechat/v2/officialaccount/menu"

	"tilldesk/bot/wechat"
	"tilldesk/bot/wechat/wechattest"
)

const callback = "https://shop.test/wechat/callback"

// Check names each thing that can be wrong, in both languages, and what to
// click.
func TestCheck(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*wechat.Options, *internet)
		wrong  []string // of what is to be mended, in English
		right  []string
	}{
		{"all is well", nil, nil, []string{"access token", "verified it on", "five messages within 48 hours", "has no menu"}},
		{"there is a menu", func(_ *wechat.Options, n *internet) {
			n.api.SetMenu(`{"button":[{"name":"帮助","sub_button":[{"type":"click","name":"没网","key":"k"}]},{"type":"view","name":"官网","url":"u"}]}`)
		}, nil, []string{"menu is: 帮助 (没网), 官网"}},
		{"not our address", func(_ *wechat.Options, n *internet) { n.api.Strange.Store(true) }, []string{"203.0.113.9"}, nil},
		{"another app id", func(o *wechat.Options, _ *internet) { o.AppID = "wx-another" }, []string{"no such app id"}, nil},
		{"another secret", func(o *wechat.Options, _ *internet) { o.AppSecret = "another" }, []string{"secret is not the right one"}, nil},
		{"a frozen secret", func(_ *wechat.Options, n *internet) { n.api.Next(wechattest.StableToken, 40243) }, []string{"frozen"}, nil},
		{"not verified, but said to be", func(_ *wechat.Options, n *internet) { n.api.NoMessages = true }, []string{"Set wechat.account to unverified"}, nil},
		{"not verified", func(o *wechat.Options, n *internet) { n.api.NoMessages, o.Account = true, wechat.Unverified }, nil, []string{"as wechat.account says"}},
		{"verified, but not said to be", func(o *wechat.Options, _ *internet) { o.Account = wechat.Unverified }, []string{"wechat.account is unverified"}, nil},
		{"no key", func(o *wechat.Options, _ *internet) { o.AESKey = "" }, []string{"not encrypted"}, nil},
		{"another token", func(o *wechat.Options, _ *internet) { o.Token = "another" }, []string{"the running one has another wechat.token"}, nil},
		{"not our address, which is not named", func(_ *wechat.Options, n *internet) { n.api.Next(wechattest.StableToken, 61004) }, []string{"gives no access token"}, nil},
		{"no desk of WeChat's", func(o *wechat.Options, n *internet) {
			o.Transfer = true
			n.api.Next(wechattest.KfOnline, 65400)
		}, []string{"添加功能插件"}, nil},
		{"nobody at WeChat's desk", func(o *wechat.Options, _ *internet) { o.Transfer = true }, nil, []string{"Nobody is at WeChat's own desk"}},
		{"people at WeChat's desk", func(o *wechat.Options, n *internet) {
			o.Transfer = true
			n.api.SetOnline("a@shop", "b@shop")
		}, nil, []string{"there are 2 people", "seen only there"}},
		{"a redirect at the callback", func(_ *wechat.Options, n *internet) {
			n.page = func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "https://shop.test/", http.StatusFound)
			}
		}, []string{"redirects, which WeChat does not follow"}, nil},
		{"no menu yet: wanted", nil, []string{"Run `tilldesk wechat menu`"}, nil},
		{"another menu: wanted", func(_ *wechat.Options, n *internet) {
			n.api.SetMenu(`{"button":[{"type":"view","name":"官网","url":"u"}]}`)
		}, nil, []string{"tilldesk wechat menu --replace"}},
		{"no right to menus: wanted", func(_ *wechat.Options, n *internet) { n.api.Next(wechattest.MenuGet, 48001) }, []string{"Remove wechat.menu"}, nil},
		{"at http://localhost/x", nil, []string{"WeChat cannot reach it"}, nil},
		{"at http://192.168.1.7/x", nil, []string{"WeChat cannot reach it"}, nil},
		{"at https://help.example:8443/x", nil, []string{"WeChat cannot reach it"}, nil},
		{"something else at the callback", func(_ *wechat.Options, n *internet) {
			n.page = func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("<html>Welcome</html>")) }
		}, []string{"Something else answers"}, nil},
		{"nothing at the callback", func(_ *wechat.Options, n *internet) {
			n.page = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(502) }
		}, []string{"cannot be reached from here"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, n, _ := album(t, nil)
			n.page = s.channel.ServeHTTP
			if w := s.serve(httptest.NewRequest(http.MethodGet, "/?"+verification(s.Account), nil)); w.Code != 200 {
				t.Fatal(w.Code)
			}
			s.channel.Close() // it is stored by then that it was verified
			opt := options(s.Account)
			opt.Network = n
			if tt.change != nil {
				tt.change(&opt, n)
			}
			c, err := wechat.New(nil, s.db, opt)
			if err != nil {
				t.Fatal(err)
			}
			var wrong, right []string
			var wanted []*menu.Button
			if strings.HasSuffix(tt.name, ": wanted") {
				if wanted, err = wechat.ParseMenu("没网=机器没网"); err != nil {
					t.Fatal(err)
				}
			}
			address := callback
			if _, at, ok := strings.Cut(tt.name, "at http"); ok {
				address = "http" + at
			}
			for _, f := range c.Check(t.Context(), address, wanted) {
				if f.OK {
					right = append(right, f.Say.En)
				} else {
					wrong = append(wrong, f.Say.En)
				}
				if !strings.ContainsFunc(f.Say.Zh, func(r rune) bool { return unicode.Is(unicode.Han, r) }) {
					t.Errorf("not in Chinese: %s", f.Say.Zh)
				}
				for _, secret := range []string{s.Secret, s.Token, s.AESKey, "70_access-token"} {
					if strings.Contains(f.Say.En+f.Say.Zh, secret) {
						t.Errorf("a secret is in %s", f.Say.En)
					}
				}
			}
			contains(t, "to be mended", wrong, tt.wrong)
			if len(wrong) != len(tt.wrong) {
				t.Errorf("to be mended: %q", wrong)
			}
			contains(t, "good", right, tt.right)
			for _, m := range n.api.Mistakes() {
				t.Error(m)
			}
		})
	}
}

func verification(a wechattest.Account) string {
	p := a.Post(time.Now(), "")
	p.Query.Set("echostr", "1")
	return p.Query.Encode()
}

func contains(t *testing.T, what string, texts, parts []string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(strings.Join(texts, "\n"), part) {
			t.Errorf("%s: %q lacks %q", what, texts, part)
		}
	}
}

func TestMenu(t *testing.T) {
	a := wechattest.Shop()
	api := wechattest.NewAPI(a)
	opt := options(a)
	opt.Network = api
	c, err := wechat.New(nil, nil, opt)
	if err != nil {
		t.Fatal(err)
	}
	buttons, err := wechat.ParseMenu("扫码失败=扫不了码, 机器/没网=机器没网，机器/不开机=机器不开机,找人工=人工")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.SetMenu(t.Context(), buttons, false); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"say:扫不了码", "say:人工", `"name":"机器"`, `"sub_button"`} {
		if !strings.Contains(api.Menu(), part) {
			t.Errorf("the menu %s lacks %s", api.Menu(), part)
		}
	}
	api.SetMenu(`{"button":[{"type":"view","name":"官网","url":"https://shop.test"}]}`)
	if err := c.SetMenu(t.Context(), buttons, false); err == nil || !strings.Contains(err.Error(), "官网") {
		t.Errorf("over a menu that is there: %v", err)
	}
	if strings.Contains(api.Menu(), "say:") {
		t.Error("the menu that was there is gone")
	}
	if err := c.SetMenu(t.Context(), buttons, true); err != nil || !strings.Contains(api.Menu(), "say:") {
		t.Errorf("replaced: %v", err)
	}
	for _, m := range api.Mistakes() {
		t.Error(m)
	}
	for _, bad := range []string{"a", "a=", "=b", "a/=b", "/a=b", "a=1,b=2,c=3,d=4", "这个标签太长了=x", "a=" + strings.Repeat("很", 50), "g/1=1,g/2=2,g/3=3,g/4=4,g/5=5,g/6=6"} {
		if _, err := wechat.ParseMenu(bad); err == nil {
			t.Errorf("%q is a menu", bad)
		}
	}
}

// What Check asks is not taken for WeChat's own verification.
func TestCheckIsNotWeChat(t *testing.T) {
	s, n, _ := album(t, nil)
	n.page = s.channel.ServeHTTP
	for range 2 {
		var said []string
		for _, f := range s.channel.Check(t.Context(), callback, nil) {
			said = append(said, f.Say.En)
		}
		contains(t, "said", said, []string{"WeChat has not verified it yet"})
		s.channel.Close()
	}
}

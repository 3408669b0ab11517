package main

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"tilldesk/bot/desk"
	"tilldesk/bot/store"
	"tilldesk/bot/wechat"
	"tilldesk/bot/wechat/wechattest"
)

// wechatApp is a service with an official account, at an API of the test.
func wechatApp(account wechattest.Account, api, dir string, more map[string]string) *app {
	a := littleApp(dir)
	usual := a.env
	a.env = func(name string) (string, bool) {
		if v, ok := more[name]; ok {
			return v, true
		}
		switch name {
		case "TILLDESK_WECHAT_APP_ID":
			return account.AppID, true
		case "TILLDESK_WECHAT_APP_SECRET":
			return account.Secret, true
		case "TILLDESK_WECHAT_TOKEN":
			return account.Token, true
		case "TILLDESK_WECHAT_AES_KEY":
			return account.AESKey, true
		case "TILLDESK_WECHAT_API_URL":
			return api, true
		}
		return usual(name)
	}
	return a
}

// TestServeWeChat: the service as it is started, with a merchant who asks for a
// person, and people who are at WeChat's own desk.
func TestServeWeChat(t *testing.T) {
	account := wechattest.Shop()
	api := wechattest.NewAPI(account)
	api.SetOnline("kf2001@shop")
	network := httptest.NewServer(api)
	defer network.Close()
	at := freeAddress(t)
	a := wechatApp(account, network.URL, t.TempDir(), map[string]string{"TILLDESK_HTTP_ADDR": at, "TILLDESK_WECHAT_TRANSFER": "true"})
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var out, logged bytes.Buffer
	var running sync.WaitGroup
	ended := -1
	running.Go(func() { ended = a.run(ctx, []string{"serve"}, strings.NewReader(""), &out, &logged) })
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for ready := false; !ready; <-look.C {
		resp, err := http.Get("http://" + at + "/readyz")
		if err == nil {
			ready = resp.StatusCode == http.StatusOK
			resp.Body.Close()
		}
	}
	deliver := func(message wechattest.Fields) wechattest.Reply {
		t.Helper()
		api.Heard("o-mei", wechattest.ByMessage)
		d := account.Try(t.Context(), http.DefaultClient, "http://"+at+wechatPath, "o-mei", message.XML())
		if d.Err != nil {
			t.Fatal(d.Err)
		}
		return d.Reply
	}
	if got := deliver(account.Message("o-mei", "text", "Content", "转人工")); got.Kind != "text" && len(api.Sent()) == 0 {
		t.Errorf("asking for a person: %+v", got)
	}
	got := wechattest.Reply{}
	for n := 0; got.Kind == "" && n < 5; n++ { // on a busy machine it is too late for the request
		got = deliver(account.Message("o-mei", "text", "Content", "在吗"))
	}
	if got.Kind != "transfer_customer_service" {
		t.Errorf("after that: %+v", got)
	}
	db, err := store.Open(t.Context(), a.dsnOf(t), store.Options{Beside: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	last := func() (desk.Case, string) {
		t.Helper()
		c, _, err := db.ConversationOf(t.Context(), wechat.Name, "o-mei")
		if err != nil {
			t.Fatal(err)
		}
		cases, err := db.CasesOf(t.Context(), c.ID, 1)
		if err != nil || len(cases) != 1 {
			t.Fatal(cases, err)
		}
		events, err := db.Events(t.Context(), cases[0].Ticket, 0, 100)
		if err != nil {
			t.Fatal(err)
		}
		note := ""
		for _, e := range events {
			if e.Kind == desk.EventNote {
				note = e.Text
			}
		}
		return cases[0], note
	}
	deliver(account.Message("o-mei", "event", "Event", "kf_create_session", "KfAccount", "kf2001@shop"))
	if c, note := last(); c.Snoozed.IsZero() || !strings.Contains(note, "kf2001@shop") || !strings.Contains(note, "seen only there") {
		t.Errorf("with a session at WeChat's own desk: %+v\n%s", c, note)
	}
	deliver(account.Message("o-mei", "event", "Event", "kf_close_session", "KfAccount", "kf2001@shop"))
	if c, note := last(); !c.Snoozed.IsZero() || !strings.Contains(note, "has ended") {
		t.Errorf("after it: %+v\n%s", c, note)
	}
	stop()
	running.Wait()
	if ended != 0 {
		t.Errorf("status %d: %s", ended, logged.String())
	}
	for _, secret := range []string{account.Secret, account.Token, account.AESKey, "70_access-token"} {
		if strings.Contains(out.String()+logged.String(), secret) {
			t.Errorf("the log has %q", secret)
		}
	}
	for _, mistake := range api.Mistakes() {
		t.Error(mistake)
	}
}

// dsnOf is the database of a service under test.
func (a *app) dsnOf(t *testing.T) string {
	t.Helper()
	dsn, ok := a.env("TILLDESK_STORE_DSN")
	if !ok {
		t.Fatal("it has no database")
	}
	return dsn
}

// TestWeChatCheck: what is wrong is said in plain words, in both languages, with
// what to click.
func TestWeChatCheck(t *testing.T) {
	account := wechattest.Shop()
	strange := wechattest.NewAPI(account)
	strange.Strange.Store(true)
	bare := wechattest.NewAPI(account)
	bare.NoMessages = true
	for _, tt := range []struct {
		name   string
		api    *wechattest.API
		more   map[string]string
		status int
		zh, en []string
	}{
		{"a wrong secret", wechattest.NewAPI(account), map[string]string{"TILLDESK_WECHAT_APP_SECRET": "another"}, 1,
			[]string{"要改  AppSecret 不对", "基础信息", "重置"}, []string{"MEND  The app secret is not the right one", "Reset it under 基础信息"}},
		{"not our address", strange, nil, 1,
			[]string{"203.0.113.9", "IP白名单"}, []string{"203.0.113.9", "IP白名单"}},
		{"not verified", bare, nil, 1,
			[]string{"没有客服接口权限", "wechat.account 设为 unverified"}, []string{"Set wechat.account to unverified"}},
		{"no menu", wechattest.NewAPI(account), map[string]string{"TILLDESK_WECHAT_MENU": "没网=机器没网"}, 1,
			[]string{"要改  公众号还没有菜单。请运行 tilldesk wechat menu"}, []string{"MEND  The account has no menu yet. Run `tilldesk wechat menu`"}},
		{"nobody at the callback", wechattest.NewAPI(account), map[string]string{"TILLDESK_HTTP_PUBLIC_URL": "http://127.0.0.1:1"}, 1,
			[]string{"打不开回调网址", "请先启动服务"}, []string{"cannot be reached from here", "Start the service"}},
		{"no public URL", wechattest.NewAPI(account), nil, 1,
			[]string{"没有设置 http.public_url"}, []string{"http.public_url is not set"}},
		{"no account", wechattest.NewAPI(account), map[string]string{"TILLDESK_WECHAT_APP_ID": "", "TILLDESK_WECHAT_APP_SECRET": "", "TILLDESK_WECHAT_TOKEN": "", "TILLDESK_WECHAT_AES_KEY": ""}, 2,
			[]string{"wechat.app_id is not set"}, []string{"wechat.app_id is not set"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			network := httptest.NewServer(tt.api)
			defer network.Close()
			for lang, parts := range map[string][]string{"zh": tt.zh, "en": tt.en} {
				var out, errs bytes.Buffer
				a := wechatApp(account, network.URL, t.TempDir(), tt.more)
				if status := a.run(t.Context(), []string{"wechat", "check", "--lang", lang}, strings.NewReader(""), &out, &errs); status != tt.status {
					t.Errorf("status %d", status)
				}
				said := out.String() + errs.String()
				for _, part := range parts {
					if !strings.Contains(said, part) {
						t.Errorf("lacks %q:\n%s", part, said)
					}
				}
				if strings.Contains(said, account.Secret) || strings.Contains(said, account.AESKey) {
					t.Errorf("a secret is shown:\n%s", said)
				}
				t.Logf("%s\n%s", lang, said)
			}
		})
	}
}

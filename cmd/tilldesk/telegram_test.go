package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"tilldesk/bot/telegram/telegramtest"
)

// telegramApp is a service with Telegram, at a Bot API of the test.
func telegramApp(t *testing.T, api *telegramtest.Server, dir string, more map[string]string) *app {
	t.Helper()
	a := littleApp(dir)
	usual := a.env
	a.env = func(name string) (string, bool) {
		switch name {
		case "TILLDESK_TELEGRAM_TOKEN":
			return api.Token, true
		case "TILLDESK_TELEGRAM_API_URL":
			return api.URL, true
		}
		if v, ok := more[name]; ok {
			return v, true
		}
		return usual(name)
	}
	return a
}

// freeAddress is one that nobody listens at.
func freeAddress(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// TestServeTelegram: the service as it is started, with a merchant on Telegram
// and staff in the group, and stopped as it is stopped.
func TestServeTelegram(t *testing.T) {
	api := telegramtest.New(t)
	forum := api.Forum(-1001234567890)
	dir := t.TempDir()
	more := map[string]string{"TILLDESK_TELEGRAM_STAFF_CHAT_ID": "-1001234567890", "TILLDESK_TELEGRAM_STAFF_LANG": "en", "TILLDESK_HTTP_ADDR": freeAddress(t)}
	a := telegramApp(t, api, dir, more)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var out, logged bytes.Buffer
	var running sync.WaitGroup
	status := -1
	running.Go(func() { status = a.run(ctx, []string{"serve"}, strings.NewReader(""), &out, &logged) })
	mei := api.User(55, "en")
	mei.Say("/human")
	api.Wait("a topic for the case", func() bool {
		topics := forum.Topics()
		return len(topics) == 1 && len(forum.In(topics[0].Thread)) > 0
	})
	var said, errs bytes.Buffer
	staff := telegramApp(t, api, dir, more)
	if got := staff.run(t.Context(), []string{"staff", "add", "wang", "--telegram", "901"}, strings.NewReader(""), &said, &errs); got != 0 {
		t.Fatalf("staff add: %d %s", got, errs.String())
	}
	card := forum.In(forum.Topics()[0].Thread)[0]
	forum.Press(901, card, "Take")
	api.Wait("it to be taken", func() bool { return strings.HasPrefix(forum.Topics()[0].Name, "🛠") })
	forum.Write(901, forum.Topics()[0].Thread, "hello from the group")
	api.Wait("the answer", func() bool {
		heard := mei.Heard()
		return len(heard) > 0 && heard[len(heard)-1].Text == "hello from the group"
	})

	// Something that does not arrive, as the desk shows why.
	mei.Block(true)
	forum.Write(901, forum.Topics()[0].Thread, "are you there?")
	api.Wait("word of it in the topic", func() bool {
		return slices.ContainsFunc(forum.In(forum.Topics()[0].Thread), func(m telegramtest.Message) bool { return strings.Contains(m.Text, "did not reach") })
	})
	at := "http://" + more["TILLDESK_HTTP_ADDR"] + "/"
	const password = "four quiet green lamps"
	c, _ := signIn(t, at, "wang", once(t, said.String()))
	resp, err := c.PostForm(at+"desk/password", url.Values{"new": {password}, "again": {password}})
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	// What its owner types at the desk shows in the chat.
	mei.Block(false)
	api.Wait("the merchant to be back", func() bool { return len(api.Waiting()) == 0 })
	resp, err = c.PostForm(at+"desk/case/T1/here", url.Values{"typing": {"1"}})
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	api.Wait("the merchant to see that somebody types", func() bool {
		return slices.ContainsFunc(api.Calls("sendChatAction"), func(c telegramtest.Call) bool { return c.Chat() == 55 })
	})
	for _, page := range []string{"desk/", "desk/case/T1", "desk/undelivered", "desk/team"} {
		resp, err := c.Get(at + page)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("%s: status %d, %v", page, resp.StatusCode, err)
		}
		if strings.Contains(string(text), api.Token) {
			t.Errorf("the token is in %s", page)
		}
		if page == "desk/undelivered" && !strings.Contains(string(text), "are you there?") {
			t.Error("the desk does not show what did not arrive")
		}
	}
	stop()
	running.Wait()
	if status != 0 {
		t.Errorf("status %d: %s", status, logged.String())
	}
	if strings.Contains(out.String()+logged.String(), api.Token) {
		t.Error("the token is in the log")
	}
}

// TestTelegramCheck: what is wrong is said in plain words, in both languages.
func TestTelegramCheck(t *testing.T) {
	api := telegramtest.New(t)
	forum := api.Forum(-1001234567890)
	check := func(more map[string]string, args ...string) (string, int) {
		t.Helper()
		a := telegramApp(t, api, t.TempDir(), more)
		var out, errs bytes.Buffer
		status := a.run(t.Context(), append([]string{"telegram", "check"}, args...), strings.NewReader(""), &out, &errs)
		if strings.Contains(out.String()+errs.String(), api.Token) {
			t.Error("the token is printed")
		}
		return out.String() + errs.String(), status
	}
	group := map[string]string{"TILLDESK_TELEGRAM_STAFF_CHAT_ID": "-1001234567890"}
	if out, status := check(group); status != 0 || strings.Contains(out, "MEND") || strings.Contains(out, "→") || !strings.Contains(out, "topics are on") || !strings.Contains(out, telegramtest.BotName) {
		t.Errorf("all is well: %d\n%s", status, out)
	}
	forum.Demote(true)
	if out, status := check(group, "--lang", "zh"); status != exitFailed || !strings.Contains(out, "要改  机器人还不是管理员") {
		t.Errorf("no administrator: %d\n%s", status, out)
	}
	if out, status := check(map[string]string{"TILLDESK_TELEGRAM_STAFF_CHAT_ID": "-1007"}); status != exitFailed || !strings.Contains(out, "add the bot to the group") {
		t.Errorf("not in the group: %d\n%s", status, out)
	}
	api.Intercept(func(telegramtest.Call) http.HandlerFunc { return telegramtest.Refuse(401, "Unauthorized") })
	if out, status := check(nil); status != exitFailed || !strings.Contains(out, "BotFather") {
		t.Errorf("a bad token: %d\n%s", status, out)
	}
	if out, status := check(nil, "--lang", "fr"); status != exitUsage || !strings.Contains(out, "--lang") {
		t.Errorf("a bad language: %d\n%s", status, out)
	}
	a := littleApp(t.TempDir())
	var out, errs bytes.Buffer
	if status := a.run(t.Context(), []string{"telegram", "check"}, strings.NewReader(""), &out, &errs); status != exitUsage || !strings.Contains(errs.String(), "telegram.token") {
		t.Errorf("no token: %d\n%s", status, errs.String())
	}
}

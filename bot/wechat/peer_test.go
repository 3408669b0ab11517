package wechat_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/desk"
	"tilldesk/bot/dialog"
	"tilldesk/bot/outbox"
	"tilldesk/bot/store"
	"tilldesk/bot/store/storetest"
	"tilldesk/bot/trial"
	"tilldesk/bot/wechat"
	"tilldesk/bot/wechat/wechattest"
)

// peers is the folder with the other implementations, installed once for each
// lock file.
func peers(t *testing.T) string {
	t.Helper()
	missing := t.Skipf
	if os.Getenv("CI") == "true" {
		missing = t.Fatalf
	}
	lock, err := os.ReadFile("testdata/peers/package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	sum := sha256.Sum256(lock)
	dir := filepath.Join(cache, "tilldesk-wechat-peers-"+hex.EncodeToString(sum[:6]))
	for _, name := range []string{"package.json", "package-lock.json", "merchant.js"} {
		text, err := os.ReadFile(filepath.Join("testdata/peers", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "node_modules", ".package-lock.json")); err == nil {
		return dir
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	install := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	install.Dir = dir
	if out, err := install.CombinedOutput(); err != nil {
		missing("the other implementations cannot be installed with npm: %v\n%s", err, out)
	}
	return dir
}

// peer is a merchant's phone made of other people's code.
type peer struct {
	*testing.T
	in  *json.Encoder
	out *bufio.Scanner
}

type spoken struct {
	Status  int
	Kind    string
	Text    string
	ErrCode int
	Error   string
}

func startPeer(t *testing.T, dir string, settings map[string]string) *peer {
	t.Helper()
	arg, err := json.Marshal(settings)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", "merchant.js", string(arg))
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		cmd.Wait()
	})
	return &peer{t, json.NewEncoder(stdin), bufio.NewScanner(stdout)}
}

func (p *peer) do(task map[string]string) (s spoken) {
	p.Helper()
	if err := p.in.Encode(task); err != nil {
		p.Fatal(err)
	}
	if !p.out.Scan() {
		p.Fatal("the peer has ended")
	}
	if err := json.Unmarshal(p.out.Bytes(), &s); err != nil {
		p.Fatalf("%v: %s", err, p.out.Text())
	}
	if s.Error != "" {
		p.Fatalf("%v: %s", task, s.Error)
	}
	return s
}

// TestPeers lets a merchant talk to the whole bot, with cryptography and an API
// client that we have not written, and in the mode without cryptography: from the first line to "it works", and to a
// person and back.
func TestPeers(t *testing.T) {
	if testing.Short() {
		t.Skip("programs of others are left to the tests without -short")
	}
	dir := peers(t)
	k := trial.LittleKnowledge(t)
	for _, way := range []string{"wechat-crypto", "node-easywechat", "plain"} {
		t.Run(way, func(t *testing.T) { talk(t, dir, way, k) })
	}
}

func talk(t *testing.T, dir, way string, k *bot.Knowledge) {
	a := wechattest.Shop()
	opt := options(a)
	if way == "plain" { // 明文模式: only the query is signed
		opt.AESKey = ""
	}
	api := wechattest.NewAPI(a)
	db := storetest.Open(t, storetest.SQLite(t), store.Options{})
	network := httptest.NewServer(api)
	defer network.Close()

	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	var channel *wechat.Channel
	engine := bot.NewEngine(db, k, "test", bot.Options{Hold: func(string) time.Duration { return channel.Hold() }})
	opt.APIURL = network.URL
	channel, err := wechat.New(engine, db, opt)
	if err != nil {
		t.Fatal(err)
	}
	box := outbox.New(db, map[string]bot.Channel{wechat.Name: channel}, outbox.Options{})
	people := desk.New(db, desk.Options{Knowledge: func() *bot.Knowledge { return k }, Said: func(bot.ConversationID) { box.Wake() }})
	engine.Committed = func(bot.ConversationID) { box.Wake() }
	running.Go(func() { engine.Run(ctx) })
	running.Go(func() { box.Run(ctx) })
	callback := httptest.NewServer(channel)
	defer callback.Close()

	p := startPeer(t, dir, map[string]string{
		"callback": callback.URL, "api": network.URL, "appid": a.AppID, "secret": a.Secret, "token": a.Token, "aesKey": a.AESKey,
		"original": a.OriginalID, "openid": merchant,
	})
	say := func(text string) string {
		t.Helper()
		api.Heard(merchant, wechattest.ByMessage)
		s := p.do(map[string]string{"do": "say", "with": way, "text": text})
		if s.Status != 200 || s.Text != "" && s.Kind != "text" {
			t.Fatalf("%s: %+v", text, s)
		}
		return s.Text
	}
	phase := func() dialog.Phase {
		t.Helper()
		c, _, err := db.ConversationOf(t.Context(), wechat.Name, merchant)
		if err != nil {
			t.Fatal(err)
		}
		return c.State.Phase
	}
	wait := func(what string, done func() bool) {
		t.Helper()
		for until := time.Now().Add(30 * time.Second); !done(); time.Sleep(5 * time.Millisecond) {
			if time.Now().After(until) {
				t.Fatalf("waited in vain for %s", what)
			}
		}
	}

	step := say("花呗扫不了")
	if !strings.Contains(step, "\n1. ") || !strings.Contains(step, "回复数字") || phase() != dialog.Guiding {
		t.Fatalf("the first answer is %q, phase %s", step, phase())
	}
	if next := say("选1"); next == "" || next == step {
		t.Errorf("the first choice is answered %q", next)
	}
	if end := say("好了，可以用了"); !strings.Contains(end, "祝生意兴隆") || phase() != dialog.Idle {
		t.Errorf("the end is %q, phase %s", end, phase())
	}

	handed := say("帮我转人工")
	if !strings.Contains(handed, "人工") || phase() != dialog.WithHuman {
		t.Fatalf("handed over with %q, phase %s", handed, phase())
	}
	if got := say("我在店里等"); got != "" {
		t.Errorf("the bot speaks over a person: %q", got)
	}
	conversation, _, err := db.ConversationOf(t.Context(), wechat.Name, merchant)
	if err != nil {
		t.Fatal(err)
	}
	ticket, wang := conversation.State.Ticket, desk.Actor{ID: "wang", Name: "小王"}
	if _, err := people.Take(t.Context(), ticket, wang); err != nil {
		t.Fatal(err)
	}
	if _, _, err := people.Reply(t.Context(), ticket, wang, desk.Message{Client: "1", Text: "您好，我是小王"}); err != nil {
		t.Fatal(err)
	}
	wait("what staff say", func() bool {
		sent := api.Sent()
		return len(sent) > 0 && sent[len(sent)-1].Text == "您好，我是小王"
	})
	if _, err := people.Release(t.Context(), ticket, wang); err != nil {
		t.Fatal(err)
	}
	wait("the bot to be back", func() bool { return phase() == dialog.Idle })
	// What is being sent through the API is not overtaken by an answer.
	wait("all to be sent", func() bool { q, err := db.Queue(t.Context()); return err == nil && q.Unsent == 0 })
	if back := say("花呗扫不了"); back == "" {
		t.Error("the bot is silent after it was given the case back")
	}

	// The API that is played holds with the client of others: it sends, and is
	// told when the messages are used up.
	api.Heard("o-other", wechattest.ByMessage)
	for i, want := range []int{0, 0, 0, 0, 0, wechattest.UsedUp} {
		s := p.do(map[string]string{"do": "send", "to": "o-other", "text": "你好"})
		if s.ErrCode != want {
			t.Errorf("message %d of another client: %d, want %d", i+1, s.ErrCode, want)
		}
	}
	api.ExpireToken(wechattest.ExpiredToken)
	api.Heard("o-other", wechattest.ByMessage)
	if s := p.do(map[string]string{"do": "send", "to": "o-other", "text": "再见"}); s.ErrCode != 0 {
		t.Errorf("with a token that has expired: %+v", s)
	}
	for _, m := range api.Mistakes() {
		t.Errorf("WeChat noticed: %s", m)
	}
}

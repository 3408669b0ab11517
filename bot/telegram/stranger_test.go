package telegram_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/desk"
	"tilldesk/bot/trial"
)

// unless skips a test that needs what is not there, or fails it where
// everything must be.
func unless(t *testing.T, err error, what string) {
	t.Helper()
	switch {
	case err == nil:
	case os.Getenv("CI") == "true":
		t.Fatalf("%s: %v", what, err)
	default:
		t.Skipf("%s: %v", what, err)
	}
}

// strangers installs the Bot API of others, once for all runs, and returns its
// folder.
func strangers(t *testing.T) string {
	t.Helper()
	_, err := exec.LookPath("npm")
	unless(t, err, "no npm to install an independent Bot API with")
	lock, err := os.ReadFile("testdata/stranger/package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	cache, err := os.UserCacheDir()
	unless(t, err, "no folder for what is installed")
	dir := filepath.Join(cache, "tilldesk-test", fmt.Sprintf("telegram-%x", sha256.Sum256(lock))[:24])
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"package.json", "package-lock.json", "door.mjs"} {
		body, err := os.ReadFile(filepath.Join("testdata/stranger", name))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), body, 0o644)
		}
		if err != nil {
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
	out, err := install.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, out)
	}
	unless(t, err, "the independent Bot API could not be installed")
	return dir
}

// freePort returns a port that nobody listens on.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// A strangerUser is a merchant at the Bot API of others.
type strangerUser struct {
	t     *testing.T
	url   string
	token string
	id    int
	seen  []strangerMessage
	sent  int
}

type strangerMessage struct {
	ID      int
	Text    string
	Buttons map[string]string // data by label
}

func (u *strangerUser) post(path string, body, answer any) {
	u.t.Helper()
	sent, err := json.Marshal(body)
	if err != nil {
		u.t.Fatal(err)
	}
	resp, err := http.Post(u.url+path, "application/json", bytes.NewReader(sent))
	if err != nil {
		u.t.Fatal(err)
	}
	defer resp.Body.Close()
	if answer != nil {
		if err := json.NewDecoder(resp.Body).Decode(answer); err != nil {
			u.t.Fatal(err)
		}
	}
}

func (u *strangerUser) who() map[string]any {
	return map[string]any{"id": u.id, "is_bot": false, "first_name": "Mei", "language_code": "zh-hans"}
}

func (u *strangerUser) say(text string) {
	u.t.Helper()
	u.sent++
	u.post("/sendMessage", map[string]any{"botToken": u.token, "date": time.Now().Unix(), "from": u.who(),
		"chat": map[string]any{"id": u.id, "type": "private"}, "text": text}, nil)
}

func (u *strangerUser) press(m strangerMessage, label string) {
	u.t.Helper()
	data, ok := m.Buttons[label]
	if !ok {
		u.t.Fatalf("no button says %q below %q", label, m.Text)
	}
	u.post("/sendCallback", map[string]any{"botToken": u.token, "date": time.Now().Unix(), "from": u.who(), "data": data,
		"message": map[string]any{"message_id": m.ID, "date": time.Now().Unix(), "chat": map[string]any{"id": u.id, "type": "private"}}}, nil)
}

// waits waits for a message that fits, and returns it.
func (u *strangerUser) waits(what string, fits func(strangerMessage) bool) strangerMessage {
	u.t.Helper()
	from := len(u.seen)
	look := time.NewTicker(100 * time.Millisecond) // each look costs that server much
	defer look.Stop()
	for late := time.Now().Add(2 * time.Minute); time.Now().Before(late); <-look.C {
		var answer struct {
			Result []struct {
				MessageID int `json:"messageId"`
				Message   struct {
					Text   string          `json:"text"`
					Markup json.RawMessage `json:"reply_markup"`
				} `json:"message"`
			} `json:"result"`
		}
		u.post("/getUpdates", map[string]any{"token": u.token, "chatId": u.id}, &answer)
		for _, r := range answer.Result {
			m := strangerMessage{ID: r.MessageID, Text: r.Message.Text, Buttons: map[string]string{}}
			raw := r.Message.Markup
			var text string
			if json.Unmarshal(raw, &text) == nil {
				raw = []byte(text)
			}
			var markup struct {
				Rows [][]struct {
					Text string `json:"text"`
					Data string `json:"callback_data"`
				} `json:"inline_keyboard"`
			}
			_ = json.Unmarshal(raw, &markup) // there may be none
			for _, row := range markup.Rows {
				for _, b := range row {
					m.Buttons[b.Text] = b.Data
				}
			}
			u.seen = append(u.seen, m)
		}
		if i := slices.IndexFunc(u.seen[from:], fits); i >= 0 {
			return u.seen[from+i]
		}
	}
	u.t.Fatalf("waited for %s in vain; seen %+v", what, u.seen[from:])
	return strangerMessage{}
}

// TestStrangersBotAPI: two conversations at a Bot API that others wrote: one
// from the first line to "it works", and one to a person and back.
func TestStrangersBotAPI(t *testing.T) {
	if testing.Short() {
		t.Skip("programs of others are left to the tests without -short")
	}
	dir := strangers(t)
	port, inner := freePort(t), freePort(t)
	node := exec.CommandContext(t.Context(), "node", "door.mjs", fmt.Sprint(port), fmt.Sprint(inner))
	node.Dir = dir
	out, err := node.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := node.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = node.Process.Kill(); _ = node.Wait() })
	for lines := bufio.NewScanner(out); ; {
		if !lines.Scan() {
			t.Fatal("the independent Bot API did not open")
		}
		if lines.Text() == "open" {
			break
		}
	}
	url := fmt.Sprintf("http://127.0.0.1:%d", port)
	s := start(t, setup{apiURL: url})
	mei := &strangerUser{t: t, url: url, token: s.api.Token, id: 55}
	mei.say("花呗扫不了")
	step := mei.waits("a step with buttons", func(m strangerMessage) bool { return len(m.Buttons) > 1 })
	for range 12 { // steps of one fix at most
		if _, ends := step.Buttons["好了"]; ends {
			break
		}
		for _, label := range []string{"不清楚怎么看", "不是", "没有提示"} {
			if _, ok := step.Buttons[label]; ok {
				mei.press(step, label)
				break
			}
		}
		step = mei.waits("the next step", func(m strangerMessage) bool { return len(m.Buttons) > 1 })
	}
	mei.press(step, "好了")
	mei.waits("the end", func(m strangerMessage) bool { return strings.Contains(m.Text, "祝生意兴隆") })

	people := desk.New(s.db, desk.Options{Knowledge: func() *bot.Knowledge { return trial.Knowledge(t) }})
	bo := &strangerUser{t: t, url: url, token: s.api.Token, id: 56}
	bo.say("转人工")
	bo.waits("the hand-over", func(m strangerMessage) bool { return strings.Contains(m.Text, "人工") })
	page, err := people.Cases(t.Context(), desk.Filter{})
	if err != nil || len(page.Cases) != 1 {
		t.Fatalf("%d cases, %v", len(page.Cases), err)
	}
	who := desk.Actor{ID: "s-wang", Name: "Wang"}
	ticket := page.Cases[0].Ticket
	if _, _, err := people.Reply(t.Context(), ticket, who, desk.Message{Client: "1", Text: "您好，我是小王"}); err != nil {
		t.Fatal(err)
	}
	bo.waits("a person", func(m strangerMessage) bool { return strings.Contains(m.Text, "我是小王") })
	if _, err := people.Release(t.Context(), ticket, who); err != nil {
		t.Fatal(err)
	}
	bo.waits("the bot to be back", func(m strangerMessage) bool { return !strings.Contains(m.Text, "小王") })
	bo.say("打印机没纸了")
	bo.waits("an answer of the bot", func(m strangerMessage) bool { return strings.Contains(m.Text, "纸") })
}

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
	"unicode"

	"tilldesk/bot"
	"tilldesk/bot/desk"
	"tilldesk/bot/telegram"
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
	u.send("text", text)
}

// send sends a message that has a field with a value.
func (u *strangerUser) send(field string, value any) {
	u.t.Helper()
	u.post("/sendMessage", map[string]any{"botToken": u.token, "date": time.Now().Unix(), "from": u.who(),
		"chat": map[string]any{"id": u.id, "type": "private"}, field: value}, nil)
}

// block keeps the bot's messages out, or lets them in again.
func (u *strangerUser) block(blocked bool) {
	u.t.Helper()
	u.post("/door/block", map[string]any{"chat": u.id, "blocked": blocked}, nil)
}

// reads waits until a message that was there already has another text.
func (u *strangerUser) reads(m strangerMessage, text string) {
	u.t.Helper()
	look := time.NewTicker(100 * time.Millisecond)
	defer look.Stop()
	for late := time.Now().Add(20 * time.Second); time.Now().Before(late); <-look.C {
		var answer struct {
			Result []struct {
				MessageID int `json:"messageId"`
				Message   struct {
					Text string `json:"text"`
					From struct {
						ID int `json:"id"`
					} `json:"from"`
				} `json:"message"`
			} `json:"result"`
		}
		u.post("/getUpdatesHistory", map[string]any{"token": u.token}, &answer)
		for _, r := range answer.Result {
			if r.MessageID == m.ID && r.Message.From.ID != u.id && strings.Contains(r.Message.Text, text) {
				return
			}
		}
	}
	u.t.Fatalf("waited in vain for “%s” to become “%s”", m.Text, text)
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

// TestStrangersBotAPI: conversations at a Bot API that others wrote: one from
// the first line to "it works", one to a person and back, and one with what goes
// on beside: a voice message, another language, forgetting, and blocking the bot.
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
	_, said, err := people.Reply(t.Context(), ticket, who, desk.Message{Client: "1", Text: "您好，我是小王"})
	if err != nil {
		t.Fatal(err)
	}
	hello := bo.waits("a person", func(m strangerMessage) bool { return strings.Contains(m.Text, "我是小王") })
	if _, _, err := people.Reply(t.Context(), ticket, who, desk.Message{Client: "2", Text: "您好，我是客服小王", Corrects: said}); err != nil {
		t.Fatal(err)
	}
	bo.reads(hello, "我是客服小王")
	if _, err := people.Release(t.Context(), ticket, who); err != nil {
		t.Fatal(err)
	}
	bo.waits("the bot to be back", func(m strangerMessage) bool { return !strings.Contains(m.Text, "小王") })
	bo.say("打印机没纸了")
	bo.waits("an answer of the bot", func(m strangerMessage) bool { return strings.Contains(m.Text, "纸") })

	an := &strangerUser{t: t, url: url, token: s.api.Token, id: 57}
	an.send("voice", map[string]any{"file_id": "voice", "file_unique_id": "voice", "duration": 2, "mime_type": "audio/ogg", "file_size": 4})
	an.waits("a line about voice", func(m strangerMessage) bool { return strings.Contains(m.Text, "语音") })
	an.say("/language")
	an.press(an.waits("the languages", func(m strangerMessage) bool { return m.Buttons["English"] != "" }), "English")
	an.waits("English", func(m strangerMessage) bool { return !strings.ContainsFunc(m.Text, han) })
	an.say("打印机没纸了")
	an.waits("an answer in English", func(m strangerMessage) bool { return strings.Contains(m.Text, "paper") })
	an.block(true)
	an.say("hello?")
	s.api.Wait("the answer to be given up", func() bool { dead, err := s.db.DeadOut(t.Context(), 5); return err == nil && len(dead) > 0 })
	an.block(false)
	an.say("/help")
	an.waits("the help", func(m strangerMessage) bool { return strings.Contains(m.Text, "I help shops") })
	an.say("/forget")
	question := an.waits("a question", func(m strangerMessage) bool { return m.Buttons["Delete"] != "" })
	an.press(question, "Delete")
	an.reads(question, "All deleted")
	if q, err := s.db.Queue(t.Context()); err != nil || q.Held > 0 {
		t.Errorf("%d messages may have arrived or not: the answers to them were not understood; %v", q.Held, err)
	}
	if _, known, err := s.db.ConversationOf(t.Context(), telegram.Name, "57"); known || err != nil {
		t.Errorf("the conversation is still there: %v, %v", known, err)
	}
}

func han(r rune) bool { return unicode.Is(unicode.Han, r) }

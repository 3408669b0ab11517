package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"tilldesk/bot"
	"tilldesk/content"
	"tilldesk/intents"
)

// runAs makes the test binary be the service instead, in a process that can
// be killed.
const runAs = "RUN_AS_TILLDESK"

func TestMain(m *testing.M) {
	if dir := os.Getenv(runAs); dir != "" {
		a := &app{env: settings(dir), learn: learnLittle}
		os.Exit(a.process([]string{"serve"}))
	}
	os.Exit(m.Run())
}

// settings configure a service that keeps everything in dir and listens on
// free ports.
func settings(dir string) func(string) (string, bool) {
	values := map[string]string{
		"TILLDESK_HTTP_ADDR":                      "127.0.0.1:0",
		"TILLDESK_METRICS_ADDR":                   "off",
		"TILLDESK_STORE_DSN":                      "sqlite:" + filepath.Join(dir, "tilldesk.db"),
		"TILLDESK_STORE_MEDIA":                    filepath.Join(dir, "media"),
		"TILLDESK_LIMITS_ADDRESS_PER_SECOND":      "0",
		"TILLDESK_LIMITS_CONVERSATION_PER_MINUTE": "0",
	}
	return func(name string) (string, bool) { v, ok := values[name]; return v, ok }
}

// learnLittle learns from a handful of the examples: enough to answer, and
// quick enough to start a hundred times.
func learnLittle(ctx context.Context, c *content.Content) (*bot.Knowledge, error) {
	little := *c.Intents
	little.Examples = nil
	perIntent := map[string]int{}
	for _, ex := range c.Intents.Examples {
		if perIntent[ex.Intent]++; perIntent[ex.Intent] <= 3 {
			little.Examples = append(little.Examples, ex)
		}
	}
	little.Acts = nil
	perAct := map[intents.Act]int{}
	for _, ex := range c.Intents.Acts {
		if perAct[ex.Act]++; perAct[ex.Act] <= 6 {
			little.Acts = append(little.Acts, ex)
		}
	}
	return bot.Learn(ctx, &little, c.Base, c.Script)
}

// child is a service in a process of its own.
type child struct {
	cmd *exec.Cmd
	url string
}

// startChild starts a service and waits until it listens.
func startChild(t *testing.T, dir string) child {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), runAs+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var errs bytes.Buffer
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	line := make([]byte, 200)
	n, err := out.Read(line)
	_, url, ok := strings.Cut(strings.TrimSpace(string(line[:n])), "ready: ")
	if err != nil || !ok {
		_ = cmd.Wait()
		t.Fatalf("the service says %q, %v: %s", line[:n], err, errs.String())
	}
	return child{cmd, url}
}

// said is the answer to one message.
type said struct {
	Replies []bot.Reply `json:"replies"`
	State   bot.Status  `json:"state"`
}

// say sends a message and returns the answer, or ok false if the service did
// not live to give it.
func say(url, conversation, id, text string) (answer said, raw string, ok bool) {
	body, err := json.Marshal(map[string]string{"conversation": conversation, "message_id": id, "text": text})
	if err != nil {
		return said{}, "", false
	}
	client := http.Client{Timeout: 20 * time.Second}
	resp, err := client.Post(url+"api/chat", "application/json", bytes.NewReader(body))
	if err != nil {
		return said{}, "", false
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || json.Unmarshal(data, &answer) != nil {
		return said{}, string(data), false
	}
	return answer, string(data), true
}

// TestServeSurvivesKills kills the service at random moments under load and
// starts it again: every message is answered once, with the same answer
// however often it is sent, and in order.
func TestServeSurvivesKills(t *testing.T) {
	kills := 12
	if testing.Short() {
		kills = 3
	}
	if n := os.Getenv("SERVE_KILLS"); n != "" {
		if _, err := fmt.Sscan(n, &kills); err != nil {
			t.Fatalf("SERVE_KILLS=%q: %v", n, err)
		}
	}
	dir := t.TempDir()
	service := startChild(t, dir)
	var mu sync.Mutex // guards url
	url := service.url
	current := func() string { mu.Lock(); defer mu.Unlock(); return url }

	const merchants = 6
	stop := make(chan struct{})
	answers := make([][]string, merchants) // by merchant, the raw answer to each message
	heard := make(chan struct{}, 1000)
	var talking sync.WaitGroup
	for m := range merchants {
		talking.Go(func() {
			conversation := fmt.Sprintf("merchant-number-%04d", m)
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				text := []string{"花呗扫不了", "没有", "不清楚", "还是不行", "重新来"}[n%5]
				for {
					_, raw, ok := say(current(), conversation, fmt.Sprintf("message-%06d", n), text)
					if ok {
						answers[m] = append(answers[m], raw)
						select {
						case heard <- struct{}{}:
						default:
						}
						break
					}
				}
			}
		})
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for range kills {
		for range rng.IntN(40) { // so many answers after the last start
			<-heard
		}
		if err := service.cmd.Process.Signal(syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		_ = service.cmd.Wait()
		service = startChild(t, dir)
		mu.Lock()
		url = service.url
		mu.Unlock()
	}
	close(stop)
	talking.Wait()

	total := 0
	for m, list := range answers {
		conversation := fmt.Sprintf("merchant-number-%04d", m)
		total += len(list)
		replies := 0
		for n, before := range list {
			answer, again, ok := say(current(), conversation, fmt.Sprintf("message-%06d", n), "花呗扫不了")
			if !ok || again != before {
				t.Fatalf("%s, message %d: the answer was %s, and is now %s", conversation, n, before, again)
			}
			replies += len(answer.Replies)
		}
		checkHistory(t, current(), conversation, len(list), replies)
	}
	t.Logf("%d kills, %d messages answered: 0 lost, 0 answered twice, order kept", kills, total)
	if total == 0 {
		t.Error("nothing was answered at all")
	}
}

// checkHistory holds the stored conversation against what was sent: each
// message of the merchant once, in order, and no reply more than was given.
func checkHistory(t *testing.T, url, conversation string, sent, replied int) {
	t.Helper()
	var history struct {
		Messages []struct {
			Author string `json:"author"`
		} `json:"messages"`
	}
	resp, err := http.Get(url + "api/chat?conversation=" + conversation)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&history); err != nil {
		t.Fatal(err)
	}
	merchant, bots := 0, 0
	for _, m := range history.Messages {
		switch m.Author {
		case "merchant":
			merchant++
		default:
			bots++
		}
	}
	// A long conversation is given from its end.
	if merchant > sent || bots > replied || len(history.Messages) < 200 && (merchant != sent || bots != replied) {
		t.Errorf("%s: %d messages and %d replies are stored, %d and %d were exchanged", conversation, merchant, bots, sent, replied)
	}
}

// TestServeStopsGracefully stops the service while a stream is open.
func TestServeStopsGracefully(t *testing.T) {
	service := startChild(t, t.TempDir())
	if _, raw, ok := say(service.url, "merchant-number-0001", "message-1", "你好"); !ok {
		t.Fatalf("no answer: %s", raw)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, service.url+"api/chat?conversation=merchant-number-0001", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "text/event-stream")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := service.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Logf("the stream ended with %v", err)
	}
	if err := service.cmd.Wait(); err != nil {
		t.Errorf("the service ended with %v, want status 0", err)
	}
}

// TestServeRefusesASecondOne starts two services on one database.
func TestServeRefusesASecondOne(t *testing.T) {
	dir := t.TempDir()
	startChild(t, dir)
	var out, errs bytes.Buffer
	a := &app{env: settings(dir), learn: learnLittle}
	if status := a.run(t.Context(), []string{"serve"}, strings.NewReader(""), &out, &errs); status != exitUsage || !strings.Contains(errs.String(), "store.dsn") {
		t.Errorf("status %d, %s", status, errs.String())
	}
}

// TestOperations backs up, exports, erases and restores beside a service.
func TestOperations(t *testing.T) {
	dir := t.TempDir()
	service := startChild(t, dir)
	if _, raw, ok := say(service.url, "merchant-number-0001", "message-1", "花呗扫不了"); !ok {
		t.Fatalf("no answer: %s", raw)
	}
	command := func(args ...string) (int, string, string) {
		var out, errs bytes.Buffer
		a := &app{env: settings(dir), learn: learnLittle}
		status := a.run(t.Context(), args, strings.NewReader(""), &out, &errs)
		return status, out.String(), errs.String()
	}
	backup := filepath.Join(dir, "backup.db")
	for _, tt := range []struct {
		args []string
		want int
		say  string
	}{
		{[]string{"doctor"}, 0, "messages wait"},
		{[]string{"health"}, 1, ""}, // it listens on another port than these settings say
		{[]string{"backup", backup}, 0, "whole copy"},
		{[]string{"backup", backup}, 1, ""},
		{[]string{"dead", "list"}, 0, "none"},
		{[]string{"dead", "show", "nothing"}, 1, ""},
		{[]string{"merchant", "export", "nothing"}, 1, ""},
		{[]string{"restore", backup}, 1, ""}, // the service runs
	} {
		if status, out, errs := command(tt.args...); status != tt.want || !strings.Contains(out, tt.say) {
			t.Errorf("%v: status %d, %s%s", tt.args, status, out, errs)
		}
	}
	if err := service.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := service.cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if status, out, errs := command("restore", backup); status != 0 {
		t.Errorf("restore: status %d, %s%s", status, out, errs)
	}
	again := startChild(t, dir)
	if _, raw, ok := say(again.url, "merchant-number-0001", "message-1", "anything"); !ok || !strings.Contains(raw, "scan.huabei") {
		t.Errorf("after restoring, the answer is %s", raw)
	}
}

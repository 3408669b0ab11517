package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/trial"
	"tilldesk/config"
	"tilldesk/content"
)

// settings configure a service that keeps everything in dir and listens on
// free ports.
func settings(dir string) func(string) (string, bool) {
	values := map[string]string{
		"TILLDESK_HTTP_ADDR":                      "127.0.0.1:0",
		"TILLDESK_STORE_BALLAST_MB":               "0",
		"TILLDESK_METRICS_ADDR":                   "off",
		"TILLDESK_STORE_DSN":                      "sqlite:" + filepath.Join(dir, "tilldesk.db"),
		"TILLDESK_STORE_MEDIA":                    filepath.Join(dir, "media"),
		"TILLDESK_LIMITS_ADDRESS_PER_SECOND":      "0",
		"TILLDESK_LIMITS_CONVERSATION_PER_MINUTE": "0",
	}
	return func(name string) (string, bool) { v, ok := values[name]; return v, ok }
}

// learnLittle learns a handful of the examples, and keeps nothing of it.
func learnLittle(ctx context.Context, _ config.Content, c *content.Content) (*bot.Knowledge, error) {
	return trial.LearnLittle(ctx, c)
}

// littleApp is the program with these settings and little to learn.
func littleApp(dir string) *app {
	return &app{env: settings(dir), learn: learnLittle, parts: parts()}
}

// child is a service in a process of its own.
type child struct {
	cmd  *exec.Cmd
	url  string
	said *bufio.Reader // what it prints after its address
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
	said := bufio.NewReader(out)
	line, err := said.ReadString('\n')
	_, url, ok := strings.Cut(strings.TrimSpace(line), "ready: ")
	if err != nil || !ok {
		_ = cmd.Wait()
		t.Fatalf("the service says %q, %v: %s", line, err, errs.String())
	}
	return child{cmd, url, said}
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
	a := littleApp(dir)
	if status := a.run(t.Context(), []string{"serve"}, strings.NewReader(""), &out, &errs); status != exitUsage || !strings.Contains(errs.String(), "store.dsn") {
		t.Errorf("status %d, %s", status, errs.String())
	}
}

// TestServeIsNotReadyWithoutItsPorts takes the port of the metrics: nobody is
// told that the service is ready.
func TestServeIsNotReadyWithoutItsPorts(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	a := littleApp(t.TempDir())
	values := a.env
	a.env = func(name string) (string, bool) {
		if name == "TILLDESK_METRICS_ADDR" {
			return taken.Addr().String(), true
		}
		return values(name)
	}
	var out, errs bytes.Buffer
	if status := a.run(t.Context(), []string{"serve"}, strings.NewReader(""), &out, &errs); status != exitUsage || !strings.Contains(errs.String(), "metrics.addr") {
		t.Errorf("status %d, %s", status, errs.String())
	}
	if out.Len() > 0 {
		t.Errorf("it says %q", out.String())
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
		a := littleApp(dir)
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
		{[]string{"dead", "retry", "nothing"}, 1, ""},
		{[]string{"dead", "drop", "nothing"}, 1, ""},
		{[]string{"merchant", "export", "nothing"}, 1, ""},
		{[]string{"restore", backup}, 1, ""}, // the service runs
	} {
		if status, out, errs := command(tt.args...); status != tt.want || !strings.Contains(out, tt.say) {
			t.Errorf("%v: status %d, %s%s", tt.args, status, out, errs)
		} else if slices.Contains(tt.args, "nothing") && !strings.Contains(errs, `there is no `) {
			t.Errorf("%v: %s", tt.args, errs)
		}
	}
	db, _, err := littleApp(dir).beside(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	talk, known, err := db.ConversationOf(t.Context(), "web", "merchant-number-0001")
	if err != nil || !known {
		t.Fatal(known, err)
	}
	id := string(talk.ID)
	for _, args := range [][]string{{"merchant", "export", id}, {"merchant", "export", "--alone", id}} {
		if status, out, errs := command(args...); status != 0 || !strings.Contains(out, "花呗扫不了") {
			t.Errorf("%v: status %d, %s%s", args, status, out, errs)
		}
	}
	if status, out, _ := command("merchant", "erase", id, "somebody-else"); status != 1 || out != "" {
		t.Errorf("erasing a stranger too: status %d, %s", status, out)
	}
	for _, want := range []int{0, 1} { // the second time there is nothing left
		if status, out, errs := command("merchant", "erase", id); status != want || want == 0 && out != id+" (web): erased\n" {
			t.Errorf("erasing: status %d, want %d, %s%s", status, want, out, errs)
		}
	}
	db.Close()
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

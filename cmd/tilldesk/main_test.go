package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tilldesk/bot"
	"tilldesk/bot/trial"
	"tilldesk/config"
	"tilldesk/content"
)

// tilldesk runs a command line as the process would, without a process.
func tilldesk(t *testing.T, stdin string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	a := &app{env: func(string) (string, bool) { return "", false }, learn: learnOnce(t), parts: parts()}
	status = a.run(t.Context(), args, strings.NewReader(stdin), &out, &errs)
	return status, out.String(), errs.String()
}

// learnOnce returns what gives all commands the same knowledge of the built-in
// content: learning it takes longer than everything else here.
func learnOnce(t testing.TB) func(context.Context, config.Content, *content.Content) (*bot.Knowledge, error) {
	return func(context.Context, config.Content, *content.Content) (*bot.Knowledge, error) {
		return trial.Knowledge(t), nil
	}
}

func TestExitStatus(t *testing.T) {
	notShort(t)
	broken := t.TempDir()
	if err := os.CopyFS(broken, os.DirFS("../../content")); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(broken, "playbooks", "scan.huabei.yaml")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, bytes.Replace(data, []byte("money: note"), []byte("money: mabye"), 1), 0o644); err != nil {
		t.Fatal(err)
	}
	rows := write(t, "rows.jsonl", `{"text":"hello","intent":"scan.huabei","lang":"en"}`)
	settings := write(t, "tilldesk.yaml", "content: {dir: "+broken+"}\n")
	for _, tt := range []struct {
		name   string
		args   []string
		status int
		out    string // in stdout
		err    string // in stderr
	}{
		{"help", []string{"-h"}, 0, "tilldesk chat", ""},
		{"help of a command", []string{"eval", "-h"}, 0, "Examples:", ""},
		{"unknown command", []string{"frobnicate"}, 2, "", `"frobnicate"`},
		{"unknown flag", []string{"chat", "--loud"}, 2, "", "--loud"},
		{"bad language", []string{"chat", "--lang", "fr"}, 2, "", `--lang "fr"; allowed: zh, en`},
		{"missing config", []string{"chat", "--config", "nowhere.yaml"}, 2, "", "nowhere.yaml"},
		{"missing file", []string{"eval", "nowhere.jsonl"}, 2, "", "nowhere.jsonl"},
		{"floor out of range", []string{"eval", "--min-accuracy", "7", rows}, 2, "", "allowed: 0 to 1"},
		{"floor missed", []string{"eval", "--min-accuracy", "1", rows}, 1, "accuracy 0.000", "below the floor"},
		{"clean content", []string{"content", "check"}, 0, "is clean", ""},
		{"broken content", []string{"content", "check", broken}, 1, `scan.huabei.yaml:8: money "mabye"; allowed`, "1 problem"},
		{"missing content", []string{"content", "check", filepath.Join(broken, "nowhere")}, 2, "", "nowhere"},
		{"explain", []string{"explain", "花呗扫不了"}, 0, "scan.huabei", ""},
		{"explain without a message", []string{"explain"}, 2, "", "give a message"},
		{"search without words", []string{"search", " "}, 2, "", "give a question"},
		{"content check of two folders", []string{"content", "check", "a", "b"}, 2, "", `"b" is one argument too many`},
		{"help of nothing", []string{"help", "frobnicate"}, 2, "", `"frobnicate"`},
		{"help of a subcommand", []string{"help", "content", "check"}, 0, "Examples:", ""},
		{"chat on broken content", []string{"chat", "--config", settings}, 2, "", `scan.huabei.yaml:8: money "mabye"; allowed`},
		{"erase of nobody", []string{"merchant", "erase"}, 2, "", "give one ID or more; see `tilldesk merchant erase -h`"},
		{"conversations without turns", []string{"eval", write(t, "none.yaml", "name: a\nlang: zh\n")}, 2, "", `"a", has no turns`},
		{"no store yet", []string{"dead", "list", "--config", write(t, "elsewhere.yaml", "store: {dsn: \"sqlite:"+filepath.Join(broken, "none.db")+"\"}\n")}, 2, "", "the first start of the service makes it"},
		{"bench without files", []string{"bench"}, 2, "", "--train and --test"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, out, errs := tilldesk(t, "", tt.args...)
			if status != tt.status {
				t.Errorf("status %d, want %d; stderr: %s", status, tt.status, errs)
			}
			if !strings.Contains(out, tt.out) || !strings.Contains(errs, tt.err) {
				t.Errorf("stdout %q, stderr %q; want %q and %q in them", out, errs, tt.out, tt.err)
			}
			if status == 2 && strings.Count(errs, "\n") != 1 {
				t.Errorf("stderr has more than one line: %q", errs)
			}
		})
	}
}

func TestMatchJSON(t *testing.T) {
	stdin := "花呗扫不了\n{\"text\":\"no signal since morning\",\"intent\":\"x\"}\n\n\xff\xfe\x00\n{broken json\n卡号4111111111111111\n"
	status, out, errs := tilldesk(t, stdin, "match", "--json")
	if status != 0 {
		t.Fatalf("status %d: %s", status, errs)
	}
	var reports []matchReport
	for line := range strings.Lines(out) {
		var r matchReport
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if r.Entities == nil || r.Alternatives == nil {
			t.Errorf("%q: entities and alternatives must be lists", line)
		}
		reports = append(reports, r)
	}
	if len(reports) != 5 {
		t.Fatalf("%d reports, want 5", len(reports))
	}
	if r := reports[0]; r.Intent != "scan.huabei" || r.Decision != "answer" || r.Lang != "zh" || len(r.Entities) != 1 || r.Entities[0].Value != "huabei" {
		t.Errorf("huabei: %+v", r)
	}
	if r := reports[1]; r.Intent != "network.offline" || r.Lang != "en" {
		t.Errorf("signal: %+v", r)
	}
	if r := reports[4]; strings.Contains(out, "4111111111111111") || r.Entities[len(r.Entities)-1].Type != "card_number" {
		t.Errorf("the card number is not masked: %+v", r)
	}
}

// chatLine is a line of `chat --json`.
type chatLine struct {
	Replies []bot.Reply `json:"replies"`
	State   bot.Status  `json:"state"`
}

func TestChatJSON(t *testing.T) {
	status, out, errs := tilldesk(t, `{"text":"花呗扫不了"}`+"\n"+`{"choice":"human"}`+"\n"+"在吗\n", "chat", "--json")
	if status != 0 {
		t.Fatalf("status %d: %s", status, errs)
	}
	var lines []chatLine
	for raw := range strings.Lines(out) {
		var l chatLine
		if err := json.Unmarshal([]byte(raw), &l); err != nil {
			t.Fatalf("%q: %v", raw, err)
		}
		lines = append(lines, l)
	}
	if len(lines) != 3 {
		t.Fatalf("%d lines, want 3", len(lines))
	}
	first := lines[0]
	if first.State.Phase != "fixing" || *first.State.Intent != "scan.huabei" || first.State.Ticket != nil || len(first.Replies) != 2 {
		t.Errorf("first: %+v", first)
	}
	if first.Replies[0].Kind != "notice" || len(first.Replies[1].Choices) < 3 {
		t.Errorf("the opening comes first, then the step with its choices: %+v", first.Replies)
	}
	if second := lines[1]; second.State.Phase != "with_human" || second.State.Ticket == nil || second.Replies[0].Kind != "escalated" {
		t.Errorf("second: %+v", second)
	}
	if _, out, _ := tilldesk(t, "\n{\"text\":\"\"}\n花呗扫不了", "chat", "--json"); strings.Count(out, "\n") != 3 {
		t.Errorf("three lines, one of them blank, are answered with %s", out)
	}
	if third := lines[2]; len(third.Replies) != 0 || third.State.Phase != "with_human" {
		t.Errorf("the bot is not silent: %+v", third)
	}
}

func TestChatShowsTheHandOver(t *testing.T) {
	_, out, _ := tilldesk(t, "花呗扫不了\n1\n找人工\n/resume\n你好\n/quit\nnever read\n", "chat", "--lang", "zh")
	for _, want := range []string{"1  没有提示", "what staff see", "转人工原因: 商户要求", "[不是]", "staff give the conversation back"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in the terminal:\n%s", want, out)
		}
	}
}

func TestEvalConversations(t *testing.T) {
	file := write(t, "talk.yaml", `
name: huabei, then a person
lang: zh
turns:
  - say: 花呗扫不了
    intent: scan.huabei
    kind: step
    phase: fixing
    escalated: false
    not_contains: 打印
  - choose: 找人工
    phase: with_human
    escalated: true
    contains: [人工]
  - say: 在吗
    phase: idle
`)
	status, out, errs := tilldesk(t, "", "eval", "--json", file)
	if status != 0 {
		t.Fatalf("status %d: %s", status, errs)
	}
	var f struct {
		N        int     `json:"n"`
		Accuracy float64 `json:"accuracy"`
	}
	if err := json.Unmarshal([]byte(out), &f); err != nil {
		t.Fatal(err)
	}
	// The first turn asks a check, which is kind ask; the last one is wrong too.
	if f.N != 3 || f.Accuracy < 0.33 || f.Accuracy > 0.34 {
		t.Errorf("%d turns, %.2f right", f.N, f.Accuracy)
	}
}

func TestEvalPrintsWhatApplies(t *testing.T) {
	const outside = "out of scope: recall"
	for name, tt := range map[string]struct {
		rows string
		want bool
	}{
		"acts":              {`{"text":"好了","act":"act.fixed","question":"现在好了吗？"}`, false},
		"messages":          {`{"text":"花呗扫不了","intent":"scan.huabei"}` + "\n" + `{"text":"明天下雨吗","intent":"oos"}`, true},
		"messages in scope": {`{"text":"花呗扫不了","intent":"scan.huabei"}`, false},
	} {
		file := write(t, "rows.jsonl", tt.rows)
		if _, out, errs := tilldesk(t, "", "eval", file); strings.Contains(out, outside) != tt.want || !strings.Contains(out, "right in") {
			t.Errorf("%s: %q printed: want %v\n%s%s", name, outside, tt.want, out, errs)
		}
		if _, out, _ := tilldesk(t, "", "eval", "--json", file); !strings.Contains(out, `"oos_recall"`) {
			t.Errorf("%s: the JSON lacks a key that it promises: %s", name, out)
		}
	}
}

func TestBench(t *testing.T) {
	train := write(t, "train.jsonl", `{"text":"where is my card","intent":"card_arrival"}
{"text":"my card has not come","intent":"card_arrival"}
{"text":"when will the card arrive","intent":"card_arrival"}
{"text":"the exchange rate is wrong","intent":"exchange_rate"}
{"text":"which rate do you use","intent":"exchange_rate"}
{"text":"rate of the dollar today","intent":"exchange_rate"}
{"text":"sing me a song","intent":"oos"}
{"text":"dance with elephants","intent":"oos"}
`)
	test := write(t, "test.jsonl", `{"text":"has my card arrived","intent":"card_arrival"}
{"text":"what is the exchange rate","intent":"exchange_rate"}
{"text":"purple elephants dance","intent":"oos"}
`)
	for _, tt := range []struct {
		name             string
		flags            []string
		trained, classes int
	}{{"in scope alone", nil, 6, 2}, {"oos as a class", []string{"--oos"}, 8, 3}} {
		t.Run(tt.name, func(t *testing.T) {
			predictions := filepath.Join(t.TempDir(), "predictions")
			status, out, errs := tilldesk(t, "", append([]string{"bench", "--train", train, "--test", test, "--validate", test, "--predictions", predictions, "--json"}, tt.flags...)...)
			if status != 0 {
				t.Fatalf("status %d: %s", status, errs)
			}
			var f benchFigures
			if err := json.Unmarshal([]byte(out), &f); err != nil {
				t.Fatal(err)
			}
			if f.N != 3 || f.TrainN != tt.trained || f.Classes != tt.classes || f.InScopeAccuracy != 1 || f.AUROC != 1 || f.OOSRecallAt95 != 1 {
				t.Errorf("figures %+v", f)
			}
			written, err := os.ReadFile(predictions)
			if err != nil || strings.Count(string(written), "\n") != 3 || strings.Contains(string(written), `"pred":"oos"`) || strings.Contains(string(written), `"pred":""`) {
				t.Errorf("predictions %s, %v; three lines with in-scope labels are wanted", written, err)
			}
		})
	}
}

func TestSearchCommand(t *testing.T) {
	if _, out, _ := tilldesk(t, "", "search", "斷網還能收款嗎"); !strings.Contains(out, "網") || strings.Contains(out, "网") {
		t.Errorf("a question in Traditional script is answered with %s", out)
	}
	// What the bot would not answer with is not given as the answer here.
	const unsure, list = "nothing answers this for sure", ")\n"
	for query, answered := range map[string]bool{"断网还能收款吗": true, "how long is a code valid": true, "xyzzyq": false, "what is the weather": false} {
		status, out, errs := tilldesk(t, "", "search", query)
		if status != 0 || strings.Contains(out, unsure) == answered || strings.Count(out, list) != 5 {
			t.Errorf("%s: status %d, %s%s", query, status, out, errs)
		}
	}
	status, out, errs := tilldesk(t, "", "search", "--json", "断网了还能扫码收钱吗")
	if status != 0 || !strings.Contains(strings.SplitN(out, "\n", 2)[0], `"article":"network-weak"`) {
		t.Errorf("status %d, %s%s", status, out, errs)
	}
}

package web_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"tilldesk/bot"
	"tilldesk/bot/web"
)

// An answered is an answer of POST /api/chat as a stranger reads it.
type answered struct {
	Replies []struct {
		Text    string  `json:"text"`
		Kind    string  `json:"kind"`
		Intent  *string `json:"intent"`
		Step    *string `json:"step"`
		Article *string `json:"article"`
		Choices []struct {
			ID    string `json:"id"`
			Label string `json:"label"`
		} `json:"choices"`
	} `json:"replies"`
	State struct {
		Intent *string `json:"intent"`
		Step   *string `json:"step"`
		Phase  string  `json:"phase"`
		Ticket *string `json:"ticket"`
		Lang   string  `json:"lang"`
	} `json:"state"`
	Messages []line `json:"messages"`
}

// A line is one of the messages that the page shows.
type line struct {
	Seq       int64  `json:"seq"`
	Author    string `json:"author"`
	Text      string `json:"text"`
	Kind      string `json:"kind"`
	MessageID string `json:"message_id"`
	Photo     bool   `json:"photo"`
	Masked    bool   `json:"masked"`
}

func decode[T any](t testing.TB, r reply) T {
	t.Helper()
	if r.status != http.StatusOK {
		t.Fatalf("status %d: %s", r.status, r.body)
	}
	var v T
	dec := json.NewDecoder(strings.NewReader(r.body))
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("%v in %s", err, r.body)
	}
	return v
}

// post sends a message as the contract has it.
func post(t testing.TB, url, conversation, id, text string) reply {
	t.Helper()
	body, err := json.Marshal(map[string]string{"conversation": conversation, "message_id": id, "text": text})
	if err != nil {
		t.Fatal(err)
	}
	return do(t, "POST", url+"/api/chat", string(body), "Content-Type", "application/json")
}

// talk returns an id for a conversation.
func talk(n int) string { return fmt.Sprintf("conversation-%04d", n) }

func TestChat(t *testing.T) {
	s := start(t, web.Options{})
	first := post(t, s.URL, talk(1), "m1", "花呗扫不了")
	got := decode[answered](t, first)
	if len(got.Replies) == 0 || got.State.Phase != "fixing" || got.State.Intent == nil || *got.State.Intent != "scan.huabei" || got.State.Lang != "zh" {
		t.Fatalf("to a first message: %s", first.body)
	}
	last := got.Replies[len(got.Replies)-1]
	if len(last.Choices) == 0 {
		t.Fatalf("a step without choices: %s", first.body)
	}

	t.Run("every key is there, null or not", func(t *testing.T) {
		var raw struct {
			Replies []map[string]json.RawMessage
			State   map[string]json.RawMessage
		}
		if err := json.Unmarshal([]byte(first.body), &raw); err != nil {
			t.Fatal(err)
		}
		for _, r := range raw.Replies {
			for _, key := range []string{"text", "kind", "intent", "step", "choices", "article"} {
				if _, ok := r[key]; !ok {
					t.Errorf("a reply without %q: %v", key, r)
				}
			}
			if string(r["choices"]) == "null" {
				t.Error("choices is null; want a list")
			}
		}
		for _, key := range []string{"intent", "step", "phase", "ticket", "lang"} {
			if _, ok := raw.State[key]; !ok {
				t.Errorf("a state without %q", key)
			}
		}
	})
	t.Run("a choice", func(t *testing.T) {
		body := fmt.Sprintf(`{"conversation":%q,"message_id":"m2","text":"","choice":%q}`, talk(1), last.Choices[0].ID)
		next := decode[answered](t, do(t, "POST", s.URL+"/api/chat", body))
		if len(next.Replies) == 0 || cmp.Equal(next.State.Step, got.State.Step) {
			t.Errorf("the step stays the same after choice %q", last.Choices[0].ID)
		}
	})
	t.Run("the same message again, later", func(t *testing.T) {
		if again := post(t, s.URL, talk(1), "m1", "something else"); again.body != first.body {
			t.Errorf("answered\n%s\nwant as before\n%s", again.body, first.body)
		}
		history := decode[struct{ Messages []line }](t, do(t, "GET", s.URL+"/api/chat?conversation="+talk(1), ""))
		mine := 0
		for _, m := range history.Messages {
			if m.Author == "merchant" {
				mine++
			}
		}
		if mine != 2 {
			t.Errorf("the history has %d messages of the merchant, want 2", mine)
		}
	})
	t.Run("the same id in another conversation is another message", func(t *testing.T) {
		other := decode[answered](t, post(t, s.URL, talk(2), "m1", "no code scans on my terminal"))
		if other.State.Intent == nil || *other.State.Intent != "scan.all_codes" || other.State.Lang != "en" {
			t.Errorf("state %+v", other.State)
		}
	})
	t.Run("after gives what is new", func(t *testing.T) {
		a := decode[answered](t, do(t, "POST", s.URL+"/api/chat", fmt.Sprintf(`{"conversation":%q,"message_id":"n1","text":"你好","after":0}`, talk(3))))
		if len(a.Messages) != 1+len(a.Replies) || a.Messages[0].MessageID != "n1" || a.Messages[0].Text != "你好" {
			t.Fatalf("messages %+v", a.Messages)
		}
		for i, r := range a.Replies {
			if a.Messages[i+1].Text != r.Text || a.Messages[i+1].Author != "bot" {
				t.Errorf("message %d is %+v, reply %+v", i+1, a.Messages[i+1], r)
			}
		}
		b := decode[answered](t, do(t, "POST", s.URL+"/api/chat", fmt.Sprintf(`{"conversation":%q,"message_id":"n2","text":"谢谢","after":%d}`, talk(3), a.Messages[len(a.Messages)-1].Seq)))
		if len(b.Messages) != 1+len(b.Replies) || b.Messages[0].MessageID != "n2" {
			t.Errorf("messages %+v", b.Messages)
		}
	})
	t.Run("a person", func(t *testing.T) {
		a := decode[answered](t, post(t, s.URL, talk(4), "p1", "我要找人工"))
		if a.State.Phase != "with_human" || a.State.Ticket == nil {
			t.Fatalf("state %+v", a.State)
		}
		b := decode[answered](t, post(t, s.URL, talk(4), "p2", "在吗"))
		if b.Replies == nil || len(b.Replies) != 0 || b.State.Phase != "with_human" {
			t.Errorf("with a person the bot says %+v", b.Replies)
		}
	})
	t.Run("numbers are hidden in the history", func(t *testing.T) {
		post(t, s.URL, talk(5), "c1", "my card is 6222021234567890128")
		r := do(t, "GET", s.URL+"/api/chat?conversation="+talk(5), "")
		if strings.Contains(r.body, "6222021234567890128") || !decode[answered](t, r).Messages[0].Masked {
			t.Errorf("the history says %s", r.body)
		}
	})
	t.Run("a browser's language", func(t *testing.T) {
		for header, want := range map[string]string{"": "zh", "en-GB,en;q=0.8": "en", "zh-TW,en;q=0.2": "zh", "fr": "zh"} {
			r := do(t, "POST", s.URL+"/api/chat", `{"conversation":"`+talk(6)+want+`","message_id":"x","text":"??"}`, "Accept-Language", header)
			if got := decode[answered](t, r).State.Lang; got != want {
				t.Errorf("Accept-Language %q starts in %q, want %q", header, got, want)
			}
		}
	})
	t.Run("nothing said yet", func(t *testing.T) {
		r := do(t, "GET", s.URL+"/api/chat?conversation="+talk(99), "", "Accept-Language", "en")
		want := `{"messages":[],"state":{"intent":null,"step":null,"phase":"idle","ticket":null,"lang":"en"},"more":false}` + "\n"
		if r.status != http.StatusOK || r.body != want {
			t.Errorf("%d %s, want %s", r.status, r.body, want)
		}
	})
}

func TestRefusals(t *testing.T) {
	engine := &fakeEngine{}
	server := httptest.NewServer(web.New(engine, &fakeStore{}, web.Options{}))
	t.Cleanup(server.Close)
	const id = `"conversation":"conversation-0001"`
	sized := func(n int) string { // a valid body of n bytes
		head := `{` + id + `,"message_id":"m","text":"a"`
		return head + strings.Repeat(" ", n-len(head)-1) + "}"
	}
	text := func(runes int) string {
		return `{` + id + `,"message_id":"m","text":"` + strings.Repeat("码", runes) + `"}`
	}
	for _, tt := range []struct {
		name, body string
		status     int
		words      string // part of the error
	}{
		{"empty", "", 400, "empty"},
		{"not JSON", "hello", 400, "not a JSON object"},
		{"a list", "[]", 400, "not a JSON array"},
		{"null", "null", 400, "conversation"},
		{"cut off", `{` + id, 400, "not a JSON object"},
		{"two objects", `{` + id + `,"message_id":"m","text":"a"}{}`, 400, "nothing after it"},
		{"no conversation", `{"message_id":"m","text":"a"}`, 400, "conversation"},
		{"short conversation", `{"conversation":"123456789012345","message_id":"m","text":"a"}`, 400, "conversation"},
		{"long conversation", `{"conversation":"` + strings.Repeat("a", 65) + `","message_id":"m","text":"a"}`, 400, "conversation"},
		{"conversation of other characters", `{"conversation":"conversation.0001","message_id":"m","text":"a"}`, 400, "conversation"},
		{"conversation with a line end", `{"conversation":"conversation-0001\n","message_id":"m","text":"a"}`, 400, "conversation"},
		{"conversation is a number", `{"conversation":1234567890123456,"message_id":"m","text":"a"}`, 400, "conversation must be a string"},
		{"no message id", `{` + id + `,"text":"a"}`, 400, "message_id"},
		{"long message id", `{` + id + `,"message_id":"` + strings.Repeat("a", 65) + `","text":"a"}`, 400, "message_id"},
		{"message id with a path", `{` + id + `,"message_id":"../x","text":"a"}`, 400, "message_id"},
		{"nothing said", `{` + id + `,"message_id":"m"}`, 400, "text"},
		{"text is a list", `{` + id + `,"message_id":"m","text":["a"]}`, 400, "text must be a string"},
		{"text too long", text(20_001), 400, "20000"},
		{"choice too long", `{` + id + `,"message_id":"m","choice":"` + strings.Repeat("a", 201) + `"}`, 400, "choice"},
		{"after below 0", `{` + id + `,"message_id":"m","text":"a","after":-1}`, 400, "after"},
		{"one byte too many", sized(64<<10 + 1), 413, "64 KiB"},
		{"blanks after the object, too many", `{` + id + `,"message_id":"m","text":"a"}` + strings.Repeat(" ", 64<<10), 413, "64 KiB"},

		{"as large as it may be", sized(64 << 10), 200, ""},
		{"as long as it may be", text(20_000), 200, ""},
		{"a choice without text", `{` + id + `,"message_id":"m","choice":"yes"}`, 200, ""},
		{"empty text", `{` + id + `,"message_id":"m","text":""}`, 200, ""},
		{"unknown keys", `{` + id + `,"message_id":"m","text":"a","colour":"blue","choice":null}`, 200, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			taken := engine.count()
			r := do(t, "POST", server.URL+"/api/chat", tt.body)
			if r.status != tt.status {
				t.Fatalf("status %d, want %d: %s", r.status, tt.status, r.body)
			}
			if got := engine.count() - taken; (got == 1) != (tt.status == 200) {
				t.Errorf("%d messages reached the engine", got)
			}
			if tt.status == 200 {
				return
			}
			var e map[string]string
			if err := json.Unmarshal([]byte(r.body), &e); err != nil || len(e) != 1 || !strings.Contains(e["error"], tt.words) {
				t.Errorf("answered %s, want an error that speaks of %q", r.body, tt.words)
			}
		})
	}
	for _, tt := range []struct {
		method, path string
		headers      []string
		status       int
	}{
		{"GET", "/api/chat", nil, 400},
		{"GET", "/api/chat?conversation=short", nil, 400},
		{"GET", "/api/chat?conversation=" + talk(1) + "&after=x", nil, 400},
		{"GET", "/api/chat?conversation=short", []string{"Accept", "text/event-stream"}, 400},
		{"PUT", "/api/chat", nil, 405},
		{"POST", "/", nil, 405},
		{"GET", "/api/other", nil, 404},
		{"GET", "/other", nil, 404},
		{"POST", "/api/chat", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"POST", "/api/chat", []string{"Origin", "https://elsewhere.example"}, 403},
	} {
		t.Run(strings.Join(append([]string{tt.method, tt.path}, tt.headers...), " "), func(t *testing.T) {
			if r := do(t, tt.method, server.URL+tt.path, "", tt.headers...); r.status != tt.status {
				t.Errorf("status %d, want %d: %s", r.status, tt.status, r.body)
			}
		})
	}
}

// TestUnavailable shows that what can be tried again says so.
func TestUnavailable(t *testing.T) {
	broken := errors.New("the disk is full: /var/lib/secret")
	for _, tt := range []struct {
		name          string
		accept, reply error
		history       error
	}{
		{"too many wait", bot.ErrFull, nil, nil},
		{"the store fails at storing", broken, nil, nil},
		{"the store fails at the answer", nil, broken, nil},
		{"the store fails at the history", nil, nil, broken},
		{"the answer takes too long", nil, context.DeadlineExceeded, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := web.New(&fakeEngine{acceptErr: tt.accept, repliesErr: tt.reply}, &fakeStore{err: tt.history}, web.Options{})
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest("POST", "/api/chat", strings.NewReader(`{"conversation":"conversation-0001","message_id":"m","text":"a","after":0}`)))
			if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
				t.Errorf("status %d, Retry-After %q, want 503 and a time", w.Code, w.Header().Get("Retry-After"))
			}
			if strings.Contains(w.Body.String(), "secret") {
				t.Errorf("the cause is shown to the merchant: %s", w.Body)
			}
		})
	}
}

// TestWait shows that a request ends before its client gives up.
func TestWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := web.New(&fakeEngine{hang: true}, &fakeStore{}, web.Options{})
		began := time.Now()
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("POST", "/api/chat", strings.NewReader(`{"conversation":"conversation-0001","message_id":"m","text":"a"}`)))
		if took := time.Since(began); w.Code != http.StatusServiceUnavailable || took != 20*time.Second {
			t.Errorf("status %d after %v, want 503 after 20 s", w.Code, took)
		}
	})
}

// TestTooManyWait shows that those who come when too many wait are refused, with
// their messages not taken, until somebody has an answer.
func TestTooManyWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const most = 3
		engine, refused := &fakeEngine{hang: true}, 0
		h := web.New(engine, &fakeStore{}, web.Options{Waiting: most, Observe: func(e bot.Event) {
			if e.Channel == web.Name && e.Refused == bot.RefusedFull {
				refused++
			}
		}})
		ask := func(ctx context.Context) *httptest.ResponseRecorder {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequestWithContext(ctx, "POST", "/api/chat", strings.NewReader(`{"conversation":"conversation-0001","message_id":"m","text":"a"}`)))
			return w
		}
		gone, leave := context.WithCancel(t.Context())
		for range most {
			go ask(gone)
		}
		synctest.Wait()
		began := time.Now()
		w := ask(t.Context())
		if after, close := w.Header().Get("Retry-After"), w.Header().Get("Connection"); w.Code != http.StatusServiceUnavailable || after != "3" || close != "close" || time.Since(began) != 0 {
			t.Errorf("one too many: status %d after %v, Retry-After %q, Connection %q", w.Code, time.Since(began), after, close)
		}
		if engine.count() != most || refused != 1 {
			t.Errorf("%d messages were taken and %d refused, want %d and 1", engine.count(), refused, most)
		}
		leave()
		synctest.Wait()
		ask(t.Context())
		if engine.count() != most+1 || refused != 1 {
			t.Errorf("%d messages were taken and %d refused after the others had left, want %d and 1", engine.count(), refused, most+1)
		}
	})
}

// FuzzChat sends any body: it is answered in JSON, and what reaches the engine
// is within the bounds.
func FuzzChat(f *testing.F) {
	for _, seed := range []string{
		`{"conversation":"conversation-0001","message_id":"m","text":"花呗扫不了"}`,
		`{"conversation":"conversation-0001","message_id":"m","text":"a\u0000\ud800","choice":"yes","after":3}`,
		`{"CONVERSATION":"conversation-0001","Message_ID":"m","text":"a","text":1e400}`,
		`{"conversation":"conversation-0001","message_id":"m","text":null,"choice":"x"} `,
		`[[[[[[`, `{}`, `nul`, ``,
	} {
		f.Add([]byte(seed))
	}
	engine := &fakeEngine{}
	h := web.New(engine, &fakeStore{}, web.Options{})
	f.Fuzz(func(t *testing.T, body []byte) {
		engine.taken = nil
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("POST", "/api/chat", bytes.NewReader(body)))
		if !json.Valid(w.Body.Bytes()) {
			t.Fatalf("answered %q", w.Body)
		}
		switch w.Code {
		case http.StatusOK, http.StatusBadRequest, http.StatusRequestEntityTooLarge:
		default:
			t.Fatalf("status %d", w.Code)
		}
		for _, in := range engine.taken {
			if err := in.Check(); err != nil || len(in.Remote) > 64 || len(in.Address.Remote) > 64 || len(in.Choice) > 200 ||
				utf8.RuneCountInString(in.Text) > bot.MaxTextRunes || !utf8.ValidString(in.Text) {
				t.Fatalf("the engine was given %+v (%v)", in, err)
			}
		}
	})
}

package channeltest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/outbox"
)

const (
	token = "12345:s3cret/token"
	words = "please press \"OK\" twice"
)

// pager is a channel to a small network. A flaw makes it do one thing wrong.
type pager struct {
	url    string
	client *http.Client
	flaw   string
}

// rejected says that the network will never take the message.
type rejected struct{ error }

func (rejected) Permanent() bool { return true }

func (p *pager) Name() string {
	if p.flaw == "no name" {
		return ""
	}
	return "pager"
}

func (p *pager) Limits() bot.Limits {
	if p.flaw == "no timeout" {
		return bot.Limits{}
	}
	return bot.Limits{Timeout: 5 * time.Second}
}

func (p *pager) Send(ctx context.Context, m bot.Outbound) (bot.RemoteID, error) {
	if p.flaw == "deaf" {
		ctx = context.WithoutCancel(ctx)
	}
	id, err := p.post(ctx, m)
	if err != nil && p.flaw == "repeats" {
		id, err = p.post(ctx, m)
	}
	return id, err
}

func (p *pager) post(ctx context.Context, m bot.Outbound) (bot.RemoteID, error) {
	body, err := json.Marshal(map[string]string{"to": m.Address.Remote, "text": m.Reply.Text})
	if err != nil {
		return "", rejected{err}
	}
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url+"/"+url.PathEscape(token)+"/send", bytes.NewReader(body))
	if err != nil {
		return "", &bot.RetryError{Err: errors.New("the URL of the network is malformed")}
	}
	resp, err := p.client.Do(req)
	if err != nil {
		if broken := new(url.Error); errors.As(err, &broken) && p.flaw != "leaks its URL" {
			err = broken.Err
		}
		if connected.Load() && p.flaw != "sure of everything" || p.flaw == "sure of nothing" {
			return "", err
		}
		return "", &bot.RetryError{Err: err}
	}
	defer resp.Body.Close()
	return p.read(resp, m)
}

func (p *pager) read(resp *http.Response, m bot.Outbound) (bot.RemoteID, error) {
	bound := int64(1 << 20)
	if p.flaw == "reads everything" {
		bound = 1 << 40
	}
	var answer struct {
		OK     bool
		ID     string
		Reason string
		Wait   int
	}
	err := json.NewDecoder(io.LimitReader(resp.Body, bound)).Decode(&answer)
	switch {
	case err != nil && p.flaw != "believes everything":
		return "", fmt.Errorf("reading the answer, status %d: %w", resp.StatusCode, err)
	case answer.Wait > 0:
		after := time.Duration(answer.Wait) * time.Second
		if p.flaw == "forgets the wait" {
			after = 0
		}
		return "", &bot.RetryError{After: after, Err: errors.New(answer.Reason)}
	case answer.Reason == "blocked":
		return "", bot.ErrUnreachable
	case answer.Reason != "" && p.flaw == "quotes":
		return "", rejected{fmt.Errorf("refused: %q", m.Reply.Text)}
	case answer.Reason != "":
		return "", rejected{errors.New(answer.Reason)}
	}
	return bot.RemoteID(answer.ID), nil
}

// subject is a pager with its network.
func subject(flaw string) Subject {
	answer := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			w.WriteHeader(status)
			io.WriteString(w, body)
		}
	}
	s := Subject{
		New: func(url string) (bot.Channel, error) {
			return &pager{url: url, flaw: flaw, client: &http.Client{Transport: &http.Transport{}}}, nil
		},
		Network: answer(200, `{"ok":true,"id":"17"}`),
		Message: bot.Outbound{ID: "m1", Address: bot.Address{Channel: "pager", Remote: "shop"}, Reply: bot.Reply{Text: words}},
		Secrets: []string{token},
		Answers: []Answer{
			{"flood", answer(429, `{"reason":"flood","wait":30}`), outbox.Later, 30 * time.Second},
			{"blocked", answer(403, `{"reason":"blocked"}`), outbox.Never, 0},
			{"too long", answer(400, `{"reason":"too long"}`), outbox.Never, 0},
		},
		patience: 100 * time.Millisecond,
	}
	if flaw == "untested" {
		s.Answers = s.Answers[:1]
	}
	return s
}

func TestExerciseGoodChannel(t *testing.T) { Exercise(t, subject("")) }

func TestExerciseFindsFlaws(t *testing.T) {
	for _, tt := range []struct {
		flaw, part, want string
	}{
		{"no name", "name and limits", "it has no name"},
		{"no timeout", "name and limits", "the timeout is 0s"},
		{"untested", "the answers that are tested", `there is no answer of the class "never"`},
		{"deaf", "no answer", "did not return"},
		{"deaf", "half an answer, then nothing", "did not return"},
		{"deaf", "context ended before", `the outcome is "delivered"`},
		{"repeats", "status 502", "2 requests that send, want 1"},
		{"sure of everything", "no answer", `the outcome is "later", want ["unknown"]`},
		{"sure of everything", "cut off without an answer", `the outcome is "later", want ["unknown"]`},
		{"sure of nothing", "connection refused", `the outcome is "unknown", want ["later"]`},
		{"sure of nothing", "no such host", `the outcome is "unknown", want ["later"]`},
		{"sure of nothing", "certificate of somebody else", `the outcome is "unknown", want ["later"]`},
		{"leaks its URL", "connection refused", "a secret is in the error"},
		{"quotes", "too long", "the text of the message is in the error"},
		{"reads everything", "an endless answer", "bound what it reads"},
		{"believes everything", "a page instead of an answer", `the outcome is "delivered"`},
		{"believes everything", "an empty answer", `the outcome is "delivered"`},
		{"believes everything", "cut off within the answer", `the outcome is "delivered"`},
		{"believes everything", "status 500", `the outcome is "delivered"`},
		{"forgets the wait", "flood", "to be sent again after 0s, want 30s"},
	} {
		t.Run(tt.flaw+"/"+tt.part, func(t *testing.T) {
			s := subject(tt.flaw)
			for _, part := range s.parts() {
				if part.name != tt.part {
					continue
				}
				if got := strings.Join(s.play(t.Context(), part), "\n"); !strings.Contains(got, tt.want) {
					t.Errorf("found %q, want %q", got, tt.want)
				}
				return
			}
			t.Errorf("there is no part %q", tt.part)
		})
	}
}

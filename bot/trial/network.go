package trial

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/channeltest"
)

// NetworkName is the name of the channel of a [Network].
const NetworkName = "net"

// A Network is one on which merchants write and get replies, over HTTP: it
// posts their messages to the service's [Webhook], again until it is told that
// they arrived, and takes what the service's [Channel] sends. What it does with
// that is for the script of the Fake to say.
type Network struct {
	*channeltest.Fake
	URL    string
	ledger *Ledger
	client *http.Client

	mu      sync.Mutex
	waiting map[string]time.Time // by chat, since when its merchant waits for a reply
	// Took are the times from a merchant's message to the first reply to it.
	Took Times
}

// NewNetwork returns a network that lives until the test ends.
func NewNetwork(t testing.TB, l *Ledger) *Network {
	n := &Network{
		Fake: channeltest.NewFake(NetworkName, bot.Limits{}), ledger: l,
		client: newClient(5 * time.Second), waiting: map[string]time.Time{},
	}
	server := httptest.NewServer(http.HandlerFunc(n.take))
	t.Cleanup(server.Close)
	n.URL = server.URL
	return n
}

// newClient returns a client with a pool of connections of its own.
func newClient(timeout time.Duration) *http.Client {
	return &http.Client{Timeout: timeout, Transport: &http.Transport{MaxIdleConns: 1024, MaxIdleConnsPerHost: 1024, IdleConnTimeout: 5 * time.Second}}
}

// delivery is a reply on the wire. Of a real network only Chat and Text would
// be known; the rest is for the checker.
type delivery struct {
	Chat         string             `json:"chat"`
	Text         string             `json:"text"`
	ID           bot.MessageID      `json:"id"`
	Conversation bot.ConversationID `json:"conversation"`
	Seq          int64              `json:"seq"`
}

// take is the network's side of a Send.
func (n *Network) take(w http.ResponseWriter, r *http.Request) {
	var d delivery
	if err := json.NewDecoder(r.Body).Decode(&d); err != nil {
		http.Error(w, "not a message", http.StatusBadRequest)
		return
	}
	m := bot.Outbound{ID: d.ID, Conversation: d.Conversation, Seq: d.Seq, Reply: bot.Reply{Text: d.Text},
		Address: bot.Address{Channel: NetworkName, Remote: d.Chat}}
	// Whoever has sent it may be dead by now; it takes its course all the same.
	remote, err := n.Send(context.WithoutCancel(r.Context()), m)
	var retry *bot.RetryError
	switch {
	case err == nil:
		n.arrived(d.Chat)
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, "{\"remote\":%q}", remote)
	case errors.Is(err, bot.ErrUnreachable):
		http.Error(w, "blocked", http.StatusForbidden)
	case errors.As(err, &retry):
		w.Header().Set("Retry-After", strconv.Itoa(int(retry.After.Seconds())))
		http.Error(w, "slower", http.StatusTooManyRequests)
	default:
		panic(http.ErrAbortHandler) // nobody will know whether it arrived
	}
}

func (n *Network) arrived(chat string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if since, ok := n.waiting[chat]; ok {
		n.Took.Add(time.Since(since))
		delete(n.waiting, chat)
	}
}

// Post delivers a message to the service at base once, and reports whether it
// was acknowledged. since is when the merchant wrote it.
func (n *Network) Post(ctx context.Context, base, chat string, id bot.RemoteID, text string, since time.Time) error {
	a := bot.Address{Channel: NetworkName, Remote: chat}
	n.ledger.Sent(a, id, text)
	n.mu.Lock()
	if _, ok := n.waiting[chat]; !ok {
		n.waiting[chat] = since
	}
	n.mu.Unlock()
	body, err := json.Marshal(map[string]string{"chat": chat, "id": string(id), "text": text})
	if err != nil {
		return err
	}
	status, _, err := post(ctx, n.client, base+WebhookPath, body)
	n.ledger.said(status)
	if err != nil {
		return err
	}
	n.ledger.Acknowledged(a, id)
	return nil
}

// A StatusError is an answer other than 200.
type StatusError struct {
	Status int
	Body   string
	After  time.Duration // how long the service wants to be left alone; 0 if it did not say
}

func (e *StatusError) Error() string { return fmt.Sprintf("status %d: %.200s", e.Status, e.Body) }

// post sends body and returns the answer. Any status but 200 is a StatusError;
// it is 0 if there is no answer.
func post(ctx context.Context, client *http.Client, url string, body []byte) (status int, answer []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	answer, err = io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		after, _ := strconv.Atoi(resp.Header.Get("Retry-After")) // 0 if there is none
		err = &StatusError{resp.StatusCode, string(answer), time.Duration(after) * time.Second}
	}
	return resp.StatusCode, answer, err
}

// WebhookPath is where the service serves the [Webhook].
const WebhookPath = "/net/webhook"

// Webhook is the service's end of what merchants send: it acknowledges what the
// engine has accepted, and nothing else.
func Webhook(accept func(context.Context, bot.Inbound) (bot.Receipt, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct{ Chat, ID, Text string }
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&in); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if _, err := accept(r.Context(), bot.Inbound{
			Address: bot.Address{Channel: NetworkName, Remote: in.Chat}, Remote: bot.RemoteID(in.ID), Text: in.Text,
		}); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok", in.ID) // the id, for whoever watches the wire
	})
}

// A Channel is the service's end of what merchants get.
type Channel struct {
	url     string
	timeout time.Duration
	client  *http.Client
}

var _ bot.Channel = (*Channel)(nil)

// NewChannel returns the channel to the network at url, which it gives so long
// to take a message.
func NewChannel(url string, timeout time.Duration) *Channel {
	return &Channel{url, timeout, newClient(timeout)}
}

// Name returns NetworkName.
func (c *Channel) Name() string { return NetworkName }

// Limits returns a timeout and no rates.
func (c *Channel) Limits() bot.Limits { return bot.Limits{Timeout: c.timeout} }

// refused is an answer of the network that will be the same next time.
type refused int

func (e refused) Error() string { return fmt.Sprintf("the network answers %d", int(e)) }
func (refused) Permanent() bool { return true }

// Send posts a message to the network.
func (c *Channel) Send(ctx context.Context, m bot.Outbound) (bot.RemoteID, error) {
	body, err := json.Marshal(delivery{m.Address.Remote, m.Reply.Text, m.ID, m.Conversation, m.Seq})
	if err != nil {
		return "", refused(0)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	resp, err := c.client.Do(req)
	var dial *net.OpError
	if errors.As(err, &dial) && dial.Op == "dial" {
		return "", &bot.RetryError{Err: errors.New("the network cannot be reached")}
	}
	if err != nil {
		return "", errors.New("the network did not answer")
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusForbidden:
		return "", bot.ErrUnreachable
	case http.StatusTooManyRequests:
		after, err := strconv.Atoi(resp.Header.Get("Retry-After"))
		if err != nil {
			after = 1
		}
		return "", &bot.RetryError{After: time.Duration(after) * time.Second, Err: errors.New("429")}
	default:
		return "", refused(resp.StatusCode)
	}
	var answer struct{ Remote bot.RemoteID }
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || answer.Remote == "" {
		return "", errors.New("the network's answer cannot be read")
	}
	return answer.Remote, nil
}

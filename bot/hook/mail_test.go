package hook_test

import (
	"bufio"
	"errors"
	"io"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"strings"
	"testing"

	"tilldesk/bot/desk"
	"tilldesk/bot/hook"
)

// mailServer takes one mail, or refuses what begins with refuses.
func mailServer(t *testing.T, refuses string) (addr string, mails <-chan string) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	got := make(chan string, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		lines := bufio.NewReader(conn)
		say := func(text string) { _, _ = io.WriteString(conn, text+"\r\n") }
		say("220 mail.example")
		for {
			line, err := lines.ReadString('\n')
			switch {
			case err != nil:
				return
			case refuses != "" && strings.HasPrefix(line, refuses):
				say("550 no such user secret-of-the-server")
			case strings.HasPrefix(line, "EHLO"):
				say("250 mail.example")
			case strings.HasPrefix(line, "DATA"):
				say("354 go on")
				var text strings.Builder
				for line, err = lines.ReadString('\n'); err == nil && line != ".\r\n"; line, err = lines.ReadString('\n') {
					text.WriteString(line)
				}
				got <- text.String()
				say("250 taken")
			default:
				say("250 ok")
			}
		}
	}()
	return l.Addr().String(), got
}

func newMail(addr string, tls hook.TLS) *hook.Mail {
	return &hook.Mail{
		Addr: addr, TLS: tls, From: mail.Address{Name: "收银台", Address: "desk@shop.example"},
		To: []mail.Address{{Address: "a@shop.example"}, {Address: "b@shop.example"}}, Desk: "https://help.example/desk/",
	}
}

func TestMail(t *testing.T) {
	addr, mails := mailServer(t, "")
	b := hook.Body{ID: "1", Event: hook.CaseWaiting, Ticket: "T7", Cause: "money", Message: &hook.BodyMessage{Text: "my secret words"}}
	if err := newMail(addr, hook.Plain).Tell(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	m, err := mail.ReadMessage(strings.NewReader(<-mails))
	if err != nil {
		t.Fatal(err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil || subject != "工单 T7 等人处理 · case T7 is waiting" {
		t.Errorf("subject %q, %v", subject, err)
	}
	text, err := io.ReadAll(quotedprintable.NewReader(m.Body))
	if err != nil || !strings.Contains(string(text), "https://help.example/desk/") || !strings.Contains(string(text), "money") {
		t.Errorf("text %q, %v", text, err)
	}
	if strings.Contains(string(text), "my secret words") {
		t.Error("the mail says what the merchant wrote")
	}
}

func TestMailRefused(t *testing.T) {
	b := hook.Body{ID: "1", Event: hook.CaseOverdue, Ticket: "T7"}
	addr, _ := mailServer(t, "RCPT")
	if err := newMail(addr, hook.Plain).Tell(t.Context(), b); err == nil || !strings.Contains(err.Error(), "550") || strings.Contains(err.Error(), "secret-of-the-server") {
		t.Errorf("an unknown recipient: %v", err)
	}
	// A server that does not encrypt is told nothing.
	addr, mails := mailServer(t, "STARTTLS")
	if err := newMail(addr, hook.StartTLS).Tell(t.Context(), b); err == nil {
		t.Error("it went out in the clear")
	}
	select {
	case m := <-mails:
		t.Errorf("the server has %q", m)
	default:
	}
	if err := newMail("127.0.0.1:1", hook.Plain).Tell(t.Context(), b); err == nil || errors.Is(err, hook.ErrGone) {
		t.Errorf("no server: %v", err)
	}
	for _, kind := range newMail(addr, hook.Plain).Kinds() {
		if kind == desk.EventMessage {
			t.Error("every message is a mail")
		}
	}
}

package hook

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"net/smtp"
	"net/textproto"
	"time"

	"tilldesk/bot/desk"
)

// A Mail tells people by SMTP of what should not wait until they look at the
// desk: a case that waits, and one that is overdue. It has no word of what the
// merchant wrote.
type Mail struct {
	Addr     string // host:port of the server
	TLS      TLS
	User     string // "" signs in as nobody
	Password string
	From     mail.Address
	To       []mail.Address
	Desk     string // URL of the desk, "" if it is not known
	// Roots are the authorities that the server's certificate may be signed by;
	// nil for those of the system.
	Roots *x509.CertPool
}

// TLS is how a mail server is spoken to.
type TLS string

// The ways to speak to a mail server: begin plainly and then encrypt, which it
// must offer; encrypt from the start; not at all.
const (
	StartTLS TLS = "starttls"
	Implicit TLS = "tls"
	Plain    TLS = "off"
)

// Name implements Target.
func (m *Mail) Name() string { return "mail" }

// Kinds implements Target.
func (m *Mail) Kinds() []desk.EventKind {
	return []desk.EventKind{desk.EventWaiting, desk.EventReopened, desk.EventOverdue}
}

// Tell implements Target.
func (m *Mail) Tell(ctx context.Context, b Body) (err error) {
	text, err := m.message(b)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrGone, err)
	}
	client, err := m.dial(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	if err := client.Mail(m.From.Address); err != nil {
		return refused("naming the sender to the mail server", err)
	}
	for _, to := range m.To {
		if err := client.Rcpt(to.Address); err != nil {
			return refused("naming a recipient to the mail server", err)
		}
	}
	w, err := client.Data()
	if err != nil {
		return refused("sending a mail", err)
	}
	if _, err := w.Write(text); err != nil {
		return fmt.Errorf("sending a mail: %w", err)
	}
	if err := w.Close(); err != nil {
		return refused("sending a mail", err)
	}
	_ = client.Quit() // it has the mail already
	return nil
}

// dial returns a line to the server that is encrypted and signed in as it
// should be, and that ends with ctx.
func (m *Mail) dial(ctx context.Context) (_ *smtp.Client, err error) {
	host, _, err := net.SplitHostPort(m.Addr)
	if err != nil {
		return nil, fmt.Errorf("smtp.addr: %w", err)
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", m.Addr)
	if err != nil {
		return nil, fmt.Errorf("reaching the mail server: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer func() {
		if err == nil {
			return
		}
		stop()
		conn.Close()
		if ctx.Err() != nil {
			err = fmt.Errorf("%w: %w", err, ctx.Err()) // or it would only say that the line is closed
		}
	}()
	encrypted := &tls.Config{ServerName: host, RootCAs: m.Roots, MinVersion: tls.VersionTLS12}
	line := conn
	if m.TLS == Implicit {
		line = tls.Client(conn, encrypted)
	}
	client, err := smtp.NewClient(line, host)
	if err != nil {
		return nil, m.unsafe("speaking to the mail server", err)
	}
	if m.TLS == StartTLS {
		if offered, _ := client.Extension("STARTTLS"); !offered {
			return nil, fmt.Errorf("encrypting the line to %s: the server offers no STARTTLS; set smtp.tls to %q if it encrypts from the start, as on port 465", m.Addr, Implicit)
		}
		if err := client.StartTLS(encrypted); err != nil {
			return nil, m.unsafe("encrypting the line to the mail server", err)
		}
	}
	if m.User != "" {
		if err := client.Auth(smtp.PlainAuth("", m.User, m.Password, host)); err != nil {
			return nil, refused("signing in to the mail server as smtp.user", err)
		}
	}
	return client, nil
}

// unsafe says what to do about a line that could not be encrypted.
func (m *Mail) unsafe(doing string, err error) error {
	hint := ""
	switch certificate, record := new(tls.CertificateVerificationError), new(tls.RecordHeaderError); {
	case errors.As(err, &certificate):
		hint = "; smtp.addr must have the name that the certificate is for, and this machine must trust who signed it"
	case errors.As(err, record):
		hint = fmt.Sprintf("; the server does not encrypt from the start: set smtp.tls to %q, as for port 587", StartTLS)
	case m.TLS != Implicit:
		hint = fmt.Sprintf("; if the server encrypts from the start, as on port 465, set smtp.tls to %q", Implicit)
	}
	return fmt.Errorf("%s at %s: %w%s", doing, m.Addr, err, hint)
}

// refused makes an error of what the server said, of which only the number is
// kept.
func refused(doing string, err error) error {
	if said := new(textproto.Error); errors.As(err, &said) {
		return fmt.Errorf("%s: it answered %d", doing, said.Code)
	}
	return fmt.Errorf("%s: %w", doing, err)
}

var subjects = map[Name]string{CaseWaiting: "工单 %s 等人处理 · case %s is waiting", CaseOverdue: "工单 %s 超时未处理 · case %s is overdue"}

func (m *Mail) message(b Body) ([]byte, error) {
	subject, ok := subjects[b.Event]
	if !ok {
		return nil, fmt.Errorf("there is no mail for %s", b.Event)
	}
	var text bytes.Buffer
	header := func(name, value string) { fmt.Fprintf(&text, "%s: %s\r\n", name, value) }
	header("From", m.From.String())
	for i, to := range m.To {
		if i == 0 {
			header("To", to.String())
		} else {
			header("Cc", to.String())
		}
	}
	header("Subject", mime.QEncoding.Encode("utf-8", fmt.Sprintf(subject, b.Ticket, b.Ticket)))
	header("Date", b.At.Format(time.RFC1123Z))
	header("Message-ID", "<"+b.ID+"@tilldesk>")
	header("Auto-Submitted", "auto-generated")
	header("MIME-Version", "1.0")
	header("Content-Type", "text/plain; charset=utf-8")
	header("Content-Transfer-Encoding", "quoted-printable")
	text.WriteString("\r\n")
	w := quotedprintable.NewWriter(&text)
	fmt.Fprintf(w, fmt.Sprintf("%s\r\n", subject), b.Ticket, b.Ticket)
	fmt.Fprintf(w, "\r\n原因 cause: %s\r\n问题 symptom: %s\r\n渠道 channel: %s\r\n", b.Cause, b.Intent, b.Channel)
	if m.Desk != "" {
		fmt.Fprintf(w, "\r\n%s\r\n", m.Desk)
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return text.Bytes(), nil
}

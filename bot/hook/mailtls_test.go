package hook_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"errors"
	"io"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"tilldesk/bot/hook"
)

// certificate returns a certificate for an address, which has signed itself,
// and those who trust it.
func certificate(t *testing.T, ip string) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	is := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "mail"}, IPAddresses: []net.IP{net.ParseIP(ip)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, is, is, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	if is, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	trusted := x509.NewCertPool()
	trusted.AddCert(is)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private}, trusted
}

// A taken mail is what a server got of one session.
type taken struct {
	text      string
	encrypted bool
	signedIn  string // as whom, with which password
}

// encryptedServer speaks SMTP over TLS in one of the two ways, and says what it
// got by the time that the line ended.
func encryptedServer(t *testing.T, way hook.TLS, with tls.Certificate) (addr string, sessions <-chan taken) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	config := &tls.Config{Certificates: []tls.Certificate{with}, MinVersion: tls.VersionTLS12}
	got := make(chan taken, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		var session taken
		defer func() { conn.Close(); got <- session }()
		if way == hook.Implicit {
			conn, session.encrypted = tls.Server(conn, config), true
		}
		lines := bufio.NewReader(conn)
		say := func(text string) { _, _ = io.WriteString(conn, text+"\r\n") }
		say("220 mail.example ESMTP")
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				return
			}
			verb, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
			switch verb {
			case "EHLO":
				if session.encrypted {
					say("250-mail.example\r\n250 AUTH PLAIN")
				} else {
					say("250-mail.example\r\n250 STARTTLS")
				}
			case "STARTTLS":
				say("220 go on")
				conn, session.encrypted = tls.Server(conn, config), true
				lines = bufio.NewReader(conn)
			case "AUTH":
				said, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(rest, "PLAIN "))
				if session.signedIn = string(said); err != nil || session.signedIn != "\x00till\x00desk-word" {
					say("535 wrong password, desk-word is what I have")
					continue
				}
				say("235 welcome")
			case "DATA":
				say("354 go on")
				for line, err = lines.ReadString('\n'); err == nil && line != ".\r\n"; line, err = lines.ReadString('\n') {
					session.text += line
				}
				say("250 taken")
			case "QUIT":
				say("221 bye")
				return
			default:
				say("250 ok")
			}
		}
	}()
	return l.Addr().String(), got
}

func signingIn(addr string, way hook.TLS, trusted *x509.CertPool) *hook.Mail {
	m := newMail(addr, way)
	m.User, m.Password, m.Roots = "till", "desk-word", trusted
	return m
}

var waiting = hook.Body{ID: "1", Event: hook.CaseWaiting, Ticket: "T7", Cause: "money"}

func TestMailEncrypted(t *testing.T) {
	with, trusted := certificate(t, "127.0.0.1")
	for _, way := range []hook.TLS{hook.StartTLS, hook.Implicit} {
		t.Run(string(way), func(t *testing.T) {
			addr, sessions := encryptedServer(t, way, with)
			if err := signingIn(addr, way, trusted).Tell(t.Context(), waiting); err != nil {
				t.Fatal(err)
			}
			got := <-sessions
			if !got.encrypted || got.signedIn != "\x00till\x00desk-word" || !strings.Contains(got.text, "T7") {
				t.Errorf("the server got %+v", got)
			}
		})
		t.Run(string(way)+", wrong password", func(t *testing.T) {
			addr, sessions := encryptedServer(t, way, with)
			m := signingIn(addr, way, trusted)
			m.Password = "guess"
			err := m.Tell(t.Context(), waiting)
			if err == nil || !strings.Contains(err.Error(), "535") || !strings.Contains(err.Error(), "smtp.user") || strings.Contains(err.Error(), "desk-word") {
				t.Errorf("it says %v", err)
			}
			if got := <-sessions; got.text != "" {
				t.Errorf("the server got %+v", got)
			}
		})
	}
}

// TestMailCertificate has servers whose certificate proves nothing: neither
// the password nor a mail may reach them.
func TestMailCertificate(t *testing.T) {
	right, _ := certificate(t, "127.0.0.1")
	elsewhere, alsoTrusted := certificate(t, "192.0.2.1")
	for _, tt := range []struct {
		name    string
		with    tls.Certificate
		trusted *x509.CertPool
	}{
		{"of nobody known", right, nil},
		{"of another authority", right, alsoTrusted},
		{"for another address", elsewhere, alsoTrusted},
	} {
		for _, way := range []hook.TLS{hook.StartTLS, hook.Implicit} {
			t.Run(tt.name+", "+string(way), func(t *testing.T) {
				addr, sessions := encryptedServer(t, way, tt.with)
				err := signingIn(addr, way, tt.trusted).Tell(t.Context(), waiting)
				if bad := new(tls.CertificateVerificationError); !errors.As(err, &bad) || errors.Is(err, hook.ErrGone) {
					t.Fatalf("it says %v", err)
				}
				for _, part := range []string{addr, "smtp.addr", "trust"} {
					if !strings.Contains(err.Error(), part) {
						t.Errorf("%q does not say %q", err, part)
					}
				}
				if got := <-sessions; got.signedIn != "" || got.text != "" {
					t.Errorf("the server got %+v", got)
				}
			})
		}
	}
}

// TestMailWay mixes the ways up: the error says which setting to change.
func TestMailWay(t *testing.T) {
	with, trusted := certificate(t, "127.0.0.1")
	addr, _ := encryptedServer(t, hook.StartTLS, with)
	if err := signingIn(addr, hook.Implicit, trusted).Tell(t.Context(), waiting); err == nil || !strings.Contains(err.Error(), `smtp.tls to "starttls"`) {
		t.Errorf("from the start, to a server that begins plainly: %v", err)
	}
	addr, _ = mailServer(t, "STARTTLS")
	if err := signingIn(addr, hook.StartTLS, trusted).Tell(t.Context(), waiting); err == nil || !strings.Contains(err.Error(), `smtp.tls to "tls"`) {
		t.Errorf("STARTTLS, to a server without: %v", err)
	}
	// A server that encrypts from the start waits for the client to begin, and
	// a client that waits for its greeting does so until its time is over.
	addr, _ = encryptedServer(t, hook.Implicit, with)
	ctx, cancel := context.WithCancel(t.Context())
	met := make(chan error, 1)
	go func() { met <- signingIn(addr, hook.Plain, trusted).Tell(ctx, waiting) }()
	cancel()
	if err := <-met; !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

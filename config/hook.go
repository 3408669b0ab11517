package config

import (
	"net"
	"net/mail"
	"net/url"
)

// Webhooks are where a team's own tools are told what happens at the desk.
type Webhooks struct {
	// URLs may hold tokens, so that they are a secret.
	URLs   Secret `mapstructure:"urls" allowed:"http or https URLs with commas between, or nothing"`
	Secret Secret `mapstructure:"secret" allowed:"16 characters or more; needed with webhooks.urls"`
	// PrivateNetworks lets them be on this machine or in a network of one's own.
	PrivateNetworks bool `mapstructure:"private_networks" allowed:"true or false"`
}

// List returns the URLs.
func (w Webhooks) List() []string { return list(w.URLs.Reveal()) }

const leastSecret = 16

func (w Webhooks) validate(reject func(key string)) {
	for _, text := range w.List() {
		if u, err := url.Parse(text); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			reject("webhooks.urls")
			break
		}
	}
	if len(w.List()) > 0 && len(w.Secret.Reveal()) < leastSecret {
		reject("webhooks.secret")
	}
}

// SMTP is the mail server by which staff are told of cases that wait.
type SMTP struct {
	Addr       string `mapstructure:"addr" allowed:"host:port of a mail server, or nothing for no mails"`
	TLS        string `mapstructure:"tls" allowed:"starttls, tls or off"`
	User       string `mapstructure:"user" allowed:"a user name, or nothing"`
	Password   Secret `mapstructure:"password" allowed:"the password of smtp.user, or nothing"`
	Sender     string `mapstructure:"sender" allowed:"a mail address such as tilldesk <desk@shop.example>; needed with smtp.addr"`
	Recipients string `mapstructure:"recipients" allowed:"mail addresses with commas between; needed with smtp.addr"`
}

func (s SMTP) validate(reject func(key string)) {
	if s.TLS != "starttls" && s.TLS != "tls" && s.TLS != "off" {
		reject("smtp.tls")
	}
	if s.Addr == "" {
		return
	}
	if host, _, err := net.SplitHostPort(s.Addr); err != nil || host == "" || !listens(s.Addr) {
		reject("smtp.addr")
	}
	if _, err := mail.ParseAddress(s.Sender); err != nil {
		reject("smtp.sender")
	}
	if _, err := mail.ParseAddressList(s.Recipients); err != nil {
		reject("smtp.recipients")
	}
}

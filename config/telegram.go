package config

import (
	"net/url"
	"regexp"
	"strings"
)

// Telegram is the Telegram channel. Without a token it is off.
type Telegram struct {
	// Token is the bot's, as BotFather gives it.
	Token  Secret `mapstructure:"token" allowed:"a token of BotFather, such as 123456789:AAF…, or nothing to switch Telegram off"`
	APIURL string `mapstructure:"api_url" allowed:"the http or https URL of a Bot API"`
	Mode   Mode   `mapstructure:"mode" allowed:"poll, or webhook, which needs http.public_url to begin with https"`
	// WebhookSecret is what updates bring along when Telegram sends them.
	WebhookSecret Secret `mapstructure:"webhook_secret" allowed:"1 to 256 characters of A-Z a-z 0-9 _ -; telegram.mode webhook needs it"`
	// StaffChatID is the group in which staff answer; 0: there is none.
	StaffChatID int64 `mapstructure:"staff_chat_id" allowed:"the id of a group, a number below 0 such as -1001234567890, or 0 for none"`
	// StaffLang is the language that the group is spoken to in.
	StaffLang string `mapstructure:"staff_lang" allowed:"zh or en"`
	Policy    Policy `mapstructure:"policy" allowed:"hold or resend"`
}

// On reports whether the channel is switched on.
func (t Telegram) On() bool { return t.Token.Reveal() != "" }

// Mode is how updates come.
type Mode string

// The modes: tilldesk fetches updates, or Telegram sends them.
const (
	Poll    Mode = "poll"
	Webhook Mode = "webhook"
)

// Policy is what becomes of a message that may have been delivered or not.
type Policy string

// The policies: a person decides, or it is sent again.
const (
	Hold   Policy = "hold"
	Resend Policy = "resend"
)

var (
	botToken      = regexp.MustCompile(`^[0-9]{1,19}:[A-Za-z0-9_-]{2,100}$`)
	webhookSecret = regexp.MustCompile(`^[A-Za-z0-9_-]{1,256}$`)
)

func (t Telegram) validate(publicURL string, reject func(key string)) {
	if t.On() && !botToken.MatchString(t.Token.Reveal()) {
		reject("telegram.token")
	}
	if u, err := url.Parse(t.APIURL); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		reject("telegram.api_url")
	}
	secret := t.WebhookSecret.Reveal()
	switch {
	case t.Mode != Poll && t.Mode != Webhook:
		reject("telegram.mode")
	case t.On() && t.Mode == Webhook && !strings.HasPrefix(publicURL, "https://"):
		reject("telegram.mode")
	}
	if secret != "" && !webhookSecret.MatchString(secret) || t.On() && t.Mode == Webhook && secret == "" {
		reject("telegram.webhook_secret")
	}
	if t.StaffChatID > 0 {
		reject("telegram.staff_chat_id")
	}
	if t.StaffLang != "zh" && t.StaffLang != "en" {
		reject("telegram.staff_lang")
	}
	if t.Policy != Hold && t.Policy != Resend {
		reject("telegram.policy")
	}
}

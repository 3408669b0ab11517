package config

import (
	"net/url"
	"regexp"
)

// WeChat is the official account. The channel is off while it has no
// credentials.
type WeChat struct {
	AppID     string `mapstructure:"app_id" allowed:"the account's AppID, such as wx0123456789abcdef, together with app_secret and token; or nothing"`
	AppSecret Secret `mapstructure:"app_secret" allowed:"the account's AppSecret, together with app_id and token; or nothing"`
	// Token and AESKey are those of the account's server settings.
	Token  Secret `mapstructure:"token" allowed:"3 to 32 letters and digits, as in the account's server settings, together with app_id and app_secret; or nothing"`
	AESKey Secret `mapstructure:"aes_key" allowed:"the EncodingAESKey of the account's server settings, 43 letters and digits; or nothing, which lets anybody forge messages who sees one callback"`
	// PreviousAESKey is still taken for a while after AESKey was changed.
	PreviousAESKey Secret `mapstructure:"previous_aes_key" allowed:"the EncodingAESKey before the present one; or nothing"`
	// OriginalID is the gh_ id; without it that of the first message counts.
	OriginalID string        `mapstructure:"original_id" allowed:"the account's original id, gh_ and 12 letters or digits; or nothing, to learn it from the first message"`
	APIURL     string        `mapstructure:"api_url" allowed:"an http or https URL such as https://api.weixin.qq.com"`
	Account    WeChatAccount `mapstructure:"account" allowed:"verified_service, verified_subscription or unverified"`
	Choices    WeChatChoices `mapstructure:"choices" allowed:"numbers or menu"`
	// Transfer passes what merchants write while a person has the case to
	// WeChat's own desk.
	Transfer bool `mapstructure:"transfer" allowed:"true or false"`
	// Menu is the account's menu, for `tilldesk wechat menu`.
	Menu string `mapstructure:"menu" allowed:"up to 3 buttons with commas between, each LABEL=WHAT IT SAYS or GROUP/LABEL=WHAT IT SAYS; or nothing"`
}

// WeChatAccount is the kind of an official account.
type WeChatAccount string

// The kinds of accounts.
const (
	VerifiedService      WeChatAccount = "verified_service"
	VerifiedSubscription WeChatAccount = "verified_subscription"
	Unverified           WeChatAccount = "unverified"
)

// WeChatChoices is how choices are offered.
type WeChatChoices string

// The ways to offer choices: a numbered list, or a menu that is tapped.
const (
	Numbers WeChatChoices = "numbers"
	Menu    WeChatChoices = "menu"
)

// Given reports whether there is an account at all.
func (w WeChat) Given() bool { return w.AppID != "" }

var (
	wechatToken = regexp.MustCompile(`^[A-Za-z0-9]{3,32}$`)
	wechatKey   = regexp.MustCompile(`^[A-Za-z0-9+/]{43}$`)
	wechatApp   = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
)

func (w WeChat) validate(reject func(key string)) {
	given := w.AppID != "" || !w.AppSecret.IsZero() || !w.Token.IsZero() || !w.AESKey.IsZero()
	if given && !wechatApp.MatchString(w.AppID) {
		reject("wechat.app_id")
	}
	if given && w.AppSecret.IsZero() {
		reject("wechat.app_secret")
	}
	if given && !wechatToken.MatchString(w.Token.Reveal()) {
		reject("wechat.token")
	}
	if key := w.AESKey.Reveal(); key != "" && !wechatKey.MatchString(key) || key == "" && !w.PreviousAESKey.IsZero() {
		reject("wechat.aes_key")
	}
	if key := w.PreviousAESKey.Reveal(); key != "" && !wechatKey.MatchString(key) {
		reject("wechat.previous_aes_key")
	}
	if w.OriginalID != "" && !wechatApp.MatchString(w.OriginalID) {
		reject("wechat.original_id")
	}
	if u, err := url.Parse(w.APIURL); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		reject("wechat.api_url")
	}
	if w.Account != VerifiedService && w.Account != VerifiedSubscription && w.Account != Unverified {
		reject("wechat.account")
	}
	if w.Choices != Numbers && w.Choices != Menu {
		reject("wechat.choices")
	}
}

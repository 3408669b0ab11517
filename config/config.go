// Package config reads the settings of tilldesk once, at start, into plain
// values that are passed to whoever needs them.
//
// A setting is a field of [Config] with two tags: mapstructure is its key,
// allowed is what an error tells people that they may write; a third one, live,
// is yes where a running service takes over a change of it. A rule that the
// type alone does not hold is a line in Config.validate. The file, the
// environment, secrets given as files, line numbers and the nearest name for a
// misspelt one then work for it without further code.
package config

import (
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Config is every setting of tilldesk. Printing it shows no secret.
type Config struct {
	HTTP     HTTP     `mapstructure:"http"`
	Metrics  Metrics  `mapstructure:"metrics"`
	Store    Store    `mapstructure:"store"`
	Content  Content  `mapstructure:"content"`
	Limits   Limits   `mapstructure:"limits"`
	Desk     Desk     `mapstructure:"desk"`
	Webhooks Webhooks `mapstructure:"webhooks"`
	SMTP     SMTP     `mapstructure:"smtp"`
	Log      Log      `mapstructure:"log"`
	Signin   Signin   `mapstructure:"signin"`
	OIDC     OIDC     `mapstructure:"oidc"`
	WeChat   WeChat   `mapstructure:"wechat"`

	Telegram  Telegram  `mapstructure:"telegram"`
	Retention Retention `mapstructure:"retention"`
}

// HTTP is the service's own address and the one that the world sees.
type HTTP struct {
	Addr string `mapstructure:"addr" allowed:"host:port, such as 127.0.0.1:8080 or :8080"`
	// PublicURL is how merchants reach the service, through a proxy for example.
	PublicURL string `mapstructure:"public_url" allowed:"an http or https URL such as https://help.example, or nothing"`
	// TrustedProxies are whose X-Forwarded-For is believed, with commas between.
	TrustedProxies string `mapstructure:"trusted_proxies" allowed:"addresses or networks such as 127.0.0.1, 10.0.0.0/8 with commas between, or nothing" live:"yes"`
	// EmbedOrigins are the sites that may show the chat, with commas between.
	EmbedOrigins string `mapstructure:"embed_origins" allowed:"origins such as https://shop.example with commas between, or nothing" live:"yes"`
}

// Proxies returns the trusted proxies as networks; a single address is a
// network of one.
func (h HTTP) Proxies() ([]netip.Prefix, error) {
	var networks []netip.Prefix
	for _, text := range list(h.TrustedProxies) {
		if addr, err := netip.ParseAddr(text); err == nil {
			networks = append(networks, netip.PrefixFrom(addr, addr.BitLen()))
			continue
		}
		network, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, err
		}
		networks = append(networks, network)
	}
	return networks, nil
}

// Origins returns the sites that may show the chat.
func (h HTTP) Origins() []string { return list(h.EmbedOrigins) }

// list splits a value at its commas.
func list(s string) []string {
	var items []string
	for item := range strings.SplitSeq(s, ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}

// Metrics is the private listener for Prometheus.
type Metrics struct {
	Addr string `mapstructure:"addr" allowed:"host:port, or off"`
}

// Off is the value of what is not wanted: a listener, a cache.
const Off = "off"

// Store is where everything is kept.
type Store struct {
	// DSN names the database. It is a secret because that of PostgreSQL may hold
	// a password. See store.Open for its parameters.
	DSN Secret `mapstructure:"dsn" allowed:"sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE"`
	// Media is the folder for photos.
	Media string `mapstructure:"media" allowed:"the path of a folder; it is made if it is not there"`
	// MinFreeMB is the room on its disks below which no more messages are taken;
	// networks then deliver them again later. What is taken still needs room.
	MinFreeMB int `mapstructure:"min_free_mb" allowed:"0 to 1000000 megabytes; 0 for no floor"`
	// BallastMB is the size of a file beside a SQLite database that can be thrown
	// off when the disk is full, to be able to delete what takes the room.
	BallastMB int `mapstructure:"ballast_mb" allowed:"0 to 10000 megabytes; 0 for none"`
}

// Retention says for how many days what is kept of merchants is kept, counted
// from when it was said; 0 keeps it for ever. What belongs to a case that is
// open with a person stays until that is closed.
type Retention struct {
	MessagesDays int `mapstructure:"messages_days" allowed:"0 to 36500 days; 0 keeps them for ever" live:"yes"`
	// MediaDays is for photos and other files; never longer than the messages.
	MediaDays int `mapstructure:"media_days" allowed:"0 to 36500 days; 0 keeps them as long as their messages" live:"yes"`
	AuditDays int `mapstructure:"audit_days" allowed:"0 to 36500 days; 0 keeps it for ever" live:"yes"`
}

// Limits keep one sender from crowding out the others; 0 switches one off.
type Limits struct {
	AddressPerSecond      float64 `mapstructure:"address_per_second" allowed:"0 to 100000 requests per second from one address; 0 for no limit" live:"yes"`
	ConversationPerMinute float64 `mapstructure:"conversation_per_minute" allowed:"0 to 100000 messages per minute in one conversation; 0 for no limit" live:"yes"`
}

// Content says where the bot's knowledge is read from.
type Content struct {
	// Dir is a folder made like the content folder of the source tree, relative
	// to the working directory; empty means the content built into the binary.
	Dir string `mapstructure:"dir" allowed:"the path of a content folder, or nothing for the built-in content" live:"yes"`
	// Cache is the folder that keeps what was learnt from the content, for a
	// quick next start. Empty means the user's folder for such things, if there
	// is one; [Off] means that nothing is kept.
	Cache string `mapstructure:"cache" allowed:"the path of a folder, off, or nothing for the user's cache folder"`
}

// Signin says how long staff stay signed in at the desk.
type Signin struct {
	IdleMinutes int `mapstructure:"idle_minutes" allowed:"1 to 1440 minutes"`
	HoursAtMost int `mapstructure:"hours_at_most" allowed:"1 to 720 hours"`
}

// OIDC lets staff sign in with an OpenID Connect provider; without an issuer
// they do so with a password alone.
type OIDC struct {
	Issuer       string `mapstructure:"issuer" allowed:"the https URL of the provider (http on this machine alone), together with http.public_url; or nothing"`
	ClientID     string `mapstructure:"client_id" allowed:"what the provider calls this service; needed with oidc.issuer"`
	ClientSecret Secret `mapstructure:"client_secret" allowed:"what the provider gave, or nothing for a public client"`
	// Name is on the button.
	Name string `mapstructure:"name" allowed:"the name of the provider for people, at most 40 characters"`
	// Scopes are asked for besides openid, with commas between.
	Scopes string `mapstructure:"scopes" allowed:"scopes such as profile, groups with commas between, or nothing"`
	// GroupsClaim is where the provider says which groups somebody is in.
	GroupsClaim string `mapstructure:"groups_claim" allowed:"the name of a claim"`
	// AgentGroups and LeadGroups are who gets in, with commas between.
	AgentGroups string `mapstructure:"agent_groups" allowed:"groups with commas between; with oidc.issuer at least one here or in oidc.lead_groups"`
	LeadGroups  string `mapstructure:"lead_groups" allowed:"groups with commas between"`
}

// ScopeList returns the scopes that are asked for besides openid.
func (o OIDC) ScopeList() []string { return list(o.Scopes) }

// Groups returns the groups of agents and those of leads.
func (o OIDC) Groups() (agents, leads []string) { return list(o.AgentGroups), list(o.LeadGroups) }

// Log says what is logged and how.
type Log struct {
	Level  slog.Level `mapstructure:"level" allowed:"debug, info, warn or error" live:"yes"`
	Format Format     `mapstructure:"format" allowed:"text or json"`
}

// Format is the form of a log line.
type Format string

// The forms of a log line: key=value pairs, or one JSON object per line.
const (
	Text Format = "text"
	JSON Format = "json"
)

// Default returns the settings that hold where neither a file nor the
// environment says otherwise.
func Default() Config {
	return Config{
		HTTP:      HTTP{Addr: "127.0.0.1:8080"},
		Metrics:   Metrics{Addr: "127.0.0.1:9464"},
		Store:     Store{DSN: NewSecret("sqlite:data/tilldesk.db"), Media: "data/media", MinFreeMB: 64, BallastMB: 64},
		Retention: Retention{MessagesDays: 730, MediaDays: 180, AuditDays: 1095},
		Limits:    Limits{AddressPerSecond: 20, ConversationPerMinute: 30},
		Log:       Log{Level: slog.LevelInfo, Format: Text},
		Signin:    Signin{IdleMinutes: 120, HoursAtMost: 12},
		OIDC:      OIDC{Name: "OpenID Connect", Scopes: "profile, groups", GroupsClaim: "groups"},
		Desk: Desk{
			Timezone: "Asia/Shanghai", Hours: "mon-sun 09:00-21:00",
			FirstAnswerMinutes: 10, NextAnswerMinutes: 15, ResolutionHours: 8, Assign: ByHand,
		},
		SMTP:   SMTP{TLS: "starttls"},
		WeChat: WeChat{APIURL: "https://api.weixin.qq.com", Account: VerifiedService, Choices: Numbers},

		Telegram: Telegram{APIURL: "https://api.telegram.org", Mode: Poll, StaffLang: "zh", Policy: Hold},
	}
}

// Load returns the defaults, overlaid with a YAML file and then with the
// environment.
//
// The file is path; if path is empty, ./tilldesk.yaml or else
// /etc/tilldesk/tilldesk.yaml, whichever is there, and none need be. A key
// without a value keeps its default.
//
// The environment is what env, such as [os.LookupEnv], finds under the key in
// upper case with the prefix TILLDESK_ and underscores for dots; an empty
// variable counts as not set. A [Secret] may also be given as the path of a
// file that holds it: under KEY_file, or NAME_FILE in the environment.
//
// Any error is an [*Error] that lists all problems.
func Load(path string, env func(string) (string, bool)) (Config, error) {
	file, data, err := find(path)
	if err != nil {
		return Config{}, &Error{Problems: []error{err}}
	}
	cfg := Default()
	if err := overlay(&cfg, file, data, env, cfg.validate); err != nil {
		return Config{}, err
	}
	return cfg, nil
}

// validate rejects, by its key, each value of the right type that cannot be
// used.
func (c *Config) validate(reject func(key string)) {
	if !listens(c.HTTP.Addr) {
		reject("http.addr")
	}
	if u, err := url.Parse(c.HTTP.PublicURL); c.HTTP.PublicURL != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		reject("http.public_url")
	}
	if _, err := c.HTTP.Proxies(); err != nil {
		reject("http.trusted_proxies")
	}
	for _, origin := range c.HTTP.Origins() {
		if u, err := url.Parse(origin); err != nil || u.Host == "" || u.Scheme+"://"+u.Host != origin {
			reject("http.embed_origins")
			break
		}
	}
	if c.Metrics.Addr != Off && !listens(c.Metrics.Addr) {
		reject("metrics.addr")
	}
	if scheme, rest, ok := strings.Cut(c.Store.DSN.Reveal(), ":"); !ok || rest == "" || scheme != "sqlite" && scheme != "postgres" && scheme != "postgresql" {
		reject("store.dsn")
	}
	if c.Store.Media == "" {
		reject("store.media")
	}
	if c.Store.MinFreeMB < 0 || c.Store.MinFreeMB > 1_000_000 {
		reject("store.min_free_mb")
	}
	if c.Store.BallastMB < 0 || c.Store.BallastMB > 10_000 {
		reject("store.ballast_mb")
	}
	const centuryDays = 36_500
	tooLong := func(days int) bool { return days < 0 || days > centuryDays }
	if tooLong(c.Retention.MessagesDays) {
		reject("retention.messages_days")
	}
	if tooLong(c.Retention.MediaDays) {
		reject("retention.media_days")
	}
	if tooLong(c.Retention.AuditDays) {
		reject("retention.audit_days")
	}
	const most = 100_000
	if !(c.Limits.AddressPerSecond >= 0 && c.Limits.AddressPerSecond <= most) {
		reject("limits.address_per_second")
	}
	if !(c.Limits.ConversationPerMinute >= 0 && c.Limits.ConversationPerMinute <= most) {
		reject("limits.conversation_per_minute")
	}
	c.Desk.validate(reject)
	c.Webhooks.validate(reject)
	c.SMTP.validate(reject)
	switch c.Log.Level {
	case slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError:
	default: // such as info+2, which slog itself would take
		reject("log.level")
	}
	if c.Log.Format != Text && c.Log.Format != JSON {
		reject("log.format")
	}
	c.validateSignin(reject)
	c.WeChat.validate(reject)
	c.Telegram.validate(c.HTTP.PublicURL, reject)
}

// validateSignin rejects what staff cannot sign in with.
func (c *Config) validateSignin(reject func(key string)) {
	if c.Signin.IdleMinutes < 1 || c.Signin.IdleMinutes > 1440 {
		reject("signin.idle_minutes")
	}
	if c.Signin.HoursAtMost < 1 || c.Signin.HoursAtMost > 720 {
		reject("signin.hours_at_most")
	}
	if utf8.RuneCountInString(c.OIDC.Name) > 40 || c.OIDC.Name == "" {
		reject("oidc.name")
	}
	if c.OIDC.GroupsClaim == "" {
		reject("oidc.groups_claim")
	}
	if c.OIDC.Issuer == "" {
		return
	}
	u, err := url.Parse(c.OIDC.Issuer)
	local := err == nil && (u.Hostname() == "localhost" || u.Hostname() == "127.0.0.1" || u.Hostname() == "::1")
	// The provider sends people back to the public URL.
	if err != nil || u.Host == "" || u.Scheme != "https" && !(u.Scheme == "http" && local) || c.HTTP.PublicURL == "" {
		reject("oidc.issuer")
	}
	if c.OIDC.ClientID == "" {
		reject("oidc.client_id")
	}
	if agents, leads := c.OIDC.Groups(); len(agents)+len(leads) == 0 {
		reject("oidc.agent_groups")
	}
}

// listens reports whether addr can be listened on: host:port, with a number.
func listens(addr string) bool {
	_, port, err := net.SplitHostPort(addr)
	n, numeric := strconv.ParseUint(port, 10, 16)
	return err == nil && numeric == nil && n <= 65535
}

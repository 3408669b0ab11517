// Package config reads the settings of tilldesk once, at start, into plain
// values that are passed to whoever needs them.
//
// A setting is a field of [Config] with two tags: mapstructure is its key,
// allowed is what an error tells people that they may write. A rule that the
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
)

// Config is every setting of tilldesk. Printing it shows no secret.
type Config struct {
	HTTP    HTTP    `mapstructure:"http"`
	Metrics Metrics `mapstructure:"metrics"`
	Store   Store   `mapstructure:"store"`
	Content Content `mapstructure:"content"`
	Limits  Limits  `mapstructure:"limits"`
	Log     Log     `mapstructure:"log"`
}

// HTTP is the service's own address and the one that the world sees.
type HTTP struct {
	Addr string `mapstructure:"addr" allowed:"host:port, such as 127.0.0.1:8080 or :8080"`
	// PublicURL is how merchants reach the service, through a proxy for example.
	PublicURL string `mapstructure:"public_url" allowed:"an http or https URL such as https://help.example, or nothing"`
	// TrustedProxies are whose X-Forwarded-For is believed, with commas between.
	TrustedProxies string `mapstructure:"trusted_proxies" allowed:"addresses or networks such as 127.0.0.1, 10.0.0.0/8 with commas between, or nothing"`
	// EmbedOrigins are the sites that may show the chat, with commas between.
	EmbedOrigins string `mapstructure:"embed_origins" allowed:"origins such as https://shop.example with commas between, or nothing"`
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

// Off is the address of a listener that is not wanted.
const Off = "off"

// Store is where everything is kept.
type Store struct {
	// DSN names the database. It is a secret because that of PostgreSQL may hold
	// a password.
	DSN Secret `mapstructure:"dsn" allowed:"sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE"`
	// Media is the folder for photos.
	Media string `mapstructure:"media" allowed:"the path of a folder; it is made if it is not there"`
}

// Limits keep one sender from crowding out the others; 0 switches one off.
type Limits struct {
	AddressPerSecond      float64 `mapstructure:"address_per_second" allowed:"0 to 100000 requests per second from one address; 0 for no limit"`
	ConversationPerMinute float64 `mapstructure:"conversation_per_minute" allowed:"0 to 100000 messages per minute in one conversation; 0 for no limit"`
}

// Content says where the bot's knowledge is read from.
type Content struct {
	// Dir is a folder made like the content folder of the source tree, relative
	// to the working directory; empty means the content built into the binary.
	Dir string `mapstructure:"dir" allowed:"the path of a content folder, or nothing for the built-in content"`
}

// Log says what is logged and how.
type Log struct {
	Level  slog.Level `mapstructure:"level" allowed:"debug, info, warn or error"`
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
		HTTP:    HTTP{Addr: "127.0.0.1:8080"},
		Metrics: Metrics{Addr: "127.0.0.1:9464"},
		Store:   Store{DSN: NewSecret("sqlite:data/tilldesk.db"), Media: "data/media"},
		Limits:  Limits{AddressPerSecond: 20, ConversationPerMinute: 30},
		Log:     Log{Level: slog.LevelInfo, Format: Text},
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
	const most = 100_000
	if !(c.Limits.AddressPerSecond >= 0 && c.Limits.AddressPerSecond <= most) {
		reject("limits.address_per_second")
	}
	if !(c.Limits.ConversationPerMinute >= 0 && c.Limits.ConversationPerMinute <= most) {
		reject("limits.conversation_per_minute")
	}
	switch c.Log.Level {
	case slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError:
	default: // such as info+2, which slog itself would take
		reject("log.level")
	}
	if c.Log.Format != Text && c.Log.Format != JSON {
		reject("log.format")
	}
}

// listens reports whether addr can be listened on: host:port, with a number.
func listens(addr string) bool {
	_, port, err := net.SplitHostPort(addr)
	n, numeric := strconv.ParseUint(port, 10, 16)
	return err == nil && numeric == nil && n <= 65535
}

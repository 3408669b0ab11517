// Package config reads the settings of tilldesk once, at start, into plain
// values that are passed to whoever needs them.
//
// A setting is a field of [Config] with two tags: mapstructure is its key,
// allowed is what an error tells people that they may write. A rule that the
// type alone does not hold is a line in Config.validate. The file, the
// environment, secrets given as files, line numbers and the nearest name for a
// misspelt one then work for it without further code.
package config

import "log/slog"

// Config is every setting of tilldesk. Printing it shows no secret.
type Config struct {
	Content Content `mapstructure:"content"`
	Log     Log     `mapstructure:"log"`
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
	return Config{Log: Log{Level: slog.LevelInfo, Format: Text}}
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
	switch c.Log.Level {
	case slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError:
	default: // such as info+2, which slog itself would take
		reject("log.level")
	}
	if c.Log.Format != Text && c.Log.Format != JSON {
		reject("log.format")
	}
}

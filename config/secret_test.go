package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

// channel stands for the settings that have secrets and numbers.
type channel struct {
	Channel struct {
		Token  Secret  `mapstructure:"token" allowed:"the token of the account"`
		ChatID int64   `mapstructure:"chat_id" allowed:"a whole number"`
		Tries  int8    `mapstructure:"tries" allowed:"0 to 100"`
		Share  float64 `mapstructure:"share" allowed:"0 to 1"`
		On     bool    `mapstructure:"on" allowed:"true or false"`
	} `mapstructure:"channel"`
}

func (c *channel) validate(reject func(string)) {
	if c.Channel.Tries < 0 || c.Channel.Tries > 100 {
		reject("channel.tries")
	}
	if c.Channel.On && c.Channel.Token.IsZero() {
		reject("channel.token")
	}
}

const canary = "1234:do-not-show"

func TestSecretIsNeverShown(t *testing.T) {
	type holder struct {
		Public  Secret
		private Secret
		pointer *Secret
		list    []Secret
		any     any
	}
	s := NewSecret(canary)
	h := holder{s, s, &s, []Secret{s}, s}
	var shown []string
	for verb := ' '; verb <= '~'; verb++ {
		for _, flag := range []string{"", "+", "#", "-9.3", "0", " "} {
			format := "%" + flag + string(verb)
			for _, v := range []any{s, &s, h, &h, []Secret{s}, map[string]Secret{"a": s}, errors.Join(fmt.Errorf("sending with %v", s))} {
				shown = append(shown, fmt.Sprintf(format, v))
			}
		}
	}
	for _, v := range []any{s, h, &h, map[string]any{"token": s}} {
		asJSON, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		asYAML, err := yaml.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		var logged bytes.Buffer
		slog.New(slog.NewTextHandler(&logged, nil)).Info("starting", "v", v, slog.Group("g", "v", v))
		slog.New(slog.NewJSONHandler(&logged, nil)).Info("starting", "v", v, slog.Group("g", "v", v))
		shown = append(shown, string(asJSON), string(asYAML), logged.String())
	}
	for _, text := range shown {
		if strings.Contains(text, canary) {
			t.Errorf("the secret shows in %q", text)
		}
	}

	for got, want := range map[string]string{
		fmt.Sprint(s):                             "***",
		fmt.Sprintf("%q %#v %x", s, s, s):         "*** *** ***",
		fmt.Sprint(Secret{}):                      "",
		fmt.Sprintf("%+v", struct{ A Secret }{s}): "{A:***}",
		s.Reveal():                                canary,
		NewSecret("").Reveal():                    "",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestSecretEqual(t *testing.T) {
	for _, tt := range []struct {
		a, b Secret
		want bool
	}{
		{NewSecret("a"), NewSecret("a"), true},
		{NewSecret("a"), NewSecret("b"), false},
		{NewSecret("a"), NewSecret("ab"), false},
		{NewSecret("a"), Secret{}, false},
		{NewSecret(""), Secret{}, true},
	} {
		if got := tt.a.Equal(tt.b); got != tt.want {
			t.Errorf("Equal(%q, %q) = %v", tt.a.Reveal(), tt.b.Reveal(), got)
		}
	}
}

func TestSecretsAndNumbers(t *testing.T) {
	dir := t.TempDir()
	tokenFile, emptyFile := filepath.Join(dir, "token"), filepath.Join(dir, "empty")
	write(t, tokenFile, "from-a-file\r\n")
	write(t, emptyFile, "\n")
	const keep = ", allowed: one of the two"
	for _, tt := range []struct {
		name, yaml string
		env        []string
		token      string
		want       string // of the rest, or of the error
	}{
		{name: "in the file", yaml: "channel: {token: '" + canary + "', chat_id: -100123, tries: 3, share: 1, on: true}", token: canary, want: "-100123 3 1 true"},
		{name: "in the environment", yaml: "channel: {token: other, tries: 1}",
			env:   []string{"TILLDESK_CHANNEL_TOKEN", canary, "TILLDESK_CHANNEL_CHAT_ID", "-5", "TILLDESK_CHANNEL_SHARE", "0.25", "TILLDESK_CHANNEL_ON", "true"},
			token: canary, want: "-5 1 0.25 true"},
		{name: "digits only", env: []string{"TILLDESK_CHANNEL_TOKEN", "0123"}, token: "0123", want: "0 0 0 false"},
		{name: "file named in the file", yaml: "channel: {token_file: " + tokenFile + "}", token: "from-a-file", want: "0 0 0 false"},
		{name: "file named in the environment", yaml: "channel: {token: other}", env: []string{"TILLDESK_CHANNEL_TOKEN_FILE", tokenFile}, token: "from-a-file", want: "0 0 0 false"},
		{name: "environment over file named in the file", yaml: "channel: {token_file: " + tokenFile + "}", env: []string{"TILLDESK_CHANNEL_TOKEN", canary}, token: canary, want: "0 0 0 false"},

		{name: "both in the file", yaml: "channel:\n  token: " + canary + "\n  token_file: " + tokenFile,
			want: "c.yaml:2: channel.token is given twice, here and at c.yaml:3 as a file" + keep},
		{name: "both in the environment", env: []string{"TILLDESK_CHANNEL_TOKEN", canary, "TILLDESK_CHANNEL_TOKEN_FILE", tokenFile},
			want: "TILLDESK_CHANNEL_TOKEN: channel.token is given twice, here and at TILLDESK_CHANNEL_TOKEN_FILE as a file" + keep},
		{name: "secret where its file is asked for", env: []string{"TILLDESK_CHANNEL_TOKEN_FILE", canary},
			want: "TILLDESK_CHANNEL_TOKEN_FILE: cannot read channel.token from the file named here: no such file or directory, allowed: the path of a file with the secret alone"},
		{name: "empty file", yaml: "channel: {token_file: " + emptyFile + "}",
			want: "c.yaml:1: cannot read channel.token from the file named here: file is empty, allowed: the path of a file with the secret alone"},
		{name: "unquoted number as secret", yaml: "channel: {token: 12341234}", want: "c.yaml:1: channel.token is ***, allowed: the token of the account"},
		{name: "required", yaml: "channel: {on: true}", want: "channel.token is not set, allowed: the token of the account"},
		{name: "wrong types", yaml: "channel:\n  chat_id: 1.5\n  tries: 300\n  share: much\n  on: 1",
			want: "c.yaml:2: channel.chat_id is 1.5, allowed: a whole number; c.yaml:3: channel.tries is 300, allowed: 0 to 100; " +
				`c.yaml:4: channel.share is "much", allowed: 0 to 1; c.yaml:5: channel.on is 1, allowed: true or false`},
		{name: "wrong types in the environment", env: []string{"TILLDESK_CHANNEL_TRIES", "3 or 4", "TILLDESK_CHANNEL_CHAT_ID", "18446744073709551615", "TILLDESK_CHANNEL_SHARE", "{a: [\n"},
			want: "TILLDESK_CHANNEL_CHAT_ID: channel.chat_id is 18446744073709551615, allowed: a whole number; " +
				`TILLDESK_CHANNEL_TRIES: channel.tries is "3 or 4", allowed: 0 to 100; TILLDESK_CHANNEL_SHARE: channel.share is "{a: [\n", allowed: 0 to 1`},
		{name: "nothing in the environment", yaml: "channel: {tries: 3}", env: []string{"TILLDESK_CHANNEL_TRIES", "null"},
			want: `TILLDESK_CHANNEL_TRIES: channel.tries is "null", allowed: 0 to 100`},
		{name: "out of range", yaml: "channel:\n  tries: -1", want: "c.yaml:2: channel.tries is -1, allowed: 0 to 100"},
		{name: "file of what is no secret", yaml: "channel: {tries_file: x}", want: `c.yaml:1: unknown key "channel.tries_file", the nearest known one is channel.token_file`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var c channel
			err := overlay(&c, "c.yaml", []byte(tt.yaml), vars(tt.env...), c.validate)
			got := fmt.Sprint(c.Channel.ChatID, c.Channel.Tries, c.Channel.Share, c.Channel.On)
			if err != nil {
				got = err.Error()
			} else if c.Channel.Token.Reveal() != tt.token {
				t.Errorf("token %q, want %q", c.Channel.Token.Reveal(), tt.token)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if shown := fmt.Sprintf("%+v %v", c, err); strings.Contains(shown, canary) {
				t.Errorf("the secret shows in %s", shown)
			}
		})
	}
}

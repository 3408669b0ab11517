package config

import (
	"crypto/subtle"
	"fmt"
	"log/slog"
)

// hidden is what is shown of a secret.
const hidden = "***"

// A Secret is a password, token or key. It prints as *** under every verb of
// fmt, in JSON, YAML and slog, also as a field of something else; the text
// itself comes from [Secret.Reveal] alone. The zero value is a secret that is
// not set, and prints as nothing.
type Secret struct {
	_ [0]func() // == would compare where the text lies, not the text

	// fmt cannot call methods of what lies in an unexported field; behind a
	// pointer it prints an address there.
	text *string
}

// NewSecret returns text as a secret.
func NewSecret(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{text: &text}
}

// Reveal returns the secret itself, "" if it is not set.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// IsZero reports whether the secret is not set.
func (s Secret) IsZero() bool { return s.text == nil }

// Equal reports whether s and other are the same text, in a time that depends
// on the lengths alone.
func (s Secret) Equal(other Secret) bool {
	return subtle.ConstantTimeCompare([]byte(s.Reveal()), []byte(other.Reveal())) == 1
}

// String returns *** if the secret is set, else "".
func (s Secret) String() string {
	if s.IsZero() {
		return ""
	}
	return hidden
}

// Format prints [Secret.String] whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { fmt.Fprint(f, s.String()) }

// MarshalText returns [Secret.String]; JSON and YAML use it.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText sets the secret to text.
func (s *Secret) UnmarshalText(text []byte) error {
	*s = NewSecret(string(text))
	return nil
}

// LogValue returns [Secret.String].
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

package bot

import "time"

// A Credential is a token of a network that all replicas share. The zero
// Credential is none.
type Credential struct {
	Sealed  string // encrypted by who uses it
	Version int64  // tells it from those before
	Expires time.Time
}

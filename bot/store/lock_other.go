//go:build !unix || solaris

package store

import "errors"

func lock(string) (func() error, error) {
	return nil, errors.New("SQLite cannot be kept from being served twice on this system: use PostgreSQL")
}

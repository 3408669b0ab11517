//go:build !unix

package main

import (
	"errors"
	"fmt"
)

// freeBytes is not known on this system.
func freeBytes(string) (uint64, error) {
	return 0, fmt.Errorf("the free space: %w", errors.ErrUnsupported)
}

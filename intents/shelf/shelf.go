// Package shelf keeps what intent engines have learnt in a folder, so that the
// next start with the same content need not learn again. It is a cache: its
// files can be deleted at any time, and one that is damaged is replaced.
package shelf

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tilldesk/intents"
)

// A Shelf is a folder of engines.
type Shelf struct {
	// Dir is the folder; it is made when something is put into it. With "",
	// nothing is kept.
	Dir string
	// Warn is told what went wrong with the folder; the engine is learnt then,
	// as if nothing had been kept. Nothing is told if it is nil.
	Warn func(error)
}

const (
	suffix     = ".engine"
	unfinished = "unfinished-" // begins the name of a file that is being written
	// room is how many engines are kept: a few versions of the content that
	// replicas or editors go back and forth between.
	room = 4
)

// Engine returns the engine of the set: the kept one, or one that it has learn
// and then keeps. It fails only if learning does.
func (s *Shelf) Engine(ctx context.Context, set *intents.Set) (*intents.Engine, error) {
	if s.Dir == "" {
		return intents.NewEngine(ctx, set)
	}
	digest, err := set.Digest()
	if err != nil {
		return nil, err
	}
	file := filepath.Join(s.Dir, digest[:32]+suffix)
	e, err := restore(file, set)
	if err == nil {
		return e, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		s.warn(fmt.Errorf("reading what was learnt from %s: %w; it is learnt again", file, err))
	}
	if e, err = intents.NewEngine(ctx, set); err != nil {
		return nil, err
	}
	if err := s.keep(file, e); err != nil {
		s.warn(fmt.Errorf("keeping what was learnt in %s: %w; the next start learns it again", s.Dir, err))
	}
	return e, nil
}

func (s *Shelf) warn(err error) {
	if s.Warn != nil {
		s.Warn(err)
	}
}

// A file begins with a checksum of what follows. It finds damage, not malice:
// who can write here can change the content, too.
const sumSize = 4

func checksum(data []byte) uint32 { return crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli)) }

// restore reads an engine and marks it as used.
func restore(file string, set *intents.Set) (*intents.Engine, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	if len(data) < sumSize {
		return nil, errors.New("the file is cut short")
	}
	saved := data[sumSize:]
	if checksum(saved) != binary.LittleEndian.Uint32(data) {
		return nil, errors.New("the file is damaged: its checksum differs")
	}
	e, err := intents.Restore(set, saved)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	_ = os.Chtimes(file, now, now) // it may only be dropped earlier for want of this
	return e, nil
}

// keep writes an engine so that others see all of it or nothing.
func (s *Shelf) keep(file string, e *intents.Engine) error {
	data, err := e.AppendBinary(make([]byte, sumSize))
	if err != nil {
		return err
	}
	binary.LittleEndian.PutUint32(data, checksum(data[sumSize:]))
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		return err
	}
	temp, err := os.CreateTemp(s.Dir, unfinished+"*")
	if err != nil {
		return err
	}
	_, err = temp.Write(data)
	err = errors.Join(err, temp.Close())
	if err == nil {
		err = os.Rename(temp.Name(), file)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temp.Name()))
	}
	return s.tidy()
}

// abandoned is the age of a half-written file whose writer must have died.
const abandoned = time.Hour

// tidy removes the engines that have not been used for longest, and what a
// process that died left half-written.
func (s *Shelf) tidy() error {
	entries, err := os.ReadDir(s.Dir)
	if err != nil {
		return err
	}
	var kept []fs.FileInfo
	var remove []string
	for _, entry := range entries {
		info, err := entry.Info()
		switch {
		case err != nil: // somebody else removed it
		case strings.HasSuffix(info.Name(), suffix):
			kept = append(kept, info)
		case strings.HasPrefix(info.Name(), unfinished) && time.Since(info.ModTime()) > abandoned:
			remove = append(remove, info.Name())
		}
	}
	slices.SortFunc(kept, func(a, b fs.FileInfo) int {
		return cmp.Or(b.ModTime().Compare(a.ModTime()), cmp.Compare(a.Name(), b.Name()))
	})
	for _, info := range kept[min(room, len(kept)):] {
		remove = append(remove, info.Name())
	}
	for _, name := range remove {
		if err := os.Remove(filepath.Join(s.Dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

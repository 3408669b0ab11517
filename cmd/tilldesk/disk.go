package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"tilldesk/bot"
	"tilldesk/config"
)

const megabyte = 1 << 20

// dataFolders are the folders that fill while the service runs: that of a
// SQLite database, and that of photos. They are there once the store and the
// media folder are open.
func dataFolders(cfg config.Store) []string {
	folders := []string{cfg.Media}
	if path, ok := strings.CutPrefix(cfg.DSN.Reveal(), "sqlite:"); ok {
		folders = append([]string{filepath.Dir(path)}, folders...)
	}
	return folders
}

// A disk says whether there is room to take more messages. What is taken
// already needs room to be answered, so the service stops taking before the
// disk is full.
type disk struct {
	folders []string
	least   uint64 // bytes that stay free; 0: no floor
	log     *slog.Logger
	free    func(dir string) (uint64, error)
	now     func() time.Time

	mu      sync.Mutex
	looked  time.Time
	refusal error
}

// lookEvery is how long what was seen of a disk is believed.
const lookEvery = 250 * time.Millisecond

func newDisk(cfg config.Store, log *slog.Logger) *disk {
	return &disk{folders: dataFolders(cfg), least: uint64(cfg.MinFreeMB) * megabyte, log: log, free: freeBytes, now: time.Now}
}

// room returns an error that is [bot.ErrNoRoom] if no more messages should be
// taken now.
func (d *disk) room() error {
	if d.least == 0 {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.now()
	if since := now.Sub(d.looked); since >= 0 && since < lookEvery {
		return d.refusal
	}
	d.looked = now
	before := d.refusal
	d.refusal = nil
	for _, folder := range d.folders {
		// A disk that does not tell how full it is says so when it is.
		if free, err := d.free(folder); err == nil && free < d.least {
			d.refusal = fmt.Errorf("%d MB are free at %s, less than store.min_free_mb: %w", free/megabyte, folder, bot.ErrNoRoom)
			break
		}
	}
	switch {
	case d.refusal != nil && before == nil:
		d.log.Error("no more messages are taken until there is room; delete or move something, or run `tilldesk doctor --free-ballast`", "error", d.refusal)
	case d.refusal == nil && before != nil:
		d.log.Info("there is room again; messages are taken")
	}
	return d.refusal
}

// A ballast is a file without use that is deleted when the disk is full: even
// deleting rows needs some room.
type ballast struct {
	file string
	size int64 // bytes; 0: none is wanted
	keep uint64
}

// newBallast returns that of a SQLite database; the disk of PostgreSQL is not
// ours.
func newBallast(cfg config.Store) ballast {
	path, ok := strings.CutPrefix(cfg.DSN.Reveal(), "sqlite:")
	if !ok {
		return ballast{}
	}
	return ballast{path + ".ballast", int64(cfg.BallastMB) * megabyte, uint64(cfg.MinFreeMB) * megabyte}
}

// there returns the size of the file, 0 if it is not there.
func (b ballast) there() int64 {
	info, err := os.Stat(b.file)
	if err != nil {
		return 0
	}
	return info.Size()
}

// lay makes the file if it is missing and there is room for it twice over, so
// that it does not come back as long as what it was thrown off for lasts. A
// file that is not wanted any more is removed. It reports whether it made one.
func (b ballast) lay() (bool, error) {
	if b.file == "" || b.there() == b.size {
		return false, nil
	}
	if b.size == 0 {
		return false, os.Remove(b.file)
	}
	free, err := freeBytes(filepath.Dir(b.file))
	if err != nil || free+uint64(b.there()) < b.keep+2*uint64(b.size) {
		return false, err
	}
	part := b.file + ".part"
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return false, err
	}
	// Not zeros: some file systems keep those for nothing.
	_, err = io.CopyN(f, rand.Reader, b.size)
	if err = errors.Join(err, f.Close()); err != nil {
		return false, errors.Join(err, os.Remove(part))
	}
	return true, os.Rename(part, b.file)
}

// drop removes the file and returns its size.
func (b ballast) drop() (int64, error) {
	size := b.there()
	if size == 0 {
		return 0, nil
	}
	if err := os.Remove(b.file); err != nil {
		return 0, fmt.Errorf("removing the ballast: %w", err)
	}
	return size, nil
}

// ballastEvery is how often it is looked whether the ballast can come back.
const ballastEvery = 10 * time.Minute

// keepBallast keeps the ballast in its place until ctx ends.
func (s *service) keepBallast(ctx context.Context) {
	again := time.NewTicker(ballastEvery)
	defer again.Stop()
	b := newBallast(s.cfg.Store)
	for {
		switch made, err := b.lay(); {
		case err != nil:
			s.log.Warn("the ballast could not be laid", "file", b.file, "error", err)
		case made:
			s.log.Info("ballast for a full disk was laid", "file", b.file, "mb", b.size/megabyte)
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return
		}
	}
}

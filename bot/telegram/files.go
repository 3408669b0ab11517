package telegram

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path"
	"time"

	"tilldesk/bot/photo"
	"tilldesk/bot/store"
	"tilldesk/bot/telegram/botapi"
)

// fetched are the kinds of files that staff see outside of Telegram as well.
var fetched = map[string]bool{"image": true, "voice": true}

const (
	filesFolder  = "telegram"
	filesAtOnce  = 2
	fileTime     = time.Minute
	fileTries    = 8
	filesIdle    = time.Second
	maxImageFile = 10 << 20
	maxVoiceFile = 5 << 20
)

// fetchFiles fetches the files of messages until ctx ends.
func (c *Channel) fetchFiles(ctx context.Context) {
	if c.opt.Data == nil {
		return
	}
	for ctx.Err() == nil {
		files, err := c.store.ClaimFiles(ctx, Name, c.opt.Now(), c.opt.Now().Add(2*fileTime), filesAtOnce)
		if err != nil && ctx.Err() == nil {
			c.log.Error("files to be fetched could not be claimed", "error", err)
		}
		for _, f := range files {
			c.fetchFile(ctx, f)
		}
		if len(files) == 0 && !sleep(ctx, filesIdle) {
			return
		}
	}
}

// fetchFile fetches one file and puts it into its message. What cannot be
// fetched stays with Telegram, where staff of the group can see it.
func (c *Channel) fetchFile(ctx context.Context, f store.WantedFile) {
	log := c.log.With("message", f.Message, "kind", f.Media.Kind)
	err := c.keep(ctx, f)
	if ctx.Err() != nil {
		return // it is claimed again when its time is over
	}
	var e *botapi.Error
	settled := err == nil || errors.As(err, &e) && e.Permanent() ||
		errors.Is(err, photo.ErrNotPhoto) || errors.Is(err, photo.ErrHuge) || errors.Is(err, errNoVoice)
	why := ""
	if err != nil {
		why = err.Error()
	}
	if settled || f.Attempts+1 >= fileTries {
		if err != nil {
			log.Warn("a file is not kept here", "error", err)
		}
		err = c.store.EndFile(ctx, f, c.opt.Now(), why)
	} else {
		log.Warn("a file could not be fetched; it is tried again", "error", err)
		wait := time.Second << min(2*f.Attempts, 10)
		if e != nil {
			wait = max(wait, e.After)
		}
		err = c.store.RetryFile(ctx, f, c.opt.Now().Add(wait), why)
	}
	if err != nil {
		log.Error("what became of a file could not be stored", "error", err)
	}
}

var errNoVoice = errors.New("this is not a voice message")

// keep fetches a file, makes sure that it is what it says, and stores it.
func (c *Channel) keep(ctx context.Context, f store.WantedFile) error {
	ctx, cancel := context.WithTimeout(ctx, fileTime)
	defer cancel()
	m := f.Media
	if m.Remote == "" || m.Path != "" {
		return nil // the message is gone, or has it
	}
	limit, ending := int64(maxImageFile), ".jpg"
	if m.Kind == "voice" {
		limit, ending = maxVoiceFile, ".ogg"
	}
	body, err := c.api.Fetch(ctx, m.Remote, limit)
	if err != nil {
		return err
	}
	if m.Kind == "image" {
		var fresh bytes.Buffer
		if err := photo.Reencode(&fresh, body); err != nil {
			return err
		}
		body, m.Type = fresh.Bytes(), "image/jpeg"
	} else if !bytes.HasPrefix(body, []byte("OggS")) { // RFC 3533
		return errNoVoice
	} else {
		m.Type = "audio/ogg"
	}
	sum := sha256.Sum256([]byte(f.Message))
	m.Path = path.Join(filesFolder, fmt.Sprintf("%s-%d%s", hex.EncodeToString(sum[:16]), f.N, ending))
	m.Bytes = int64(len(body))
	if err := c.opt.Data.MkdirAll(filesFolder, 0o700); err != nil {
		return fmt.Errorf("making the folder for files: %w", err)
	}
	if err := photo.Write(c.opt.Data, m.Path, body); err != nil {
		return fmt.Errorf("storing a file: %w", err)
	}
	err = c.store.SetMedia(ctx, f.Message, f.N, m)
	if errors.Is(err, store.ErrNotFound) { // erased meanwhile, and the file with it
		return c.opt.Data.Remove(m.Path)
	}
	return err
}

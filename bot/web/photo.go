package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"time"

	"tilldesk/bot"
)

const (
	maxPhotoBytes = 10 << 20
	maxPhotos     = 50 // of one conversation
	// photoWithin is the time to send a photo, over a slow line too.
	photoWithin = 3 * time.Minute
	photoFolder = "photos"
)

// photoName is where the photo of a message is kept: in a folder that only
// those find who know the conversation's id.
func photoName(conversation, message string) string {
	return path.Join(photoFolder, digest(conversation), digest(conversation+"\x00"+message)+".jpg")
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:16])
}

// takePhoto takes a photo as a message of the merchant. What is kept is a fresh
// picture of it: nothing of the file that came, such as where it was taken.
func (h *Handler) takePhoto(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	conversation, id := query.Get("conversation"), query.Get("message_id")
	if err := checkIDs(conversation, id); err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	var after *int64
	if n, given, err := afterOf(query); err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	} else if given {
		after = &n
	}
	if h.opt.Data == nil {
		refuse(w, http.StatusNotFound, words(pageLang(r), "photo_off"))
		return
	}
	if wait, ok := h.talks.take(conversation); !ok {
		tooMany(w, r, wait)
		return
	}
	allow(w, r, photoWithin, photoWithin+h.opt.Wait+writeWithin)
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxPhotoBytes))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		refuse(w, http.StatusRequestEntityTooLarge, words(pageLang(r), "photo_large"))
		return
	case err != nil:
		refuse(w, http.StatusBadRequest, words(pageLang(r), "photo_cut"))
		return
	}
	name := photoName(conversation, id)
	size, err := h.keep(r.Context(), name, body)
	switch {
	case errors.Is(err, errNotPhoto):
		refuse(w, http.StatusUnsupportedMediaType, words(pageLang(r), "photo_unreadable"))
	case errors.Is(err, errHuge):
		refuse(w, http.StatusRequestEntityTooLarge, words(pageLang(r), "photo_large"))
	case errors.Is(err, errManyPhotos):
		refuse(w, http.StatusConflict, words(pageLang(r), "photo_many"))
	case err != nil:
		h.unavailable(w, r, "a photo could not be kept", err)
	default:
		m := h.inbound(r, conversation, id)
		m.Media = []bot.Media{{Kind: "image", Type: "image/jpeg", Path: name, Bytes: size}}
		h.answer(w, r, m, after)
	}
}

var errManyPhotos = fmt.Errorf("a conversation keeps %d photos at most", maxPhotos)

// keep stores the photo durably under name, unless it is there: the first one
// that came with a message stays. It returns the size of what is stored.
func (h *Handler) keep(ctx context.Context, name string, body []byte) (int64, error) {
	select { // one at a time: a picture needs much more memory than its file
	case h.decoding <- struct{}{}:
		defer func() { <-h.decoding }()
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	data := h.opt.Data
	if info, err := data.Stat(name); err == nil {
		return info.Size(), nil
	}
	folder := path.Dir(name)
	if err := data.MkdirAll(folder, 0o700); err != nil {
		return 0, fmt.Errorf("making the folder of a conversation's photos: %w", err)
	}
	if entries, err := fs.ReadDir(data.FS(), folder); err != nil {
		return 0, fmt.Errorf("counting the photos of a conversation: %w", err)
	} else if len(entries) >= maxPhotos {
		return 0, errManyPhotos
	}
	var fresh bytes.Buffer
	if err := reencode(&fresh, body); err != nil {
		return 0, err
	}
	if err := writeDurably(data, name, fresh.Bytes()); err != nil {
		return 0, fmt.Errorf("storing a photo: %w", err)
	}
	return int64(fresh.Len()), nil
}

// writeDurably writes a file that is there whole or not at all, also after a
// power cut.
func writeDurably(root *os.Root, name string, content []byte) error {
	part := name + ".part"
	f, err := root.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := root.Rename(part, name); err != nil {
		return err
	}
	for folder := path.Dir(name); ; folder = path.Dir(folder) {
		if err := syncFolder(root, folder); err != nil || folder == "." {
			return err
		}
	}
}

func syncFolder(root *os.Root, name string) error {
	f, err := root.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// showPhoto serves a photo to the conversation that sent it.
func (h *Handler) showPhoto(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	conversation, id := query.Get("conversation"), query.Get("message_id")
	if err := checkIDs(conversation, id); err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	if h.opt.Data == nil {
		refuse(w, http.StatusNotFound, words(pageLang(r), "photo_off"))
		return
	}
	f, err := h.opt.Data.Open(photoName(conversation, id))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		refuse(w, http.StatusNotFound, "this message of this conversation has no photo")
		return
	case err != nil:
		h.unavailable(w, r, "a photo could not be read", err)
		return
	}
	defer f.Close()
	head := w.Header()
	head.Set("Content-Type", "image/jpeg")
	head.Set("Content-Disposition", `inline; filename="photo.jpg"`)
	head.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	http.ServeContent(w, r, "", time.Time{}, f)
}

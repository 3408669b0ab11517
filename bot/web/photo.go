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
	"path"
	"strconv"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/photo"
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
	if wait, ok := h.rules.Load().talks.take(conversation); !ok {
		tooMany(w, r, wait)
		return
	}
	if err := h.opt.Room(); err != nil {
		h.unavailable(w, r, "a photo could not be taken", err)
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
	case errors.Is(err, photo.ErrNotPhoto):
		refuse(w, http.StatusUnsupportedMediaType, words(pageLang(r), "photo_unreadable"))
	case errors.Is(err, photo.ErrHuge):
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
	if err := photo.Reencode(&fresh, body); err != nil {
		return 0, err
	}
	if err := photo.Write(data, name, fresh.Bytes()); err != nil {
		return 0, fmt.Errorf("storing a photo: %w", err)
	}
	return int64(fresh.Len()), nil
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
	h.serveJPEG(w, r, photoName(conversation, id))
}

// isPicture reports whether a file can be shown: only what was re-encoded is
// kept as an image here.
func isPicture(m bot.Media) bool { return m.Kind == "image" && m.Path != "" }

// showMedia serves a picture that staff sent to the conversation: the n-th file
// of the message with the sequence number.
func (h *Handler) showMedia(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	conversation := query.Get("conversation")
	seq, seqErr := strconv.ParseInt(query.Get("seq"), 10, 64)
	n, nErr := strconv.Atoi(query.Get("n"))
	if !conversationID.MatchString(conversation) || seqErr != nil || nErr != nil || seq < 1 || n < 0 {
		refuse(w, http.StatusBadRequest, "give conversation, seq and n as in the url of the media")
		return
	}
	c, known, err := h.store.ConversationOf(r.Context(), Name, conversation)
	var entries []bot.Entry
	if err == nil && known {
		entries, err = h.store.History(r.Context(), c.ID, seq-1, 1)
	}
	switch {
	case err != nil:
		h.unavailable(w, r, "a picture could not be looked up", err)
	case h.opt.Data == nil, len(entries) == 0, entries[0].Seq != seq, n >= len(entries[0].Reply.Media), !isPicture(entries[0].Reply.Media[n]):
		refuse(w, http.StatusNotFound, noPhoto)
	default:
		h.serveJPEG(w, r, entries[0].Reply.Media[n].Path)
	}
}

const noPhoto = "this message of this conversation has no photo"

// serveJPEG serves a file below the data folder.
func (h *Handler) serveJPEG(w http.ResponseWriter, r *http.Request, name string) {
	f, err := h.opt.Data.Open(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		refuse(w, http.StatusNotFound, noPhoto)
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

package console

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"path"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/photo"
	"tilldesk/bot/signin"
)

// Bounds on a picture that goes with a reply.
const (
	maxPicture    = 10 << 20           // bytes of the file
	maxSay        = maxPicture + 1<<20 // of the whole form
	pictureWithin = 2 * time.Minute    // to send it
	pictureFolder = "desk"
)

// say is the route of a reply or note, with a picture or without.
func (c *Console) say(w http.ResponseWriter, r *http.Request) {
	ticket := r.PathValue("ticket")
	form, file, err := readSay(w, r)
	var media []bot.Media
	if err == nil && len(file) > 0 {
		if form.Get("as") == "note" {
			err = &inputError{"problem.picture_in_note"}
		} else {
			media, err = c.keepPicture(r.Context(), ticket, form.Get("id"), file)
		}
	}
	if err == nil {
		err = c.sayTo(r.Context(), ticket, actor(signin.From(r.Context())), form, media)
	}
	if err != nil {
		c.fail(w, r, err)
		return
	}
	c.done(w, r, "/desk/case/"+url.PathEscape(ticket), told{})
}

// readSay reads the form and the file in it; the file is empty if none was
// chosen.
func readSay(w http.ResponseWriter, r *http.Request) (form url.Values, file []byte, err error) {
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "multipart/form-data" {
		if err := r.ParseForm(); err != nil {
			return nil, nil, &inputError{"problem.form"}
		}
		return r.PostForm, nil, nil
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(pictureWithin)) // fails where there is no connection
	var large *http.MaxBytesError
	switch err := r.ParseMultipartForm(maxSay); {
	case errors.As(err, &large):
		return nil, nil, &inputError{"problem.picture_large"}
	case err != nil:
		return nil, nil, &inputError{"problem.form"}
	}
	defer func() { _ = r.MultipartForm.RemoveAll() }()
	part, _, err := r.FormFile("picture")
	if errors.Is(err, http.ErrMissingFile) {
		return r.PostForm, nil, nil
	}
	if err != nil {
		return nil, nil, &inputError{"problem.form"}
	}
	defer part.Close()
	file, err = io.ReadAll(io.LimitReader(part, maxPicture+1))
	if err == nil && len(file) > maxPicture {
		err = &inputError{"problem.picture_large"}
	}
	return r.PostForm, file, err
}

// keepPicture stores a picture anew, durably. The same one that is sent again
// with the same reply is kept once; one whose reply is refused is swept with
// the old files.
func (c *Console) keepPicture(ctx context.Context, ticket, id string, file []byte) ([]bot.Media, error) {
	if _, err := c.desk.Case(ctx, ticket); err != nil {
		return nil, err
	}
	if err := c.opt.Room(); err != nil {
		return nil, err
	}
	select { // one at a time: a picture needs much more memory than its file
	case c.decoding <- struct{}{}:
		defer func() { <-c.decoding }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	var fresh bytes.Buffer
	switch err := photo.Reencode(&fresh, file); {
	case errors.Is(err, photo.ErrHuge):
		return nil, &inputError{"problem.picture_large"}
	case errors.Is(err, photo.ErrNotPhoto):
		return nil, &inputError{"problem.picture_unreadable"}
	case err != nil:
		return nil, fmt.Errorf("making a picture of staff anew: %w", err)
	}
	if id == "" {
		id = rand.Text()
	}
	sum := sha256.Sum256(append([]byte(ticket+"\x00"+id+"\x00"), fresh.Bytes()...))
	name := path.Join(pictureFolder, hex.EncodeToString(sum[:16])+".jpg")
	media := []bot.Media{{Kind: "image", Type: "image/jpeg", Path: name, Bytes: int64(fresh.Len())}}
	if _, err := c.opt.Media.Stat(name); err == nil {
		return media, nil
	}
	if err := c.opt.Media.MkdirAll(pictureFolder, 0o700); err != nil {
		return nil, fmt.Errorf("making the folder of staff's pictures: %w", err)
	}
	if err := photo.Write(c.opt.Media, name, fresh.Bytes()); err != nil {
		return nil, fmt.Errorf("storing a picture of staff: %w", err)
	}
	return media, nil
}

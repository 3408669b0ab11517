package wechattest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// SetMedia stores a file that can be downloaded.
func (a *API) SetMedia(id string, file []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.media[id] = file
}

func (a *API) getMedia(w http.ResponseWriter, r *http.Request) {
	file, ok := a.media[r.URL.Query().Get("media_id")]
	if !ok {
		a.fail(w, 40007)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", `attachment; filename="file"`)
	if _, err := w.Write(file); err != nil {
		panic(err)
	}
}

func (a *API) uploadMedia(w http.ResponseWriter, r *http.Request, body []byte) {
	r.Body = io.NopCloser(bytes.NewReader(body))
	file, head, err := r.FormFile("media")
	if err != nil || r.URL.Query().Get("type") != "image" {
		a.mistake("an upload without a picture: %v", err)
		a.fail(w, 41005)
		return
	}
	defer file.Close()
	content, err := io.ReadAll(file)
	switch {
	case err != nil || len(content) == 0:
		a.fail(w, 44001)
		return
	case len(content) > 2<<20:
		a.mistake("a picture of %d bytes", len(content))
		a.fail(w, 40009)
		return
	case !strings.Contains(head.Filename, "."):
		a.mistake("a picture with the name %q", head.Filename)
	}
	id := fmt.Sprintf("media-%d", len(a.media)+1)
	a.media[id] = content
	a.answer(w, map[string]any{"type": "image", "media_id": id, "created_at": time.Now().Unix()})
}

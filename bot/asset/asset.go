// Package asset serves files that are built into the program: compressed once,
// under names that change with their content, so that browsers keep them for
// good and never show an old one.
package asset

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	_ "embed" // of the styles
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

// kinds are the MIME types that are served, by file extension.
var kinds = map[string]string{
	".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml", ".html": "text/html; charset=utf-8",
}

// A File is ready to be served, as it is and compressed.
type File struct {
	kind       string // MIME type
	body, gzip []byte
	tag        string // names the content
}

// New returns a file; ext is that of its name and decides its type. It panics
// for an ext that it does not know.
func New(ext string, body []byte) File {
	kind, ok := kinds[ext]
	if !ok {
		panic(fmt.Sprintf("asset: no MIME type for files %q", ext))
	}
	var packed bytes.Buffer
	w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err == nil {
		_, err = w.Write(body)
	}
	if err = errors.Join(err, w.Close()); err != nil {
		panic("asset: compressing in memory: " + err.Error())
	}
	sum := sha256.Sum256(body)
	return File{kind, body, packed.Bytes(), hex.EncodeToString(sum[:6])}
}

// ServeHTTP sends the file, or says that the browser has it. How long it may be
// kept is the caller's to say.
func (f File) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	head := w.Header()
	head.Set("Content-Type", f.kind)
	head.Add("Vary", "Accept-Encoding")
	body, tag := f.body, f.tag
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		body, tag = f.gzip, f.tag+"-gzip"
		head.Set("Content-Encoding", "gzip")
	}
	head.Set("ETag", `"`+tag+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

// base is the style that all pages share, dark are its colours in the dark:
// declarations without a rule, as CSS has no way to use them for both of those
// who chose the dark and those whose device did.
//
//go:embed base.css
var base string

//go:embed dark.css
var dark string

var shared = base + "@media (prefers-color-scheme: dark) {\n:root:not([data-theme=\"light\"]):not([data-theme=\"dark\"]) {\n" + dark + "}\n}\n" +
	":root[data-theme=\"dark\"] {\n" + dark + "}\n"

// A Set is the files of a page under one path.
type Set struct {
	files map[string]File   // by hashed name
	urls  map[string]string // by plain name
}

// NewSet reads the named files from fsys. They are served below prefix, which
// ends with a slash. A style stands after what the styles of all pages share:
// the colours, light and dark (by data-theme of the root, else as the device
// has it), and base rules. It panics if a file is missing: they are built in.
func NewSet(fsys fs.FS, prefix string, names ...string) *Set {
	s := &Set{map[string]File{}, map[string]string{}}
	for _, name := range names {
		body, err := fs.ReadFile(fsys, name)
		if err != nil {
			panic("asset: " + err.Error())
		}
		ext := path.Ext(name)
		if ext == ".css" {
			body = append([]byte(shared), body...)
		}
		f := New(ext, body)
		hashed := strings.TrimSuffix(path.Base(name), ext) + "." + f.tag + ext
		s.files[hashed] = f
		s.urls[path.Base(name)] = prefix + hashed
	}
	return s
}

// URL returns the path of the file with the plain name, "" if there is none.
func (s *Set) URL(name string) string { return s.urls[name] }

// URLs returns the paths of all files by plain name.
func (s *Set) URLs() map[string]string { return s.urls }

// ServeHTTP serves the file that the last part of the path names.
func (s *Set) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f, ok := s.files[path.Base(r.URL.Path)]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	f.ServeHTTP(w, r)
}

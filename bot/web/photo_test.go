package web_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"tilldesk/bot"
	"tilldesk/bot/web"
)

// corners is a picture whose corners tell how it lies: red, green, blue, white
// from the top left, clockwise.
func corners(w, h int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := color.RGBA{255, 0, 0, 255}
			switch right, low := x >= w/2, y >= h/2; {
			case right && !low:
				c = color.RGBA{0, 255, 0, 255}
			case right && low:
				c = color.RGBA{0, 0, 255, 255}
			case low:
				c = color.RGBA{255, 255, 255, 255}
			}
			img.SetRGBA(x, y, c)
		}
	}
	return img
}

// names reads the corners of a picture back: "rgbw" is upright.
func names(img image.Image) string {
	b := img.Bounds()
	var found strings.Builder
	for _, at := range []image.Point{{b.Min.X + 2, b.Min.Y + 2}, {b.Max.X - 3, b.Min.Y + 2}, {b.Max.X - 3, b.Max.Y - 3}, {b.Min.X + 2, b.Max.Y - 3}} {
		r, g, bl, _ := img.At(at.X, at.Y).RGBA()
		switch high := func(v uint32) bool { return v > 0x8000 }; {
		case high(r) && high(g) && high(bl):
			found.WriteByte('w')
		case high(r):
			found.WriteByte('r')
		case high(g):
			found.WriteByte('g')
		case high(bl):
			found.WriteByte('b')
		default:
			found.WriteByte('?')
		}
	}
	return found.String()
}

func encodeJPEG(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func encodePNG(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

const secretPlace = "GPS 31.2304 N 121.4737 E"

// turned adds an EXIF segment with an orientation, and a place, to a JPEG file.
func turned(file []byte, order binary.AppendByteOrder, orientation uint16) []byte {
	exif := []byte("Exif\x00\x00")
	if order == binary.AppendByteOrder(binary.LittleEndian) {
		exif = append(exif, "II*\x00"...)
	} else {
		exif = append(exif, "MM\x00*"...)
	}
	exif = order.AppendUint32(exif, 8)
	exif = order.AppendUint16(exif, 2)
	for _, tag := range []struct{ id, value uint16 }{{0x0100, 7}, {0x0112, orientation}} {
		exif = order.AppendUint16(exif, tag.id)
		exif = order.AppendUint16(exif, 3) // a short
		exif = order.AppendUint32(exif, 1)
		exif = order.AppendUint16(exif, tag.value)
		exif = order.AppendUint16(exif, 0)
	}
	exif = append(order.AppendUint32(exif, 0), secretPlace...)
	out := append([]byte{}, file[:2]...)
	out = append(out, 0xFF, 0xE1)
	out = binary.BigEndian.AppendUint16(out, uint16(len(exif)+2))
	return append(append(out, exif...), file[2:]...)
}

// hugePNG is a PNG file whose head says how large it is, and nothing more.
func hugePNG(w, h uint32, depth byte) []byte {
	head := []byte("IHDR")
	head = binary.BigEndian.AppendUint32(head, w)
	head = binary.BigEndian.AppendUint32(head, h)
	head = append(head, depth, 2, 0, 0, 0)
	file := append([]byte("\x89PNG\r\n\x1a\n"), 0, 0, 0, 13)
	file = append(file, head...)
	return binary.BigEndian.AppendUint32(file, crc32.ChecksumIEEE(head))
}

// webp is 2 by 2 pixels, all red.
const webp = "UklGRjwAAABXRUJQVlA4IDAAAADQAQCdASoCAAIAAgA0JaACdLoB+AADsAD+8ut//NgVzXPv9//S4P0uD9Lg/9KQAAA="

func photoURL(base string, n int, id string) string {
	return base + "/api/photo?conversation=" + talk(n) + "&message_id=" + id
}

func TestPhoto(t *testing.T) {
	s := start(t, web.Options{})
	upright := encodeJPEG(t, corners(40, 20))

	// What each orientation makes of the picture, by the EXIF standard's figure:
	// a file that says 6 is to be turned clockwise to be upright.
	for i, want := range []string{"rgbw", "grwb", "bwrg", "wbgr", "rwbg", "wrgb", "bgrw", "gbwr"} {
		for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
			t.Run(fmt.Sprintf("orientation %d %v", i+1, order), func(t *testing.T) {
				id := fmt.Sprintf("o%d%v", i+1, order)
				n := 100 + i
				sent := decode[answered](t, do(t, "POST", photoURL(s.URL, n, id), string(turned(upright, order, uint16(i+1)))))
				if len(sent.Replies) == 0 {
					t.Error("nothing was said to a photo")
				}
				kept := do(t, "GET", photoURL(s.URL, n, id), "")
				if kept.status != http.StatusOK || kept.header.Get("Content-Type") != "image/jpeg" {
					t.Fatalf("status %d, %s", kept.status, kept.header.Get("Content-Type"))
				}
				if strings.Contains(kept.body, "GPS") || strings.Contains(kept.body, "Exif") {
					t.Error("where it was taken is still in it")
				}
				img, _, err := image.Decode(strings.NewReader(kept.body))
				if err != nil {
					t.Fatal(err)
				}
				if got := names(img); got != want {
					t.Errorf("corners %s, want %s", got, want)
				}
				if lies := img.Bounds().Dx() < img.Bounds().Dy(); lies != (i+1 >= 5) {
					t.Errorf("size %v", img.Bounds().Size())
				}
			})
		}
	}
	t.Run("PNG on white", func(t *testing.T) {
		img := image.NewNRGBA(image.Rect(0, 0, 30, 30)) // all transparent
		decode[answered](t, do(t, "POST", photoURL(s.URL, 1, "png"), string(encodePNG(t, img))))
		kept, _, err := image.Decode(strings.NewReader(do(t, "GET", photoURL(s.URL, 1, "png"), "").body))
		if err != nil || names(kept) != "wwww" {
			t.Errorf("%v, corners %s, want white", err, names(kept))
		}
	})
	t.Run("large ones are made smaller", func(t *testing.T) {
		decode[answered](t, do(t, "POST", photoURL(s.URL, 1, "large"), string(encodeJPEG(t, corners(5000, 2500)))))
		kept, _, err := image.Decode(strings.NewReader(do(t, "GET", photoURL(s.URL, 1, "large"), "").body))
		if err != nil || kept.Bounds().Size() != (image.Point{2048, 1024}) || names(kept) != "rgbw" {
			t.Errorf("%v, size %v, corners %s", err, kept.Bounds().Size(), names(kept))
		}
	})
	t.Run("in the history, once", func(t *testing.T) {
		first := do(t, "POST", photoURL(s.URL, 2, "p1")+"&after=0", string(upright))
		if m := decode[answered](t, first).Messages; len(m) == 0 || !m[0].Photo || m[0].MessageID != "p1" {
			t.Errorf("messages %+v", m)
		}
		before := do(t, "GET", photoURL(s.URL, 2, "p1"), "").body
		other := do(t, "POST", photoURL(s.URL, 2, "p1")+"&after=0", string(encodeJPEG(t, corners(10, 10))))
		if other.body != first.body {
			t.Errorf("sent again: %s\nwant %s", other.body, first.body)
		}
		if do(t, "GET", photoURL(s.URL, 2, "p1"), "").body != before {
			t.Error("the photo was replaced by another one of the same id")
		}
	})
	t.Run("only for its conversation", func(t *testing.T) {
		decode[answered](t, do(t, "POST", photoURL(s.URL, 3, "mine"), string(upright)))
		if r := do(t, "GET", photoURL(s.URL, 4, "mine"), ""); r.status != http.StatusNotFound {
			t.Errorf("another conversation gets %d", r.status)
		}
		r := do(t, "GET", photoURL(s.URL, 3, "mine"), "")
		if csp := r.header.Get("Content-Security-Policy"); !strings.Contains(csp, "sandbox") || r.header.Get("Cache-Control") != "no-store" {
			t.Errorf("served with policy %q, caching %q", csp, r.header.Get("Cache-Control"))
		}
	})
	t.Run("a photo where words were is not shown", func(t *testing.T) {
		decode[answered](t, post(t, s.URL, talk(5), "words", "你好"))
		if r := do(t, "GET", photoURL(s.URL, 5, "words"), ""); r.status != http.StatusNotFound {
			t.Errorf("status %d", r.status)
		}
	})
	t.Run("files are the owner's alone and whole", func(t *testing.T) {
		err := fs.WalkDir(os.DirFS(s.data), ".", func(name string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			if name != "." && info.Mode().Perm()&0o077 != 0 {
				t.Errorf("%s has mode %v", name, info.Mode())
			}
			if strings.HasSuffix(name, ".part") {
				t.Errorf("%s is left over", name)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestPhotoRefusals(t *testing.T) {
	s := start(t, web.Options{})
	good := encodePNG(t, corners(10, 10))
	for _, tt := range []struct {
		name   string
		body   []byte
		status int
		words  string
	}{
		{"empty", nil, 415, "JPEG"},
		{"HTML named a photo", []byte("<html><script>alert(1)</script>"), 415, "JPEG"},
		{"SVG", []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`), 415, "JPEG"},
		{"GIF", []byte("GIF89a\x01\x00\x01\x00\x00\x00\x00;"), 415, "JPEG"},
		{"cut off", good[:len(good)-20], 415, "JPEG"},
		{"TIFF", []byte("II*\x00\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00"), 415, "JPEG"},
		{"an animation of a thousand frames", []byte("GIF89a\x01\x00\x01\x00\x80\x00\x00" + strings.Repeat("!\xf9\x04\x00\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00", 1000) + ";"), 415, "JPEG"},
		{"a script before a picture", append([]byte("<script>alert(1)</script>"), good...), 415, "JPEG"},
		{"an archive", []byte("PK\x03\x04\x14\x00\x00\x00"), 415, "JPEG"},
		{"more than 25 megapixels", hugePNG(5001, 5000, 8), 413, "25"},
		{"a side of more than 8000", hugePNG(8001, 10, 8), 413, "25"},
		{"more memory than there is", hugePNG(5000, 5000, 16), 413, "25"},
		{"sides that overflow", hugePNG(1<<31-1, 1<<31-1, 8), 413, "25"},
		{"more than 10 MB", append(good, make([]byte, 10<<20)...), 413, "25"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := do(t, "POST", photoURL(s.URL, 1, "x"), string(tt.body), "Accept-Language", "en")
			var e map[string]string
			if err := json.Unmarshal([]byte(r.body), &e); err != nil {
				t.Fatalf("%v: %s", err, r.body)
			}
			if tt.name == "sides that overflow" && r.status == 415 {
				return // the decoder refuses them itself
			}
			if r.status != tt.status || !strings.Contains(e["error"], tt.words) {
				t.Errorf("%d %s, want %d and %q", r.status, r.body, tt.status, tt.words)
			}
		})
	}
	t.Run("what stands behind a picture is left out", func(t *testing.T) {
		both := append(encodeJPEG(t, corners(20, 20)), "<script>alert(1)</script>PK\x03\x04"...)
		if r := do(t, "POST", photoURL(s.URL, 4, "both"), string(both)); r.status != http.StatusOK {
			t.Fatalf("%d %s", r.status, r.body)
		}
		if kept := do(t, "GET", photoURL(s.URL, 4, "both"), "").body; strings.Contains(kept, "script") || strings.Contains(kept, "PK\x03") {
			t.Error("it is kept")
		}
	})
	t.Run("a picture of one colour that fills the memory", func(t *testing.T) {
		bomb := encodePNG(t, image.NewGray(image.Rect(0, 0, 8001, 8001)))
		if r := do(t, "POST", photoURL(s.URL, 4, "bomb"), string(bomb)); r.status != http.StatusRequestEntityTooLarge || len(bomb) > 1<<20 {
			t.Errorf("%d for a file of %d bytes", r.status, len(bomb))
		}
	})
	t.Run("WebP is taken", func(t *testing.T) {
		file, err := base64.StdEncoding.DecodeString(webp)
		if err != nil {
			t.Fatal(err)
		}
		if r := do(t, "POST", photoURL(s.URL, 2, "x"), string(file)); r.status != http.StatusOK {
			t.Errorf("%d %s", r.status, r.body)
		}
	})
	t.Run("no more than fifty", func(t *testing.T) {
		var last reply
		for i := range 51 {
			last = do(t, "POST", photoURL(s.URL, 3, fmt.Sprint("n", i)), string(good))
			if i < 50 && last.status != http.StatusOK {
				t.Fatalf("photo %d: %d %s", i, last.status, last.body)
			}
		}
		if last.status != http.StatusConflict {
			t.Errorf("photo 51: %d %s", last.status, last.body)
		}
	})
	t.Run("bad ids and no folder", func(t *testing.T) {
		for url, want := range map[string]int{
			"/api/photo?conversation=" + talk(1):                           400,
			"/api/photo?conversation=" + talk(1) + "&message_id=..%2F..":   400,
			"/api/photo?conversation=short&message_id=x":                   400,
			"/api/photo?conversation=" + talk(1) + "&message_id=x&after=-": 400,
		} {
			if r := do(t, "POST", s.URL+url, string(good)); r.status != want {
				t.Errorf("%s: %d, want %d", url, r.status, want)
			}
		}
		without := httptest.NewRecorder()
		web.New(&fakeEngine{}, &fakeStore{}, web.Options{}).ServeHTTP(without, httptest.NewRequest("POST", photoURL("", 1, "x"), bytes.NewReader(good)))
		if without.Code != http.StatusNotFound {
			t.Errorf("without a data folder: %d", without.Code)
		}
	})
	t.Run("nothing is left of what was refused", func(t *testing.T) {
		if kept, _ := fs.Glob(os.DirFS(s.data), "photos/*/*"); len(kept) != 52 { // fifty, the WebP and the one with something behind it
			t.Errorf("%d files", len(kept))
		}
	})
}

// TestPhotoBeforeMessage shows that a photo whose message could not be taken is
// taken when it is sent again.
func TestPhotoBeforeMessage(t *testing.T) {
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	engine := &fakeEngine{acceptErr: bot.ErrFull}
	h := web.New(engine, &fakeStore{}, web.Options{Data: root})
	send := func() int {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("POST", photoURL("", 1, "x"), bytes.NewReader(encodePNG(t, corners(10, 10)))))
		return w.Code
	}
	if code := send(); code != http.StatusServiceUnavailable {
		t.Fatalf("status %d", code)
	}
	engine.acceptErr = nil
	if code := send(); code != http.StatusOK {
		t.Fatalf("sent again: status %d", code)
	}
	m := engine.taken[0].Media
	if len(m) != 1 || m[0].Kind != "image" || m[0].Type != "image/jpeg" || m[0].Bytes == 0 {
		t.Fatalf("media %+v", m)
	}
	if info, err := root.Stat(m[0].Path); err != nil || info.Size() != m[0].Bytes {
		t.Errorf("the file: %v, %v", info, err)
	}
}

// FuzzPhoto sends any file: it is taken or refused, and what is kept is a
// picture of bounded size.
func FuzzPhoto(f *testing.F) {
	small := encodeJPEG(f, corners(16, 16))
	f.Add(small)
	f.Add(turned(small, binary.LittleEndian, 6))
	f.Add(turned(small, binary.BigEndian, 8))
	f.Add(encodePNG(f, corners(8, 8)))
	f.Add(hugePNG(1<<20, 1<<20, 8))
	if file, err := base64.StdEncoding.DecodeString(webp); err == nil {
		f.Add(file)
	}
	root, err := os.OpenRoot(f.TempDir())
	if err != nil {
		f.Fatal(err)
	}
	h := web.New(&fakeEngine{}, &fakeStore{}, web.Options{Data: root})
	f.Fuzz(func(t *testing.T, file []byte) {
		id := fmt.Sprintf("f%016x", rand.Uint64())
		conversation := "conversation-" + id
		url := "/api/photo?conversation=" + conversation + "&message_id=" + id
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("POST", url, bytes.NewReader(file)).WithContext(context.Background()))
		switch w.Code {
		case http.StatusUnsupportedMediaType, http.StatusRequestEntityTooLarge:
		case http.StatusOK:
			w = httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest("GET", url, nil))
			cfg, format, err := image.DecodeConfig(w.Body)
			if err != nil || format != "jpeg" || cfg.Width > 2048 || cfg.Height > 2048 {
				t.Fatalf("kept a %s of %d by %d: %v", format, cfg.Width, cfg.Height, err)
			}
		default:
			t.Fatalf("status %d: %s", w.Code, w.Body)
		}
	})
}

// TestPhotoDecoderPanics sends a file that makes its decoder panic: it is
// refused in words, and the next photo is taken.
func TestPhotoDecoderPanics(t *testing.T) {
	for _, where := range []string{"head", "picture"} {
		image.RegisterFormat("shaky "+where, "SHAKY "+where, func(io.Reader) (image.Image, error) {
			panic("a decoder met what it did not expect")
		}, func(io.Reader) (image.Config, error) {
			if where == "head" {
				panic("a decoder met what it did not expect")
			}
			return image.Config{ColorModel: color.RGBAModel, Width: 8, Height: 8}, nil
		})
	}
	s := start(t, web.Options{})
	for n, where := range []string{"head", "picture"} {
		id := fmt.Sprint("shaky-", n)
		r := do(t, "POST", photoURL(s.URL, 1, id), "SHAKY "+where)
		if r.status != http.StatusUnsupportedMediaType || !strings.Contains(r.body, "JPEG") || strings.Contains(r.body, "decoder") {
			t.Errorf("a panic at the %s: answered %d %s", where, r.status, r.body)
		}
		if sent := decode[answered](t, do(t, "POST", photoURL(s.URL, 1, id), string(encodePNG(t, corners(8, 8))))); len(sent.Replies) == 0 {
			t.Errorf("after a panic at the %s nothing is said to a photo", where)
		}
	}
	t.Log("2 panics of a decoder, refused in words; the next photo was taken after each")
}

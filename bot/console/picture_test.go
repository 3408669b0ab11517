package console_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"io/fs"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"tilldesk/bot"
	"tilldesk/bot/browsertest"
	"tilldesk/bot/console"
	"tilldesk/bot/signin"
	"tilldesk/bot/staff"
	"tilldesk/bot/store/storetest"
)

// sends posts the reply form as a browser does, with a file.
func (c *client) sends(path string, file []byte, fields ...string) (int, string) {
	c.s.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for i := 0; i < len(fields); i += 2 {
		_ = form.WriteField(fields[i], fields[i+1])
	}
	part, err := form.CreateFormFile("picture", "../../etc/where it was taken.png")
	if err == nil {
		_, err = part.Write(file)
	}
	if err == nil {
		err = form.Close()
	}
	if err != nil {
		c.s.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(c.s.t.Context(), http.MethodPost, c.s.URL+path, &body)
	if err != nil {
		c.s.t.Fatal(err)
	}
	req.Header.Set("Content-Type", form.FormDataContentType())
	req.Header.Set("Accept", "text/html")
	return c.do(req)
}

// TestPictureForMerchant sends a picture with a reply: it is kept once, as a
// fresh JPEG, and the merchant's chat shows it.
func TestPictureForMerchant(t *testing.T) {
	s := start(t, storetest.SQLite(t))
	s.hire("Sam", staff.Agent, "en")
	const merchant = "merchant-with-a-chat"
	ticket := s.ticketOf(s.hears("web", merchant, "找人工"))
	c := s.signIn("Sam")
	say := "/desk/case/" + ticket + "/say"
	var file bytes.Buffer
	if err := png.Encode(&file, image.NewRGBA(image.Rect(0, 0, 60, 40))); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second one is the first one, sent again
		if status, page := c.sends(say, file.Bytes(), "as", "reply", "id", "one", "text", ""); status != http.StatusOK {
			t.Fatalf("status %d:\n%s", status, page)
		}
	}
	if status, _ := c.sends(say, nil, "as", "reply", "id", "two", "text", "no picture was chosen"); status != http.StatusOK {
		t.Errorf("without a picture: status %d", status)
	}
	for name, tt := range map[string]struct {
		file []byte
		as   string
		want string
	}{
		"a text":           {[]byte("<script>"), "reply", "cannot be opened"},
		"a large file":     {make([]byte, 10<<20+1), "reply", "too large"},
		"more than a form": {make([]byte, 12<<20), "reply", "too large"},
		"a note":           {file.Bytes(), "note", "A note has no picture"},
	} {
		if status, page := c.sends(say, tt.file, "as", tt.as, "id", name, "text", "x"); status != http.StatusBadRequest || !strings.Contains(page, tt.want) {
			t.Errorf("%s: status %d, want 400 and %q", name, status, tt.want)
		}
	}
	if status, _ := c.sends("/desk/case/T999/say", file.Bytes(), "as", "reply", "id", "x"); status != http.StatusNotFound {
		t.Errorf("a case that is not there: status %d", status)
	}
	kept, err := fs.Glob(s.media.FS(), "*/*")
	if err != nil || len(kept) != 1 {
		t.Fatalf("the folder has %v, %v; one picture is wanted", kept, err)
	}

	_, body := c.get("/api/chat?conversation=" + merchant)
	var history struct {
		Messages []struct {
			Author string
			Media  []struct{ URL string }
		}
	}
	if err := json.Unmarshal([]byte(body), &history); err != nil {
		t.Fatal(err)
	}
	var urls []string
	for _, m := range history.Messages {
		for _, media := range m.Media {
			urls = append(urls, media.URL)
		}
	}
	if len(urls) != 1 || strings.Contains(body, kept[0]) {
		t.Fatalf("the merchant has the pictures %v:\n%s", urls, body)
	}
	status, shown := c.get(urls[0])
	img, err := jpeg.Decode(strings.NewReader(shown))
	if status != http.StatusOK || err != nil || img.Bounds().Dx() != 60 {
		t.Errorf("the merchant is shown: status %d, %v", status, err)
	}
	if _, page := c.get("/desk/case/" + ticket); !strings.Contains(page, "/photo/") {
		t.Error("staff do not see what they sent")
	}
}

// TestNoRoomForPictures lets the disk be almost full: staff are told, in their
// language, that the picture was not sent, and nothing is said to the merchant;
// words still go out.
func TestNoRoomForPictures(t *testing.T) {
	full := func(opt *console.Options) {
		opt.Room = func() error { return fmt.Errorf("9 MB are free: %w", bot.ErrNoRoom) }
	}
	s := start(t, storetest.SQLite(t), full)
	var file bytes.Buffer
	if err := png.Encode(&file, image.NewRGBA(image.Rect(0, 0, 60, 40))); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		lang signin.Lang
		want string
	}{{"Sam", "en", "The server&#39;s disk is almost full"}, {"王小明", "zh", "服务器磁盘快满了"}} {
		s.hire(tt.name, staff.Agent, tt.lang)
		c := s.signIn(tt.name)
		id := s.hears("web", "merchant of "+string(tt.lang), "找人工")
		say := "/desk/case/" + s.ticketOf(id) + "/say"
		before, err := s.db.History(t.Context(), id, 0, 100)
		if err != nil {
			t.Fatal(err)
		}
		if status, page := c.sends(say, file.Bytes(), "as", "reply", "id", "one", "text", "see the menu"); status != http.StatusInsufficientStorage && status != http.StatusServiceUnavailable || !strings.Contains(page, tt.want) {
			t.Errorf("%s: status %d, without %q:\n%s", tt.lang, status, tt.want, page)
		}
		if after, err := s.db.History(t.Context(), id, 0, 100); err != nil || len(after) != len(before) {
			t.Errorf("%s: %d messages, want %d as before: %v", tt.lang, len(after), len(before), err)
		}
		if status, _ := c.post(say, "as", "reply", "id", "two", "text", "look at the menu"); status != http.StatusOK {
			t.Errorf("%s: words alone: status %d", tt.lang, status)
		}
	}
	if kept, err := fs.Glob(s.media.FS(), "*/*"); err != nil || len(kept) > 0 {
		t.Errorf("the folder has %v, %v; want nothing", kept, err)
	}
}

// TestLatePicture lets a network bring a picture after its message: it appears
// on the open case, without a reload.
func TestLatePicture(t *testing.T) {
	s := start(t, storetest.SQLite(t))
	s.hire("Sam", staff.Agent, "en")
	id := s.hears("web", "merchant-0001", "a person please")
	r, err := s.engine.Accept(t.Context(), bot.Inbound{
		Address: bot.Address{Channel: "web", Remote: "merchant-0001"}, Remote: "late", Text: "look", Media: []bot.Media{{Kind: "image"}},
	})
	if err == nil {
		_, err = s.engine.Replies(t.Context(), r.Message)
	}
	if err != nil {
		t.Fatal(err)
	}
	p := s.enter(desktop, "Sam", "/desk/case/"+s.ticketOf(id))
	p.Says("look")
	p.Until("document.body.dataset.awake")
	browsertest.Eval[any](p, "window.stays = true; null")
	if err := s.media.WriteFile("late.jpg", picture(t), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.db.SetMedia(t.Context(), r.Message, 0, bot.Media{Kind: "image", Type: "image/jpeg", Path: "late.jpg"}); err != nil {
		t.Fatal(err)
	}
	p.Until("[...document.querySelectorAll('#log img')].some((img) => img.naturalWidth > 0) && document.querySelector('#card .photos img')")
	if !browsertest.Eval[bool](p, "window.stays") {
		t.Error("the page was loaded again")
	}
}

package web_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/dialog"
	"tilldesk/bot/web"
)

// TestPicturesOfStaff lets staff send pictures: the merchant of the
// conversation sees them in the history and in the stream, and nobody else.
func TestPicturesOfStaff(t *testing.T) {
	s := start(t, web.Options{})
	mine, other := talk(1), talk(2)
	post(t, s.URL, mine, "1", "hello")
	post(t, s.URL, other, "1", "hello")
	events := follow(t, s.URL+"/api/chat?conversation="+mine+"&after=0")
	picture := encodeJPEG(t, corners(40, 40))
	if err := os.MkdirAll(filepath.Join(s.data, "secret-folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.data, "secret-folder", "a.jpg"), picture, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := s.db.Say(t.Context(), s.conversation(t, mine), bot.Staff, []bot.Reply{{Kind: dialog.KindAgent, Media: []bot.Media{
		{Kind: "file", Type: "application/pdf", Path: "secret-folder/a.jpg"},
		{Kind: "image", Type: "image/jpeg", Path: "secret-folder/a.jpg"},
		{Kind: "image", Type: "image/jpeg", Path: "secret-folder/gone.jpg"},
		{Kind: "image", Type: "image/jpeg", Remote: "elsewhere"},
	}}}, true, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	s.web.Notify(s.conversation(t, mine))

	type message struct {
		Seq    int64
		Author string
		Media  []struct{ Kind, Type, URL string }
	}
	history := do(t, http.MethodGet, s.URL+"/api/chat?conversation="+mine, "")
	if strings.Contains(history.body, "secret") {
		t.Errorf("the history tells where files are: %s", history.body)
	}
	all := decode[struct{ Messages []message }](t, history).Messages
	last := all[len(all)-1]
	if last.Author != "staff" || len(last.Media) != 2 || last.Media[0].Kind != "image" || last.Media[0].Type != "image/jpeg" {
		t.Fatalf("the history ends with %+v; two pictures of staff are wanted", last)
	}
	for {
		e := next(t, events)
		var m message
		if err := json.Unmarshal([]byte(e.data), &m); err != nil {
			t.Fatalf("%q: %v", e.data, err)
		}
		if strings.Contains(e.data, "secret") {
			t.Errorf("the stream tells where files are: %s", e.data)
		}
		if m.Seq == last.Seq {
			if len(m.Media) != 2 || m.Media[0] != last.Media[0] {
				t.Errorf("the stream has %+v, the history %+v", m.Media, last.Media)
			}
			break
		}
	}
	url := last.Media[0].URL
	shown := do(t, http.MethodGet, s.URL+url, "")
	if shown.status != http.StatusOK || shown.body != string(picture) || shown.header.Get("Content-Type") != "image/jpeg" {
		t.Errorf("%s: status %d, %d bytes of %s", url, shown.status, len(shown.body), shown.header.Get("Content-Type"))
	}
	for name, url := range map[string]string{
		"of another conversation": strings.Replace(url, mine, other, 1),
		"of none":                 strings.Replace(url, mine, talk(3), 1),
		"that is no picture":      strings.Replace(url, "n=1", "n=0", 1),
		"that is gone":            last.Media[1].URL,
		"that is not here":        strings.Replace(url, "n=1", "n=3", 1),
		"beyond the last":         strings.Replace(url, "n=1", "n=4", 1),
		"of an older message":     strings.Replace(url, "seq=", "seq=99", 1),
	} {
		if got := do(t, http.MethodGet, s.URL+url, ""); got.status != http.StatusNotFound {
			t.Errorf("a file %s, %s: status %d, want 404", name, url, got.status)
		}
	}
	for _, query := range []string{"", "?conversation=" + mine, "?conversation=" + mine + "&seq=0&n=0", "?conversation=" + mine + "&seq=1&n=-1", "?conversation=../../x&seq=1&n=0"} {
		if got := do(t, http.MethodGet, s.URL+"/api/media"+query, ""); got.status != http.StatusBadRequest {
			t.Errorf("%q: status %d, want 400", query, got.status)
		}
	}
}

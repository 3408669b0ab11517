package telegram_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"tilldesk/bot"
	"tilldesk/bot/store"
	"tilldesk/bot/telegram"
)

const secret = "webhook_secret-1"

// TestPoison: an update that cannot be read stands among good ones. The others
// are handled, the offset moves, and what could not be read is kept, masked.
func TestPoison(t *testing.T) {
	s := start(t, setup{})
	mei, bo := s.api.User(55, "zh-hans"), s.api.User(56, "en")
	mei.Say("花呗扫不了")
	ids := []int64{
		s.api.Update(`"message":{"message_id":"none","text":"4111 1111 1111 1111","chat":{"id":55,"type":"private"}}}`),
		s.api.Update(`"message":[]}`),
		s.api.Update(`"message":{"message_id":1,"chat":null}}`),
		s.api.Update(`"callback_query":{"id":7}}`),
		s.api.Update(`"my_chat_member":{"chat":{"id":57,"type":"group"},"new_chat_member":{"status":"emperor"}}}`),
		s.api.Update(`"something_new":{"message_id":1}}`),
		s.api.Update(`"edited_message":null}`),
		bo.Say("the screen is black"),
	}
	s.hears(mei, 1)
	s.hears(bo, 1)
	s.api.Wait("all to be confirmed", func() bool { return len(s.api.Waiting()) == 0 })
	dead, err := s.db.DeadUpdates(t.Context(), s.api.ID, 10)
	if err != nil {
		t.Fatal(err)
	}
	var buried []int64
	for _, d := range dead {
		buried = append(buried, d.Update)
		if strings.Contains(d.Raw, "1111 1111") {
			t.Errorf("a card number is kept: %s", d.Raw)
		}
	}
	slices.Sort(buried)
	if !slices.Equal(buried, ids[:5]) {
		t.Errorf("put aside are %d, want %d", buried, ids[:5])
	}
}

// TestNewerThanTheLibrary: a message with something that the library does not
// know is read as far as it is old.
func TestNewerThanTheLibrary(t *testing.T) {
	s := start(t, setup{})
	mei := s.api.User(55, "zh-hans")
	mei.Send(map[string]any{"text": "花呗扫不了", "forward_origin": map[string]any{"type": "carrier_pigeon"}})
	s.hears(mei, 2) // together they would be one turn, with two replies
	mei.Send(map[string]any{"rich_message": map[string]any{"blocks": []string{}}})
	s.hears(mei, 3)
	got := said(s.history(mei))
	if !slices.Equal(got, []string{"花呗扫不了", ""}) {
		t.Errorf("stored %q", got)
	}
}

// TestEveryKind: whatever a merchant sends is stored or left out deliberately,
// and answered if it was meant for us.
func TestEveryKind(t *testing.T) {
	s := start(t, setup{})
	file := map[string]any{"file_id": "f", "file_unique_id": "u", "duration": 3, "width": 1, "height": 1, "length": 1}
	user := int64(100)
	for _, tt := range []struct {
		name   string
		fields map[string]any
		kind   string // of the media that is stored; "text", or "" for nothing at all
	}{
		{"text", map[string]any{"text": "hello"}, "text"},
		{"voice", map[string]any{"voice": file}, "voice"},
		{"voice with caption", map[string]any{"voice": file, "caption": "the screen is black"}, "voice"},
		{"video note", map[string]any{"video_note": file}, "video"},
		{"video", map[string]any{"video": file}, "video"},
		{"animation", map[string]any{"animation": file, "document": file}, "video"},
		{"audio", map[string]any{"audio": file}, "file"},
		{"document", map[string]any{"document": map[string]any{"file_id": "f", "file_unique_id": "u", "mime_type": "application/pdf"}}, "file"},
		{"picture as a file", map[string]any{"document": map[string]any{"file_id": "f", "file_unique_id": "u", "mime_type": "image/heic"}}, "image"},
		{"sticker", map[string]any{"sticker": map[string]any{"file_id": "f", "file_unique_id": "u", "type": "regular", "width": 1, "height": 1, "emoji": "👍"}}, "sticker"},
		{"location", map[string]any{"location": map[string]any{"latitude": 31.2304, "longitude": 121.4737}}, "location"},
		{"venue", map[string]any{"venue": map[string]any{"location": map[string]any{"latitude": 1.5, "longitude": 2.5}, "title": "Shop", "address": "Road"},
			"location": map[string]any{"latitude": 1.5, "longitude": 2.5}}, "location"},
		{"contact", map[string]any{"contact": map[string]any{"phone_number": "+8613800138000", "first_name": "Bo"}}, "contact"},
		{"dice", map[string]any{"dice": map[string]any{"emoji": "🎲", "value": 3}}, "unknown"},
		{"poll", map[string]any{"poll": map[string]any{"id": "1", "question": "?", "options": []any{}, "type": "regular"}}, "unknown"},
		{"of the future", map[string]any{"hologram": map[string]any{}}, "unknown"},
		{"pinned", map[string]any{"pinned_message": map[string]any{"message_id": 1, "date": 1, "chat": map[string]any{"id": 1, "type": "private"}}}, ""},
		{"timer", map[string]any{"message_auto_delete_timer_changed": map[string]any{"message_auto_delete_time": 86400}}, ""},
		{"of a business account", map[string]any{"text": "hello", "business_connection_id": "b"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			user++
			u := s.api.User(user, "en")
			id := u.Send(tt.fields)
			s.api.Wait("the update to be confirmed", func() bool { return s.api.Confirmed(id) })
			entries := s.history(u)
			if tt.kind == "" {
				if len(entries) > 0 {
					t.Errorf("stored %+v", entries)
				}
				return
			}
			if len(entries) == 0 {
				t.Fatal("nothing is stored")
			}
			got := "text"
			if len(entries[0].Media) > 0 {
				got = entries[0].Media[0].Kind
			}
			if got != tt.kind {
				t.Errorf("stored as %q, want %q", got, tt.kind)
			}
			s.hears(u, 1)
		})
	}
}

// TestTwice: the same update by both ways and again is one message.
func TestTwice(t *testing.T) {
	s := start(t, setup{})
	mei := s.api.User(55, "zh-hans")
	mei.Say("花呗扫不了")
	raw := s.api.Raw()
	heard := len(s.hears(mei, 2))
	for range 3 {
		for _, r := range raw {
			s.api.Again(r)
		}
	}
	s.api.Wait("all to be confirmed", func() bool { return len(s.api.Waiting()) == 0 })
	mei.Say("谢谢")
	s.hears(mei, heard+1)
	if got := said(s.history(mei)); !slices.Equal(got, []string{"花呗扫不了", "谢谢"}) {
		t.Errorf("stored %q", got)
	}
}

// TestIDsBeginAnew: after a quiet week ids may be lower; they are taken, once.
func TestIDsBeginAnew(t *testing.T) {
	s := start(t, setup{})
	mei := s.api.User(55, "en")
	mei.Say("hello")
	s.hears(mei, 1)
	s.api.Wait("it to be confirmed", func() bool { return len(s.api.Waiting()) == 0 })
	s.api.RestartIDs(1000)
	mei.Say("the screen is black")
	s.api.Wait("the lower id to be confirmed", func() bool { return s.api.Confirmed(1000) })
	if got := said(s.history(mei)); !slices.Equal(got, []string{"hello", "the screen is black"}) {
		t.Errorf("stored %q", got)
	}
}

// TestOldEdits: what changes nothing is not answered again, and a changed
// message that others have followed is no answer to what was asked since.
func TestOldEdits(t *testing.T) {
	s := start(t, setup{})
	mei := fixing(t, s, 55)
	first := mei.Messages()[0]
	n := len(mei.Heard())
	mei.Edit(first.ID, "The screen is black; the terminal does not turn on!")
	mei.Send(map[string]any{"location": map[string]any{"latitude": 1.5, "longitude": 2.5, "live_period": 60}})
	n = len(s.hears(mei, n+1)) // that a place does not help
	id := s.api.Update(fmt.Sprintf(`"edited_message":{"message_id":%d,"date":1,"edit_date":9,"chat":{"id":55,"type":"private"},"from":{"id":55},"location":{"latitude":1.6,"longitude":2.5}}}`, last(mei).ID-1))
	s.api.Wait("the moved place to be confirmed", func() bool { return s.api.Confirmed(id) })
	stored := len(said(s.history(mei)))
	mei.Edit(first.ID, "no")
	if got := s.hears(mei, n+1)[n].Text; !strings.Contains(got, "please write it again") {
		t.Errorf("an old answer that is changed is answered with %q", got)
	}
	mei.Say("/human")
	s.api.Wait("a person to have it", func() bool {
		c, _, err := s.db.ConversationOf(t.Context(), telegram.Name, "55")
		return err == nil && c.State.Ticket != ""
	})
	if got := len(said(s.history(mei))); got != stored+1 {
		t.Errorf("%d messages are stored, want %d", got, stored+1)
	}
	mei.Edit(first.ID, "my printer is broken")
	s.api.Wait("a person to see it", func() bool { return slices.Contains(said(s.history(mei)), "my printer is broken") })
}

// TestEdits: a new text of a message is a message.
func TestEdits(t *testing.T) {
	s := start(t, setup{})
	mei := s.api.User(55, "en")
	mei.Say("hello")
	n := len(s.hears(mei, 1))
	mei.Edit(mei.Messages()[0].ID, "the screen is black")
	s.hears(mei, n+1)
	if got := said(s.history(mei)); !slices.Equal(got, []string{"hello", "the screen is black"}) {
		t.Errorf("stored %q", got)
	}
}

// TestAlbum: five pictures that arrive apart, with one caption on the third,
// are one message to answer.
func TestAlbum(t *testing.T) {
	s := start(t, setup{})
	mei := s.api.User(55, "en")
	var img bytes.Buffer
	if err := png.Encode(&img, image.NewRGBA(image.Rect(0, 0, 20, 10))); err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		id := s.api.File(fmt.Sprintf("%d.png", i), img.Bytes(), 0)
		fields := map[string]any{"media_group_id": "g1", "photo": []any{
			map[string]any{"file_id": "small", "file_unique_id": "s", "width": 2, "height": 1},
			map[string]any{"file_id": id, "file_unique_id": "u", "width": 20, "height": 10},
		}}
		if i == 2 {
			fields["caption"] = "the screen is black"
		}
		mei.Send(fields)
	}
	s.api.Wait("the pictures to be kept", func() bool {
		kept := 0
		for _, e := range s.history(mei) {
			for _, m := range e.Media {
				if m.Path != "" {
					kept++
				}
			}
		}
		return kept == 5
	})
	s.hears(mei, 1)
	if calls := s.api.Calls("sendChatAction"); len(calls) != 1 || calls[0].Chat() != 55 {
		t.Errorf("that an answer is coming was shown %d times", len(calls))
	}
	turns := strings.Count(s.log.String(), "msg=answered")
	if turns != 1 {
		t.Errorf("the album was answered %d times", turns)
	}
}

// TestLargeFile: what is too large to be fetched is said to be here all the
// same, and is not tried again and again.
func TestLargeFile(t *testing.T) {
	s := start(t, setup{})
	mei := s.api.User(55, "en")
	id := s.api.File("scan.jpg", []byte("x"), 25<<20)
	mei.Send(map[string]any{"document": map[string]any{"file_id": id, "file_unique_id": "u", "mime_type": "image/jpeg", "file_size": 25 << 20}})
	s.hears(mei, 1)
	s.api.Wait("it to be given up", func() bool { return strings.Contains(s.log.String(), "a file is not kept here") })
	if n := len(s.api.Calls("getFile")); n != 1 {
		t.Errorf("it was asked for %d times", n)
	}
}

// TestWebhook: what is not Telegram's is refused before it is read; what is, is
// answered with 200 only when it is stored.
func TestWebhook(t *testing.T) {
	var failing atomic.Bool
	s := start(t, setup{opt: telegram.Options{Secret: secret, WebhookURL: "https://desk.example/telegram/webhook"},
		engine: func(e *bot.Engine) telegram.Engine { return failingEngine{e, &failing} }})
	s.api.Wait("the webhook to be set", func() bool { url, _ := s.api.Webhook(); return url != "" })
	if _, got := s.api.Webhook(); got != secret {
		t.Fatalf("the secret of the webhook is %q", got)
	}
	post := func(secret, body string) int {
		r := httptest.NewRequest(http.MethodPost, "/telegram/webhook", strings.NewReader(body))
		if secret != "" {
			r.Header.Set("X-Telegram-Bot-Api-Secret-Token", secret)
		}
		w := httptest.NewRecorder()
		s.channel.ServeHTTP(w, r)
		return w.Code
	}
	good := `{"update_id":1,"message":{"message_id":1,"date":1,"text":"hi","from":{"id":55},"chat":{"id":55,"type":"private"}}}`
	for _, tt := range []struct {
		name, secret, body string
		want               int
	}{
		{"no secret", "", good, 401},
		{"wrong secret", secret + "x", good, 401},
		{"too large", secret, good + strings.Repeat(" ", 1<<20), 413},
		{"no JSON", secret, "<html>", 200},
		{"nothing", secret, "", 200},
		{"not an update", secret, `{"foo":1}`, 200},
	} {
		if got := post(tt.secret, tt.body); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
	r := httptest.NewRequest(http.MethodGet, "/telegram/webhook", nil)
	w := httptest.NewRecorder()
	if s.channel.ServeHTTP(w, r); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", w.Code)
	}
	mei := s.api.User(55, "en")
	mei.Say("hello")
	failing.Store(true)
	if got := s.api.Deliver(s.channel); got != http.StatusServiceUnavailable {
		t.Errorf("while the store fails: %d", got)
	}
	if len(s.history(mei)) > 0 {
		t.Fatal("it is stored all the same")
	}
	failing.Store(false)
	if got := s.api.Deliver(s.channel); got != http.StatusOK {
		t.Errorf("afterwards: %d", got)
	}
	if got := said(s.history(mei)); !slices.Equal(got, []string{"hello"}) {
		t.Errorf("when 200 was answered, stored was %q", got)
	}
	if dead, _ := s.db.DeadUpdates(t.Context(), s.api.ID, 10); len(dead) == 0 {
		t.Error("what could not be read is nowhere")
	}
}

type failingEngine struct {
	*bot.Engine
	failing *atomic.Bool
}

func (e failingEngine) Accept(ctx context.Context, in bot.Inbound) (bot.Receipt, error) {
	if e.failing.Load() {
		return bot.Receipt{}, errors.New("the disk is full")
	}
	return e.Engine.Accept(ctx, in)
}

// TestStoreFails: while nothing can be stored nothing is confirmed; afterwards
// all is there, in order.
func TestStoreFails(t *testing.T) {
	var failing atomic.Bool
	failing.Store(true)
	s := start(t, setup{engine: func(e *bot.Engine) telegram.Engine { return failingEngine{e, &failing} }})
	mei := s.api.User(55, "en")
	var want []string
	for i := range 5 {
		want = append(want, fmt.Sprintf("line %d", i))
		mei.Say(want[i])
	}
	s.api.Wait("two polls", func() bool { return len(s.api.Calls("getUpdates")) >= 2 })
	if n := len(s.api.Waiting()); n != 5 {
		t.Errorf("%d of 5 updates wait", n)
	}
	failing.Store(false)
	s.api.Wait("all to be confirmed", func() bool { return len(s.api.Waiting()) == 0 })
	if got := said(s.history(mei)); !slices.Equal(got, want) {
		t.Errorf("stored %q", got)
	}
}

// TestStrangers: groups that are not ours are left; bots are not answered.
func TestStrangers(t *testing.T) {
	s := start(t, setup{})
	s.api.Update(`"message":{"message_id":1,"date":1,"text":"hi","from":{"id":55},"chat":{"id":-77,"type":"group","title":"x"}}}`)
	s.api.Update(`"my_chat_member":{"chat":{"id":-78,"type":"supergroup"},"from":{"id":5},"date":1,"old_chat_member":{"status":"left","user":{"id":1}},"new_chat_member":{"status":"member","user":{"id":1}}}}`)
	s.api.Forum(-100123)
	s.api.Update(`"my_chat_member":{"chat":{"id":-100123,"type":"supergroup"},"from":{"id":5,"language_code":"zh-TW"},"date":1,"old_chat_member":{"status":"left","user":{"id":1}},"new_chat_member":{"status":"member","user":{"id":1}}}}`)
	s.api.Update(`"message":{"message_id":1,"date":1,"new_chat_members":[{"id":1}],"from":{"id":5,"language_code":"zh-TW"},"chat":{"id":-100123,"type":"supergroup"}}}`)
	s.api.Update(`"message":{"message_id":1,"date":1,"text":"hi","from":{"id":99,"is_bot":true},"chat":{"id":99,"type":"private"}}}`)
	s.api.Wait("the groups to be left", func() bool { return len(s.api.Calls("leaveChat")) >= 3 })
	// Who sets up the staff group is told its id.
	if told := s.api.Messages(-100123); len(told) != 1 || !strings.Contains(told[0].Text, "的編號是 -100123。") {
		t.Errorf("in the group stands %+v", told)
	}
	if _, known, _ := s.db.ConversationOf(t.Context(), telegram.Name, "99"); known {
		t.Error("a bot has a conversation")
	}
}

// FuzzUpdate: whatever Telegram or somebody with its secret sends, it is handled
// or put aside, and the process lives.
func FuzzUpdate(f *testing.F) {
	for _, seed := range []string{
		`{"update_id":1,"message":{"message_id":1,"date":1,"text":"花呗\u0000扫不了","from":{"id":55,"language_code":"zh-hant"},"chat":{"id":55,"type":"private"}}}`,
		`{"update_id":1e400,"message":{}}`,
		`{"update_id":1,"UPDATE_ID":2,"message":{"message_id":1,"text":"a","text":"b","chat":{"id":1e3,"type":"private"},"from":{"id":1}}}`,
		`{"update_id":1,"callback_query":{"id":"1","from":{"id":55},"data":"1|o|1|yes","message":{"message_id":1,"date":0,"chat":{"id":55,"type":"private"}}}}`,
		`{"update_id":1,"message":` + strings.Repeat("[", 20000) + `}`,
	} {
		f.Add([]byte(seed))
	}
	heard := new(alarm)
	// Nothing is called: there is neither a server nor anybody who does the errands.
	c, err := telegram.New(calmEngine{}, calmStore{}, telegram.Options{Token: "1:fuzz", APIURL: "http://127.0.0.1:1", Secret: secret, WebhookURL: "https://x", Log: slog.New(heard)})
	if err != nil {
		f.Fatal(err)
	}
	header := http.Header{"X-Telegram-Bot-Api-Secret-Token": {secret}}
	f.Fuzz(func(t *testing.T, body []byte) {
		w := statusOnly{http.Header{}, new(int)}
		c.ServeHTTP(w, &http.Request{Method: http.MethodPost, Header: header, Body: io.NopCloser(bytes.NewReader(body))})
		if *w.status != 200 && *w.status != 413 {
			t.Errorf("status %d", *w.status)
		}
		if stack := heard.stack.Load(); stack != nil {
			t.Error(*stack)
		}
	})
}

// An alarm hears of panics only: what else is logged would take longer than
// what is tested.
type alarm struct{ stack atomic.Pointer[string] }

func (*alarm) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelError }
func (a *alarm) WithAttrs([]slog.Attr) slog.Handler             { return a }
func (a *alarm) WithGroup(string) slog.Handler                  { return a }
func (a *alarm) Handle(_ context.Context, r slog.Record) error {
	if strings.Contains(r.Message, "panicked") {
		said := r.Message
		r.Attrs(func(attr slog.Attr) bool { said += "\n" + attr.String(); return true })
		a.stack.Store(&said)
	}
	return nil
}

// statusOnly keeps of an answer what matters to Telegram.
type statusOnly struct {
	header http.Header
	status *int
}

func (w statusOnly) Header() http.Header         { return w.header }
func (w statusOnly) Write(p []byte) (int, error) { return len(p), nil }
func (w statusOnly) WriteHeader(status int)      { *w.status = status }

type calmEngine struct{}

func (calmEngine) Accept(_ context.Context, in bot.Inbound) (bot.Receipt, error) {
	if err := in.Check(); err != nil {
		panic(err)
	}
	return bot.Receipt{Conversation: "c", Message: "m"}, nil
}

type calmStore struct{ telegram.Store }

func (calmStore) ConversationOf(context.Context, string, string) (bot.Conversation, bool, error) {
	return bot.Conversation{ID: "c"}, true, nil
}
func (calmStore) Wording(context.Context, bot.ConversationID, bot.RemoteID, string) (store.Wording, bool, error) {
	return store.Wording{Text: "hello"}, true, nil
}
func (calmStore) Followed(context.Context, bot.ConversationID, int64) (bool, error) {
	return false, nil
}
func (calmStore) Erase(context.Context, bot.ConversationID) ([]string, error) { return nil, nil }
func (calmStore) BuryUpdate(context.Context, store.DeadUpdate) error          { return nil }

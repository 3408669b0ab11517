package telegram_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/store"
	"tilldesk/bot/store/storetest"
	"tilldesk/bot/telegram/telegramtest"
)

// only lets the first n calls of a method be answered by f.
func only(method string, n int, f func(telegramtest.Call) http.HandlerFunc) func(telegramtest.Call) http.HandlerFunc {
	return func(c telegramtest.Call) http.HandlerFunc {
		if c.Method != method || n == 0 {
			return nil
		}
		n--
		return f(c)
	}
}

// TestFlood: after 429 a chat is left alone until its time, others go on, and
// all is sent once.
func TestFlood(t *testing.T) {
	s := start(t, setup{})
	mei, bo := s.api.User(55, "en"), s.api.User(56, "en")
	var floods sync.Map
	s.api.Intercept(func(c telegramtest.Call) http.HandlerFunc {
		if c.Method != "sendMessage" || c.Chat() != 55 {
			return nil
		}
		if _, again := floods.LoadOrStore(c.Chat(), c.At); again {
			return nil
		}
		return telegramtest.Flood(2)
	})
	mei.Say("hello")
	s.api.Wait("the flood to be known", func() bool { return strings.Contains(s.log.String(), "the message will be sent again") })
	mei.Say("/language") // is asked past the outbox
	bo.Say("hello")
	s.hears(bo, 1)
	s.hears(mei, 2)
	var calls []telegramtest.Call
	for _, c := range s.api.Calls() {
		if c.Chat() == 55 && c.Method != "sendChatAction" { // on a slow machine it is typing first
			calls = append(calls, c)
		}
	}
	if len(calls) != 3 || calls[1].At.Sub(calls[0].At) < 2*time.Second {
		t.Errorf("%d calls; the second came %v after the first", len(calls), calls[1].At.Sub(calls[0].At))
	}
}

// TestFloodOutlivesRestart: the time to come again is kept on disk.
func TestFloodOutlivesRestart(t *testing.T) {
	first := start(t, setup{})
	mei := first.api.User(55, "en")
	first.api.Intercept(only("sendMessage", 1, func(telegramtest.Call) http.HandlerFunc { return telegramtest.Flood(3) }))
	mei.Say("hello")
	first.api.Wait("the wait to be stored", func() bool { return strings.Contains(first.log.String(), "the message will be sent again") })
	flooded := first.api.Calls("sendMessage")[0].At
	first.stop()
	second := start(t, setup{api: first.api, dsn: first.dsn, data: first.data})
	second.hears(mei, 1)
	calls := second.api.Calls("sendMessage")
	if len(calls) != 2 || calls[1].At.Sub(flooded) < 3*time.Second {
		t.Errorf("%d calls; the last came %v after the flood", len(calls), calls[len(calls)-1].At.Sub(flooded))
	}
}

// TestPollFaults: whatever happens to a poll, the next ones go on and nothing
// is lost.
func TestPollFaults(t *testing.T) {
	s := start(t, setup{})
	mei := s.api.User(55, "en")
	faults := []http.HandlerFunc{telegramtest.Flood(1), telegramtest.Page(502), telegramtest.Cut(), telegramtest.Refuse(500, "Internal Server Error")}
	n := 0
	s.api.Intercept(func(c telegramtest.Call) http.HandlerFunc {
		if c.Method != "getUpdates" || n == len(faults) {
			return nil
		}
		n++
		return faults[n-1]
	})
	mei.Say("hello") // ends the poll that waits
	s.hears(mei, 1)
	mei.Say("the screen is black")
	s.hears(mei, 2)
	if got := said(s.history(mei)); !slices.Equal(got, []string{"hello", "the screen is black"}) {
		t.Errorf("stored %q", got)
	}
}

// TestUnknownOutcome: what may have been delivered is held for a person, or,
// if that is the policy, sent again.
func TestUnknownOutcome(t *testing.T) {
	for _, resend := range []bool{false, true} {
		t.Run(fmt.Sprintf("resend %v", resend), func(t *testing.T) {
			s := start(t, setup{resend: resend})
			mei := s.api.User(55, "en")
			s.api.Intercept(only("sendMessage", 1, s.api.CutAfter))
			mei.Say("hello")
			if resend {
				s.hears(mei, 2) // once too often, rather than never
				return
			}
			s.api.Wait("it to be held", func() bool { held, _ := s.db.Held(t.Context(), 5); return len(held) == 1 })
			if n := len(mei.Heard()); n != 1 {
				t.Errorf("heard %d times", n)
			}
		})
	}
}

// TestBlocked: a merchant who has blocked the bot gets no more tries; when they
// are back they are answered.
func TestBlocked(t *testing.T) {
	s := start(t, setup{})
	mei := s.api.User(55, "en")
	mei.Say("hello")
	mei.Block(true)
	s.api.Wait("it to be given up, or to have arrived", func() bool {
		dead, _ := s.db.DeadOut(t.Context(), 5)
		return len(dead) == 1 || len(mei.Heard()) == 1
	})
	s.api.Wait("all to be confirmed", func() bool { return len(s.api.Waiting()) == 0 })
	mei.Block(false)
	n := len(mei.Heard())
	mei.Say("the screen is black")
	s.hears(mei, n+1)
}

// TestLongMessage: one of many pieces goes on where it stopped.
func TestLongMessage(t *testing.T) {
	s := start(t, setup{})
	mei := s.api.User(55, "zh-hans")
	mei.Say("你好")
	n := len(s.hears(mei, 1))
	c, _, err := s.db.ConversationOf(t.Context(), "telegram", "55")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Repeat("这一段很长，说的是怎么换打印纸。", 320)
	sent := 0
	s.api.Intercept(func(c telegramtest.Call) http.HandlerFunc {
		if c.Method != "sendMessage" {
			return nil
		}
		if sent++; sent == 2 {
			return telegramtest.Flood(1)
		}
		return nil
	})
	if _, err := s.db.Say(t.Context(), c.ID, bot.Staff, []bot.Reply{{Text: text, Choices: []bot.Choice{{ID: "yes", Label: "是"}}}}, false, time.Now()); err != nil {
		t.Fatal(err)
	}
	heard := s.hears(mei, n+2)[n:]
	var whole strings.Builder
	for i, m := range heard {
		whole.WriteString(m.Text)
		if len(m.Labels()) > 0 != (i == len(heard)-1) {
			t.Errorf("piece %d has the buttons %q", i+1, m.Labels())
		}
	}
	if whole.String() != text || len(heard) != 2 {
		t.Errorf("%d pieces, %d of %d bytes", len(heard), whole.Len(), len(text))
	}
}

// TestOnePoller: of two processes one fetches; when it ends the other does.
func TestOnePoller(t *testing.T) {
	api := telegramtest.New(t)
	dsn := storetest.Postgres(t)
	a := start(t, setup{api: api, dsn: dsn, owner: "a"})
	mei := api.User(55, "en")
	mei.Say("hello")
	a.hears(mei, 1)
	b := start(t, setup{api: api, dsn: dsn, owner: "b"})
	for i := range 5 {
		mei.Say(fmt.Sprintf("the screen is black %d", i))
	}
	api.Wait("all to be confirmed", func() bool { return len(api.Waiting()) == 0 })
	if strings.Contains(b.log.String(), "this process fetches") {
		t.Error("both fetch")
	}
	a.stop()
	mei.Say("are you there")
	b.api.Wait("the other to take over", func() bool { return len(api.Waiting()) == 0 })
	if got := len(said(b.history(mei))); got != 7 {
		t.Errorf("%d of 7 messages are stored", got)
	}
	if calls := strings.Count(a.log.String()+b.log.String(), "conflict"); calls > 0 {
		t.Errorf("the two met %d times", calls)
	}
}

// TestKilled: the process is stopped at any moment, again and again, without
// its receiver being waited for; nothing is lost, and order is kept.
func TestKilled(t *testing.T) {
	rounds := 6 // for each number of users that is answered, and for none
	switch {
	case os.Getenv("TRIAL") == "full":
		rounds = 60
	case testing.Short():
		rounds = 3
	}
	api := telegramtest.New(t)
	dsn, data := "sqlite:"+filepath.Join(t.TempDir(), "tilldesk.db"), t.TempDir()
	users := make([]*telegramtest.User, 5)
	for i := range users {
		users[i] = api.User(int64(100+i), "en")
	}
	want := map[int64][]string{}
	for round := range rounds {
		s := start(t, setup{api: api, dsn: dsn, data: data})
		for i, u := range users {
			text := fmt.Sprintf("line %d of %d", round, i)
			want[u.ID] = append(want[u.ID], text)
			u.Say(text)
		}
		// At another moment each time.
		api.Wait("some to be confirmed", func() bool { return len(api.Waiting()) <= round%(len(users)+1) })
		s.stop()
	}
	s := start(t, setup{api: api, dsn: dsn, data: data})
	api.Wait("all to be confirmed", func() bool { return len(api.Waiting()) == 0 })
	for _, u := range users {
		if got := said(s.history(u)); !slices.Equal(got, want[u.ID]) {
			t.Errorf("user %d: stored %q, want %q", u.ID, got, want[u.ID])
		}
	}
}

// TestMany: many merchants at once, a slow network and floods at random:
// each is answered, once.
func TestMany(t *testing.T) {
	merchants := 80
	switch {
	case os.Getenv("TRIAL") == "full":
		merchants = 200
	case testing.Short():
		merchants = 40
	}
	s := start(t, setup{})
	s.api.Slow(50 * time.Millisecond)
	var calls atomic.Int64
	s.api.Intercept(func(c telegramtest.Call) http.HandlerFunc {
		if c.Method == "sendMessage" && calls.Add(1)%40 == 0 {
			return telegramtest.Flood(1)
		}
		return nil
	})
	base := runtime.NumGoroutine()
	began := time.Now()
	users := make([]*telegramtest.User, merchants)
	for i := range users {
		users[i] = s.api.User(int64(1000+i), "en")
		users[i].Say("the screen is black, the terminal does not turn on")
	}
	s.api.WaitFor(5*time.Minute, "everybody to be answered", func() bool {
		return !slices.ContainsFunc(users, func(u *telegramtest.User) bool { return len(last(u).Labels()) == 0 })
	})
	took := time.Since(began)
	var waits []time.Duration
	messages := 0
	for _, u := range users {
		all := u.Messages()
		waits = append(waits, u.Heard()[0].At.Sub(all[0].At))
		messages += len(u.Heard())
		seen := map[string]bool{}
		for _, m := range u.Heard() {
			if seen[m.Text] {
				t.Errorf("user %d heard %q twice", u.ID, m.Text)
			}
			seen[m.Text] = true
		}
	}
	slices.Sort(waits)
	sends := len(s.api.Calls("sendMessage"))
	if float64(sends) > 1.2*float64(messages) {
		t.Errorf("%d calls for %d messages", sends, messages)
	}
	t.Logf("%d merchants, %d messages in %v; first answer: median %v, 95 %% %v, longest %v; %d calls",
		merchants, messages, took.Round(time.Millisecond), waits[len(waits)/2].Round(time.Millisecond), waits[len(waits)*95/100].Round(time.Millisecond), waits[len(waits)-1].Round(time.Millisecond), sends)
	if now := runtime.NumGoroutine(); now > base+100 {
		t.Errorf("%d goroutines, %d before", now, base)
	}
}

// TestNoToken: the token is in no log, row, file or answer, whatever happens.
func TestNoToken(t *testing.T) {
	s := start(t, setup{})
	mei := s.api.User(55, "en")
	mei.Say("hello")
	s.hears(mei, 1)
	photo := s.api.File("0.png", []byte("no picture"), 0)
	for i, fault := range []http.HandlerFunc{telegramtest.Page(502), telegramtest.Cut(), telegramtest.Refuse(400, "Bad Request: odd"), telegramtest.Refuse(401, "Unauthorized"), nil} {
		s.api.Intercept(func(c telegramtest.Call) http.HandlerFunc {
			if c.Method == "getUpdates" {
				return nil
			}
			return fault
		})
		before := len(s.api.Calls("sendMessage", "getFile"))
		mei.Send(map[string]any{"photo": []any{map[string]any{"file_id": photo, "file_unique_id": "u", "width": 1, "height": 1}}, "caption": fmt.Sprint("line ", i)})
		s.api.Wait("calls", func() bool { return len(s.api.Calls("sendMessage", "getFile")) > before })
	}
	s.stop()
	if strings.Contains(s.log.String(), "secret_Token") {
		t.Error("the token is in the log")
	}
	for _, dir := range []string{s.data, filepath.Dir(strings.TrimPrefix(s.dsn, "sqlite:"))} {
		err := filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			content, err := os.ReadFile(name)
			if strings.Contains(string(content), "secret_Token") {
				t.Errorf("the token is in %s", name)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
	storetest.Open(t, s.dsn, store.Options{Beside: true}) // what was searched is whole
}

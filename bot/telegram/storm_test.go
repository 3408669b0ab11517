package telegram_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/telegram"
	"tilldesk/bot/telegram/telegramtest"
)

// fullTrial says that storms are to last their five minutes, see `make faults`.
func fullTrial() bool { return os.Getenv("TRIAL") == "full" }

// crowd lets merchants write, waits until each is answered, and returns them.
func crowd(s *service, n int) []*telegramtest.User {
	s.Helper()
	users := make([]*telegramtest.User, n)
	for i := range users {
		users[i] = s.api.User(int64(1000+i), "en")
		users[i].Say("hello")
	}
	for _, u := range users {
		s.hears(u, 1)
	}
	return users
}

// tell has something said to each user, so many times, and returns how many
// messages that are.
func tell(s *service, users []*telegramtest.User, times int) int {
	s.Helper()
	for n := range times {
		for _, u := range users {
			c, _, err := s.db.ConversationOf(s.Context(), telegram.Name, remote(u))
			if err != nil {
				s.Fatal(err)
			}
			if _, err := s.db.Say(s.Context(), c.ID, bot.Staff, []bot.Reply{{Text: fmt.Sprintf("told %d", n)}}, false, time.Now()); err != nil {
				s.Fatal(err)
			}
		}
	}
	return times * len(users)
}

// told reports whether a user was told all, once and in order; those in missing
// of them may be left out.
func told(u *telegramtest.User, times int) (missing int, err error) {
	next := 0
	for _, m := range u.Heard()[1:] {
		var n int
		if _, err := fmt.Sscanf(m.Text, "told %d", &n); err != nil || n < next {
			return 0, fmt.Errorf("user %d heard %q when number %d was next", u.ID, m.Text, next)
		}
		missing += n - next
		next = n + 1
	}
	return missing + times - next, nil
}

// TestFaultStorm: for minutes Telegram answers nothing but 429. No chat is called
// before its time, all is sent once and in order, with few calls besides.
func TestFaultStorm(t *testing.T) {
	t.Parallel() // it waits most of the time
	chats, times, most, lasts := 20, 4, 2, 1500*time.Millisecond
	if fullTrial() {
		chats, times, most, lasts = 50, 8, 60, 5*time.Minute
	}
	s := start(t, setup{})
	users := crowd(s, chats)
	rests := map[int64]time.Time{}
	early, floods := 0, 0
	var begin time.Time
	before := len(s.api.Calls("sendMessage"))
	s.api.Intercept(func(c telegramtest.Call) http.HandlerFunc {
		if c.Method != "sendMessage" {
			return nil
		}
		if begin.IsZero() {
			begin = time.Now()
		}
		if c.At.Before(rests[c.Chat()]) {
			early++
		}
		if time.Since(begin) > lasts {
			return nil
		}
		floods++
		after := most
		if floods%2 == 0 {
			after = 1 + rand.IntN(most)
		}
		rests[c.Chat()] = time.Now().Add(time.Duration(after) * time.Second)
		return telegramtest.Flood(after)
	})
	messages := tell(s, users, times)
	s.api.WaitFor(lasts+2*time.Minute, "all to be told", func() bool {
		for _, u := range users {
			if len(u.Heard()) < 1+times {
				return false
			}
		}
		return true
	})
	for _, u := range users {
		if missing, err := told(u, times); err != nil || missing != 0 {
			t.Errorf("%d are missing, %v", missing, err)
		}
	}
	calls := len(s.api.Calls("sendMessage")) - before
	if early > 0 || floods == 0 || float64(calls) > 1.2*float64(messages) {
		t.Errorf("%d messages, %d calls, %d of them flooded, %d before their time", messages, calls, floods, early)
	}
	t.Logf("%d messages, %d calls, %d flooded", messages, calls, floods)
}

// TestFaultOutage: for minutes Telegram answers nothing but 5xx. What was tried is
// held, the rest is not tried but for a probe every five seconds, and goes out
// when Telegram is back.
func TestFaultOutage(t *testing.T) {
	t.Parallel()                                       // it waits most of the time
	const breakAfter, probeEvery = 10, 5 * time.Second // as the outbox promises
	chats, times, lasts := 20, 2, time.Duration(0)     // until the breaker opens
	if fullTrial() {
		chats, times, lasts = 50, 8, 5*time.Minute
	}
	s := start(t, setup{})
	users := crowd(s, chats)
	var failed atomic.Int64
	begin := time.Now()
	before := len(s.api.Calls("sendMessage"))
	s.api.Intercept(func(c telegramtest.Call) http.HandlerFunc {
		if c.Method != "sendMessage" || time.Since(begin) > lasts && failed.Load() >= breakAfter {
			return nil
		}
		return telegramtest.Page([]int{500, 502, 503}[failed.Add(1)%3])
	})
	messages := tell(s, users, times)
	s.api.WaitFor(lasts+time.Minute+probeEvery, "the rest to be told", func() bool {
		q, err := s.db.Queue(t.Context())
		return err == nil && q.Unsent == 0
	})
	missing := 0
	for _, u := range users {
		n, err := told(u, times)
		if err != nil {
			t.Error(err)
		}
		missing += n
	}
	q, err := s.db.Queue(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if n := int(failed.Load()); q.Held != n || missing != n || q.DeadOut > 0 {
		t.Errorf("%d calls failed: %d are held, %d dead, %d were not heard", n, q.Held, q.DeadOut, missing)
	}
	calls := s.api.Calls("sendMessage")[before:]
	for i := breakAfter; i <= int(failed.Load()); i++ {
		if gap := calls[i].At.Sub(calls[i-1].At); gap < probeEvery-500*time.Millisecond { // what a call takes to be heard
			t.Errorf("call %d came %v after the one before", i+1, gap)
		}
	}
	t.Logf("%d messages, %d calls, %d held", messages, len(calls), q.Held)
}

// TestSharedRate: a message waits for its turn among those of all processes that
// send.
func TestSharedRate(t *testing.T) {
	s := start(t, setup{opt: telegram.Options{Shared: true}})
	const taken = 25 // a second's worth
	var last time.Time
	for range taken {
		var err error
		if last, err = s.db.Reserve(t.Context(), fmt.Sprint("Telegram bot ", s.channel.API().ID()), time.Now(), time.Second/taken, 1); err != nil {
			t.Fatal(err)
		}
	}
	mei := s.api.User(55, "en")
	mei.Say("/help")
	s.hears(mei, 1)
	if at := s.api.Calls("sendMessage")[0].At; at.Before(last) {
		t.Errorf("it was sent %v before its turn", last.Sub(at))
	}
}

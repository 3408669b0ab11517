package staffgroup_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-telegram/bot/models"

	"tilldesk/bot/store/storetest"
	"tilldesk/bot/telegram/telegramtest"
)

// TestFloodOutlivesRestart: the time until which the group is to be left alone
// is kept on disk, whatever was refused: a step, or a word to staff.
func TestFloodOutlivesRestart(t *testing.T) {
	const seconds = 4
	for _, tt := range []struct {
		name string
		ask  func(s *service)
	}{
		{"a case", func(s *service) { s.api.User(55, "en").Say("/human") }},
		{"a command", func(s *service) { s.forum.Write(wang, 0, "/open") }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel() // each waits for a time
			a := start(t, nil, "", fast)
			var floods atomic.Int64
			a.api.Intercept(func(c telegramtest.Call) http.HandlerFunc {
				if c.Chat() == groupID && floods.Add(1) == 1 {
					return telegramtest.Flood(seconds)
				}
				return nil
			})
			tt.ask(a)
			a.api.Wait("the wait to be stored", func() bool {
				until, err := a.db.GroupPaused(t.Context(), groupID)
				return err == nil && !until.IsZero()
			})
			known := time.Now() // what was under way until then could not know
			a.stop()
			b := start(t, a.api, a.dsn, fast)
			b.forum.Write(wang, 0, "/help")
			b.shows(0, "/take")
			var at []time.Time
			for _, c := range b.api.Calls() {
				if c.Chat() == groupID {
					at = append(at, c.At)
				}
			}
			if i := slices.IndexFunc(at[1:], func(t time.Time) bool { return t.After(known) && t.Sub(at[0]) < seconds*time.Second }); i >= 0 {
				t.Errorf("a call to the group came %v after the flood", at[i+1].Sub(at[0]))
			}
		})
	}
}

// TestBudget: the group is not written to more often than it may be.
func TestBudget(t *testing.T) {
	began := time.Now() // a call may be late, and none early
	s := start(t, nil, "", 30)
	mei := s.api.User(55, "en")
	mei.Say("/human")
	_, card := s.card(1)
	s.forum.Press(wang, card, "Take")
	for range 10 {
		mei.Say("line")
	}
	s.api.Wait("all to be brought over", func() bool {
		n := 0
		for _, m := range s.forum.In(s.forum.Topics()[0].Thread) {
			n += strings.Count(m.Text, "👤 line")
		}
		return n >= 10
	})
	var at []time.Time
	for _, c := range s.api.Calls() {
		if c.Chat() == groupID && c.Method != "setMyCommands" {
			at = append(at, c.At)
		}
	}
	const burst = 5
	for i := burst + 1; i < len(at); i++ {
		// 30 a minute are one in two seconds, after the burst.
		if d := at[i].Sub(began); d < time.Duration(i-burst)*2*time.Second {
			t.Errorf("call %d came after %v", i+1, d)
		}
	}
}

// TestBudgetOfTwo: two processes that write to the group, one of them fetching
// what staff say, have one budget together.
func TestBudgetOfTwo(t *testing.T) {
	const perMinute, burst, waiting = 1, 5, 2
	began := time.Now()
	api, dsn := telegramtest.New(t), storetest.Postgres(t)
	a, b := start(t, api, dsn, perMinute), start(t, api, dsn, perMinute)
	for i := range 2 * burst {
		for _, s := range []*service{a, b} {
			u := &models.Update{Message: &models.Message{ID: 1000 + i, Text: "/open", From: &models.User{ID: wang},
				Chat: models.Chat{ID: groupID, Type: models.ChatTypeSupergroup}}}
			if err := s.group.Update(t.Context(), u); err != nil {
				t.Fatal(err)
			}
		}
	}
	// The burst is spent, and each waits for the turn after that.
	until := began.Add((burst + waiting) * time.Minute / perMinute).UnixMilli()
	api.Wait("both to wait", func() bool {
		return storetest.Count(t, dsn, "counters", fmt.Sprintf("name LIKE 'turns of Telegram group %%' AND n >= %d", until)) == 1
	})
	api.Wait("the burst", func() bool { return len(a.forum.In(0)) >= burst })
	if n := len(a.forum.In(0)); n != burst {
		t.Errorf("the group was written to %d times at once, want %d", n, burst)
	}
}

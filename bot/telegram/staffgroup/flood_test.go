package staffgroup_test

import (
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"

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

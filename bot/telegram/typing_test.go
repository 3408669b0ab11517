package telegram

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/telegram/botapi"
)

// A desk of the typing indicator: when it was shown, on the clock of a bubble.
type shows struct {
	began time.Time
	at    []time.Duration
	fails error
	done  atomic.Bool // the turn is made
}

func watched(t *testing.T, s *shows, f func(ty *typing)) {
	synctest.Test(t, func(t *testing.T) {
		s.began = time.Now()
		ty := newTyping(
			func(context.Context, int64) error { s.at = append(s.at, time.Since(s.began)); return s.fails },
			func(context.Context, bot.MessageID) (bool, error) { return s.done.Load(), nil },
			func(int64) bool { return true })
		ctx, stop := context.WithCancel(t.Context())
		go ty.run(ctx)
		synctest.Wait()
		f(ty)
		stop()
		synctest.Wait()
	})
}

func pass(d time.Duration) {
	time.Sleep(d) // of the bubble's clock
	synctest.Wait()
}

// TestTypingOfATurn: it is shown while a turn takes longer than a moment, again
// and again, and not for ever; never for one that is quick.
func TestTypingOfATurn(t *testing.T) {
	for _, tt := range []struct {
		name  string
		here  time.Duration // when this process has made the turn; 0: never
		there time.Duration // when another one has
		want  []time.Duration
	}{
		{"quick", 900 * time.Millisecond, 0, nil},
		{"quick, by another process", 0, 900 * time.Millisecond, nil},
		{"slow", 7 * time.Second, 0, []time.Duration{aMoment, aMoment + typingEvery}},
		{"slow, by another process", 0, 4 * time.Second, []time.Duration{aMoment}},
		{"never", 0, 0, []time.Duration{1000e6, 5500e6, 10000e6, 14500e6, 19000e6, 23500e6, 28000e6}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var s shows
			watched(t, &s, func(ty *typing) {
				ty.expect("c", "m1", 55)
				ty.expect("c", "m2", 55)
				for range 60 {
					pass(time.Second/2 - time.Millisecond)
					now := time.Since(s.began)
					if tt.here != 0 && now >= tt.here {
						ty.settled("c")
					}
					s.done.Store(tt.there != 0 && now >= tt.there)
					pass(time.Millisecond)
				}
				pass(time.Minute)
				if len(ty.waiting) > 0 {
					t.Error("it still waits")
				}
			})
			if !slices.Equal(s.at, tt.want) {
				t.Errorf("shown at %v, want %v", s.at, tt.want)
			}
		})
	}
}

// TestTypingIsLittle: one chat sees it every few seconds, all together a few
// times in a second, and nobody after a flood until its time.
func TestTypingIsLittle(t *testing.T) {
	var s shows
	watched(t, &s, func(ty *typing) {
		for range 100 { // staff hit keys
			ty.show(55)
			pass(100 * time.Millisecond)
		}
		if want := []time.Duration{0, typingEvery, 2 * typingEvery}; !slices.Equal(s.at, want) {
			t.Errorf("one chat saw it at %v, want %v", s.at, want)
		}
		s.at = nil
		for chat := range int64(500) {
			ty.show(1000 + chat)
			pass(10 * time.Millisecond)
		}
		if n := len(s.at); n > 6*typingRate || n < 4*typingRate {
			t.Errorf("it was shown %d times in five seconds", n)
		}
		s.at, s.fails = nil, &botapi.Error{Kind: botapi.Flood, After: time.Minute}
		pass(10 * time.Second)
		for chat := range int64(600) {
			ty.show(5000 + chat)
			pass(100 * time.Millisecond)
		}
		if len(s.at) != 1 {
			t.Errorf("it was shown %d times within the time of a flood", len(s.at))
		}
		pass(time.Second)
		if ty.show(9000); len(s.at) != 2 {
			t.Error("it is never shown again")
		}
	})
}

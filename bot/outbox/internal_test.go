package outbox

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tilldesk/bot"
)

func TestBackoff(t *testing.T) {
	for _, tt := range []struct {
		age         time.Duration
		least, most time.Duration
	}{
		{-time.Hour, time.Second, 3 * time.Second}, // the clock was set back
		{0, time.Second, 3 * time.Second},
		{10 * time.Second, time.Second, 10 * time.Second},
		{24 * time.Hour, time.Second, time.Minute},
	} {
		if least, most := backoff(tt.age, 0), backoff(tt.age, 1); least != tt.least || most != tt.most {
			t.Errorf("at the age of %v between %v and %v, want %v and %v", tt.age, least, most, tt.least, tt.most)
		}
	}
}

// What the store keeps of the time, whole milliseconds, is never before the
// time that the network named.
func TestRetryAtIsNotEarly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(1_700_000_000, rapid.Int64Range(0, 1e9).Draw(t, "now"))
		after := time.Duration(rapid.Int64Range(1, int64(time.Hour)).Draw(t, "after"))
		at := retryAt(now, now, after)
		if kept := time.UnixMilli(at.UnixMilli()); kept.Before(now.Add(after)) || kept.Sub(now.Add(after)) >= time.Millisecond {
			t.Errorf("%v after %v is kept as %v", after, now, kept)
		}
	})
}

func TestPaceForgets(t *testing.T) {
	p := newPace(bot.Limits{PerConversation: 1})
	now := time.Unix(1_700_000_000, 0)
	for i := range 10 * minSweep {
		id := bot.ConversationID(fmt.Sprint(i))
		p.take(id, now)
		if p.waitFor(id, now) != time.Second {
			t.Fatalf("conversation %d may go on after %v, want 1s", i, p.waitFor(id, now))
		}
		now = now.Add(10 * time.Millisecond)
	}
	if len(p.recent) > minSweep {
		t.Errorf("%d conversations are remembered, of which 100 must wait", len(p.recent))
	}
}

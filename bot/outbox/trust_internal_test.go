package outbox

import (
	"testing"
	"time"
)

// TestTrust follows a clock that is set while leases run.
func TestTrust(t *testing.T) {
	const lease = 30 * time.Second
	elapsed, off := time.Now(), time.Duration(0)
	tr := trust{lease: lease}
	for _, step := range []struct {
		pass, set time.Duration
		trusted   bool
	}{
		{0, 0, false}, // who has just begun does not know
		{4 * time.Second, 0, false},
		{26 * time.Second, 0, true},
		{4 * time.Second, 900 * time.Millisecond, true}, // adjusted
		{4 * time.Second, 24 * time.Hour, false},
		{29 * time.Second, 0, false},
		{time.Second, 0, true},
		{4 * time.Second, -24 * time.Hour, true}, // leases last longer then
		{4 * time.Second, 2 * time.Second, false},
		{time.Hour, 0, true},
	} {
		elapsed, off = elapsed.Add(step.pass), off+step.set
		clock := elapsed.Add(off)
		want := time.UnixMilli(0)
		if step.trusted {
			want = clock.Round(0)
		}
		if got := tr.dead(clock, elapsed); !got.Equal(want) {
			t.Errorf("after %v, the clock set by %v: the dead are those before %v, want %v", step.pass, step.set, got, want)
		}
	}
}

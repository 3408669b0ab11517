package figures_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tilldesk/bot/dialog"
	"tilldesk/bot/figures"
)

var shanghai = time.FixedZone("CST", 8*3600)

func TestOf(t *testing.T) {
	now := time.Date(2026, 3, 10, 1, 0, 0, 0, shanghai) // still the 9th in UTC
	at := func(day, hour int) time.Time { return time.Date(2026, 3, day, hour, 0, 0, 0, shanghai) }
	cases := []figures.Case{
		{Opened: at(10, 0), Answered: at(10, 0).Add(2 * time.Minute), Cause: dialog.CauseAsked, Channel: "web", Rating: 5},
		{Opened: at(9, 0), Answered: at(9, 0).Add(4 * time.Minute), Cause: dialog.CauseMoney, Channel: "wechat", Rating: 2},
		{Opened: at(9, 23), Cause: dialog.CauseMoney, Channel: "wechat"},
		{Opened: at(8, 23), Cause: dialog.CauseAnger, Channel: "telegram", Rating: 1}, // the day before the first
	}
	fixes := []figures.Fix{
		{At: at(10, 0), Intent: "scan.huabei", Channel: "web"}, {At: at(10, 0), Channel: "web", Fixed: true},
		{At: at(9, 12), Intent: "scan.huabei", Channel: "wechat"}, {At: at(9, 13), Intent: "scan.technique", Channel: "web"},
		{At: at(8, 12), Intent: "scan.huabei", Channel: "web"},
	}
	got := figures.Of(cases, fixes, now, 2, shanghai)
	want := figures.Figures{
		Begun: 3, Solved: 1, Handed: 3, Answered: 2, Median: 2 * time.Minute, Ninety: 4 * time.Minute,
		Ratings:  [6]int{2: 1, 5: 1},
		Causes:   []figures.Named{{Name: "money", N: 2}, {Name: "asked", N: 1}},
		Symptoms: []figures.Named{{Name: "scan.huabei", N: 2}, {Name: "scan.technique", N: 1}},
		Channels: []figures.Channel{{Name: "web", Solved: 1, Handed: 1}, {Name: "wechat", Handed: 2}},
		Days:     []figures.Day{{Date: at(9, 0), Handed: 2}, {Date: at(10, 0), Solved: 1, Handed: 1}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Of (-want +got):\n%s", diff)
	}
	if n, mean := got.Rated(); n != 2 || mean != 3.5 {
		t.Errorf("Rated: %d, %v; want 2, 3.5", n, mean)
	}
}

// TestSums checks that nothing is counted twice and nothing of the days is
// left out, in any zone.
func TestSums(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		zone := time.FixedZone("", 900*rapid.IntRange(-48, 56).Draw(t, "zone"))
		now := time.Unix(rapid.Int64Range(1.7e9, 1.9e9).Draw(t, "now"), 0)
		days := rapid.IntRange(1, 90).Draw(t, "days")
		first := now.In(zone)
		first = time.Date(first.Year(), first.Month(), first.Day()-days+1, 0, 0, 0, 0, zone)
		var cases []figures.Case
		inside := 0
		for range rapid.IntRange(0, 30).Draw(t, "cases") {
			opened := now.Add(-time.Duration(rapid.Int64Range(0, 100*24*3600).Draw(t, "ago")) * time.Second)
			if !opened.Before(first) {
				inside++
			}
			c := figures.Case{Opened: opened, Channel: "web", Rating: rapid.IntRange(0, 5).Draw(t, "rating")}
			if rapid.Bool().Draw(t, "answered") {
				c.Answered = opened.Add(time.Duration(rapid.IntRange(0, 3600).Draw(t, "wait")) * time.Second)
			}
			cases = append(cases, c)
		}
		f := figures.Of(cases, nil, now, days, zone)
		sum := 0
		for _, d := range f.Days {
			sum += d.Handed
		}
		if f.Handed != inside || sum != inside || len(f.Days) != days {
			t.Fatalf("%d handed over, %d by day on %d days; want %d on %d", f.Handed, sum, len(f.Days), inside, days)
		}
		if f.Median > f.Ninety || f.Answered > f.Handed || f.Answered == 0 && f.Ninety != 0 {
			t.Fatalf("waits: %+v", f)
		}
	})
}

package desk_test

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tilldesk/bot/desk"
)

// office is Monday to Friday with a break, and a day off on 2026-10-01, a
// Thursday; on Friday 2026-10-02 only the morning.
func office(zone string) desk.Hours {
	h := desk.Hours{Zone: zone, Holidays: []desk.Holiday{
		{Date: "2026-10-01"}, {Date: "2026-10-02", Spans: []desk.Span{{From: 540, To: 720}}},
	}}
	for day := time.Monday; day <= time.Friday; day++ {
		h.Week[day] = []desk.Span{{From: 540, To: 720}, {From: 780, To: 1080}}
	}
	return h
}

func at(t testing.TB, text string) time.Time {
	t.Helper()
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	moment, err := time.ParseInLocation("2006-01-02 15:04", text, zone)
	if err != nil {
		t.Fatal(err)
	}
	return moment
}

func TestHours(t *testing.T) {
	h := office("Asia/Shanghai")
	for _, tt := range []struct {
		now, next, due string // due is 4 hours on
	}{
		{"2026-09-28 09:00", "2026-09-28 09:00", "2026-09-28 14:00"},
		{"2026-09-28 08:59", "2026-09-28 09:00", "2026-09-28 14:00"},
		{"2026-09-28 12:00", "2026-09-28 13:00", "2026-09-28 17:00"},
		{"2026-09-28 14:00", "2026-09-28 14:00", "2026-09-28 18:00"},
		{"2026-09-28 14:01", "2026-09-28 14:01", "2026-09-29 09:01"},
		{"2026-09-30 18:00", "2026-10-02 09:00", "2026-10-05 10:00"}, // over the day off and the short one
		{"2026-10-03 12:00", "2026-10-05 09:00", "2026-10-05 14:00"}, // over the weekend
	} {
		t.Run(tt.now, func(t *testing.T) {
			now, next, due := at(t, tt.now), at(t, tt.next), at(t, tt.due)
			if got := h.Open(now); got != now.Equal(next) {
				t.Errorf("Open: %v", got)
			}
			if got := h.Next(now); !got.Equal(next) {
				t.Errorf("Next: %v, want %v", got, next)
			}
			if got := h.Add(now, 4*time.Hour); !got.Equal(due) {
				t.Errorf("Add: %v, want %v", got, due)
			}
			if got := h.Between(now, due); got != 4*time.Hour {
				t.Errorf("Between: %v, want 4h", got)
			}
		})
	}
	var always desk.Hours
	if now := at(t, "2026-10-01 03:00"); !always.Open(now) || !always.Add(now, time.Hour).Equal(now.Add(time.Hour)) || !always.Before(now, time.Hour).Equal(now.Add(-time.Hour)) {
		t.Error("zero hours are not always open")
	}
	shut := desk.Hours{Week: [7][]desk.Span{{{From: 0, To: 60}}}}
	for day := at(t, "2026-01-01 12:00"); day.Year() < 2028; day = day.AddDate(0, 0, 1) {
		shut.Holidays = append(shut.Holidays, desk.Holiday{Date: day.Format(time.DateOnly)})
	}
	if got := shut.Next(at(t, "2026-06-01 12:00")); !got.IsZero() {
		t.Errorf("Next of a desk that never opens: %v", got)
	}
}

// TestHoursAgree holds Add, Before, Between, Open and Next against each other,
// also where a day has 23 or 25 hours.
func TestHoursAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := office(rapid.SampledFrom([]string{"Asia/Shanghai", "America/New_York", "Pacific/Apia", "UTC"}).Draw(t, "zone"))
		if rapid.Bool().Draw(t, "night") {
			h.Week[time.Sunday] = []desk.Span{{From: 0, To: 1440}}
		}
		from := time.Date(2026, 1, 1, 0, rapid.IntRange(0, 525_600).Draw(t, "minute"), 0, 0, time.UTC)
		d := time.Duration(rapid.IntRange(1, 6000).Draw(t, "minutes")) * time.Minute
		to := h.Add(from, d)
		if got := h.Between(from, to); got != d {
			t.Fatalf("%v after %v is %v, between them is %v", d, from, to, got)
		}
		start := h.Before(to, d)
		if got := h.Between(start, to); got != d {
			t.Fatalf("%v before %v is %v, between them is %v", d, to, start, got)
		}
		if h.Between(from, start) != 0 || start.Before(from) {
			t.Fatalf("%v before %v is %v, which is not the latest since %v", d, to, start, from)
		}
		next := h.Next(from)
		if !h.Open(next) || h.Between(from, next) != 0 {
			t.Fatalf("next open after %v is %v", from, next)
		}
	})
}

func TestHoursCheck(t *testing.T) {
	for name, h := range map[string]desk.Hours{
		"zone":    {Zone: "Mars/Olympus"},
		"order":   {Week: [7][]desk.Span{{{From: 600, To: 540}}}},
		"overlap": {Week: [7][]desk.Span{{{From: 540, To: 720}, {From: 700, To: 800}}}},
		"day":     {Week: [7][]desk.Span{{{From: 540, To: 1441}}}},
		"date":    {Holidays: []desk.Holiday{{Date: "1 October"}}},
	} {
		if err := h.Check(); !errors.As(err, new(*desk.InputError)) {
			t.Errorf("%s: %v, want an InputError", name, err)
		}
	}
	if err := office("Asia/Shanghai").Check(); err != nil {
		t.Error(err)
	}
}

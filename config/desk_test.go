package config

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWeek(t *testing.T) {
	day := []Span{{540, 1080}}
	for _, tt := range []struct {
		hours string
		want  [7][]Span
		bad   bool
	}{
		{hours: Always},
		{hours: "mon-fri 09:00-18:00", want: [7][]Span{1: day, 2: day, 3: day, 4: day, 5: day}},
		{hours: "sat-mon 09:00-18:00", want: [7][]Span{0: day, 1: day, 6: day}},
		{hours: "Mon 09:00-12:00 13:00-24:00, sun 00:00-24:00", want: [7][]Span{0: {{0, 1440}}, 1: {{540, 720}, {780, 1440}}}},
		{hours: "mon 9:00-18:00", want: [7][]Span{1: day}},
		{hours: "", bad: true},
		{hours: "mon", bad: true},
		{hours: "mo 09:00-18:00", bad: true},
		{hours: "mon 18:00-09:00", bad: true},
		{hours: "mon 09:00-13:00 12:00-18:00", bad: true},
		{hours: "mon 09:00-24:01", bad: true},
		{hours: "mon 09:60-18:00", bad: true},
		{hours: "mon -1:00-18:00", bad: true},
	} {
		t.Run(tt.hours, func(t *testing.T) {
			got, err := Desk{Hours: tt.hours}.Week()
			if (err != nil) != tt.bad {
				t.Fatalf("error %v, want one: %v", err, tt.bad)
			}
			if diff := cmp.Diff(tt.want, got); err == nil && diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestDays(t *testing.T) {
	got, err := Desk{Holidays: "2026-10-01, 2026-12-31 09:00-12:00"}.Days()
	want := []Day{{Date: "2026-10-01"}, {Date: "2026-12-31", Spans: []Span{{540, 720}}}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	for _, bad := range []string{"2026-13-01", "tomorrow", "2026-10-01 25:00-26:00"} {
		if _, err := (Desk{Holidays: bad}).Days(); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

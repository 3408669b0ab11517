package console

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tilldesk/bot/desk"
)

func TestReadHours(t *testing.T) {
	for _, tt := range []struct {
		text string
		want []desk.Span
		ok   bool
	}{
		{"", nil, true},
		{"09:00-18:00", []desk.Span{{From: 540, To: 1080}}, true},
		{"9:00-12:00 13:30-24:00", []desk.Span{{From: 540, To: 720}, {From: 810, To: 1440}}, true},
		{"９:00-18:00", nil, false},
		{"09：00–18：00", []desk.Span{{From: 540, To: 1080}}, true}, // as Chinese keyboards write it
		{"18:00-09:00", nil, false},
		{"9-18", nil, false},
		{"25:00-26:00", nil, false},
		{"24:30-25:00", nil, false},
		{"closed", nil, false},
	} {
		got, err := readSpans(strings.Fields(tt.text), "monday")
		if (err == nil) != tt.ok || !cmp.Equal(got, tt.want) {
			t.Errorf("%q: %v, %v; want %v, ok %v", tt.text, got, err, tt.want, tt.ok)
		}
	}
}

func TestReadHolidays(t *testing.T) {
	got, err := readHolidays("2027-02-17 春节 第一天\r\n\n2027-05-01 10:00-16:00 劳动节\n2027-06-01")
	want := []desk.Holiday{
		{Date: "2027-02-17", Name: "春节 第一天"},
		{Date: "2027-05-01", Name: "劳动节", Spans: []desk.Span{{From: 600, To: 960}}},
		{Date: "2027-06-01"},
	}
	if err != nil || !cmp.Equal(got, want) {
		t.Errorf("%v, %v (-want +got):\n%s", got, err, cmp.Diff(want, got))
	}
}

// TestHoursAgain writes hours and reads them again.
func TestHoursAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var spans []desk.Span
		last := 0
		for last < 1400 && rapid.Bool().Draw(t, "more") {
			from := rapid.IntRange(last, 1439).Draw(t, "from")
			to := rapid.IntRange(from+1, 1440).Draw(t, "to")
			spans, last = append(spans, desk.Span{From: from, To: to}), to
		}
		got, err := readSpans(strings.Fields(writeSpans(spans)), "")
		if err != nil || !cmp.Equal(got, spans) {
			t.Fatalf("%v is written as %q and read as %v, %v", spans, writeSpans(spans), got, err)
		}
	})
}

// TestPlots checks of any numbers that all of them stand in the table and that
// no bar leaves the picture.
func TestPlots(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		upright := columns{title: "a", first: "b", series: []series{{"c", "s1"}, {"d", "s2"}}}
		lying := bars{title: "a", first: "b", number: "c", class: "s1"}
		n := rapid.IntRange(1, 90).Draw(t, "n")
		sum := 0
		for range n {
			x, y := rapid.IntRange(0, 100_000).Draw(t, "x"), rapid.IntRange(0, 20).Draw(t, "y")
			sum += x + y
			upright.add(rapid.String().Draw(t, "name"), x, y)
			lying.add(rapid.String().Draw(t, "name"), x+y)
		}
		for _, p := range []plot{upright.plot(), lying.plot()} {
			if p.Empty != (sum == 0) {
				t.Fatalf("empty is %v for %d", p.Empty, sum)
			}
			if !p.Empty && len(p.Table) != n {
				t.Fatalf("%d lines in the table, want %d", len(p.Table), n)
			}
			for _, b := range p.Bars {
				if b.X < 0 || b.Y < 0 || b.W < 0 || b.H < 0 || b.X+b.W > p.Width || b.Y+b.H > p.Height {
					t.Fatalf("the bar %+v leaves the picture of %d x %d", b, p.Width, p.Height)
				}
			}
		}
	})
}

func TestShortName(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.String().Draw(t, "name")
		short := shortName(name, 120)
		if short != name && (!strings.HasSuffix(short, "…") || !strings.HasPrefix(name, strings.TrimSuffix(short, "…"))) {
			t.Fatalf("%q is cut to %q", name, short)
		}
	})
}

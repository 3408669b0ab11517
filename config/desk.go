package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Desk says when people are there and how long a merchant may wait for one.
type Desk struct {
	Timezone string `mapstructure:"timezone" allowed:"an IANA time zone such as Asia/Shanghai"`
	// Hours and Holidays hold until staff set others on the page for them.
	Hours    string `mapstructure:"hours" allowed:"days with their times such as mon-fri 09:00-12:00 13:00-18:00, sat 10:00-16:00; or always"`
	Holidays string `mapstructure:"holidays" allowed:"dates with commas between, each with its times if it is not closed, such as 2026-10-01, 2026-12-31 09:00-12:00; or nothing"`

	FirstAnswerMinutes int        `mapstructure:"first_answer_minutes" allowed:"1 to 10000 open minutes until the first answer is overdue"`
	NextAnswerMinutes  int        `mapstructure:"next_answer_minutes" allowed:"1 to 10000 open minutes until each later answer is overdue"`
	ResolutionHours    int        `mapstructure:"resolution_hours" allowed:"1 to 10000 open hours until a case is overdue"`
	Assign             Assignment `mapstructure:"assign" allowed:"by_hand or in_turn"`
}

// Assignment says how a waiting case finds its owner.
type Assignment string

// The assignments: somebody takes it, or the desk gives it to who has least.
const (
	ByHand Assignment = "by_hand"
	InTurn Assignment = "in_turn"
)

// Always are hours in which somebody is always there.
const Always = "always"

// A Span is a part of a day, in minutes after midnight.
type Span struct{ From, To int }

// A Day is a date with hours of its own; without any it is closed.
type Day struct {
	Date  string // 2026-10-01
	Spans []Span
}

var dayNames = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// Week returns the opening hours by [time.Weekday]; all of them empty if
// somebody is always there.
func (d Desk) Week() (week [7][]Span, err error) {
	if d.Hours == Always {
		return week, nil
	}
	for _, item := range list(d.Hours) {
		days, times, _ := strings.Cut(item, " ")
		first, last, isRange := strings.Cut(strings.ToLower(days), "-")
		if !isRange {
			last = first
		}
		from, to := dayOf(first), dayOf(last)
		spans, err := spansOf(times)
		if from < 0 || to < 0 || err != nil || len(spans) == 0 {
			return week, fmt.Errorf("%q names no days with their times", item)
		}
		for day := from; ; day = (day + 1) % 7 {
			week[day] = spans
			if day == to {
				break
			}
		}
	}
	for _, spans := range week {
		if len(spans) > 0 {
			return week, nil
		}
	}
	return week, fmt.Errorf("%q names no times", d.Hours)
}

// Days returns the holidays.
func (d Desk) Days() ([]Day, error) {
	var days []Day
	for _, item := range list(d.Holidays) {
		date, times, _ := strings.Cut(item, " ")
		if _, err := time.Parse(time.DateOnly, date); err != nil {
			return nil, err
		}
		spans, err := spansOf(times)
		if err != nil {
			return nil, err
		}
		days = append(days, Day{date, spans})
	}
	return days, nil
}

func dayOf(name string) int {
	for i, day := range dayNames {
		if name == day {
			return i
		}
	}
	return -1
}

// spansOf reads times such as "09:00-12:00 13:00-18:00", which ascend.
func spansOf(times string) ([]Span, error) {
	var spans []Span
	last := 0
	for _, text := range strings.Fields(times) {
		from, to, _ := strings.Cut(text, "-")
		s := Span{minuteOf(from), minuteOf(to)}
		if s.From < last || s.To <= s.From {
			return nil, fmt.Errorf("%q is no time after the one before", text)
		}
		last = s.To
		spans = append(spans, s)
	}
	return spans, nil
}

// minuteOf reads a time of day up to 24:00, -1 if it is none.
func minuteOf(clock string) int {
	hours, minutes, _ := strings.Cut(clock, ":")
	h, err := strconv.ParseUint(hours, 10, 8)
	m, merr := strconv.ParseUint(minutes, 10, 8)
	if err != nil || merr != nil || m > 59 || h*60+m > 24*60 {
		return -1
	}
	return int(h*60 + m)
}

func (d Desk) validate(reject func(key string)) {
	if _, err := time.LoadLocation(d.Timezone); err != nil || d.Timezone == "" {
		reject("desk.timezone")
	}
	if _, err := d.Week(); err != nil {
		reject("desk.hours")
	}
	if _, err := d.Days(); err != nil {
		reject("desk.holidays")
	}
	const most = 10_000
	for _, n := range []struct {
		key   string
		value int
	}{{"desk.first_answer_minutes", d.FirstAnswerMinutes}, {"desk.next_answer_minutes", d.NextAnswerMinutes}, {"desk.resolution_hours", d.ResolutionHours}} {
		if n.value < 1 || n.value > most {
			reject(n.key)
		}
	}
	if d.Assign != ByHand && d.Assign != InTurn {
		reject("desk.assign")
	}
}

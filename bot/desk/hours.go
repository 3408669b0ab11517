package desk

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"tilldesk/content/source"
)

// Hours are when somebody is there. Zero Hours are always open.
type Hours struct {
	Zone     string    `json:"zone"` // IANA name, such as Asia/Shanghai; UTC if empty
	Week     [7][]Span `json:"week"` // by time.Weekday: Sunday is 0
	Holidays []Holiday `json:"holidays,omitempty"`
}

// A Span is a part of a day, in minutes after midnight: From <= t < To.
type Span struct {
	From int `json:"from"`
	To   int `json:"to"` // 1440 is midnight at its end
}

// A Holiday is a date with other hours than its weekday.
type Holiday struct {
	Date  string `json:"date"` // 2026-10-01
	Name  string `json:"name,omitempty"`
	Spans []Span `json:"spans,omitempty"` // none: closed
}

const minutesOfDay = 24 * 60

// IsZero reports whether nothing is set: always open.
func (h Hours) IsZero() bool {
	return !slices.ContainsFunc(h.Week[:], func(day []Span) bool { return len(day) > 0 })
}

// Check returns what is wrong with hours, as an [*InputError], and nil if
// nothing is.
func (h Hours) Check() error {
	if _, err := time.LoadLocation(h.Zone); err != nil {
		return &InputError{"zone", source.Text{Zh: "请填时区，例如 Asia/Shanghai", En: "a time zone such as Asia/Shanghai"}}
	}
	check := func(field string, spans []Span) error {
		last := 0
		for i, s := range spans {
			if s.From < 0 || s.To > minutesOfDay || s.From >= s.To || i > 0 && s.From < last {
				return &InputError{field, source.Text{Zh: "请按先后填一天里的时间，例如 09:00-12:00 13:00-18:00", En: "times of one day such as 09:00-12:00 13:00-18:00, in order"}}
			}
			last = s.To
		}
		return nil
	}
	for day, spans := range h.Week {
		if err := check(strings.ToLower(time.Weekday(day).String()), spans); err != nil {
			return err
		}
	}
	for _, holiday := range h.Holidays {
		if _, err := time.Parse(time.DateOnly, holiday.Date); err != nil {
			return &InputError{"holidays", source.Text{Zh: "请填日期，例如 2026-10-01", En: "dates such as 2026-10-01"}}
		}
		if err := check("holidays", holiday.Spans); err != nil {
			return err
		}
	}
	return nil
}

// Location is the time zone of the hours; UTC if it is not known.
func (h Hours) Location() *time.Location {
	if zone, ok := zones.Load(h.Zone); ok {
		return zone.(*time.Location)
	}
	zone, err := time.LoadLocation(h.Zone)
	if err != nil {
		return time.UTC
	}
	zones.Store(h.Zone, zone)
	return zone
}

// zones are the locations by name, as each LoadLocation reads a file.
var zones sync.Map

// spans returns the open times of the day of t.
func (h Hours) spans(t time.Time) []Span {
	date := t.Format(time.DateOnly)
	for _, holiday := range h.Holidays {
		if holiday.Date == date {
			return holiday.Spans
		}
	}
	return h.Week[t.Weekday()]
}

// A period is an open time, in real time: daylight saving is in it.
type period struct{ from, to time.Time }

// periods returns the open times of the day of t, which is in the zone.
func (h Hours) periods(t time.Time) []period {
	var all []period
	at := func(minute int) time.Time {
		return time.Date(t.Year(), t.Month(), t.Day(), 0, minute, 0, 0, t.Location())
	}
	for _, s := range h.spans(t) {
		if p := (period{at(s.From), at(s.To)}); p.from.Before(p.to) {
			all = append(all, p)
		}
	}
	return all
}

// farthest bounds the days that are looked through: a desk that opens once a
// year still opens.
const farthest = 400

// Open reports whether somebody is there at t.
func (h Hours) Open(t time.Time) bool {
	if h.IsZero() {
		return true
	}
	return slices.ContainsFunc(h.periods(t.In(h.Location())), func(p period) bool { return !t.Before(p.from) && t.Before(p.to) })
}

// Next returns t if somebody is there, else when somebody is next; the zero
// time if nobody ever is.
func (h Hours) Next(t time.Time) time.Time {
	if h.Open(t) {
		return t
	}
	day := t.In(h.Location())
	for range farthest {
		for _, p := range h.periods(day) {
			if p.from.After(t) {
				return p.from
			}
		}
		day = nextDay(day)
	}
	return time.Time{}
}

// Add returns when d of open time will have passed since t; the zero time if
// it never will.
func (h Hours) Add(t time.Time, d time.Duration) time.Time {
	if h.IsZero() {
		return t.Add(d)
	}
	day := t.In(h.Location())
	for range farthest {
		for _, p := range h.periods(day) {
			from := later(p.from, t)
			if !from.Before(p.to) {
				continue
			}
			if rest := p.to.Sub(from); d > rest {
				d -= rest
				continue
			}
			return from.Add(d)
		}
		day = nextDay(day)
	}
	return time.Time{}
}

// Before returns the latest moment since which d of open time has passed at t:
// who waits since then or longer has waited for d. It is the zero time if so
// much has never passed.
func (h Hours) Before(t time.Time, d time.Duration) time.Time {
	if h.IsZero() {
		return t.Add(-d)
	}
	day := t.In(h.Location())
	for range farthest {
		for _, p := range slices.Backward(h.periods(day)) {
			to := p.to
			if t.Before(to) {
				to = t
			}
			if !p.from.Before(to) {
				continue
			}
			if rest := to.Sub(p.from); d > rest {
				d -= rest
				continue
			}
			return to.Add(-d)
		}
		day = time.Date(day.Year(), day.Month(), day.Day()-1, 12, 0, 0, 0, day.Location())
	}
	return time.Time{}
}

// Between returns how much open time there is from one moment to another.
func (h Hours) Between(from, to time.Time) time.Duration {
	if h.IsZero() {
		return max(to.Sub(from), 0)
	}
	var sum time.Duration
	day := from.In(h.Location())
	for range farthest {
		if day.After(to) {
			break
		}
		for _, p := range h.periods(day) {
			if begin, end := later(p.from, from), p.to; begin.Before(to) {
				if to.Before(end) {
					end = to
				}
				sum += max(end.Sub(begin), 0)
			}
		}
		day = nextDay(day)
	}
	return sum
}

func nextDay(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day()+1, 0, 0, 0, 0, t.Location())
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// hoursSetting is the name under which the store keeps the hours.
const hoursSetting = "desk.hours"

// Hours returns the opening hours: those that staff have set, else those of
// the configuration.
func (d *Desk) Hours(ctx context.Context) (Hours, error) {
	if err := d.loadHours(ctx); err != nil {
		return Hours{}, err
	}
	return *d.hours.Load(), nil
}

// SetHours sets the opening hours for all replicas. It fails with an
// [*InputError] that says what is allowed.
func (d *Desk) SetHours(ctx context.Context, h Hours) error {
	if err := h.Check(); err != nil {
		return err
	}
	text, err := json.Marshal(h)
	if err != nil {
		return fmt.Errorf("storing the opening hours: %w", err)
	}
	if err := d.store.SetSetting(ctx, hoursSetting, string(text)); err != nil {
		return err
	}
	d.hours.Store(&h)
	return nil
}

func (d *Desk) loadHours(ctx context.Context) error {
	text, err := d.store.Setting(ctx, hoursSetting)
	if err != nil {
		return err
	}
	h := d.opt.Hours
	if text != "" {
		h = Hours{}
		if err := json.Unmarshal([]byte(text), &h); err != nil {
			return fmt.Errorf("reading the opening hours: %w", err)
		}
	}
	d.hours.Store(&h)
	return nil
}

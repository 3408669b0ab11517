package console

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"tilldesk/bot/desk"
	"tilldesk/bot/signin"
	"tilldesk/bot/staff"
	"tilldesk/content/source"
)

// hoursBody is the page of the opening hours.
type hoursBody struct {
	Open     bool
	Always   bool // nothing is set
	Now      string
	Zone     string
	Week     []day
	Holidays string
	Lead     bool
}

type day struct {
	Day        time.Weekday
	Name, Text string
}

var weekdays = map[source.Lang][7]string{
	source.Zh: {"周日", "周一", "周二", "周三", "周四", "周五", "周六"},
	source.En: {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"},
}

func (c *Console) hours(w http.ResponseWriter, r *http.Request) {
	ctx, v := r.Context(), signin.From(r.Context())
	p, err := c.begin(r, "hours", "hours.title")
	if err != nil {
		c.fail(w, r, err)
		return
	}
	p.Follows = "none"
	h, err := c.desk.Hours(ctx)
	if err != nil {
		c.fail(w, r, err)
		return
	}
	now := c.now()
	body := hoursBody{Open: h.Open(now), Always: h.IsZero(), Now: say(v.Lang, "hours.open"), Zone: h.Zone, Lead: v.Role.Includes(staff.Lead)}
	if !body.Open {
		body.Now = say(v.Lang, "hours.never")
		if next := h.Next(now); !next.IsZero() {
			body.Now = say(v.Lang, "hours.shut", moment(v.Lang, next, now, h.Location()))
		}
	}
	for i := range 7 {
		weekday := time.Weekday((i + 1) % 7) // Monday first
		body.Week = append(body.Week, day{weekday, weekdays[v.Lang][weekday], writeSpans(h.Week[weekday])})
	}
	var holidays []string
	for _, one := range h.Holidays {
		holidays = append(holidays, strings.Join(strings.Fields(one.Date+" "+writeSpans(one.Spans)+" "+one.Name), " "))
	}
	body.Holidays = strings.Join(holidays, "\n")
	p.Body = body
	c.show(w, r, http.StatusOK, "hours", p)
}

func (c *Console) saveHours(w http.ResponseWriter, r *http.Request) {
	v := signin.From(r.Context())
	h := desk.Hours{Zone: strings.TrimSpace(r.PostFormValue("zone"))}
	var err error
	for i := range h.Week {
		name := weekdays[v.Lang][i]
		if h.Week[i], err = readSpans(strings.Fields(r.PostFormValue(fmt.Sprintf("day%d", i))), name); err != nil {
			c.fail(w, r, err)
			return
		}
	}
	if h.Holidays, err = readHolidays(r.PostFormValue("holidays")); err == nil {
		err = c.desk.SetHours(r.Context(), h)
	}
	if err != nil {
		c.fail(w, r, err)
		return
	}
	c.done(w, r, "/desk/hours", told{Told: say(v.Lang, "saved")})
}

func writeSpans(spans []desk.Span) string {
	var all []string
	for _, s := range spans {
		all = append(all, fmt.Sprintf("%02d:%02d-%02d:%02d", s.From/60, s.From%60, s.To/60, s.To%60))
	}
	return strings.Join(all, " ")
}

// readSpans reads times such as 09:00-12:00; field is named in the error.
func readSpans(words []string, field string) ([]desk.Span, error) {
	var all []desk.Span
	for _, word := range words {
		s, ok := readSpan(word)
		if !ok {
			return nil, &desk.InputError{Field: field, Why: source.Text{
				Zh: fmt.Sprintf("“%.40s”不对，请这样填：09:00-12:00 13:00-18:00", word),
				En: fmt.Sprintf("“%.40s” cannot be read; write 09:00-12:00 13:00-18:00", word),
			}}
		}
		all = append(all, s)
	}
	return all, nil
}

func readSpan(word string) (desk.Span, bool) {
	from, to, ok := strings.Cut(strings.NewReplacer("：", ":", "–", "-", "—", "-", "－", "-").Replace(word), "-")
	if !ok {
		return desk.Span{}, false
	}
	s := desk.Span{From: readClock(from), To: readClock(to)}
	return s, s.From >= 0 && s.To > s.From
}

// readClock reads a time of day as minutes after midnight, -1 if it is none;
// 24:00 is the end of the day.
func readClock(text string) int {
	hour, minute, ok := strings.Cut(text, ":")
	h, err := strconv.Atoi(hour)
	m, err2 := strconv.Atoi(minute)
	if !ok || err != nil || err2 != nil || h < 0 || h > 24 || m < 0 || m > 59 || h == 24 && m > 0 {
		return -1
	}
	return 60*h + m
}

func readHolidays(text string) ([]desk.Holiday, error) {
	var all []desk.Holiday
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		one := desk.Holiday{Date: words[0]}
		rest := words[1:]
		for len(rest) > 0 {
			s, ok := readSpan(rest[0])
			if !ok {
				break
			}
			one.Spans, rest = append(one.Spans, s), rest[1:]
		}
		one.Name = strings.Join(rest, " ")
		all = append(all, one)
	}
	return all, nil
}

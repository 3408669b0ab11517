package desk

import "time"

// Allowance is how long a merchant may wait, in open hours. High urgency
// halves the times for an answer, the highest quarters them.
type Allowance struct {
	First      time.Duration // from the hand-over to the first answer
	Next       time.Duration // to each later one
	Resolution time.Duration // from the first hand-over to the end
}

// DefaultAllowance holds where nothing else is configured.
var DefaultAllowance = Allowance{First: 10 * time.Minute, Next: 15 * time.Minute, Resolution: 8 * time.Hour}

func (a Allowance) orDefault() Allowance {
	for _, v := range []struct{ to, from *time.Duration }{
		{&a.First, &DefaultAllowance.First}, {&a.Next, &DefaultAllowance.Next}, {&a.Resolution, &DefaultAllowance.Resolution},
	} {
		if *v.to <= 0 {
			*v.to = *v.from
		}
	}
	return a
}

// pressed shortens a time by the urgency.
func pressed(d time.Duration, u Urgency) time.Duration {
	switch {
	case u >= Urgent:
		return d / 4
	case u == High:
		return d / 2
	}
	return d
}

// late returns from when on a wait is too long by now.
func (d *Desk) late(now time.Time) Late {
	h := *d.hours.Load()
	var l Late
	for u := Low; u <= Urgent; u++ {
		l.First[u] = h.Before(now, pressed(d.opt.Allow.First, u))
		l.Next[u] = h.Before(now, pressed(d.opt.Allow.Next, u))
	}
	l.Resolution = h.Before(now, d.opt.Allow.Resolution)
	return l
}

// dated adds the due times to a case.
func (d *Desk) dated(c Case) Case {
	c.Due = Due{}
	if !c.Open() {
		return c
	}
	h := *d.hours.Load()
	if !c.Unanswered.IsZero() {
		c.Due.Kind = NextAnswer
		allow := d.opt.Allow.Next
		if c.Answered.IsZero() {
			c.Due.Kind, allow = FirstAnswer, d.opt.Allow.First
		}
		c.Due.Answer = h.Add(c.Unanswered, pressed(allow, c.Urgency))
	}
	c.Due.Resolution = h.Add(c.Opened, d.opt.Allow.Resolution)
	return c
}

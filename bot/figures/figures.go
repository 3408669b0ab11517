// Package figures counts how the bot and the staff are doing: what was solved
// without a person, what was handed over and why, how long merchants waited and
// what they thought of it. It is a pure function of what the store has.
package figures

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"tilldesk/bot/dialog"
)

// A Case is what is counted of a case.
type Case struct {
	Opened   time.Time
	Answered time.Time // first answer of a person; zero if there was none
	Cause    dialog.Cause
	Intent   string // of the symptom, or ""
	Channel  string
	Rating   int // 1 to 5, 0 if not rated
}

// A Fix is a guided fix that began, or the merchant's word that it worked.
type Fix struct {
	At      time.Time
	Intent  string // of one that began
	Channel string
	Fixed   bool
}

// Named is how often something was there.
type Named struct {
	Name string
	N    int
}

// A Day is what happened on a date.
type Day struct {
	Date           time.Time // its beginning, in the zone
	Solved, Handed int
}

// A Channel is what happened on a channel.
type Channel struct {
	Name           string
	Solved, Handed int
}

// Figures are the counts over some days.
type Figures struct {
	Begun    int // guided fixes
	Solved   int // of them by the bot, as the merchants say
	Handed   int // to a person
	Answered int // of these, by a person
	// Median and Ninety are how long half and nine of ten of those who were
	// answered waited for the first answer; 0 if nobody was.
	Median, Ninety time.Duration
	Ratings        [6]int // by stars; the first is not used
	Causes         []Named
	Symptoms       []Named // of the fixes, the most frequent first
	Channels       []Channel
	Days           []Day // all of them, oldest first
}

// Rated is how many ratings there are, and their mean, 0 if there are none.
func (f Figures) Rated() (n int, mean float64) {
	sum := 0
	for stars, count := range f.Ratings {
		n += count
		sum += stars * count
	}
	if n > 0 {
		mean = float64(sum) / float64(n)
	}
	return n, mean
}

// Of counts what happened on the last days, today being the last one. Cases
// and fixes of other days are left out. zone says where the days begin.
func Of(cases []Case, fixes []Fix, now time.Time, days int, zone *time.Location) Figures {
	var f Figures
	index := map[string]int{}
	today := now.In(zone)
	for i := range days {
		date := time.Date(today.Year(), today.Month(), today.Day()-days+1+i, 0, 0, 0, 0, zone)
		index[date.Format(time.DateOnly)] = i
		f.Days = append(f.Days, Day{Date: date})
	}
	day := func(t time.Time) *Day {
		i, ok := index[t.In(zone).Format(time.DateOnly)]
		if !ok {
			return nil
		}
		return &f.Days[i]
	}
	causes, symptoms, channels := map[string]int{}, map[string]int{}, map[string]*Channel{}
	channel := func(name string) *Channel {
		if channels[name] == nil {
			channels[name] = &Channel{Name: name}
		}
		return channels[name]
	}
	for _, fix := range fixes {
		d := day(fix.At)
		switch {
		case d == nil:
		case fix.Fixed:
			f.Solved++
			d.Solved++
			channel(fix.Channel).Solved++
		default:
			f.Begun++
			symptoms[fix.Intent]++
		}
	}
	var waits []time.Duration
	for _, c := range cases {
		d := day(c.Opened)
		if d == nil {
			continue
		}
		f.Handed++
		d.Handed++
		channel(c.Channel).Handed++
		causes[string(c.Cause)]++
		if c.Rating >= 1 && c.Rating <= 5 {
			f.Ratings[c.Rating]++
		}
		if !c.Answered.IsZero() {
			f.Answered++
			waits = append(waits, max(c.Answered.Sub(c.Opened), 0))
		}
	}
	slices.Sort(waits)
	f.Median, f.Ninety = quantile(waits, 50), quantile(waits, 90)
	f.Causes, f.Symptoms = ranked(causes), ranked(symptoms)
	f.Channels = slices.SortedFunc(func(yield func(Channel) bool) {
		for _, c := range channels {
			if !yield(*c) {
				return
			}
		}
	}, func(a, b Channel) int { return cmp.Compare(a.Name, b.Name) })
	return f
}

// quantile returns the value that so many percent of the sorted ones do not
// exceed.
func quantile(sorted []time.Duration, percent int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[(len(sorted)*percent+99)/100-1]
}

func ranked(counts map[string]int) []Named {
	var all []Named
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		all = append(all, Named{name, counts[name]})
	}
	slices.SortStableFunc(all, func(a, b Named) int { return cmp.Compare(b.N, a.N) })
	return all
}

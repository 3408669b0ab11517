package console

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"tilldesk/bot/figures"
	"tilldesk/bot/signin"
	"tilldesk/content/source"
)

// figuresBody is the page of the figures.
type figuresBody struct {
	Spans []tab
	Tiles []tile
	Plots []plot
}

type tile struct{ Name, Value, Note string }

// spans are the numbers of days that can be looked at; the first is shown if
// none is asked for.
var spans = []int{7, 1, 30, 90}

func (c *Console) figures(w http.ResponseWriter, r *http.Request) {
	ctx, v := r.Context(), signin.From(r.Context())
	p, err := c.begin(r, "figures", "figures.title")
	if err != nil {
		c.fail(w, r, err)
		return
	}
	p.Follows, p.Pause = "all", 5000
	days := spans[0]
	for _, n := range spans {
		if r.URL.Query().Get("days") == strconv.Itoa(n) {
			days = n
		}
	}
	f, err := c.countFor(ctx, days)
	if err != nil {
		c.fail(w, r, err)
		return
	}
	lang := v.Lang
	rated, mean := f.Rated()
	body := figuresBody{Tiles: []tile{
		{say(lang, "figures.open"), strconv.Itoa(p.counts.All), say(lang, "figures.open_note", p.counts.Waiting)},
		{say(lang, "figures.solved"), strconv.Itoa(f.Solved), say(lang, "figures.solved_note", f.Begun)},
		{say(lang, "figures.handed"), strconv.Itoa(f.Handed), ""},
		{say(lang, "figures.wait"), "–", ""},
		{say(lang, "figures.rating"), "–", say(lang, "figures.rating_note", rated)},
	}}
	if f.Answered > 0 {
		body.Tiles[3].Value, body.Tiles[3].Note = span(lang, f.Median), say(lang, "figures.wait_note", span(lang, f.Ninety))
	}
	if rated > 0 {
		body.Tiles[4].Value = fmt.Sprintf("%.1f", mean)
	}
	for _, n := range []int{1, 7, 30, 90} {
		body.Spans = append(body.Spans, tab{Name: daysName(lang, n), Path: "/desk/figures?days=" + strconv.Itoa(n), Here: n == days})
	}
	body.Plots = c.plots(lang, f)
	p.Body = body
	c.show(w, r, http.StatusOK, "figures", p)
}

// plots sets out the figures as plots.
func (c *Console) plots(lang source.Lang, f figures.Figures) []plot {
	solved, handed := series{say(lang, "figures.s_solved"), "s1"}, series{say(lang, "figures.s_handed"), "s2"}
	byDay := columns{title: say(lang, "figures.by_day"), first: say(lang, "figures.day"), series: []series{solved, handed}}
	for _, d := range f.Days {
		byDay.add(dayName(lang, d.Date), d.Solved, d.Handed)
	}
	byCause := bars{title: say(lang, "figures.by_cause"), first: say(lang, "fact.cause"), number: say(lang, "figures.n"), class: "s2"}
	for _, n := range f.Causes {
		byCause.add(sayOr(lang, "cause."+n.Name, n.Name), n.N)
	}
	bySymptom := bars{title: say(lang, "figures.by_symptom"), first: say(lang, "content.symptom"), number: say(lang, "figures.n"), class: "s1"}
	for _, n := range f.Symptoms[:min(len(f.Symptoms), 8)] {
		bySymptom.add(c.symptom(lang, n.Name), n.N)
	}
	byChannel := columns{title: say(lang, "figures.by_channel"), first: say(lang, "fact.channel"), series: []series{solved, handed}}
	for _, n := range f.Channels {
		byChannel.add(sayOr(lang, "channel."+n.Name, n.Name), n.Solved, n.Handed)
	}
	byRating := bars{title: say(lang, "figures.by_rating"), first: say(lang, "fact.rating"), number: say(lang, "figures.n"), class: "s3"}
	if n, _ := f.Rated(); n > 0 {
		for stars := 5; stars >= 1; stars-- {
			byRating.add(strconv.Itoa(stars), f.Ratings[stars])
		}
	}
	return []plot{byDay.plot(), byCause.plot(), bySymptom.plot(), byChannel.plot(), byRating.plot()}
}

func daysName(lang source.Lang, n int) string {
	if n == 1 {
		return say(lang, "figures.today")
	}
	return say(lang, "figures.days", n)
}

func dayName(lang source.Lang, t time.Time) string {
	if lang == source.Zh {
		return t.Format("1月2日")
	}
	return t.Format("2 Jan")
}

// symptom is what an intent is called.
func (c *Console) symptom(lang source.Lang, intent string) string {
	k := c.opt.Knowledge()
	if k == nil {
		return intent
	}
	if p := k.Script.Playbook(intent); p != nil {
		return p.Title.In(lang)
	}
	if label := k.Script.Label(intent).In(lang); intent != "" && label != "" {
		return label
	}
	return say(lang, "figures.unknown")
}

// nice is a round number that is at least n, to end an axis with.
func nice(n int) int {
	if n <= 4 {
		return 4
	}
	unit := int(math.Pow(10, math.Floor(math.Log10(float64(n)))))
	for _, times := range []int{1, 2, 4, 6, 8, 10} {
		if times*unit >= n {
			return times * unit
		}
	}
	return 10 * unit
}

// countedFor is how long figures are shown before they are counted anew
// although nothing has happened on the desk: what the bot solves alone is no
// event of it.
const countedFor = 5 * time.Second

// counted are figures that were counted a moment ago, after an event.
type counted struct {
	at      time.Time
	event   int64
	figures figures.Figures
}

// countFor counts the figures of the last days. Many who look at them after the
// same event share one count.
func (c *Console) countFor(ctx context.Context, days int) (figures.Figures, error) {
	c.counting.Lock()
	defer c.counting.Unlock()
	now := c.now()
	event, err := c.desk.LastEvent(ctx)
	if err != nil {
		return figures.Figures{}, err
	}
	if had, ok := c.counted[days]; ok && had.event == event && now.Sub(had.at) < countedFor {
		return had.figures, nil
	}
	since := now.AddDate(0, 0, -days)
	cases, err := c.store.CasesSince(ctx, since)
	if err != nil {
		return figures.Figures{}, err
	}
	fixes, err := c.store.FixesSince(ctx, since)
	if err != nil {
		return figures.Figures{}, err
	}
	f := figures.Of(cases, fixes, now, days, c.zone())
	c.counted[days] = counted{now, event, f}
	return f, nil
}

package desk

import (
	"time"

	"tilldesk/bot"
	"tilldesk/bot/dialog"
	"tilldesk/content/source"
)

// Promise returns what a merchant is told after a hand-over about what happens
// next: how long it has taken lately, or when the desk opens. It is for
// bot.Options.HandedOver and does not block.
func (d *Desk) Promise(st dialog.State, _ dialog.Handoff) []bot.Reply {
	k := d.opt.Knowledge()
	if k == nil {
		return nil
	}
	return bot.Render(st, []dialog.Line{{Key: "desk.next", Kind: dialog.KindNotice, Text: d.promise(k.Script, d.opt.Now())}})
}

func (d *Desk) promise(script *dialog.Script, now time.Time) source.Text {
	h := *d.hours.Load()
	if !h.Open(now) {
		if next := h.Next(now); !next.IsZero() {
			return script.Text("desk.next.closed", "opens", moment(next, now, h.Location()))
		}
	}
	if wait := time.Duration(d.wait.Load()); wait > 0 && h.Open(now) {
		return script.Text("desk.next.wait", "wait", roughly(wait))
	}
	return script.Text("desk.next")
}

// roughly says a time as people do, never shorter than it is.
func roughly(d time.Duration) source.Text {
	for _, step := range []struct {
		upTo time.Duration
		text source.Text
	}{
		{2 * time.Minute, source.Text{Zh: "两分钟", En: "two minutes"}},
		{5 * time.Minute, source.Text{Zh: "五分钟", En: "five minutes"}},
		{10 * time.Minute, source.Text{Zh: "十分钟", En: "ten minutes"}},
		{15 * time.Minute, source.Text{Zh: "一刻钟", En: "a quarter of an hour"}},
		{30 * time.Minute, source.Text{Zh: "半小时", En: "half an hour"}},
		{time.Hour, source.Text{Zh: "一小时", En: "an hour"}},
		{2 * time.Hour, source.Text{Zh: "两小时", En: "two hours"}},
		{4 * time.Hour, source.Text{Zh: "四小时", En: "four hours"}},
	} {
		if d <= step.upTo {
			return step.text
		}
	}
	return source.Text{Zh: "半天", En: "half a day"}
}

var weekdays = [7]string{"周日", "周一", "周二", "周三", "周四", "周五", "周六"}

// moment says a time within the next days, in the zone of the desk.
func moment(t, now time.Time, zone *time.Location) source.Text {
	t, now = t.In(zone), now.In(zone)
	clock := t.Format("15:04")
	midnight := func(t time.Time) time.Time { return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC) }
	switch days := int(midnight(t).Sub(midnight(now)) / (24 * time.Hour)); {
	case days == 0:
		return source.Text{Zh: "今天 " + clock + " ", En: clock + " today"}
	case days == 1:
		return source.Text{Zh: "明天 " + clock + " ", En: clock + " tomorrow"}
	case days < 7:
		return source.Text{Zh: weekdays[t.Weekday()] + " " + clock + " ", En: clock + " on " + t.Weekday().String()}
	}
	return source.Text{Zh: t.Format("1月2日 15:04 "), En: t.Format("15:04 on 2 January")}
}

package main

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/desk"
	"tilldesk/bot/dialog"
	"tilldesk/bot/staff"
	"tilldesk/bot/store"
	"tilldesk/config"
	"tilldesk/content"
)

// deskPart is where people take over. It sets s.desk, for the parts that have
// surfaces of it.
func deskPart() part { return part{name: "desk", open: openDesk, examine: examineLessons} }

func openDesk(_ context.Context, s *service) (plug, error) {
	hours, err := hoursOf(s.cfg.Desk)
	if err != nil {
		return plug{}, err
	}
	s.desk = desk.New(s.db, desk.Options{
		Knowledge: s.knowledge,
		Roster:    roster{s.staff},
		Pull:      s.pulls,
		Hours:     hours,
		Allow: desk.Allowance{
			First:      time.Duration(s.cfg.Desk.FirstAnswerMinutes) * time.Minute,
			Next:       time.Duration(s.cfg.Desk.NextAnswerMinutes) * time.Minute,
			Resolution: time.Duration(s.cfg.Desk.ResolutionHours) * time.Hour,
		},
		Assign: s.cfg.Desk.Assign == config.InTurn,
		Log:    s.log,
		Said:   s.announce,
		Typing: s.typing,
	})
	return plug{
		work:      s.desk.Run,
		committed: func(bot.ConversationID) { s.desk.Wake() },
	}, nil
}

// examineLessons says what the bot has learnt from what helped and from what
// staff found.
func examineLessons(ctx context.Context, cfg config.Config, db *store.DB) []finding {
	if db == nil {
		return nil
	}
	counts, err := db.Outcomes(ctx)
	if err != nil {
		return []finding{{"lessons", false, oneLine(err)}}
	}
	fsys, err := content.Open(cfg.Content.Dir)
	if err != nil {
		return nil // said of the content already
	}
	c, err := content.Load(fsys)
	if err != nil {
		return nil
	}
	shifts := c.Script.Learn(counts).Shifts()
	if len(shifts) == 0 {
		return []finding{{"lessons", true, "nothing that has happened shifts the playbooks yet"}}
	}
	slices.SortStableFunc(shifts, func(a, b dialog.Shift) int { return cmp.Compare(math.Abs(b.To-b.From), math.Abs(a.To-a.From)) })
	var found []finding
	for _, s := range shifts[:min(len(shifts), 5)] {
		of := s.Intent
		if s.Brand != "" {
			of += " on " + s.Brand
		}
		found = append(found, finding{"lessons", true, fmt.Sprintf("%s: %s from %.0f%% to %.0f%%, after %.0f outcomes", of, s.Cause, 100*s.From, 100*s.To, s.N)})
	}
	return found
}

func hoursOf(cfg config.Desk) (desk.Hours, error) {
	hours := desk.Hours{Zone: cfg.Timezone}
	week, err := cfg.Week()
	if err != nil {
		return hours, fmt.Errorf("desk.hours: %w", err)
	}
	for day, spans := range week {
		hours.Week[day] = spansOf(spans)
	}
	days, err := cfg.Days()
	if err != nil {
		return hours, fmt.Errorf("desk.holidays: %w", err)
	}
	for _, day := range days {
		hours.Holidays = append(hours.Holidays, desk.Holiday{Date: day.Date, Spans: spansOf(day.Spans)})
	}
	return hours, nil
}

func spansOf(spans []config.Span) []desk.Span {
	var all []desk.Span
	for _, s := range spans {
		all = append(all, desk.Span(s))
	}
	return all
}

// roster are the staff accounts as the desk sees them.
type roster struct{ accounts *staff.Accounts }

func (r roster) Members(ctx context.Context) ([]desk.Member, error) {
	all, err := r.accounts.All(ctx)
	if err != nil {
		return nil, err
	}
	var members []desk.Member
	for _, s := range all {
		if s.Enabled() {
			members = append(members, desk.Member{ID: string(s.ID), Name: s.Name, Lead: s.Role == staff.Lead, Away: s.Away, Langs: s.Speaks})
		}
	}
	return members, nil
}

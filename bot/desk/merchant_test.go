package desk_test

import (
	"testing"

	"tilldesk/bot"
	"tilldesk/bot/desk"
	"tilldesk/bot/dialog"
	"tilldesk/intents"
)

// TestAngerIsUrgent lets a merchant get angry while a case waits, and after it
// was thought to be done.
func TestAngerIsUrgent(t *testing.T) {
	each(t, desk.Options{}, func(f *fixture) {
		writes := func(shop string, angry bool) {
			f.says(shop, "怎么还没人理我", func(t *bot.Turn) {
				out := knowledge(f).Script.Step(t.State, dialog.Input{Text: "怎么还没人理我", Lang: "zh", Angry: angry, Decision: intents.Reject})
				t.State, t.Feedback, t.Angry = out.State, out.Feedback, out.Angry
			})
		}
		urged := func(ticket string, want desk.Urgency, times int) {
			f.Helper()
			c := must(f.desk.Case(f.Context(), ticket))(f)
			n := 0
			for _, e := range must(f.desk.Timeline(f.Context(), ticket, 0, 0))(f) {
				if e.Kind == desk.EventUrgency && e.Actor == "" && e.Text == "2" {
					n++
				}
			}
			if c.Urgency != want || n != times {
				f.Errorf("case %s: urgency %d with %d events, want %d with %d", ticket, c.Urgency, n, want, times)
			}
		}
		ticket := f.handOver("shop", dialog.Handoff{Cause: dialog.CauseAsked})
		writes("shop", false)
		urged(ticket, desk.Normal, 0)
		writes("shop", true)
		writes("shop", true)
		urged(ticket, desk.High, 1)

		money := f.handOver("money", dialog.Handoff{Cause: dialog.CauseMoney})
		writes("money", true)
		urged(money, desk.Urgent, 0)

		done := f.handOver("done", dialog.Handoff{Cause: dialog.CauseAsked})
		must(f.desk.Resolve(f.Context(), done, lin, desk.Finding{}))(f)
		writes("done", true)
		urged(done, desk.High, 1)
	})
}

// TestRatedAtOnce rates a case instead of saying whether it is solved.
func TestRatedAtOnce(t *testing.T) {
	each(t, desk.Options{}, func(f *fixture) {
		ticket := f.handOver("shop", dialog.Handoff{Cause: dialog.CauseAsked})
		must(f.desk.Resolve(f.Context(), ticket, lin, desk.Finding{}))(f)
		f.says("shop", "5分", func(t *bot.Turn) {
			out := knowledge(f).Script.Step(t.State, dialog.Input{Text: "5分", Lang: "zh", Decision: intents.Reject})
			t.State, t.Feedback, t.Angry = out.State, out.Feedback, out.Angry
		})
		if c := must(f.desk.Case(f.Context(), ticket))(f); c.State != desk.Closed || c.Solved != desk.SolvedY || c.Rating != 5 {
			f.Errorf("the case is %s, solved %q, rating %d; want closed, yes, 5", c.State, c.Solved, c.Rating)
		}
	})
}

package console_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"tilldesk/bot/desk"
	"tilldesk/bot/dialog"
	"tilldesk/bot/staff"
	"tilldesk/bot/store/storetest"
)

// TestFigures counts on both databases what merchants and staff did.
func TestFigures(t *testing.T) {
	storetest.Each(t, func(t *testing.T, dsn string) {
		s := start(t, dsn)
		sam := s.hire("Sam", staff.Agent, "en")
		who := desk.Actor{ID: string(sam.ID), Name: "Sam"}
		began := time.Now()
		s.behind.Store(int64(40 * 24 * time.Hour))
		s.hears("web", "long ago", "花呗扫不了")
		s.hears("web", "long ago", "找人工")
		s.behind.Store(0)
		s.hears("web", "solved", "花呗扫不了")
		s.hears("web", "solved", "好了，可以用了")
		id := s.hears("wechat", "handed", "扫码没反应")
		s.hears("wechat", "handed", "找人工")
		ticket := s.ticketOf(id)
		if _, _, err := s.desk.Reply(t.Context(), ticket, who, desk.Message{Text: "您好"}); err != nil {
			t.Fatal(err)
		}

		cases, err := s.db.CasesSince(t.Context(), began.Add(-time.Minute))
		if err != nil || len(cases) != 1 || cases[0].Cause != dialog.CauseAsked || cases[0].Channel != "wechat" || cases[0].Answered.IsZero() {
			t.Errorf("cases: %+v, %v", cases, err)
		}
		fixes, err := s.db.FixesSince(t.Context(), began.Add(-time.Minute))
		if err != nil || len(fixes) != 3 {
			t.Errorf("fixes: %+v, %v; want two that began and one that worked", fixes, err)
		}
		symptoms := map[string]int{}
		for _, f := range fixes {
			if f.Fixed {
				symptoms["fixed on "+f.Channel]++
			} else {
				symptoms[f.Intent+" on "+f.Channel]++
			}
		}
		for _, want := range []string{"scan.huabei on web", "scan.all_codes on wechat", "fixed on web"} {
			if symptoms[want] != 1 {
				t.Errorf("%s: %d times, want once; all: %v", want, symptoms[want], symptoms)
			}
		}

		all, err := s.db.History(t.Context(), id, 0, 100)
		if err != nil {
			t.Fatal(err)
		}
		last, err := s.db.Before(t.Context(), id, 0, 2)
		if err != nil || len(last) != 2 || last[0].ID != all[len(all)-2].ID || last[1].ID != all[len(all)-1].ID {
			t.Errorf("the last two of %d messages: %v, %v", len(all), last, err)
		}
		first, err := s.db.Before(t.Context(), id, all[1].Seq, 10)
		if err != nil || len(first) != 1 || first[0].ID != all[0].ID {
			t.Errorf("what is before the second message: %v, %v", first, err)
		}

		c := s.signIn("Sam")
		numbers := func(days string) string {
			_, body := c.get("/desk/figures?days=" + days)
			text := regexp.MustCompile(`<[^>]*>`).ReplaceAllString(body[strings.Index(body, `class="tiles"`):], " ")
			return strings.Join(strings.Fields(text), " ")
		}
		for _, tt := range []struct{ days, want string }{
			{"7", "Solved by the bot, confirmed 1 of 2 fixes begun"}, {"7", "Handed over 1 "}, {"90", "of 3 fixes begun"}, {"90", "Handed over 2 "},
		} {
			if got := numbers(tt.days); !strings.Contains(got, tt.want) {
				t.Errorf("the figures of %s days do not say %q: %.300s", tt.days, tt.want, got)
			}
		}
	})
}

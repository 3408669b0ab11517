package desk_test

import (
	"errors"
	"testing"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/desk"
	"tilldesk/bot/dialog"
)

// TestSplitGivesBack names and blocks merchants before and while their
// conversations are merged. When the merge is taken back each has what it had
// before, or has been given for itself since.
func TestSplitGivesBack(t *testing.T) {
	for name, tt := range map[string]struct {
		before, between func(f *fixture, double, kept string)
		double, kept    string // names after it
		blocked         [2]bool
	}{
		"the names of before": {
			before: func(f *fixture, double, kept string) {
				must(f.desk.Rename(f.Context(), double, lin, "老王面馆"))(f)
				must(f.desk.Rename(f.Context(), kept, lin, "小李超市"))(f)
			},
			double: "老王面馆", kept: "小李超市",
		},
		"the one name of before": {
			before: func(f *fixture, double, _ string) { must(f.desk.Rename(f.Context(), double, lin, "老王面馆"))(f) },
			double: "老王面馆",
		},
		"a name of between": {
			before:  func(f *fixture, double, _ string) { must(f.desk.Rename(f.Context(), double, lin, "老王面馆"))(f) },
			between: func(f *fixture, _, kept string) { must(f.desk.Rename(f.Context(), kept, lin, "小李超市"))(f) },
			double:  "老王面馆", kept: "小李超市",
		},
		"a block of between": {
			between: func(f *fixture, _, kept string) {
				c := must(f.desk.Case(f.Context(), kept))(f)
				if err := f.desk.Block(f.Context(), c.Conversation, wu, "adverts"); err != nil {
					f.Fatal(err)
				}
			},
			blocked: [2]bool{false, true},
		},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, desk.Options{}, func(f *fixture) {
				ctx := f.Context()
				double, kept := f.handOver("first", dialog.Handoff{Cause: dialog.CauseAsked}), f.handOver("second", dialog.Handoff{Cause: dialog.CauseAsked})
				if tt.before != nil {
					tt.before(f, double, kept)
				}
				must(f.desk.Merge(ctx, double, lin, kept))(f)
				if tt.between != nil {
					tt.between(f, double, kept)
				}
				check := func(when string, own bool) {
					f.Helper()
					for i, ticket := range []string{double, kept} {
						c := must(f.desk.Case(ctx, ticket))(f)
						called, blocked := c.Merchant, c.Blocked
						if own {
							var err error
							if called, blocked, err = f.db.Own(ctx, c.Conversation); err != nil {
								f.Fatal(err)
							}
						}
						if want := [...]string{tt.double, tt.kept}[i]; called != want || !blocked.IsZero() != tt.blocked[i] {
							f.Errorf("%s, %s is called %q, blocked since %v; want %q, %t", when, ticket, called, blocked, want, tt.blocked[i])
						}
					}
				}
				check("as is said before it is taken back", true)
				must(f.desk.Split(ctx, double, wu))(f)
				check("after it is", false)
				check("after it is, by itself", true)
				// What is given now is nobody else's.
				must(f.desk.Rename(ctx, double, wu, "三号店"))(f)
				if c := must(f.desk.Case(ctx, kept))(f); c.Merchant != tt.kept {
					f.Errorf("the other one is called %q", c.Merchant)
				}
			})
		})
	}
}

// TestSplitOfThree takes one of three conversations out: the others stay one
// merchant, with a name that is theirs.
func TestSplitOfThree(t *testing.T) {
	each(t, desk.Options{}, func(f *fixture) {
		ctx := f.Context()
		var tickets []string
		for _, shop := range []string{"web", "phone", "app"} {
			tickets = append(tickets, f.handOver(shop, dialog.Handoff{Cause: dialog.CauseAsked}))
		}
		must(f.desk.Rename(ctx, tickets[0], lin, "老王面馆"))(f)
		must(f.desk.Rename(ctx, tickets[1], lin, "小李超市"))(f)
		must(f.desk.Merge(ctx, tickets[0], lin, tickets[2]))(f)
		must(f.desk.Merge(ctx, tickets[1], lin, tickets[2]))(f)
		must(f.desk.Split(ctx, tickets[0], lin))(f)
		for i, want := range []string{"老王面馆", "小李超市", "小李超市"} {
			if c := must(f.desk.Case(ctx, tickets[i]))(f); c.Merchant != want {
				f.Errorf("%s is called %q, want %q", tickets[i], c.Merchant, want)
			}
		}
	})
}

// TestEraseLeavesOthers erases one of the conversations of a merchant: nothing
// of the others, which may be somebody else's.
func TestEraseLeavesOthers(t *testing.T) {
	each(t, desk.Options{}, func(f *fixture) {
		ctx, m := f.Context(), merge(f)
		must(f.desk.Rename(ctx, m.kept, lin, "老王面馆"))(f)
		stranger := must(f.desk.Case(ctx, f.handOver("a stranger", dialog.Handoff{Cause: dialog.CauseAsked})))(f)
		if _, err := f.db.EraseSeveral(ctx, m.phone, stranger.Conversation); !errors.Is(err, desk.ErrNotSame) {
			f.Errorf("erasing a stranger too: %v", err)
		}
		must(f.desk.Case(ctx, m.kept))(f)

		// The one with the case goes: who waits in the other one waits for somebody.
		must(f.db.Erase(ctx, m.phone))(f)
		if _, err := f.desk.Case(ctx, m.kept); !errors.Is(err, desk.ErrNotFound) {
			f.Errorf("the erased case: %v", err)
		}
		c := must(f.desk.Case(ctx, m.double))(f)
		if c.State != desk.Waiting || c.Owner != "" || c.MergedInto != "" || c.Unanswered.IsZero() || c.Merchant != "" {
			f.Errorf("the other one is %+v", c)
		}
		if st := must(f.db.Conversation(ctx, m.web))(f).State; st.Phase != dialog.WithHuman || st.Ticket != m.double {
			f.Errorf("its merchant is %s with %q", st.Phase, st.Ticket)
		}
		alerts := 0
		events := must(f.desk.Timeline(ctx, m.double, 0, 0))(f)
		for _, e := range events[len(events)-2:] {
			switch e.Kind {
			case desk.EventErased, desk.EventWaiting:
				alerts++
			}
		}
		if alerts != 2 {
			f.Errorf("it ends with %+v", events[len(events)-2:])
		}
		must(f.desk.Take(ctx, m.double, may))(f)
		m.says("on web", "还在吗")
		if e := m.last(m.web); e.Author != bot.Merchant {
			f.Errorf("the bot says %q while a person has the case", e.Reply.Text)
		}
		if must(f.desk.Case(ctx, m.double))(f).Unanswered.IsZero() {
			f.Error("the people of the case do not hear the merchant")
		}
	})
}

// TestEraseWithoutACase erases the conversation whose people have a merchant
// who has no case in the other one: they get one.
func TestEraseWithoutACase(t *testing.T) {
	each(t, desk.Options{}, func(f *fixture) {
		ctx, m := f.Context(), merge(f)
		must(f.desk.Resolve(ctx, m.kept, lin, desk.Finding{}))(f)
		for _, ticket := range []string{m.kept, m.double} {
			f.clock.add(24 * 31 * time.Hour)
			if err := f.desk.Tend(ctx); err != nil {
				f.Fatal(err)
			}
			if c := must(f.desk.Case(ctx, ticket))(f); c.State != desk.Closed {
				f.Fatalf("%s is %s", ticket, c.State)
			}
		}
		fresh := f.handOver("on phone", dialog.Handoff{Cause: dialog.CauseAsked})
		f.handOver("on web", dialog.Handoff{Cause: dialog.CauseAsked})
		st := must(f.db.Conversation(ctx, m.web))(f).State
		if st.Ticket != fresh {
			f.Fatalf("on the web they are with %q, want %s", st.Ticket, fresh)
		}
		must(f.db.Erase(ctx, m.phone))(f)
		st = must(f.db.Conversation(ctx, m.web))(f).State
		c := must(f.desk.Case(ctx, st.Ticket))(f)
		if c.State != desk.Waiting || c.Conversation != m.web {
			f.Errorf("on the web they are %s with %+v", st.Phase, c)
		}
	})
}

// TestEraseOfADouble erases the conversation that was merged into the other
// one: its people are told, and go on.
func TestEraseOfADouble(t *testing.T) {
	each(t, desk.Options{}, func(f *fixture) {
		ctx, m := f.Context(), merge(f)
		must(f.desk.Take(ctx, m.kept, may))(f)
		must(f.db.Erase(ctx, m.web))(f)
		c := must(f.desk.Case(ctx, m.kept))(f)
		events := must(f.desk.Timeline(ctx, m.kept, 0, 0))(f)
		if e := events[len(events)-1]; c.Owner != "may" || c.State != desk.Taken || e.Kind != desk.EventErased {
			f.Errorf("the case is %s of %q, its last event %+v", c.State, c.Owner, e)
		}
	})
}

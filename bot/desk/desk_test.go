package desk_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tilldesk/bot"
	"tilldesk/bot/desk"
	"tilldesk/bot/dialog"
	"tilldesk/bot/store"
	"tilldesk/bot/store/storetest"
	"tilldesk/bot/trial"
	"tilldesk/content/source"
)

// fixture is a desk on a fresh database, at ten in the morning of a Monday in
// Shanghai.
type fixture struct {
	*testing.T
	dsn   string
	db    *store.DB
	desk  *desk.Desk
	clock *clock
	n     int
}

func each(t *testing.T, opt desk.Options, run func(*fixture)) {
	k := knowledge(t)
	storetest.Each(t, func(t *testing.T, dsn string) {
		f := &fixture{T: t, dsn: dsn, clock: &clock{now: at(t, "2026-09-28 10:00")}}
		f.db = storetest.Open(t, dsn, store.Options{Now: f.clock.Now})
		opt.Knowledge, opt.Now = func() *bot.Knowledge { return k }, f.clock.Now
		if opt.Roster == nil {
			opt.Roster = everybody
		}
		f.desk = desk.New(f.db, opt)
		run(f)
	})
}

// must fails the test on an error, and returns the value otherwise.
func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// says stores a message of a shop and commits the turn that turn makes of it.
func (f *fixture) says(shop, text string, turn func(*bot.Turn)) bot.ConversationID {
	f.Helper()
	f.n++
	ctx := f.Context()
	r := must(f.db.Accept(ctx, []bot.Arrival{{Inbound: bot.Inbound{
		Address: bot.Address{Channel: "web", Remote: shop}, Remote: bot.RemoteID(fmt.Sprint(f.n)), Text: text, At: f.clock.Now(),
	}}}))(f)[0]
	works := must(f.db.Claim(ctx, "worker", f.clock.Now(), time.Minute, 10))(f)
	for _, w := range works {
		t := bot.Turn{Work: w, State: w.Conversation.State, Reason: "test", At: f.clock.Now()}
		t.State.Lang = "zh"
		if turn != nil {
			turn(&t)
		}
		must(f.db.Commit(ctx, t))(f)
	}
	return r.Conversation
}

// handOver opens a case of a shop.
func (f *fixture) handOver(shop string, h dialog.Handoff) string {
	f.Helper()
	id := f.says(shop, "花呗扫不了，转人工", func(t *bot.Turn) {
		t.Handoff, t.State.Phase = &h, dialog.WithHuman
		t.State.Facts = h.Facts
		t.Card = bot.NewCard(knowledge(f), t.State, h)
	})
	return must(f.db.Conversation(f.Context(), id))(f).State.Ticket
}

func same(t testing.TB, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestOneTakes(t *testing.T) {
	each(t, desk.Options{}, func(f *fixture) {
		ticket := f.handOver("shop", dialog.Handoff{Cause: dialog.CauseAsked})
		const people = 16
		var all staff
		for i := range people {
			all = append(all, desk.Member{ID: fmt.Sprint(i), Name: fmt.Sprint("name ", i)})
		}
		d := desk.New(f.db, desk.Options{Knowledge: func() *bot.Knowledge { return knowledge(f) }, Roster: all, Now: f.clock.Now})
		won := make(chan string, people)
		var running sync.WaitGroup
		for _, m := range all {
			running.Go(func() {
				c, err := d.Take(f.Context(), ticket, desk.Actor{ID: m.ID, Name: m.Name})
				taken := new(desk.TakenError)
				switch {
				case err == nil && c.Owner == m.ID:
					won <- m.ID
				case !errors.As(err, &taken) || taken.Owner == m.ID || taken.Name != "name "+taken.Owner:
					f.Errorf("%s: %v, owner %q", m.ID, err, c.Owner)
				}
			})
		}
		running.Wait()
		close(won)
		var winners []string
		for id := range won {
			winners = append(winners, id)
		}
		if len(winners) != 1 {
			f.Errorf("%v have it", winners)
		}
		events := must(f.desk.Timeline(f.Context(), ticket, 0, 0))(f)
		if len(events) != 2 || events[0].Kind != desk.EventWaiting || events[1].Kind != desk.EventTaken {
			f.Errorf("events: %+v", events)
		}
	})
}

func TestReplyIsSentOnce(t *testing.T) {
	each(t, desk.Options{}, func(f *fixture) {
		ticket := f.handOver("shop", dialog.Handoff{Cause: dialog.CauseAsked})
		m := desk.Message{Client: "draft-1", Text: "您好，请重启一下。卡号 6222021234567890123"}
		ids := make(chan bot.MessageID, 8)
		var running sync.WaitGroup
		for range cap(ids) {
			running.Go(func() {
				_, id, err := f.desk.Reply(f.Context(), ticket, lin, m)
				if err != nil {
					f.Error(err)
				}
				ids <- id
			})
		}
		running.Wait()
		first := <-ids
		for range cap(ids) - 1 {
			if id := <-ids; id != first {
				f.Errorf("messages %s and %s", first, id)
			}
		}
		out := must(f.db.ClaimOut(f.Context(), "sender", f.clock.Now(), time.Minute, 10))(f)
		if len(out) != 1 || out[0].ID != first || out[0].Author != bot.Staff || out[0].Reply.Kind != dialog.KindAgent {
			f.Fatalf("to be sent: %+v", out)
		}
		if strings.Contains(out[0].Reply.Text, "6222021234567890123") {
			f.Errorf("a card number goes out: %s", out[0].Reply.Text)
		}
		// What became of it is an event of the case.
		if err := f.db.BuryOut(f.Context(), out[0], "blocked"); err != nil {
			f.Fatal(err)
		}
		events := must(f.desk.Timeline(f.Context(), ticket, 0, 0))(f)
		last := events[len(events)-1]
		if last.Kind != desk.EventDelivery || last.Message != first || last.Text != string(bot.Dead) {
			f.Errorf("last event: %+v", last)
		}
		c := must(f.desk.Case(f.Context(), ticket))(f)
		if c.State != desk.WaitingOnMerchant || c.Owner != "lin" || !c.Unanswered.IsZero() || c.Answered.IsZero() {
			f.Errorf("case: %+v", c)
		}
	})
}

func TestReplyWithPicture(t *testing.T) {
	each(t, desk.Options{}, func(f *fixture) {
		ticket := f.handOver("shop", dialog.Handoff{Cause: dialog.CauseAsked})
		media := []bot.Media{{Kind: "image", Type: "image/jpeg", Path: "desk/1.jpg", Bytes: 3}}
		if _, _, err := f.desk.Reply(f.Context(), ticket, lin, desk.Message{Media: media}); err != nil {
			f.Fatal(err)
		}
		out := must(f.db.ClaimOut(f.Context(), "sender", f.clock.Now(), time.Minute, 10))(f)
		if len(out) != 1 {
			f.Fatalf("%d messages", len(out))
		}
		same(f, "media", media, out[0].Reply.Media)
		for _, bad := range []desk.Message{{}, {Text: " \n"}, {Text: strings.Repeat("长", desk.MaxReplyRunes+1)}} {
			if _, _, err := f.desk.Reply(f.Context(), ticket, lin, bad); !errors.As(err, new(*desk.InputError)) {
				f.Errorf("a reply of %d characters: %v", len(bad.Text), err)
			}
		}
	})
}

func TestDueTimesPauseAndEscalateOnce(t *testing.T) {
	each(t, desk.Options{Hours: office("Asia/Shanghai")}, func(f *fixture) {
		f.clock.now = at(f, "2026-09-28 17:58")
		ticket := f.handOver("shop", dialog.Handoff{Cause: dialog.CauseAsked})
		urgent := f.handOver("other", dialog.Handoff{Cause: dialog.CauseMoney})
		due := func(ticket string) time.Time { return must(f.desk.Case(f.Context(), ticket))(f).Due.Answer }
		if want := at(f, "2026-09-29 09:08"); !due(ticket).Equal(want) {
			f.Errorf("due %v, want %v", due(ticket), want)
		}
		if want := at(f, "2026-09-29 09:00").Add(30 * time.Second); !due(urgent).Equal(want) {
			f.Errorf("urgent due %v, want %v", due(urgent), want)
		}
		escalated := func(ticket string) (kinds []string) {
			for _, e := range must(f.desk.Timeline(f.Context(), ticket, 0, 0))(f) {
				if e.Kind == desk.EventOverdue {
					kinds = append(kinds, e.Text)
				}
			}
			return kinds
		}
		for _, tt := range []struct {
			at           string
			first, other []string
		}{
			{"2026-09-29 03:00", nil, nil},
			{"2026-09-29 09:07", nil, []string{"first_answer"}},
			{"2026-09-29 09:08", []string{"first_answer"}, []string{"first_answer"}},
			{"2026-09-29 10:00", []string{"first_answer"}, []string{"first_answer"}},
			{"2026-09-29 18:30", []string{"first_answer"}, []string{"first_answer"}},
			{"2026-09-30 09:00", []string{"first_answer", "resolution"}, []string{"first_answer", "resolution"}},
		} {
			f.clock.now = at(f, tt.at)
			if err := f.desk.Tend(f.Context()); err != nil {
				f.Fatal(err)
			}
			same(f, tt.at+" first", tt.first, escalated(ticket))
			same(f, tt.at+" other", tt.other, escalated(urgent))
		}
		if n := must(f.desk.Counts(f.Context(), lin))(f); n.Overdue != 2 || n.Waiting != 2 {
			f.Errorf("counts: %+v", n)
		}
	})
}

func TestPromise(t *testing.T) {
	each(t, desk.Options{Hours: office("Asia/Shanghai")}, func(f *fixture) {
		say := func() string { return f.desk.Promise(dialog.State{Lang: "zh"}, dialog.Handoff{})[0].Text }
		if got := say(); !strings.Contains(got, "尽快") {
			f.Errorf("open: %s", got)
		}
		for i, wait := range []time.Duration{2, 6, 50} {
			ticket := f.handOver(fmt.Sprint("shop", i), dialog.Handoff{Cause: dialog.CauseAsked})
			f.clock.add(wait * time.Minute)
			if _, _, err := f.desk.Reply(f.Context(), ticket, lin, desk.Message{Text: "在的"}); err != nil {
				f.Fatal(err)
			}
		}
		if err := f.desk.Tend(f.Context()); err != nil {
			f.Fatal(err)
		}
		if got := say(); !strings.Contains(got, "十分钟") {
			f.Errorf("the median of 2, 6 and 50 minutes: %s", got)
		}
		f.clock.now = at(f, "2026-09-30 20:00")
		if got := say(); !strings.Contains(got, "周五 09:00") {
			f.Errorf("before a day off: %s", got)
		}
		if got := f.desk.Promise(dialog.State{Lang: source.En}, dialog.Handoff{})[0].Text; !strings.Contains(got, "09:00 on Friday") {
			f.Errorf("en: %s", got)
		}
		// Staff change the hours, for every replica.
		other := desk.New(f.db, desk.Options{Knowledge: func() *bot.Knowledge { return knowledge(f) }, Now: f.clock.Now, Hours: office("Asia/Shanghai")})
		if err := other.SetHours(f.Context(), desk.Hours{}); err != nil {
			f.Fatal(err)
		}
		if err := f.desk.Tend(f.Context()); err != nil {
			f.Fatal(err)
		}
		if got := say(); !strings.Contains(got, "现在有人在") {
			f.Errorf("with new hours: %s", got)
		}
	})
}

func TestAssignInTurn(t *testing.T) {
	members := staff{
		{ID: "a", Langs: []source.Lang{"zh"}}, {ID: "b", Langs: []source.Lang{"zh", "en"}}, {ID: "c", Langs: []source.Lang{"zh"}}, {ID: "d", Away: true},
	}
	each(t, desk.Options{Roster: members, Assign: true}, func(f *fixture) {
		owners := map[string]int{}
		for i := range 6 {
			ticket := f.handOver(fmt.Sprint("shop", i), dialog.Handoff{Cause: dialog.CauseAsked})
			f.clock.add(time.Minute)
			if err := f.desk.Tend(f.Context()); err != nil {
				f.Fatal(err)
			}
			owners[must(f.desk.Case(f.Context(), ticket))(f).Owner]++
		}
		same(f, "owners", map[string]int{"a": 2, "b": 2, "c": 2}, owners)
	})
	loads := map[string]desk.Load{"b": {Open: 9}}
	if m, ok := desk.Next(members, loads, source.En); !ok || m.ID != "b" {
		t.Errorf("who speaks English: %v", m.ID)
	}
	if _, ok := desk.Next(staff{{ID: "d", Away: true}}, nil, ""); ok {
		t.Error("somebody who is away has got a case")
	}
}

func TestCanned(t *testing.T) {
	each(t, desk.Options{}, func(f *fixture) {
		ctx := f.Context()
		restart := must(f.desk.SaveCanned(ctx, lin, desk.Canned{Name: "restart", Text: source.Text{Zh: "{merchant}您好，请关机再开机。{staff}，{ticket}", En: "Please restart."}}))(f)
		must(f.desk.SaveCanned(ctx, lin, desk.Canned{Name: "cable", Text: source.Text{Zh: "请检查网线，再重新开机。"}}))(f)
		names := func(query string) (names []string) {
			for _, c := range must(f.desk.CannedReplies(ctx, query))(f) {
				names = append(names, c.Name)
			}
			return names
		}
		same(f, "all", []string{"cable", "restart"}, names(""))
		same(f, "by text", []string{"cable", "restart"}, names("开机"))
		same(f, "by name first", []string{"restart"}, names("rest"))
		same(f, "none", []string(nil), names("开机 nothing"))
		if _, err := f.desk.SaveCanned(ctx, lin, desk.Canned{Name: "cable", Text: source.Text{Zh: "x"}}); !errors.As(err, new(*desk.InputError)) {
			f.Errorf("the same name: %v", err)
		}
		same(f, "filled", "老王面馆您好，请关机再开机。小林，T7", desk.Fill(restart, desk.Case{Merchant: "老王面馆", Ticket: "T7", Lang: "zh"}, lin))
		if err := f.desk.DeleteCanned(ctx, restart.ID); err != nil {
			f.Error(err)
		}
		if err := f.desk.DeleteCanned(ctx, restart.ID); !errors.Is(err, desk.ErrNotFound) {
			f.Errorf("deleting it again: %v", err)
		}
	})
}

func TestCard(t *testing.T) {
	k := trial.Knowledge(t)
	each(t, desk.Options{}, func(f *fixture) {
		ctx := f.Context()
		f.desk = desk.New(f.db, desk.Options{Knowledge: func() *bot.Knowledge { return k }, Now: f.clock.Now})
		first := f.handOver("shop", dialog.Handoff{Cause: dialog.CauseAsked, Intent: "scan.huabei", Facts: map[string]string{"brand": "lakala"}})
		must(f.desk.Close(ctx, first, lin, "done"))(f)
		similar := f.handOver("other", dialog.Handoff{Cause: dialog.CauseAsked, Intent: "scan.huabei"})
		f.clock.add(time.Hour)
		p := k.Script.Playbook("scan.huabei")
		ticket := f.handOver("shop", dialog.Handoff{
			Cause: dialog.CauseStepsUsed, Intent: "scan.huabei", Tried: []dialog.Tried{{Intent: "scan.huabei", Step: p.Next(dialog.Evidence{}).ID, Result: dialog.NotFixed}},
		})
		if ticket == first {
			f.Fatal("a new trouble is in the old case")
		}
		f.clock.add(10 * time.Minute)
		c, err := f.desk.Case(ctx, ticket)
		if err != nil || c.Owner != "" || c.State != desk.Waiting {
			f.Errorf("new case: %+v, %v", c, err)
		}
		card := must(f.desk.Card(ctx, ticket))(f)
		same(f, "remembered", map[string]string{"brand": "lakala"}, card.Remembered)
		if len(card.Earlier) != 1 || card.Earlier[0].Ticket != first || len(card.Similar) != 1 || card.Similar[0].Ticket != similar {
			f.Errorf("earlier %v, similar %v", card.Earlier, card.Similar)
		}
		if card.Suggestion == "" || strings.Contains(card.Suggestion, p.Next(dialog.Evidence{}).Text.Zh) {
			f.Errorf("suggested: %q", card.Suggestion)
		}
		if len(card.Passages) == 0 || card.Down != 10*time.Minute {
			f.Errorf("%d passages, down for %v", len(card.Passages), card.Down)
		}
		if len(card.Causes) != len(p.Causes) || len(card.Fixes) == 0 || len(card.Messages) != 2 {
			f.Errorf("%d causes, %d fixes, %d messages", len(card.Causes), len(card.Fixes), len(card.Messages))
		}
	})
}

func TestSearchAndPages(t *testing.T) {
	each(t, desk.Options{}, func(f *fixture) {
		ctx := f.Context()
		var tickets []string
		for i := range 7 {
			cause := dialog.CauseAsked
			if i == 3 {
				cause = dialog.CauseMoney
			}
			tickets = append(tickets, f.handOver(fmt.Sprint("shop", i), dialog.Handoff{Cause: cause}))
			f.clock.add(time.Minute)
		}
		list := func(filter desk.Filter) (found []string) {
			f.Helper()
			for {
				page := must(f.desk.Cases(ctx, filter))(f)
				for _, c := range page.Cases {
					found = append(found, c.Ticket)
				}
				if filter.After = page.Next; page.Next == "" {
					return found
				}
			}
		}
		same(f, "queue", []string{"T4", "T1", "T2", "T3", "T5", "T6", "T7"}, list(desk.Filter{Limit: 2}))
		same(f, "newest", []string{"T7", "T6", "T5", "T4", "T3", "T2", "T1"}, list(desk.Filter{Order: desk.ByNewest, Limit: 3}))
		must(f.desk.Note(ctx, "T2", lin, "顾客说蓝牙打印机坏了", nil))(f)
		must(f.desk.Rename(ctx, "T5", lin, "老王面馆"))(f)
		must(f.desk.Tag(ctx, "T6", lin, []string{"押金", " vip ", "vip"}))(f)
		must(f.desk.Take(ctx, "T6", may))(f)
		must(f.desk.Snooze(ctx, "T7", lin, f.clock.Now().Add(time.Hour)))(f)
		must(f.desk.Close(ctx, "T1", lin, ""))(f)
		for query, want := range map[string][]string{
			"蓝牙": {"T2"}, "打印机 蓝牙": {"T2"}, "老王面馆": {"T5"}, "t4": {"T4"}, "押金": {"T6"}, "花呗 老王": {"T5"},
			"花呗": {"T7", "T6", "T5", "T4", "T3", "T2", "T1"}, "蓝牙 押金": nil, "' OR 1=1": nil, "": {"T4", "T2", "T3", "T5", "T6"}, "%": nil,
			// A character by itself finds what it stands in, wherever it stands.
			"蓝": {"T2"}, "坏": {"T2"}, "面": {"T5"}, "王 面馆": {"T5"}, "花": {"T7", "T6", "T5", "T4", "T3", "T2", "T1"}, "龘": nil,
		} {
			same(f, query, want, list(desk.Filter{Search: query, Limit: 2}))
		}
		same(f, "mine", []string{"T6"}, list(desk.Filter{Owner: "may"}))
		same(f, "nobody's", []string{"T4", "T2", "T3", "T5"}, list(desk.Filter{Unowned: true}))
		same(f, "tag", []string{"T6"}, list(desk.Filter{Tag: "vip"}))
		same(f, "snoozed", []string{"T7"}, list(desk.Filter{Snoozed: true}))
		same(f, "closed", []string{"T1"}, list(desk.Filter{States: []desk.State{desk.Closed}}))
		same(f, "urgent", []string{"T4"}, list(desk.Filter{Urgency: desk.High}))
		f.clock.add(2 * time.Hour)
		if err := f.desk.Tend(ctx); err != nil {
			f.Fatal(err)
		}
		same(f, "woken", []string(nil), list(desk.Filter{Snoozed: true}))
		same(f, "overdue", 6, len(list(desk.Filter{Overdue: true})))
		if _, err := f.desk.Cases(ctx, desk.Filter{After: "x"}); !errors.As(err, new(*desk.InputError)) {
			f.Errorf("a page of nowhere: %v", err)
		}
		_ = tickets
	})
}

func TestGiveNeedsSomebody(t *testing.T) {
	each(t, desk.Options{}, func(f *fixture) {
		ctx := f.Context()
		ticket := f.handOver("shop", dialog.Handoff{Cause: dialog.CauseAsked})
		if _, err := f.desk.Give(ctx, ticket, lin, "nobody", ""); !errors.As(err, new(*desk.InputError)) {
			f.Errorf("giving it to nobody: %v", err)
		}
		must(f.desk.Give(ctx, ticket, lin, "may", "speaks English"))(f)
		if _, err := f.desk.Give(ctx, ticket, lin, "lin", ""); !errors.As(err, new(*desk.TakenError)) {
			f.Errorf("taking it from May: %v", err)
		}
		if c := must(f.desk.Give(ctx, ticket, wu, "lin", ""))(f); c.Owner != "lin" {
			f.Errorf("the lead gave it to %q", c.Owner)
		}
		if _, err := f.desk.Take(ctx, "T99", lin); !errors.Is(err, desk.ErrNotFound) {
			f.Errorf("an unknown ticket: %v", err)
		}
	})
}

// TestFollow lets consoles on two replicas follow while cases change, some from
// the start, one that begins late and one whose line breaks.
func TestFollow(t *testing.T) {
	each(t, desk.Options{Poll: time.Millisecond, Tick: time.Hour}, func(f *fixture) {
		ctx, stop := context.WithTimeout(f.Context(), time.Minute)
		defer stop()
		db := f.db
		if !strings.HasPrefix(f.dsn, "sqlite:") {
			db = storetest.Open(f, f.dsn, store.Options{Now: f.clock.Now})
		}
		other := desk.New(db, desk.Options{Knowledge: func() *bot.Knowledge { return knowledge(f) }, Now: f.clock.Now, Poll: time.Millisecond, Tick: time.Hour})
		var running sync.WaitGroup
		running.Go(func() { f.desk.Run(ctx) })
		running.Go(func() { other.Run(ctx) })
		defer running.Wait()
		defer stop()

		const cases = 30
		want := int64(2 * cases) // a hand-over and a note each
		follow := func(d *desk.Desk, breaks bool) {
			seen := int64(0)
			for seen < want && ctx.Err() == nil {
				line, cut := context.WithCancel(ctx)
				for e := range d.Subscribe(line, seen) {
					if e.ID != seen+1 {
						f.Errorf("event %d after %d", e.ID, seen)
					}
					seen = e.ID
					if seen == want || breaks && seen%7 == 0 {
						break
					}
				}
				cut()
			}
			if seen != want {
				f.Errorf("seen %d of %d events", seen, want)
			}
		}
		var followers sync.WaitGroup
		for _, d := range []*desk.Desk{f.desk, other} {
			for range 3 {
				followers.Go(func() { follow(d, false) })
			}
			followers.Go(func() { follow(d, true) })
		}
		for i := range cases {
			ticket := f.handOver(fmt.Sprint("shop", i), dialog.Handoff{Cause: dialog.CauseAsked})
			must(f.desk.Note(ctx, ticket, lin, "x", nil))(f)
		}
		followers.Wait()
		follow(other, true) // late, from the start
	})
}

func TestPresence(t *testing.T) {
	each(t, desk.Options{Poll: time.Millisecond, Tick: time.Hour}, func(f *fixture) {
		ticket := f.handOver("shop", dialog.Handoff{Cause: dialog.CauseAsked})
		ctx, stop := context.WithTimeout(f.Context(), time.Minute)
		defer stop()
		other := desk.New(f.db, desk.Options{Knowledge: func() *bot.Knowledge { return knowledge(f) }, Now: f.clock.Now, Poll: time.Millisecond, Tick: time.Hour})
		watch := other.Presences(ctx)
		var running sync.WaitGroup
		running.Go(func() { other.Run(ctx) })
		defer running.Wait()
		defer stop()
		f.clock.add(time.Second)
		if err := f.desk.See(ctx, desk.Presence{Ticket: ticket, Staff: "lin", Typing: true}); err != nil {
			f.Fatal(err)
		}
		select {
		case p := <-watch:
			if p.Ticket != ticket || p.Staff != "lin" || !p.Typing {
				f.Errorf("seen: %+v", p)
			}
		case <-ctx.Done():
			f.Fatal("nobody is seen on the other replica")
		}
		same(f, "viewers", 1, len(must(f.desk.Case(ctx, ticket))(f).Viewers))
		f.clock.add(time.Minute)
		same(f, "viewers later", 0, len(must(f.desk.Viewers(ctx, ticket))(f)))
	})
}

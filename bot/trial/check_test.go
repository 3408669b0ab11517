package trial_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/dialog"
	"tilldesk/bot/store"
	"tilldesk/bot/store/storetest"
	"tilldesk/bot/trial"
)

// told is a ledger of what went well, with the database that it is compared
// with, for each test to spoil one of them.
type told struct {
	*testing.T
	ledger  *trial.Ledger
	dsn     string
	db      *store.DB
	arrived []bot.Outbound
	k       *bot.Knowledge
	odd     func(n int, turn *bot.Turn) // changes what the bot does
}

// tell lets the bot answer two merchants with three messages each, one over
// the network, one in the web chat.
func tell(t *testing.T, odd func(int, *bot.Turn)) *told {
	s := &told{T: t, ledger: new(trial.Ledger), dsn: storetest.SQLite(t), k: trial.LittleKnowledge(t), odd: odd}
	s.db = storetest.Open(t, s.dsn, store.Options{})
	for n, text := range []string{"花呗扫不了", "不清楚", "还是不行"} {
		s.say(trial.NetworkName, n, text)
		s.say("web", n, text)
	}
	return s
}

func (s *told) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *told) say(channel string, n int, text string) {
	s.Helper()
	ctx, a, id := s.Context(), bot.Address{Channel: channel, Remote: "shop"}, bot.RemoteID(fmt.Sprint("m", n))
	s.ledger.Sent(a, id, text)
	receipts, err := s.db.Accept(ctx, []bot.Arrival{{Inbound: bot.Inbound{Address: a, Remote: id, Text: text}}})
	s.must(err)
	s.ledger.Acknowledged(a, id)
	works, err := s.db.Claim(ctx, "test", time.Now(), time.Minute, 1)
	s.must(err)
	w := works[0]
	out, err := s.k.Turn(ctx, w.Conversation.State, bot.Message{Text: text})
	s.must(err)
	turn := bot.Turn{Work: w, State: out.State, Reason: out.Reason, Replies: bot.Render(out.State, out.Say), Pull: channel == "web", Handoff: out.Handoff}
	if s.odd != nil {
		s.odd(n, &turn)
	}
	_, err = s.db.Commit(ctx, turn)
	s.must(err)
	if channel == "web" {
		said, _, err := s.db.Replies(ctx, receipts[0].Message)
		s.must(err)
		answer, err := json.Marshal(map[string]any{"replies": said.Replies})
		s.must(err)
		s.ledger.Answered(a, id, string(answer))
		return
	}
	for {
		claimed, err := s.db.ClaimOut(ctx, "test", time.Now(), time.Minute, 1)
		s.must(err)
		if len(claimed) == 0 {
			return
		}
		s.arrived = append(s.arrived, claimed[0])
		s.must(s.db.Sent(ctx, claimed[0], "r", time.Now()))
	}
}

// change changes what is stored, behind the store's back; the checksums are
// none of this test's business.
func (s *told) change(statement string) {
	s.Helper()
	pool := storetest.Raw(s, s.dsn)
	pool.SetMaxOpenConns(1)
	for _, one := range []string{"PRAGMA foreign_keys=off", statement} {
		if _, err := pool.Exec(one); err != nil {
			s.Fatal(err)
		}
	}
}

func (s *told) check() trial.Report {
	s.Helper()
	r, err := s.ledger.Check(s.Context(), s.db, trial.Expect{Arrived: s.arrived, Knowledge: s.k})
	s.must(err)
	return r
}

// TestCheck spoils what went well in each way that must be noticed.
func TestCheck(t *testing.T) {
	shop, inBrowser := bot.Address{Channel: trial.NetworkName, Remote: "shop"}, bot.Address{Channel: "web", Remote: "shop"}
	const last = "(SELECT max(seq) FROM outbox WHERE channel = 'net')"
	for _, tt := range []struct {
		name  string
		spoil func(*told)
		want  string // of the counts: the one that is not 0
		words string // in the problem
	}{
		{"nothing", func(*told) {}, "", ""},
		{"a message was acknowledged and is not there", func(s *told) {
			s.ledger.Sent(shop, "m9", "x")
			s.ledger.Acknowledged(shop, "m9")
		}, "lost", "m9 was acknowledged"},
		{"a whole conversation is not there", func(s *told) {
			a := bot.Address{Channel: trial.NetworkName, Remote: "other"}
			s.ledger.Sent(a, "m0", "x")
			s.ledger.Acknowledged(a, "m0")
		}, "lost", "other: m0 was acknowledged"},
		{"a message that was not acknowledged is not there", func(s *told) { s.ledger.Sent(shop, "m9", "x") }, "", ""},
		{"a message waits for ever", func(s *told) {
			s.change("UPDATE inbox SET state = 'new', turn_id = NULL WHERE remote = 'm2'")
		}, "lost, twice", "never answered"},
		{"nobody sent it", func(s *told) { s.change("UPDATE inbox SET remote = 'm8' WHERE remote = 'm2'") }, "lost, wrong", "never sent"},
		{"a reply was lost on its way", func(s *told) { s.arrived = s.arrived[1:] }, "lost", "never arrived"},
		{"a reply waits for ever", func(s *told) {
			s.change("UPDATE outbox SET state = 'sending' WHERE channel = 'net' AND seq = " + last)
		}, "lost", "never sent"},
		{"a reply arrived twice", func(s *told) { s.arrived = append(s.arrived, s.arrived[len(s.arrived)-1]) }, "twice", "arrived 2 times"},
		{"a reply would be sent again", func(s *told) {
			s.change("UPDATE outbox SET state = 'new' WHERE channel = 'net' AND seq = " + last)
		}, "hidden", "would be sent again"},
		{"a dead reply arrived", func(s *told) {
			s.change("UPDATE outbox SET state = 'dead' WHERE channel = 'net' AND seq = " + last)
		}, "wrong", "counts as dead"},
		{"a reply that nobody said arrived", func(s *told) {
			s.arrived = append(s.arrived, bot.Outbound{ID: "odd", Conversation: "odd"})
		}, "wrong", "is not stored"},
		{"replies arrived in another order", func(s *told) { s.arrived[0], s.arrived[1] = s.arrived[1], s.arrived[0] }, "disorder", "after number"},
		{"a reply arrived with other words", func(s *told) { s.arrived[0].Reply.Text = "x" }, "wrong", "arrived as"},
		{"messages are stored in another order", func(s *told) {
			l := new(trial.Ledger)
			for _, n := range []int{1, 0, 2} {
				id := bot.RemoteID(fmt.Sprint("m", n))
				l.Sent(shop, id, []string{"花呗扫不了", "不清楚", "还是不行"}[n])
				l.Acknowledged(shop, id)
			}
			s.ledger = l
		}, "disorder", "after a later one"},
		{"messages that were sent at once have no order", func(s *told) {
			l := new(trial.Ledger)
			for _, n := range []int{1, 0, 2} {
				l.Sent(shop, bot.RemoteID(fmt.Sprint("m", n)), []string{"花呗扫不了", "不清楚", "还是不行"}[n])
			}
			s.ledger = l
		}, "", ""},
		{"the answer to a message changes", func(s *told) { s.ledger.Answered(inBrowser, "m0", `{"replies":[]}`) }, "twice", "and then"},
		{"the answer is not what is stored", func(s *told) {
			s.ledger = new(trial.Ledger)
			for n, text := range []string{"花呗扫不了", "不清楚", "还是不行"} {
				s.ledger.Sent(shop, bot.RemoteID(fmt.Sprint("m", n)), text)
				s.ledger.Sent(inBrowser, bot.RemoteID(fmt.Sprint("m", n)), text)
			}
			s.ledger.Answered(inBrowser, "m0", `{"replies":[{"text":"x"},{"text":"x"}]}`)
			s.ledger.Answered(inBrowser, "m1", `{"replies":[]}`)
		}, "wrong", "stored is"},
		{"a turn answers nothing", func(s *told) {
			s.change("INSERT INTO turns SELECT 'odd', conversation_id, reason, state, state_sum, at FROM turns LIMIT 1")
		}, "twice", "answers no message"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := tell(t, nil)
			tt.spoil(s)
			r := s.check()
			var got []string
			for _, c := range []struct {
				name string
				n    int
			}{{"lost", r.Lost}, {"twice", r.Twice}, {"disorder", r.Disorder}, {"hidden", r.Hidden}, {"wrong", r.Wrong}} {
				if c.n > 0 {
					got = append(got, c.name)
				}
			}
			problems := strings.Join(r.Problems, "\n")
			if strings.Join(got, ", ") != tt.want || !strings.Contains(problems, tt.words) || r.OK() != (tt.want == "") {
				t.Errorf("%v are not 0, want %q and %q in\n%s", got, tt.want, tt.words, problems)
			}
		})
	}
}

// TestRehearsal has the bot do what it would not have done undisturbed.
func TestRehearsal(t *testing.T) {
	for _, tt := range []struct {
		name string
		odd  func(n int, turn *bot.Turn)
		want string
	}{
		{"nothing", nil, ""},
		{"it says less", func(n int, turn *bot.Turn) { turn.Replies = turn.Replies[:len(turn.Replies)-1] }, "turn 1 said"},
		{"it says it twice", func(n int, turn *bot.Turn) {
			if n == 1 {
				turn.Replies = append(turn.Replies, turn.Replies...)
			}
		}, "turn 2 said"},
		{"it forgets where it stood", func(n int, turn *bot.Turn) {
			if n == 2 {
				turn.State = dialog.State{Phase: dialog.Idle}
			}
		}, "turn 3 led to idle"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := tell(t, tt.odd)
			r := s.check()
			if problems := strings.Join(r.Problems, "\n"); r.OK() != (tt.want == "") || !strings.Contains(problems, tt.want) {
				t.Errorf("%s\n%s\nwant %q", r, problems, tt.want)
			}
		})
	}
}

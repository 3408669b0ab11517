package desk_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/desk"
	"tilldesk/bot/dialog"
)

// TestMergeRace lets a merchant write in two conversations, the bot answer and
// staff answer, resolve, merge and split, all at the same time. Whatever comes
// first: nothing fails for another reason than that of the desk, and in the end
// who is with people is in a case that is open.
func TestMergeRace(t *testing.T) {
	each(t, desk.Options{}, func(f *fixture) {
		ctx := f.Context()
		const rounds = 40
		shops := []string{"on web", "on phone"}
		var ids []bot.ConversationID
		for _, shop := range shops {
			ticket := f.handOver(shop, dialog.Handoff{Cause: dialog.CauseAsked})
			ids = append(ids, must(f.desk.Case(ctx, ticket))(f).Conversation)
		}
		answer := func() {
			works, err := f.db.Claim(ctx, "worker", f.clock.Now(), time.Minute, 1)
			if err != nil {
				f.Error(err)
				return
			}
			for _, w := range works {
				in := dialog.Input{Text: "hello", Lang: "en"}
				turn := bot.Turn{Work: w, State: w.Conversation.State, Reason: "test", At: f.clock.Now()}
				out := knowledge(f).Script.Step(turn.State, in)
				turn.State, turn.Feedback, turn.Handoff, turn.Replies = out.State, out.Feedback, out.Handoff, bot.Render(out.State, out.Say)
				if turn.State.Phase != dialog.WithHuman && turn.Feedback == nil { // they always want a person
					h := dialog.Handoff{Cause: dialog.CauseAsked}
					turn.Handoff, turn.State.Phase = &h, dialog.WithHuman
				}
				if _, err := f.db.Commit(ctx, turn); err != nil && !errors.Is(err, bot.ErrLost) {
					f.Errorf("the bot: %v", err)
				}
			}
		}
		var running sync.WaitGroup
		for i, shop := range shops {
			running.Go(func() {
				for n := range rounds {
					if _, err := f.db.Accept(ctx, []bot.Arrival{{Inbound: bot.Inbound{
						Address: bot.Address{Channel: "web", Remote: shop}, Remote: bot.RemoteID(fmt.Sprint("race ", n)), Text: "hello", At: f.clock.Now(),
					}}}); err != nil {
						f.Error(err)
					}
					answer()
				}
			})
			running.Go(func() {
				for n := range rounds {
					cases, err := f.db.CasesOf(ctx, ids[i], 1)
					others, oerr := f.db.CasesOf(ctx, ids[1-i], 1)
					if err != nil || oerr != nil {
						f.Error(err, oerr)
						return
					}
					own, other := cases[0].Ticket, others[0].Ticket
					switch n % 5 {
					case 0, 3:
						_, _, err = f.desk.Reply(ctx, own, wu, desk.Message{Text: "hello", To: ids[n%2]})
					case 1:
						_, err = f.desk.Merge(ctx, own, wu, other)
					case 2:
						_, err = f.desk.Split(ctx, own, wu)
					case 4:
						_, err = f.desk.Resolve(ctx, own, wu, desk.Finding{})
					}
					if err != nil && !errors.As(err, new(*desk.StateError)) && !errors.As(err, new(*desk.InputError)) && !errors.As(err, new(*desk.TakenError)) {
						f.Errorf("staff, %d: %v", n%5, err)
					}
				}
			})
		}
		running.Wait()
		for range 4 * rounds { // what was put off because its claim was lost
			answer()
		}
		for _, id := range ids {
			// Who is with a case that was over in the same moment writes once more.
			if _, err := f.db.Accept(ctx, []bot.Arrival{{Inbound: bot.Inbound{
				Address: must(f.db.Conversation(ctx, id))(f).Address, Remote: "last", Text: "hello", At: f.clock.Now(),
			}}}); err != nil {
				f.Fatal(err)
			}
		}
		answer()
		answer()
		for _, id := range ids {
			st := must(f.db.Conversation(ctx, id))(f).State
			if st.Phase != dialog.WithHuman {
				f.Errorf("conversation %s is %s, want it with people", id, st.Phase)
				continue
			}
			if c := must(f.desk.Case(ctx, st.Ticket))(f); !c.Open() {
				f.Errorf("conversation %s is with people in case %s, which is %s", id, c.Ticket, c.State)
			}
		}
	})
}

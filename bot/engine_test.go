package bot_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"tilldesk/bot"
	"tilldesk/bot/dialog"
	"tilldesk/intents"
)

// A running is an engine on a store in memory, in fake time. The engine runs
// from start until the test ends or stops it.
type running struct {
	*testing.T
	*bot.Engine
	store *memory
	start func()
	stop  func() // and wait
}

func run(t *testing.T, opt bot.Options, test func(*running)) {
	t.Helper()
	k := learn(t)
	synctest.Test(t, func(t *testing.T) {
		r := &running{T: t, store: new(memory)}
		r.Engine = bot.NewEngine(r.store, k, "a", opt)
		r.ready()
		defer r.stop()
		test(r)
	})
}

// ready sets start and stop.
func (r *running) ready() {
	ctx, cancel := context.WithCancel(r.Context())
	var ended sync.WaitGroup
	r.start = func() { ended.Go(func() { r.Engine.Run(ctx) }) }
	r.stop = func() { cancel(); ended.Wait() }
}

func message(conversation, id, text string) bot.Inbound {
	return bot.Inbound{Address: bot.Address{Channel: "test", Remote: conversation}, Remote: bot.RemoteID(id), Text: text}
}

func (r *running) accept(in bot.Inbound) bot.Receipt {
	r.Helper()
	receipt, err := r.Accept(r.Context(), in)
	if err != nil {
		r.Fatal(err)
	}
	return receipt
}

func (r *running) replies(id bot.MessageID) bot.Answered {
	r.Helper()
	a, err := r.Replies(r.Context(), id)
	if err != nil {
		r.Fatal(err)
	}
	return a
}

func TestMessageDeliveredAgain(t *testing.T) {
	run(t, bot.Options{}, func(r *running) {
		r.start()
		first := r.accept(message("wang", "1", "花呗扫不了"))
		answer := r.replies(first.Message)
		if len(answer.Replies) == 0 || answer.State.Fix == nil || answer.State.Fix.Intent != "scan.huabei" {
			r.Errorf("answered %+v", answer)
		}
		again := r.accept(message("wang", "1", "花呗扫不了"))
		if !first.Fresh || again.Fresh || again.Message != first.Message {
			r.Errorf("receipts %+v, then %+v", first, again)
		}
		if diff := cmp.Diff(answer, r.replies(again.Message)); diff != "" {
			r.Errorf("answered otherwise (-first +again):\n%s", diff)
		}
		synctest.Wait()
		if n := len(r.store.turns); n != 1 {
			r.Errorf("%d turns of one message", n)
		}
	})
}

// waiting puts messages into the store, as if the engine had stopped after it
// accepted them.
func (r *running) waiting(in ...bot.Arrival) []bot.Receipt {
	r.Helper()
	receipts, err := r.store.Accept(r.Context(), in)
	if err != nil {
		r.Fatal(err)
	}
	return receipts
}

func TestBurstIsOneTurn(t *testing.T) {
	run(t, bot.Options{}, func(r *running) {
		pressed := message("wang", "5", "")
		pressed.Choice = "human"
		receipts := r.waiting(
			bot.Arrival{Inbound: message("wang", "1", "花呗")},
			bot.Arrival{Inbound: message("wang", "2", " ")},
			bot.Arrival{Inbound: message("wang", "3", "扫不了")},
			bot.Arrival{Inbound: message("wang", "4", "卡号************1111"), Secrets: []string{intents.Card}},
			bot.Arrival{Inbound: pressed},
		)
		r.start()
		answer := r.replies(receipts[3].Message)
		if answer.State.Fix == nil || answer.State.Fix.Intent != "scan.huabei" {
			r.Errorf("the lines were not read together: %+v", answer.State)
		}
		if !strings.Contains(answer.Replies[0].Text, "遮住") {
			r.Errorf("first comes %q, not that a number was hidden", answer.Replies[0].Text)
		}
		r.replies(receipts[4].Message)
		if len(r.store.turns) != 2 || len(r.store.turns[0].Work.Messages) != 4 {
			r.Fatalf("turns %+v; one of the four lines and one of the choice are wanted", r.store.turns)
		}
		if h := r.store.turns[1].Handoff; h == nil || h.Cause != dialog.CauseAsked {
			r.Errorf("the choice led to %+v, not to a person", h)
		}
	})
}

func TestEveryoneWhoWaitsGetsTheSame(t *testing.T) {
	run(t, bot.Options{}, func(r *running) {
		id := r.waiting(bot.Arrival{Inbound: message("wang", "1", "花呗扫不了")})[0].Message
		got := make([]bot.Answered, 5)
		var all sync.WaitGroup
		for i := range got {
			all.Go(func() { got[i] = r.replies(id) })
		}
		impatient, cancel := context.WithTimeout(r.Context(), time.Minute)
		defer cancel()
		if _, err := r.Replies(impatient, id); !errors.Is(err, context.DeadlineExceeded) {
			r.Errorf("who waits for a minute gets %v", err)
		}
		r.start()
		all.Wait()
		for i := range got {
			if diff := cmp.Diff(got[0], got[i]); diff != "" || len(got[i].Replies) == 0 {
				r.Errorf("two who wait get different answers (-one +other):\n%s", diff)
			}
		}
	})
}

func TestAnotherReplicaAnswers(t *testing.T) {
	run(t, bot.Options{Workers: 1}, func(r *running) {
		r.store.commitErr = func(turn bot.Turn) error {
			if strings.HasPrefix(turn.Work.Lease, "a/") {
				return bot.ErrLost // as if this one had been too slow
			}
			return nil
		}
		r.start()
		id := r.accept(message("wang", "1", "花呗扫不了")).Message
		synctest.Wait()
		ctx, stop := context.WithCancel(r.Context())
		var ended sync.WaitGroup
		ended.Go(func() { bot.NewEngine(r.store, learn(r.T), "b", bot.Options{}).Run(ctx) })
		if answer := r.replies(id); len(answer.Replies) == 0 {
			r.Error("no answer")
		}
		stop()
		ended.Wait()
		if n := len(r.store.retries); n > 0 {
			r.Errorf("work that was lost was given back %d times", n)
		}
	})
}

func TestFailingTurnsArePutAside(t *testing.T) {
	aside, answered := 0, 0
	defer func() {
		t.Logf("%d failing turns were put aside with a person for the merchant, %d were answered in the end", aside, answered)
	}()
	k := learn(t)
	broken := &bot.Knowledge{Base: k.Base, Index: k.Index, Script: k.Script} // any message panics
	lost := dialog.State{Phase: dialog.Guiding, Fix: &dialog.Fixing{Intent: "no.such.playbook", Step: "none"}}
	for _, tt := range []struct {
		name  string
		set   func(*running)
		tried int
		aside bool
	}{
		{"a panic", func(r *running) { r.Swap(broken) }, 3, true},
		{"a panic that ends", func(r *running) {
			r.Swap(broken)
			time.AfterFunc(2*time.Second, func() { r.Swap(k) })
		}, 3, false},
		{"a panic in giving up too", func(r *running) {
			r.Swap(broken)
			r.store.at(message("wang", "", "").Address).State = lost
		}, 3, true},
		{"a store that fails once", func(r *running) {
			n := 0
			r.store.commitErr = func(bot.Turn) error {
				if n++; n == 1 {
					return errors.New("disk full")
				}
				return nil
			}
		}, 2, false},
		{"a turn that cannot be stored", func(r *running) {
			r.store.commitErr = func(turn bot.Turn) error {
				if turn.Dead == "" {
					return errors.New("too large")
				}
				return nil
			}
		}, 3, true},
		{"a store that is away for a while", func(r *running) {
			back := time.Now().Add(10 * time.Second)
			r.store.commitErr = func(bot.Turn) error {
				if time.Now().Before(back) {
					return errors.New("no connection")
				}
				return nil
			}
		}, 4, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			run(t, bot.Options{}, func(r *running) {
				tt.set(r)
				began := time.Now()
				id := r.waiting(bot.Arrival{Inbound: message("wang", "1", "花呗扫不了")})[0].Message
				r.start()
				answer := r.replies(id)
				var waits []time.Duration
				for _, at := range r.store.retries {
					waits = append(waits, at.Sub(began))
				}
				if len(waits) != tt.tried-1 || waits[0] != time.Second {
					r.Errorf("tried again after %v; %d attempts are wanted", waits, tt.tried)
				}
				turn := r.store.turns[0]
				if aside := turn.Dead != ""; aside != tt.aside {
					r.Errorf("put aside: %v, want %v (%s)", aside, tt.aside, turn.Dead)
				}
				if !tt.aside {
					answered++
					return
				}
				aside++
				if len(answer.Replies) != 1 || answer.Replies[0].Kind != dialog.KindEscalated || answer.State.Phase != dialog.WithHuman {
					r.Errorf("answered %+v; an apology and a person are wanted", answer)
				}
				if turn.Handoff == nil || turn.Handoff.Cause != dialog.CauseFault || answer.State.Ticket == "" {
					r.Errorf("hand-over %+v; a case for a fault of ours is wanted", turn.Handoff)
				}
			})
		})
	}
}

func TestOneFaultDoesNotStopTheOthers(t *testing.T) {
	run(t, bot.Options{Workers: 1}, func(r *running) {
		r.store.commitErr = func(turn bot.Turn) error {
			if turn.Work.Conversation.Address.Remote == "wang" {
				return errors.New("too large")
			}
			return nil
		}
		r.start()
		r.accept(message("wang", "1", "花呗扫不了"))
		began := time.Now()
		r.replies(r.accept(message("li", "1", "花呗扫不了")).Message)
		if took := time.Since(began); took > 0 {
			r.Errorf("another conversation waited for %v", took)
		}
	})
}

func TestTooManyMessages(t *testing.T) {
	run(t, bot.Options{Backlog: 2}, func(r *running) {
		var all sync.WaitGroup
		for i := range 2 {
			all.Go(func() { r.accept(message("wang", fmt.Sprint(i), "在吗")) })
		}
		synctest.Wait()
		if _, err := r.Accept(r.Context(), message("wang", "3", "在吗")); !errors.Is(err, bot.ErrFull) {
			r.Errorf("a message too many gives %v", err)
		}
		r.start()
		all.Wait()
	})
}

func TestStop(t *testing.T) {
	run(t, bot.Options{}, func(r *running) {
		stopped := make(chan struct{})
		r.store.commitErr = func(bot.Turn) error { <-stopped; return nil }
		r.start()
		id := r.accept(message("wang", "1", "花呗扫不了")).Message
		synctest.Wait() // the turn is about to be stored
		go func() {
			time.Sleep(time.Second)
			close(stopped)
		}()
		began := time.Now()
		r.stop()
		if took := time.Since(began); took != time.Second {
			r.Errorf("stopped after %v; the turn in hand needed a second", took)
		}
		if answer := r.replies(id); len(answer.Replies) == 0 {
			r.Error("the turn in hand was dropped")
		}
		if _, err := r.Accept(r.Context(), message("wang", "2", "在吗")); err == nil || !strings.Contains(err.Error(), "stopping") {
			r.Errorf("after the stop a message gives %v", err)
		}
	})
}

// What was stored just before the engine is to stop is answered: whoever is told
// of it may not have looked yet.
func TestStopAnswersWhatHasJustCome(t *testing.T) {
	run(t, bot.Options{}, func(r *running) {
		r.start()
		synctest.Wait() // all workers wait
		r.waiting(bot.Arrival{Inbound: message("wang", "1", "花呗扫不了")})
		r.stop()
		if n := len(r.store.turns); n != 1 {
			r.Errorf("%d turns, want one", n)
		}
	})
}

// So is what was stored while the last look was under way.
func TestStopAnswersWhatCameWhileItLooked(t *testing.T) {
	run(t, bot.Options{Workers: 1}, func(r *running) {
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		r.store.claimed = func() {
			r.waiting(bot.Arrival{Inbound: message("wang", "1", "花呗扫不了")})
			cancel()
		}
		r.Engine.Run(ctx)
		if n := len(r.store.turns); n != 1 {
			r.Errorf("%d turns, want one", n)
		}
	})
}

// So is what came while it learnt, if it is to stop as soon as it has.
func TestStopAnswersWhatCameWhileItLearnt(t *testing.T) {
	for range 10 { // it must not be left to chance
		run(t, bot.Options{Workers: 1}, func(r *running) {
			r.waiting(bot.Arrival{Inbound: message("wang", "1", "花呗扫不了")})
			ctx, cancel := context.WithCancel(r.Context())
			cancel()
			r.Engine.Run(ctx)
			if n := len(r.store.turns); n != 1 {
				r.Errorf("%d turns, want one", n)
			}
		})
	}
}

func TestAcceptKeepsNothingSecret(t *testing.T) {
	run(t, bot.Options{}, func(r *running) {
		r.start()
		in := message("wang", "1", "卡号4111111111111111\x00\xff"+strings.Repeat("很", 2*bot.MaxTextRunes))
		in.Choice = "4111111111111111" + strings.Repeat("x", 1000)
		in.Media = make([]bot.Media, 1000)
		r.accept(in)
		got := r.store.arrivals[0]
		if !strings.HasPrefix(got.Text, "卡号************1111\uFFFD很") || len([]rune(got.Text)) > bot.MaxTextRunes || !cmp.Equal(got.Secrets, []string{intents.Card}) {
			r.Errorf("stored %.60q with %v", got.Text, got.Secrets)
		}
		if strings.Contains(got.Choice, "1111111") || len(got.Choice) > 300 || len(got.Media) > 100 || got.At.IsZero() {
			r.Errorf("stored choice %q, %d media, at %v", got.Choice, len(got.Media), got.At)
		}
		for _, in := range []bot.Inbound{message("", "1", "x"), message("wang", "", "x"), message("wa\x00ng", "1", "x"), message("wang", "\xff", "x"), message("wang", strings.Repeat("1", 1000), "x")} {
			if _, err := r.Accept(r.Context(), in); err == nil {
				r.Errorf("%.40q of %.40q was accepted", in.Remote, in.Address.Remote)
			}
		}
		r.store.acceptErr = errors.New("disk full")
		if _, err := r.Accept(r.Context(), message("wang", "2", "在吗")); !errors.Is(err, r.store.acceptErr) {
			r.Errorf("a message that was not stored gives %v", err)
		}
	})
}

// slowDisk takes a second for each commit, however many are under way.
type slowDisk struct{ *memory }

func (s slowDisk) Commit(ctx context.Context, t bot.Turn) (dialog.State, error) {
	time.Sleep(time.Second)
	return s.memory.Commit(ctx, t)
}

// Conversations that are claimed together wait for the disk together: else a
// slow one would bound how many are answered a second.
func TestCommitsOverlap(t *testing.T) {
	k := learn(t)
	synctest.Test(t, func(t *testing.T) {
		r := &running{T: t, store: new(memory)}
		r.Engine = bot.NewEngine(slowDisk{r.store}, k, "a", bot.Options{Workers: 1})
		r.ready()
		defer r.stop()
		began := time.Now()
		for i := range 8 {
			if _, err := r.store.Accept(t.Context(), []bot.Arrival{{Inbound: message(fmt.Sprint("shop-", i), "1", "你好")}}); err != nil {
				t.Fatal(err)
			}
		}
		r.start()
		for i := range 8 {
			if _, err := r.Replies(t.Context(), bot.MessageID(fmt.Sprintf("c-shop-%d-1", i))); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("eight answers took %v, of which each commit is a second", took)
		}
	})
}

// Those who wait for late answers do not make them later by looking for them,
// and find what another replica has answered all the same.
func TestManyWait(t *testing.T) {
	run(t, bot.Options{}, func(r *running) {
		const callers, length = 2000, 20 * time.Second
		other := bot.NewEngine(r.store, nil, "b", bot.Options{Backlog: callers}) // it answers nothing itself, and nobody tells it
		ctx, stop := context.WithCancel(r.Context())
		var all sync.WaitGroup
		all.Go(func() { other.Run(ctx) })
		var answered atomic.Int64
		for i := range callers {
			all.Go(func() {
				receipt, err := other.Accept(ctx, message(fmt.Sprint("merchant ", i), "1", "你好"))
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := other.Replies(ctx, receipt.Message); err != nil {
					t.Error(err)
				}
				answered.Add(1)
			})
		}
		time.Sleep(length)
		synctest.Wait()
		r.store.mu.Lock()
		looks := r.store.looks
		r.store.mu.Unlock()
		if most := callers + int(length/(2*time.Millisecond)); looks > most {
			t.Errorf("%d callers looked %d times in %v, want %d at most", callers, looks, length, most)
		}
		r.start()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if n := answered.Load(); n != callers {
			t.Errorf("%d of %d have their answer ten seconds after another replica gave it", n, callers)
		}
		stop()
		all.Wait()
	})
}

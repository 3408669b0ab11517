package bot_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/trial"
	"tilldesk/content"
	"tilldesk/content/source"
)

// TestMessagesWaitForKnowledge starts an engine that knows nothing yet: what
// comes is stored at once, and answered when it has learnt.
func TestMessagesWaitForKnowledge(t *testing.T) {
	k := learn(t)
	synctest.Test(t, func(t *testing.T) {
		r := &running{T: t, store: new(memory)}
		r.Engine = bot.NewEngine(r.store, nil, "a", bot.Options{})
		r.ready()
		r.start()
		defer r.stop()
		if _, _, ok := r.Knowledge(); ok {
			t.Error("an engine that has not learnt lends knowledge")
		}
		receipt := r.accept(message("wang", "1", "花呗扫不了"))
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := len(r.store.turns); n != 0 || r.store.claims != 0 {
			t.Errorf("%d turns and %d claims without knowledge", n, r.store.claims)
		}
		select {
		case <-r.Learnt():
			t.Error("it is said to have learnt")
		default:
		}
		if old, _ := r.Swap(k); old != nil {
			t.Error("there was something older")
		}
		<-r.Learnt()
		if a := r.replies(receipt.Message); a.State.Fix == nil || a.State.Fix.Intent != "scan.huabei" {
			t.Errorf("answered %+v", a)
		}
	})
}

// TestStopsBeforeItHasLearnt stops an engine that still waits for knowledge.
func TestStopsBeforeItHasLearnt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &running{T: t, store: new(memory)}
		r.Engine = bot.NewEngine(r.store, nil, "a", bot.Options{})
		r.ready()
		r.start()
		r.accept(message("wang", "1", "花呗扫不了"))
		r.stop()
	})
}

// TestOldKnowledgeIsKeptWhileItIsRead swaps knowledge while somebody reads the
// old one.
func TestOldKnowledgeIsKeptWhileItIsRead(t *testing.T) {
	first, second := new(bot.Knowledge), new(bot.Knowledge)
	e := bot.NewEngine(new(memory), first, "a", bot.Options{})
	one, doneOne, _ := e.Knowledge()
	_, doneTwo, _ := e.Knowledge()
	old, unused := e.Swap(second)
	if one != first || old != first {
		t.Error("what was lent is not what was replaced")
	}
	isUnused := func() bool {
		select {
		case <-unused:
			return true
		default:
			return false
		}
	}
	doneOne()
	doneOne() // says nothing new
	if isUnused() {
		t.Error("the old knowledge is said to be unused while it is read")
	}
	if k, done, ok := e.Knowledge(); !ok || k != second {
		t.Error("the new knowledge is not lent")
	} else {
		done()
	}
	doneTwo()
	if !isUnused() {
		t.Error("the old knowledge is said to be read by somebody")
	}
	if _, unused := e.Swap(first); unused == nil {
		t.Error("there was something older")
	} else {
		<-unused // nobody reads it
	}
}

// TestSwapUnderLoad makes new knowledge again and again while merchants write
// and others search: each search finds something, each message is answered,
// and each old index is closed.
func TestSwapUnderLoad(t *testing.T) {
	c, err := content.Load(content.BuiltIn())
	if err != nil {
		t.Fatal(err)
	}
	swaps := 2
	if testing.Short() {
		swaps = 1
	}
	learnAgain := func() *bot.Knowledge {
		k, err := trial.LearnLittle(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	r := &running{T: t, store: new(memory)}
	r.Engine = bot.NewEngine(r.store, learnAgain(), "a", bot.Options{})
	r.ready()
	r.start()
	defer r.stop()

	var searched, answered atomic.Int64
	over := make(chan struct{})
	var busy sync.WaitGroup
	during := func(f func(n int)) {
		busy.Go(func() {
			pace := time.NewTicker(5 * time.Millisecond)
			defer pace.Stop()
			for n := 0; ; n++ {
				select {
				case <-over:
					return
				case <-pace.C:
					f(n)
				}
			}
		})
	}
	for range 2 {
		during(func(int) {
			k, done, _ := r.Knowledge()
			defer done()
			hits, err := k.Search(t.Context(), source.Zh, "花呗扫不了怎么办", 3)
			if err != nil || len(hits) == 0 {
				t.Errorf("a search found %d passages: %v", len(hits), err)
			}
			searched.Add(1)
		})
	}
	for m := range 2 {
		during(func(n int) {
			receipt, err := r.Accept(t.Context(), message(fmt.Sprintf("wang%d-%d", m, n/6), fmt.Sprint(n), trial.Line(n)))
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := r.Replies(t.Context(), receipt.Message); err != nil {
				t.Error(err)
			}
			answered.Add(1)
		})
	}
	var closing sync.WaitGroup
	for range swaps {
		old, unused := r.Swap(learnAgain())
		closing.Go(func() {
			<-unused
			if err := old.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	close(over)
	busy.Wait()
	closing.Wait()
	for _, turn := range r.store.turns {
		if turn.Dead != "" {
			t.Errorf("messages were put aside: %s", turn.Dead)
		}
	}
	t.Logf("%d swaps under %d searches and %d messages: none failed, every old index was closed", swaps, searched.Load(), answered.Load())
	if searched.Load() == 0 || answered.Load() == 0 {
		t.Error("nothing happened in between")
	}
}

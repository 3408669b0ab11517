package bot_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"tilldesk/bot"
)

// slowStore is long at storing the messages of one conversation.
type slowStore struct {
	*memory
	slow string
	pass chan struct{}
}

func (s slowStore) Accept(ctx context.Context, in []bot.Arrival) ([]bot.Receipt, error) {
	for _, a := range in {
		if a.Address.Remote == s.slow {
			<-s.pass
			break
		}
	}
	return s.memory.Accept(ctx, in)
}

// TestStoringOverlaps has a batch of messages that takes long: those of most
// other conversations do not wait for it, those of its own stay behind it and
// in order.
func TestStoringOverlaps(t *testing.T) {
	run(t, bot.Options{}, func(r *running) {
		store := slowStore{r.store, "wang", make(chan struct{})}
		r.Engine = bot.NewEngine(store, nil, "a", bot.Options{})
		r.ready()
		r.start()
		var all sync.WaitGroup
		var others atomic.Int64
		var want []bot.RemoteID
		for n := range 40 {
			own := message("wang", fmt.Sprint(n), "在吗")
			want = append(want, own.Remote)
			all.Go(func() { r.accept(own) })
			synctest.Wait() // they come one after the other
			all.Go(func() {
				r.accept(message(fmt.Sprint("other ", n), "1", "在吗"))
				others.Add(1)
			})
		}
		synctest.Wait()
		if n := others.Load(); n == 0 {
			r.Error("everybody waits for one conversation")
		}
		close(store.pass)
		all.Wait()
		var got []bot.RemoteID
		for _, a := range r.store.arrivals {
			if a.Address.Remote == "wang" {
				got = append(got, a.Remote)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			r.Errorf("the order in which they were stored (-want +got):\n%s", diff)
		}
	})
}

// TestNoRoom refuses messages while there is no room for them, and counts that.
func TestNoRoom(t *testing.T) {
	var room error
	var mu sync.Mutex
	var events []bot.Event
	observe := func(e bot.Event) { // storing and answering tell of what they do, each when it does it
		mu.Lock()
		defer mu.Unlock()
		events = append(events, e)
	}
	run(t, bot.Options{Room: func() error { return room }, Observe: observe}, func(r *running) {
		r.start()
		room = bot.ErrNoRoom
		if _, err := r.Accept(r.Context(), message("wang", "1", "花呗扫不了")); !errors.Is(err, bot.ErrNoRoom) {
			r.Errorf("without room: %v", err)
		}
		if n := len(r.store.arrivals); n != 0 {
			r.Errorf("%d messages were stored without room", n)
		}
		mu.Lock()
		if len(events) != 1 || events[0].Refused != bot.RefusedDisk || events[0].Channel != "test" {
			r.Errorf("events %+v", events)
		}
		mu.Unlock()
		room = nil
		r.replies(r.accept(message("wang", "1", "花呗扫不了")).Message)
	})
}

package console_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/desk"
	"tilldesk/bot/store/storetest"
)

// TestMerchantsAreHeard lets merchants write the whole way, from the network's
// door through a turn into their case, while consoles are open: each has every
// event once and in order, and every message that was accepted is in one. One
// case in two is somebody's, who answers at times.
func TestMerchantsAreHeard(t *testing.T) {
	t.Run("50 consoles", func(t *testing.T) { merchantsAreHeard(t, 50, 200) })
	t.Run("200 consoles", func(t *testing.T) {
		if os.Getenv("TRIAL") != "full" {
			t.Skip("a part of the trial in full")
		}
		merchantsAreHeard(t, 200, 50)
	})
}

func merchantsAreHeard(t *testing.T, watching, perSecond int) {
	const merchants = 40
	seconds := 5
	switch {
	case os.Getenv("TRIAL") == "full":
		seconds = 60
	case testing.Short():
		seconds = 1
	}
	storetest.Each(t, func(t *testing.T, dsn string) {
		s := start(t, dsn)
		began, err := s.db.LastEvent(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		address := func(i int) bot.Address {
			return bot.Address{Channel: "web", Remote: fmt.Sprintf("merchant-%06d", i)}
		}
		var tickets []string
		for i := range merchants {
			tickets = append(tickets, s.ticketOf(s.hears("web", address(i).Remote, "找人工")))
		}
		w := s.watch(ctx, watching, began)

		total := seconds * perSecond
		accepted := make([]time.Time, total)
		receipts := make([]bot.MessageID, total)
		var writing sync.WaitGroup
		writes := make([]chan int, merchants) // each merchant writes one after the other
		for i := range writes {
			writes[i] = make(chan int, total/merchants+1)
			writing.Go(func() {
				for n := range writes[i] {
					accepted[n] = time.Now()
					r, err := s.engine.Accept(ctx, bot.Inbound{Address: address(i), Remote: bot.RemoteID(fmt.Sprint("m", n)), Text: fmt.Sprintf("还是不行，第 %d 次", n)})
					if err != nil {
						t.Error(err)
						return
					}
					receipts[n] = r.Message
					if n%50 == 0 {
						if _, _, err := s.desk.Reply(ctx, tickets[i-i%2], desk.Actor{ID: "somebody"}, desk.Message{Text: "我看一下"}); err != nil {
							t.Error(err)
						}
					}
				}
			})
		}
		pace := time.NewTicker(5 * time.Millisecond)
		defer pace.Stop()
		start := time.Now()
		for n := 0; n < total; { // what a busy machine was late for is made up for
			<-pace.C
			for due := int(time.Since(start).Seconds() * float64(perSecond)); n < min(due, total); n++ {
				writes[n%merchants] <- n
			}
		}
		offered := time.Since(start)
		for _, c := range writes {
			close(c)
		}
		writing.Wait()
		if t.Failed() {
			t.FailNow()
		}
		took := time.Since(start)
		messages := map[bot.MessageID]int{}
		for n, id := range receipts {
			messages[id] = n
		}
		for _, id := range receipts[total-merchants:] {
			if _, err := s.engine.Replies(ctx, id); err != nil {
				t.Fatal(err)
			}
		}
		var events []desk.Event
		for after := began; ; after = events[len(events)-1].ID {
			some, err := s.db.Events(ctx, "", after, 1000)
			if err != nil {
				t.Fatal(err)
			}
			if len(some) == 0 {
				break
			}
			events = append(events, some...)
		}
		w.all(t, events)

		heard := map[bot.MessageID]int{}
		var delays []time.Duration
		for _, e := range events {
			if e.Kind != desk.EventMessage {
				continue
			}
			heard[e.Message]++
			if n, known := messages[e.Message]; known {
				delays = append(delays, w.at[e.ID].Sub(accepted[n]))
			}
		}
		for id := range messages {
			if heard[id] != 1 {
				t.Errorf("message %d is in %d events", messages[id], heard[id])
			}
		}
		slices.Sort(delays)
		t.Logf("%d messages of %d merchants, offered in %.1f s, accepted after %.1f s; %d cases, %d events, %d consoles each with all of them; from the door to the first console p50 %v, p99 %v, most %v",
			total, merchants, offered.Seconds(), took.Seconds(), len(tickets), len(events), watching, delays[len(delays)/2], delays[len(delays)*99/100], delays[len(delays)-1])
	})
}

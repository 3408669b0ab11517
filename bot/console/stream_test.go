package console_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"tilldesk/bot/desk"
	"tilldesk/bot/staff"
	"tilldesk/bot/store/storetest"
)

// follow reads events of the stream, from after on, until it has the one that
// is the end, or n of them; it returns their ids and calls came for each.
func (c *client) follow(ctx context.Context, after int64, resumed bool, end chan int64, n int, came func(id int64)) ([]int64, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	path := "/desk/events"
	if !resumed {
		path += "?after=" + strconv.FormatInt(after, 10)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.s.URL+path, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "text/event-stream")
	if resumed {
		req.Header.Set("Last-Event-ID", strconv.FormatInt(after, 10))
	}
	res, err := c.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the stream answers %s", res.Status)
	}
	ids, last, known, ends := []int64{}, int64(0), false, end
	lines := make(chan int64)
	go func() {
		defer close(lines)
		for text := bufio.NewScanner(res.Body); text.Scan(); {
			if id, ok := strings.CutPrefix(text.Text(), "id: "); ok {
				n, err := strconv.ParseInt(id, 10, 64)
				if err != nil {
					return
				}
				select {
				case lines <- n:
				case <-ctx.Done():
					return
				}
			}
		}
	}()
	for {
		if known && after >= last || n > 0 && len(ids) >= n {
			return ids, nil
		}
		select {
		case id, ok := <-lines:
			if !ok {
				return ids, fmt.Errorf("the stream ended after event %d: %w", after, ctx.Err())
			}
			came(id)
			ids, after = append(ids, id), id
		case last = <-ends:
			known, ends = true, nil
			end <- last // it holds after the next break of the line, too
		case <-ctx.Done():
			return ids, fmt.Errorf("after event %d: %w", after, ctx.Err())
		}
	}
}

// consoles are browsers that follow a desk.
type consoles struct {
	got       [][]int64 // by each, in the order in which it came
	ends      []chan int64
	following sync.WaitGroup
	mu        sync.Mutex
	at        map[int64]time.Time // when the first of them had an event
}

// watch lets n consoles of five members of the staff follow what happens after
// an event. The line of every third breaks five times; one more never reads.
func (s *service) watch(ctx context.Context, n int, began int64) *consoles {
	t := s.t
	t.Helper()
	var clients []*client
	for i := range 5 {
		name := fmt.Sprintf("staff %d", i)
		s.hire(name, staff.Agent, "en")
		clients = append(clients, s.signIn(name))
	}
	deaf, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/desk/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	stalled, err := clients[0].Do(deaf)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stalled.Body.Close() })
	w := &consoles{got: make([][]int64, n), at: map[int64]time.Time{}}
	came := func(id int64) {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.at[id].IsZero() {
			w.at[id] = time.Now()
		}
	}
	for i := range n {
		end := make(chan int64, 1)
		w.ends = append(w.ends, end)
		w.following.Go(func() {
			c, after := clients[i%len(clients)], began
			for round := 0; i%3 == 0 && round < 5; round++ { // the line breaks
				ids, err := c.follow(ctx, after, round > 0, end, 50, came)
				if err != nil {
					t.Errorf("console %d: %v", i, err)
					return
				}
				if w.got[i] = append(w.got[i], ids...); len(ids) > 0 {
					after = ids[len(ids)-1]
				}
			}
			ids, err := c.follow(ctx, after, i%3 == 0, end, 0, came)
			if err != nil {
				t.Errorf("console %d: %v", i, err)
			}
			w.got[i] = append(w.got[i], ids...)
		})
	}
	return w
}

// all waits until the consoles have the last of the events that there are, and
// fails the test for each that has not had every one once and in order.
func (w *consoles) all(t *testing.T, events []desk.Event) {
	t.Helper()
	var want []int64
	for _, e := range events {
		want = append(want, e.ID)
	}
	for _, end := range w.ends {
		end <- want[len(want)-1]
	}
	w.following.Wait()
	for i, got := range w.got {
		if !slices.Equal(got, want) {
			t.Errorf("console %d has %d events, want %d, each once and in order", i, len(got), len(want))
		}
	}
}

// TestStreams lets fifty consoles follow a busy desk.
func TestStreams(t *testing.T) {
	storetest.Each(t, func(t *testing.T, dsn string) {
		s := start(t, dsn)
		const watching, writers, each = 50, 10, 100
		var tickets []string
		for i := range writers {
			remote := fmt.Sprintf("merchant-%06d", i)
			tickets = append(tickets, s.ticketOf(s.hears("web", remote, "找人工")))
		}
		began, err := s.db.LastEvent(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
		defer cancel()
		w := s.watch(ctx, watching, began)
		start := time.Now()
		var writing sync.WaitGroup
		for _, ticket := range tickets {
			writing.Go(func() {
				for n := range each {
					if _, err := s.desk.Note(ctx, ticket, desk.Actor{ID: "nobody"}, fmt.Sprint("note ", n), nil); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		writing.Wait()
		took := time.Since(start)
		events, err := s.db.Events(ctx, "", began, 10*writers*each)
		if err != nil {
			t.Fatal(err)
		}
		w.all(t, events)
		t.Logf("%d events for %d consoles, written in %v, all there after %v", len(events), watching, took, time.Since(start))
	})
}

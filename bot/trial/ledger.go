package trial

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"tilldesk/bot"
)

// A Ledger notes what was sent to a service and what it said. It is safe for
// concurrent use; the zero Ledger is empty.
type Ledger struct {
	mu    sync.Mutex
	talks map[bot.Address]*talk
	again int      // deliveries of what had been sent before
	odd   []string // what was wrong at the time it was seen

	statuses map[int]int
}

// talk is one conversation, as the merchant knows it.
type talk struct {
	order []bot.RemoteID // in which the messages were first sent
	sent  map[bot.RemoteID]*sending
	mixed bool // messages were under way at the same time: they have no order
}

// sending is one message of a merchant.
type sending struct {
	text     string
	acked    bool
	answered bool
	answer   string // as it came
}

// Sent notes that a message is about to be sent, for the first time or again.
func (l *Ledger) Sent(to bot.Address, id bot.RemoteID, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.talk(to)
	if t.sent[id] != nil {
		l.again++
		return
	}
	if n := len(t.order); n > 0 && !t.sent[t.order[n-1]].acked {
		t.mixed = true
	}
	t.order = append(t.order, id)
	t.sent[id] = &sending{text: text}
}

// Acknowledged notes that the service has said that it has the message.
func (l *Ledger) Acknowledged(to bot.Address, id bot.RemoteID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.of(to, id).acked = true
}

// Answered notes the answer to a message, as it came, which says that the
// service has the message as well. It must be the same each time.
func (l *Ledger) Answered(to bot.Address, id bot.RemoteID, answer string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.of(to, id)
	if s.answered && s.answer != answer {
		l.odd = append(l.odd, fmt.Sprintf("%s: %s was answered %s, and then %s", to.Remote, id, s.answer, answer))
		return
	}
	s.acked, s.answered, s.answer = true, true, answer
}

// said notes the status of an answer, 0 if there was none.
func (l *Ledger) said(status int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.statuses == nil {
		l.statuses = map[int]int{}
	}
	l.statuses[status]++
}

// Statuses returns how often the service answered with each HTTP status; 0 is
// for requests that were not answered.
func (l *Ledger) Statuses() map[int]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.statuses)
}

// Snapshot returns a ledger of what has been acknowledged by now.
func (l *Ledger) Snapshot() *Ledger {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := &Ledger{talks: map[bot.Address]*talk{}}
	for to, t := range l.talks {
		for _, id := range t.order {
			if old := t.sent[id]; old.acked {
				now := s.talk(to)
				now.order, now.sent[id], now.mixed = append(now.order, id), &sending{text: old.text, acked: true}, t.mixed
			}
		}
	}
	return s
}

// Open returns the messages that were sent and not acknowledged, and where to.
func (l *Ledger) Open() map[bot.Address][]bot.RemoteID {
	l.mu.Lock()
	defer l.mu.Unlock()
	open := map[bot.Address][]bot.RemoteID{}
	for to, t := range l.talks {
		for _, id := range t.order {
			if !t.sent[id].acked {
				open[to] = append(open[to], id)
			}
		}
	}
	return open
}

// Addresses returns where messages were sent to, in order.
func (l *Ledger) Addresses() []bot.Address {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make([]bot.Address, 0, len(l.talks))
	for to := range l.talks {
		all = append(all, to)
	}
	slices.SortFunc(all, func(a, b bot.Address) int {
		return strings.Compare(a.Channel+"\x00"+a.Remote, b.Channel+"\x00"+b.Remote)
	})
	return all
}

func (l *Ledger) talk(to bot.Address) *talk {
	if l.talks == nil {
		l.talks = map[bot.Address]*talk{}
	}
	t := l.talks[to]
	if t == nil {
		t = &talk{sent: map[bot.RemoteID]*sending{}}
		l.talks[to] = t
	}
	return t
}

func (l *Ledger) of(to bot.Address, id bot.RemoteID) *sending {
	s := l.talk(to).sent[id]
	if s == nil {
		panic(fmt.Sprintf("trial: %s of %s was never sent", id, to.Remote))
	}
	return s
}

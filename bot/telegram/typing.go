package telegram

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"tilldesk/bot"
	"tilldesk/bot/telegram/botapi"
)

// Times of the typing indicator.
const (
	// aMoment is how long nobody wonders whether there will be an answer.
	aMoment = time.Second
	// typingEvery is how often it is shown in one chat: Telegram takes it away
	// after five seconds, or with the next message (Bot API, sendChatAction).
	typingEvery = 4500 * time.Millisecond
	// typingFor is after how long it promises nothing any more.
	typingFor  = 30 * time.Second
	typingCall = 3 * time.Second // it is of no use later
	// typingRate is how many are shown to all together in a second. Chat actions
	// have a flood limit of their own, which is not published.
	typingRate = 5
)

// typing shows merchants that an answer is on its way: while a turn takes
// longer than a moment, and while staff write. It is a courtesy: it waits for
// nothing, is not tried again, and what is too much is left out.
type typing struct {
	act      func(ctx context.Context, chat int64) error        // shows it once
	answered func(context.Context, bot.MessageID) (bool, error) // by any process
	spare    func(chat int64) bool                              // Telegram has not asked to be left alone
	all      *rate.Limiter

	mu      sync.Mutex
	ctx     context.Context // of the running channel; nil before and after
	waiting map[bot.ConversationID]*wait
	shown   map[int64]time.Time
	rests   time.Time // nothing is shown before
}

// A wait is for the answer to a message.
type wait struct {
	message bot.MessageID
	chat    int64
	since   time.Time
	timer   *time.Timer
}

func newTyping(act func(context.Context, int64) error, answered func(context.Context, bot.MessageID) (bool, error), spare func(int64) bool) *typing {
	return &typing{act: act, answered: answered, spare: spare, all: rate.NewLimiter(typingRate, typingRate),
		waiting: map[bot.ConversationID]*wait{}, shown: map[int64]time.Time{}}
}

// run lets it be shown until ctx ends.
func (t *typing) run(ctx context.Context) {
	t.mu.Lock()
	t.ctx = ctx
	t.mu.Unlock()
	<-ctx.Done()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ctx = nil
	for _, w := range t.waiting {
		w.timer.Stop()
	}
	clear(t.waiting)
}

// expect notes that a message waits for its answer. It does not block.
func (t *typing) expect(id bot.ConversationID, message bot.MessageID, chat int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ctx == nil {
		return
	}
	if w := t.waiting[id]; w != nil {
		w.message = message // the last of a burst is answered with the others
		return
	}
	w := &wait{message: message, chat: chat, since: time.Now()}
	w.timer = time.AfterFunc(aMoment, func() { t.due(id, w) })
	t.waiting[id] = w
}

// settled notes that a turn was made in a conversation. It does not block.
func (t *typing) settled(id bot.ConversationID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if w := t.waiting[id]; w != nil {
		w.timer.Stop()
		delete(t.waiting, id)
	}
}

// due shows it if the answer is still to come, and looks again later.
func (t *typing) due(id bot.ConversationID, w *wait) {
	t.mu.Lock()
	ctx, message := t.ctx, w.message
	if t.waiting[id] != w || ctx == nil {
		t.mu.Unlock()
		return
	}
	t.mu.Unlock()
	done := time.Since(w.since) >= typingFor
	if !done && t.all.Tokens() >= 1 { // or nobody need ask
		call, cancel := context.WithTimeout(ctx, typingCall)
		var err error
		done, err = t.answered(call, message)
		cancel()
		if done = done || err != nil; !done {
			t.show(w.chat)
		}
	}
	if !done {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.waiting[id] == w {
			w.timer.Reset(typingEvery)
		}
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.waiting[id] == w {
		delete(t.waiting, id)
	}
}

// maxShown is how many chats are remembered before those of long ago are
// forgotten.
const maxShown = 1000

// show shows it in a chat, unless it is shown there, or too much is going on.
func (t *typing) show(chat int64) {
	now := time.Now()
	t.mu.Lock()
	ctx := t.ctx
	if ctx == nil || now.Before(t.rests) || now.Sub(t.shown[chat]) < typingEvery || !t.spare(chat) || !t.all.AllowN(now, 1) {
		t.mu.Unlock()
		return
	}
	if len(t.shown) >= maxShown {
		for chat, at := range t.shown {
			if now.Sub(at) >= typingEvery {
				delete(t.shown, chat)
			}
		}
	}
	t.shown[chat] = now
	t.mu.Unlock()
	call, cancel := context.WithTimeout(ctx, typingCall)
	defer cancel()
	var e *botapi.Error
	if err := t.act(call, chat); asFlood(err, &e) {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.rests = time.Now().Add(e.After)
	}
}

// Settled lets no typing be shown any more for what was said before in a
// conversation. It is called after each turn, and does not block.
func (c *Channel) Settled(id bot.ConversationID) { c.typing.settled(id) }

// isAnswered reports whether a message has had its turn.
func (c *Channel) isAnswered(ctx context.Context, id bot.MessageID) (bool, error) {
	_, done, err := c.store.Replies(ctx, id)
	return done, err
}

// ShowTyping shows a merchant that somebody writes to them; it does nothing for
// an address of another channel. It returns when that is done.
func (c *Channel) ShowTyping(to bot.Address) {
	if to.Channel != Name {
		return
	}
	if chat, err := chatOf(to); err == nil {
		c.typing.show(chat)
	}
}

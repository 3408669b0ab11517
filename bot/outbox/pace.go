package outbox

import (
	"maps"
	"time"

	"golang.org/x/time/rate"

	"tilldesk/bot"
)

// pace is the rates of one channel. Unless the channel says otherwise the
// limiters have a burst of one: in no second is there more than the network
// allows. It is not safe for concurrent use.
type pace struct {
	overall *rate.Limiter // nil: no limit
	each    rate.Limit    // of one conversation; 0: no limit
	burst   int           // of one conversation
	recent  map[bot.ConversationID]*rate.Limiter
	sweepAt int // size of recent at which those that may go on are left out
}

const minSweep = 1024

func newPace(limits bot.Limits) pace {
	p := pace{each: rate.Limit(limits.PerConversation), burst: max(1, limits.Burst), recent: map[bot.ConversationID]*rate.Limiter{}, sweepAt: minSweep}
	if limits.Overall > 0 {
		p.overall = rate.NewLimiter(rate.Limit(limits.Overall), 1)
	}
	return p
}

// wait returns how long no message at all may be sent.
func (p *pace) wait(now time.Time) time.Duration { return until(p.overall, now) }

// waitFor returns how long none may be sent to one conversation.
func (p *pace) waitFor(id bot.ConversationID, now time.Time) time.Duration {
	return until(p.recent[id], now)
}

// until returns when a limiter has its next token, without taking it.
func until(l *rate.Limiter, now time.Time) time.Duration {
	if l == nil {
		return 0
	}
	r := l.ReserveN(now, 1)
	defer r.CancelAt(now)
	return r.DelayFrom(now)
}

// take notes that a message is sent.
func (p *pace) take(id bot.ConversationID, now time.Time) {
	if p.overall != nil {
		p.overall.ReserveN(now, 1)
	}
	if p.each <= 0 {
		return
	}
	if len(p.recent) >= p.sweepAt {
		maps.DeleteFunc(p.recent, func(_ bot.ConversationID, l *rate.Limiter) bool { return l.TokensAt(now) >= float64(p.burst) })
		p.sweepAt = max(minSweep, 2*len(p.recent))
	}
	l := p.recent[id]
	if l == nil {
		l = rate.NewLimiter(p.each, p.burst)
		p.recent[id] = l
	}
	l.ReserveN(now, 1)
}

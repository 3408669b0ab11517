// Package channeltest holds what every channel must do, see [Exercise], and has
// a [Fake] for those who send through one.
package channeltest

import (
	"context"
	"slices"
	"sync"
	"time"

	"tilldesk/bot"
)

// A Step is what a [Fake] does with one message, in the order of the fields.
// The zero Step delivers it at once.
type Step struct {
	Delay  time.Duration // waits before the message takes effect
	Before error         // fails with it before the message takes effect
	Linger time.Duration // waits after the message took effect
	After  error         // fails with it after the message took effect
	Panic  any           // panics with it after the message took effect
	Deaf   bool          // waits to the end, also if the context ends
}

// A Call is one Send of a [Fake].
type Call struct {
	Message bot.Outbound
	At      time.Time
}

// Fake is a network in memory, with a channel to it. It does what its script
// says and remembers what it was asked to send and what the merchant saw. It is
// safe for concurrent use.
type Fake struct {
	name   string
	limits bot.Limits

	mu      sync.Mutex
	script  func(bot.Outbound) Step
	calls   []Call
	arrived []bot.Outbound
}

var _ bot.Channel = (*Fake)(nil)

// NewFake returns a network that delivers everything.
func NewFake(name string, limits bot.Limits) *Fake {
	return &Fake{name: name, limits: limits, script: func(bot.Outbound) Step { return Step{} }}
}

// Next lets the next messages be treated by the steps, one each, and all after
// them be delivered.
func (f *Fake) Next(steps ...Step) {
	f.Script(func(bot.Outbound) Step {
		if len(steps) == 0 {
			return Step{}
		}
		step := steps[0]
		steps = steps[1:]
		return step
	})
}

// Script lets script say what to do with each message. It is called by one
// goroutine at a time and must not call the Fake.
func (f *Fake) Script(script func(bot.Outbound) Step) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.script = script
}

// Calls returns all calls of Send, oldest first.
func (f *Fake) Calls() []Call {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.calls)
}

// Count returns how many calls of Send there were.
func (f *Fake) Count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.calls)
}

// Arrived returns what the merchants saw, oldest first, copies included.
func (f *Fake) Arrived() []bot.Outbound {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.arrived)
}

// Name returns the name of the channel.
func (f *Fake) Name() string { return f.name }

// Limits returns the limits of the channel.
func (f *Fake) Limits() bot.Limits { return f.limits }

// Send does what the script says. The network's name of a message is its id
// after "remote/".
func (f *Fake) Send(ctx context.Context, m bot.Outbound) (bot.RemoteID, error) {
	step := f.begin(m)
	if err := step.pause(ctx, step.Delay); err != nil {
		return "", err
	}
	if step.Before != nil {
		return "", step.Before
	}
	f.arrive(m)
	if err := step.pause(ctx, step.Linger); err != nil {
		return "", err
	}
	if step.Panic != nil {
		panic(step.Panic)
	}
	if step.After != nil {
		return "", step.After
	}
	return "remote/" + bot.RemoteID(m.ID), nil
}

func (f *Fake) begin(m bot.Outbound) Step {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, Call{m, time.Now()})
	return f.script(m)
}

func (f *Fake) arrive(m bot.Outbound) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.arrived = append(f.arrived, m)
}

func (s Step) pause(ctx context.Context, d time.Duration) error {
	if d == 0 {
		return nil
	}
	ended := ctx.Done()
	if s.Deaf {
		ended = nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ended:
		return ctx.Err()
	}
}

package channeltest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/outbox"
)

// A Subject is a channel that speaks HTTP, and what is needed to play its
// network.
type Subject struct {
	// New returns the channel, as it is in service, for the network at url. It
	// is called for each part anew.
	New func(url string) (bot.Channel, error)
	// Network answers as the network does when all is well.
	Network http.Handler
	// Sends reports whether a request is one that delivers a message, and not
	// one for a token, say; nil if all are.
	Sends func(*http.Request) bool
	// Message is one that the channel delivers in one request.
	Message bot.Outbound
	// Secrets are the tokens and passwords that New gives to the channel.
	Secrets []string
	// Answers are what the network says when not all is well. There must be one
	// for each class that the network can tell: at least one of outbox.Later and
	// one of outbox.Never.
	Answers []Answer

	patience time.Duration // with a Send that does not return; maxTimeout if 0
}

// An Answer is what a network says instead of delivering a message.
type Answer struct {
	Name    string
	Handler http.HandlerFunc
	Want    outbox.Class  // of the error
	After   time.Duration // how long the network wants to be left alone
}

// maxTimeout is how long a channel may keep a sender waiting.
const maxTimeout = 8 * time.Second

// Exercise runs everything that a channel must do:
//
//   - it says what became of a message as [bot.Channel] has it: that nothing was
//     delivered only when that is certain, and then always;
//   - it returns when its context ends, and soon;
//   - it believes no answer that is not its network's, and reads none without
//     bound;
//   - its errors hold neither secrets nor what was written.
func Exercise(t *testing.T, s Subject) {
	for _, part := range s.parts() {
		t.Run(part.name, func(t *testing.T) {
			for _, problem := range s.play(t.Context(), part) {
				t.Error(problem)
			}
		})
	}
}

// A part is one thing that may happen to a message.
type part struct {
	name    string
	connect connection
	handler func(*stage) http.HandlerFunc // instead of the network, for what sends; nil: the network
	ended   bool                          // the context ends before Send is called
	want    []outbox.Class                // any of them
	after   time.Duration
	sends   int                                         // requests that send; -1: any number
	check   func(context.Context, bot.Channel) []string // instead of one Send
}

// parts are all there is, in order.
func (s Subject) parts() []part {
	later, unknown := []outbox.Class{outbox.Later}, []outbox.Class{outbox.Unknown}
	all := []part{
		{name: "delivered", want: []outbox.Class{outbox.Delivered}, sends: 1},
		{name: "name and limits", check: s.describes},
		{name: "many at once", check: s.parallel, sends: parallelSends},
		{name: "the answers that are tested", check: s.covers},
		{name: "connection refused", connect: refused, want: later},
		{name: "no such host", connect: nowhere, want: later},
		{name: "certificate of somebody else", connect: impostor, want: later},
		{name: "context ended before", ended: true, want: later},
		{name: "no answer", handler: silence, want: unknown, sends: 1},
		{name: "half an answer, then nothing", handler: drip, want: unknown, sends: 1},
		{name: "cut off without an answer", handler: cutOff, want: unknown, sends: 1},
		{name: "cut off within the answer", handler: s.cutAnswer, want: unknown, sends: 1},
		{name: "a page instead of an answer", handler: says(http.StatusOK, "<html>Welcome to the hotel</html>"), want: unknown, sends: 1},
		{name: "an empty answer", handler: says(http.StatusOK, ""), want: unknown, sends: 1},
		{name: "an endless answer", handler: endless, want: unknown, sends: 1},
	}
	for _, status := range []int{http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout} {
		all = append(all, part{name: fmt.Sprint("status ", status), handler: says(status, "<html>oops</html>"), want: unknown, sends: 1})
	}
	for _, a := range s.Answers {
		all = append(all, part{
			name: a.Name, want: []outbox.Class{a.Want}, after: a.After, sends: -1,
			handler: func(*stage) http.HandlerFunc { return a.Handler },
		})
	}
	return all
}

// play lets a part happen and returns what is wrong with how the channel took
// it.
func (s Subject) play(ctx context.Context, p part) (problems []string) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	st := &stage{cancel: cancel, released: make(chan struct{})}
	var sends atomic.Int64
	network := s.Network
	if p.handler != nil {
		network = p.handler(st)
	}
	url, end := p.connect.open(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.Sends != nil && !s.Sends(r) {
			s.Network.ServeHTTP(w, r)
			return
		}
		sends.Add(1)
		network.ServeHTTP(w, r)
	}))
	defer end()
	defer close(st.released)
	channel, err := s.New(url)
	if err != nil {
		return []string{"New: " + err.Error()}
	}
	if p.ended {
		cancel()
	}
	if p.check != nil {
		problems = p.check(ctx, channel)
	} else {
		problems = s.judge(p, s.send(ctx, channel))
	}
	if st.overread.Load() {
		problems = append(problems, fmt.Sprintf("it read %d bytes of an answer and wanted more: bound what it reads", maxAnswer))
	}
	if got := int(sends.Load()); p.sends >= 0 && got != p.sends {
		problems = append(problems, fmt.Sprintf("%d requests that send, want %d: whether to repeat one is for the outbox to decide", got, p.sends))
	}
	return problems
}

// errDeaf says that Send does not return.
var errDeaf = errors.New("Send did not return when its context had ended")

// send calls Send, with the timeout that the outbox would give it.
func (s Subject) send(ctx context.Context, channel bot.Channel) error {
	ctx, cancel := context.WithTimeout(ctx, maxTimeout)
	defer cancel()
	done := make(chan error, 1)
	go func() {
		_, err := channel.Send(ctx, s.Message)
		done <- err
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-done:
		return err
	case <-time.After(cmp.Or(s.patience, maxTimeout)):
		return errDeaf
	}
}

// judge returns what is wrong with the error of a Send.
func (s Subject) judge(p part, err error) (problems []string) {
	if errors.Is(err, errDeaf) {
		return []string{errDeaf.Error()}
	}
	if got := outbox.Classify(err); !slices.Contains(p.want, got) {
		problems = append(problems, fmt.Sprintf("the outcome is %q, want %q: %v", got, p.want, err))
	}
	var retry *bot.RetryError
	if errors.As(err, &retry) && retry.After != p.after {
		problems = append(problems, fmt.Sprintf("to be sent again after %v, want %v", retry.After, p.after))
	}
	return append(problems, s.leaks(err)...)
}

// leaks returns which secrets and words are in an error or in those it wraps:
// each of them may be logged.
func (s Subject) leaks(err error) (problems []string) {
	if err == nil {
		return nil
	}
	for _, format := range []string{"%v", "%+v", "%#v"} {
		text := fmt.Sprintf(format, err)
		for _, secret := range s.Secrets {
			if containsAny(text, spellings(secret)) {
				problems = append(problems, fmt.Sprintf("a secret is in the error as %s prints it", format))
			}
		}
		if words := s.Message.Reply.Text; words != "" && containsAny(text, spellings(words)) {
			problems = append(problems, fmt.Sprintf("the text of the message is in the error as %s prints it", format))
		}
	}
	switch e := err.(type) { //nolint:errorlint // this is the walk down the chain
	case interface{ Unwrap() error }:
		problems = append(problems, s.leaks(e.Unwrap())...)
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			problems = append(problems, s.leaks(inner)...)
		}
	}
	slices.Sort(problems)
	return slices.Compact(problems)
}

func containsAny(text string, parts []string) bool {
	return slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(text, part) })
}

func (s Subject) describes(_ context.Context, channel bot.Channel) (problems []string) {
	if channel.Name() == "" {
		problems = append(problems, "it has no name")
	}
	limits := channel.Limits()
	if limits.Timeout <= 0 || limits.Timeout > maxTimeout {
		problems = append(problems, fmt.Sprintf("the timeout is %v, want more than 0 and at most %v", limits.Timeout, maxTimeout))
	}
	if limits.Pull {
		problems = append(problems, "it says that its client fetches the messages, so nothing would be sent")
	}
	if limits.PerConversation < 0 || limits.Overall < 0 {
		problems = append(problems, fmt.Sprintf("the rates %v and %v are below 0", limits.PerConversation, limits.Overall))
	}
	return problems
}

const parallelSends = 8

// parallel sends several messages at once; the race detector sees the rest.
func (s Subject) parallel(ctx context.Context, channel bot.Channel) []string {
	var all sync.WaitGroup
	errs := make([]error, parallelSends)
	for i := range errs {
		all.Go(func() { errs[i] = s.send(ctx, channel) })
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		return []string{err.Error()}
	}
	return nil
}

// covers returns the classes that no answer is tested for.
func (s Subject) covers(context.Context, bot.Channel) (problems []string) {
	for _, class := range []outbox.Class{outbox.Later, outbox.Never} {
		if !slices.ContainsFunc(s.Answers, func(a Answer) bool { return a.Want == class }) {
			problems = append(problems, fmt.Sprintf("there is no answer of the class %q", class))
		}
	}
	return problems
}

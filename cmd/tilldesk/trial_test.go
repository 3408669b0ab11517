package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/pprof"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/channeltest"
	"tilldesk/bot/store"
	"tilldesk/bot/store/storetest"
	"tilldesk/bot/trial"
)

// The environment of a service under trial, besides its usual settings.
const (
	runAs        = "RUN_AS_TILLDESK" // the folder of the service; makes the test binary be the service
	trialNetwork = "TRIAL_NETWORK"   // the URL of its network
	trialLease   = "TRIAL_LEASE"     // of its claims
	trialLearn   = "TRIAL_LEARN"     // "all" of the content; a handful if not set
	trialProfile = "TRIAL_PROFILE"   // the file for a profile of its processor time
)

// TestMain makes the test binary be the service instead, in a process that can
// be killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv(runAs); dir != "" {
		os.Exit(profiled(os.Getenv(trialProfile), func() int { return trialApp(dir).process([]string{"serve"}) }))
	}
	os.Exit(m.Run())
}

// profiled runs a service and writes where its processor time went, if that is
// wanted; `go tool pprof` reads it.
func profiled(file string, serve func() int) (status int) {
	if file == "" {
		return serve()
	}
	f, err := os.Create(file)
	if err == nil {
		err = pprof.StartCPUProfile(f)
	}
	if err != nil {
		panic(err)
	}
	defer f.Close()
	defer pprof.StopCPUProfile()
	return serve()
}

// trialApp is the program as the environment wants it.
func trialApp(dir string) *app {
	a := littleApp(dir)
	a.env = func(name string) (string, bool) {
		if value, ok := os.LookupEnv(name); ok {
			return value, ok
		}
		return settings(dir)(name)
	}
	timeout := 8 * time.Second
	if lease, err := time.ParseDuration(os.Getenv(trialLease)); err == nil {
		a.lease, timeout = lease, min(timeout, lease/3)
	}
	if os.Getenv(trialLearn) == "all" {
		a.learn = learn
	}
	if network := os.Getenv(trialNetwork); network != "" {
		a.parts = append(a.parts, part{name: trial.NetworkName, open: func(_ context.Context, s *service) (plug, error) {
			return plug{
				channel: trial.NewChannel(network, timeout),
				routes: func(mux *http.ServeMux) {
					mux.Handle("POST "+trial.WebhookPath, trial.Webhook(s.engine.Accept))
				},
			}, nil
		}})
	}
	return a
}

// fullTrial says that trials are to have their full length, see `make faults`
// and `make load`.
func fullTrial() bool { return os.Getenv("TRIAL") == "full" }

// howMany is a count of a trial: for every change, with -short, and in full.
func howMany(change, full int) int {
	switch {
	case fullTrial():
		return full
	case testing.Short():
		return max(1, change/3)
	}
	return change
}

// notShort skips a test with -short: the race detector makes each start of a
// service slow, and it sees the same in the others, or there is nothing to see
// as one command comes after the other.
func notShort(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("not with -short")
	}
}

// site is a service under trial, with all that is around it.
type site struct {
	*testing.T
	dir    string
	dsn    string
	env    []string
	ledger *trial.Ledger
	net    *trial.Network
	web    *trial.Web
	heard  chan struct{} // something was answered or acknowledged

	mu       sync.Mutex
	replicas []*trial.Process // those that are asked
	next     atomic.Int64
}

// newSite prepares a service on a database.
func newSite(t *testing.T, dsn string, env ...string) *site {
	s := &site{T: t, dir: t.TempDir(), dsn: dsn, ledger: new(trial.Ledger), heard: make(chan struct{}, 1000)}
	s.net = trial.NewNetwork(t, s.ledger)
	s.web = trial.NewWeb(s.ledger, 25*time.Second)
	s.env = append([]string{"TILLDESK_STORE_DSN=" + dsn, trialNetwork + "=" + s.net.URL}, env...)
	return s
}

func (s *site) command() *exec.Cmd {
	self, err := os.Executable()
	if err != nil {
		s.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(append(os.Environ(), runAs+"="+s.dir), s.env...)
	return cmd
}

// start starts a replica and lets it be asked.
func (s *site) start() *trial.Process {
	s.Helper()
	p := trial.StartProcess(s, s.command())
	s.mu.Lock()
	defer s.mu.Unlock()
	s.replicas = append(s.replicas, p)
	return p
}

// leave lets a replica not be asked any more.
func (s *site) leave(p *trial.Process) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, r := range s.replicas {
		if r == p {
			s.replicas = append(s.replicas[:i:i], s.replicas[i+1:]...)
			return
		}
	}
}

// url is that of the replica whose turn it is.
func (s *site) url() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.replicas) == 0 {
		return "http://127.0.0.1:1"
	}
	return s.replicas[int(s.next.Add(1))%len(s.replicas)].URL
}

// A conversation ends after so many messages; the merchant comes back with
// another question.
const messagesEach = 6

// patience is for how long a merchant tries to get rid of one message.
const patience = 5 * time.Minute

// merchants lets so many merchants write, so often a second each, half of them
// in the web chat and half over the network, until ctx ends. Each writes one
// message after the other and each one until it is taken. The channel is
// closed when all have stopped.
func (s *site) merchants(ctx context.Context, n int, perSecond float64) (done chan struct{}) {
	done = make(chan struct{})
	var all sync.WaitGroup
	for m := range n {
		all.Go(func() {
			pace := time.NewTicker(time.Duration(float64(time.Second) / perSecond))
			defer pace.Stop()
			for i := 0; ; i++ {
				select {
				case <-ctx.Done():
					return
				case <-pace.C:
				}
				talk := fmt.Sprintf("merchant-%04d-%06d", m, i/messagesEach)
				id, text := bot.RemoteID(fmt.Sprint("m", i)), trial.Line(m*7+i)
				say := s.web.Ask
				if m%2 == 1 {
					say = s.net.Deliver
				}
				patient, giveUp := context.WithTimeout(context.WithoutCancel(ctx), patience)
				taken := say(patient, s.url, talk, id, text)
				giveUp()
				if !taken {
					s.Errorf("%s: message %s was not taken within %v", talk, id, patience)
					return
				}
				select {
				case s.heard <- struct{}{}:
				default:
				}
			}
		})
	}
	go func() {
		all.Wait()
		close(done)
	}()
	return done
}

// listen waits until so many messages have been taken.
func (s *site) listen(n int) {
	for range n {
		select {
		case <-s.heard:
		case <-s.Context().Done():
			return
		}
	}
}

// arrive waits until so many more replies have reached the network.
func (s *site) arrive(n int) {
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for want := s.net.Count() + n; s.net.Count() < want; {
		select {
		case <-look.C:
		case <-s.Context().Done():
			return
		}
	}
}

// beside opens the database next to the service.
func (s *site) beside() *store.DB {
	s.Helper()
	db, err := store.Open(s.Context(), s.dsn, store.Options{Beside: true})
	if err != nil {
		s.Fatal(err)
	}
	return db
}

// catchUp waits until no more messages wait than merchants write at once: a
// service that learns anew after each of many kills falls behind those who do
// not wait for answers.
func (s *site) catchUp(merchants int) {
	s.Helper()
	s.until(3*time.Minute, fmt.Sprintf("not more than %d wait", merchants), func(q store.Queue) bool { return q.Waiting <= merchants })
}

// settle waits until nothing waits in the database any more.
func (s *site) settle() {
	s.Helper()
	s.settleWithin(3 * time.Minute)
}

// settleWithin does so for a trial that leaves a lot to be done.
func (s *site) settleWithin(limit time.Duration) {
	s.Helper()
	s.until(limit, "nothing waits", func(q store.Queue) bool { return q.Waiting == 0 && q.Unsent == 0 })
}

// until waits until the queue is as wanted, so long at most.
func (s *site) until(limit time.Duration, what string, wanted func(store.Queue) bool) {
	s.Helper()
	db := s.beside()
	defer db.Close()
	ctx, cancel := context.WithTimeout(s.Context(), limit)
	defer cancel()
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for {
		q, err := db.Queue(ctx)
		if err == nil && wanted(q) {
			return
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			s.Fatalf("it did not come to that %s in %v: %+v, %v; the services say\n%s", what, limit, q, err, s.logs())
		}
	}
}

func (s *site) logs() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	for _, p := range s.replicas {
		b.WriteString(p.Log())
	}
	return b.String()
}

// check stops the service, compares all that was seen with what is stored, and
// says what it has counted.
func (s *site) check(k *bot.Knowledge) trial.Report {
	s.Helper()
	s.mu.Lock()
	replicas := s.replicas
	s.mu.Unlock()
	for _, p := range replicas {
		if err := p.Stop(); err != nil {
			s.Errorf("a service ended with %v\n%s", err, p.Log())
		}
	}
	db := s.beside()
	defer db.Close()
	if err := db.Check(s.Context()); err != nil {
		s.Error(err)
	}
	r, err := s.ledger.Check(s.Context(), db, trial.Expect{Arrived: s.net.Arrived(), Knowledge: k})
	if err != nil {
		s.Fatal(err)
	}
	s.Log(r)
	for _, problem := range r.Problems {
		s.Error(problem)
	}
	if r.Acknowledged == 0 || r.Arrived == 0 {
		s.Error("nothing happened at all")
	}
	return r
}

// copied copies the files of a SQLite database and returns the DSN of the copy:
// opening the database itself would tidy up what a crash has left.
func (s *site) copied() string {
	s.Helper()
	dir := s.TempDir()
	path := strings.TrimPrefix(s.dsn, "sqlite:")
	for _, suffix := range []string{"", "-wal"} {
		content, err := os.ReadFile(path + suffix)
		if os.IsNotExist(err) {
			continue
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, "copy.db"+suffix), content, 0o600)
		}
		if err != nil {
			s.Fatal(err)
		}
	}
	return "sqlite:" + filepath.Join(dir, "copy.db")
}

// ambiguous counts the replies that were being sent: when their sender is gone,
// nobody knows whether they arrived.
func ambiguous(t *testing.T, dsn string) int {
	t.Helper()
	return storetest.Count(t, dsn, "outbox", "state = 'sending'")
}

// shaky is a network that takes some time, and sometimes wants to be left alone
// for a second.
func shaky(seed uint64) func(bot.Outbound) channeltest.Step {
	rng := rand.New(rand.NewPCG(seed, 1))
	return func(bot.Outbound) channeltest.Step {
		if rng.IntN(100) == 0 {
			return channeltest.Step{Before: &bot.RetryError{After: time.Second}}
		}
		delay := time.Duration(rng.IntN(8)) * time.Millisecond
		return channeltest.Step{Delay: delay, Linger: delay}
	}
}

package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/store"
	"tilldesk/bot/store/storetest"
	"tilldesk/bot/telegram"
	"tilldesk/bot/telegram/telegramtest"
	"tilldesk/bot/trial"
)

// TestFaultKillTelegram kills the service at random moments while merchants
// write on Telegram: no message is lost, each merchant's are in order, and
// nothing is said twice.
func TestFaultKillTelegram(t *testing.T) {
	kills := howMany(6, 100)
	api := telegramtest.New(t)
	dir, dsn := t.TempDir(), storetest.SQLite(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	start := func() *trial.Process {
		t.Helper()
		cmd := exec.Command(self)
		cmd.Env = append(os.Environ(), runAs+"="+dir, "TILLDESK_STORE_DSN="+dsn, "TILLDESK_TELEGRAM_TOKEN="+api.Token, "TILLDESK_TELEGRAM_API_URL="+api.URL)
		return trial.StartProcess(t, cmd)
	}
	users := make([]*telegramtest.User, 5)
	for i := range users {
		users[i] = api.User(int64(100+i), "en")
	}
	want := map[int64][]string{}
	rng := rand.New(rand.NewPCG(5, 6))
	for round := range kills {
		p := start()
		for i, u := range users {
			text := fmt.Sprintf("line %d of %d", round, i)
			want[u.ID] = append(want[u.ID], text)
			u.Say(text)
		}
		// Some are stored, some are answered, some are on their way.
		calls := len(api.Calls("sendMessage")) + rng.IntN(len(users)+1)
		left := rng.IntN(len(users) + 1)
		api.Wait("the moment", func() bool { return len(api.Waiting()) <= left || len(api.Calls("sendMessage")) > calls })
		_ = p.Kill()
	}
	p := start()
	api.Wait("all to be confirmed", func() bool { return len(api.Waiting()) == 0 })
	// It is stopped in order, so that what is on its way is settled.
	if err := p.Stop(); err != nil {
		t.Error(err)
	}
	checkStored(t, dsn, users, want)
}

// TestFaultKillPoller: of two services on PostgreSQL the one that fetches is
// killed, again and again; the other one takes over. No message is lost, each
// merchant's are in order, and nothing is said twice.
func TestFaultKillPoller(t *testing.T) {
	notShort(t)
	kills := howMany(2, 20)
	api := telegramtest.New(t)
	dir, dsn := t.TempDir(), storetest.Postgres(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	start := func() *trial.Process {
		t.Helper()
		cmd := exec.Command(self)
		cmd.Env = append(os.Environ(), runAs+"="+dir, trialLease+"=3s", "TILLDESK_STORE_DSN="+dsn, "TILLDESK_TELEGRAM_TOKEN="+api.Token, "TILLDESK_TELEGRAM_API_URL="+api.URL)
		return trial.StartProcess(t, cmd)
	}
	fetches := func(p *trial.Process) bool {
		return strings.Contains(p.Log(), "this process fetches the updates of Telegram")
	}
	users := make([]*telegramtest.User, 5)
	for i := range users {
		users[i] = api.User(int64(100+i), "en")
	}
	want := map[int64][]string{}
	write := func(what string) {
		for i, u := range users {
			text := fmt.Sprintf("%s of %d", what, i)
			want[u.ID] = append(want[u.ID], text)
			u.Say(text)
		}
	}
	rng := rand.New(rand.NewPCG(7, 8))
	poller := start()
	api.Wait("one to fetch", func() bool { return fetches(poller) })
	for round := range kills {
		other := start()
		write(fmt.Sprintf("line %d", round))
		left := rng.IntN(len(users) + 1)
		api.Wait("the moment", func() bool { return len(api.Waiting()) <= left })
		if fetches(other) {
			t.Fatal("both fetch")
		}
		_ = poller.Kill()
		write(fmt.Sprintf("line %d, while nobody fetches", round))
		api.WaitFor(2*time.Minute, "the other to take over", func() bool { return fetches(other) && len(api.Waiting()) == 0 })
		poller = other
	}
	if err := poller.Stop(); err != nil {
		t.Error(err)
	}
	checkStored(t, dsn, users, want)
}

// checkStored compares what merchants wrote and heard with what is stored: who
// heard more than was sent heard something twice.
func checkStored(t *testing.T, dsn string, users []*telegramtest.User, want map[int64][]string) {
	t.Helper()
	db, err := store.Open(t.Context(), dsn, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	held := 0
	for _, u := range users {
		c, _, err := db.ConversationOf(t.Context(), telegram.Name, fmt.Sprint(u.ID))
		if err != nil {
			t.Fatal(err)
		}
		entries, err := db.History(t.Context(), c.ID, 0, 10_000)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		sent, unsure := 0, 0
		for _, e := range entries {
			switch {
			case e.Author == bot.Merchant:
				got = append(got, e.Reply.Text)
			case e.Delivery == bot.Held, e.Delivery == bot.Sending:
				unsure++
			case e.Delivery == bot.Sent:
				sent++
			}
		}
		if !slices.Equal(got, want[u.ID]) {
			t.Errorf("user %d: stored %q, want %q", u.ID, got, want[u.ID])
		}
		held += unsure
		if heard := len(u.Heard()); heard < sent || heard > sent+unsure {
			t.Errorf("user %d heard %d messages; %d were sent, %d perhaps", u.ID, heard, sent, unsure)
		}
	}
	t.Logf("%d users, %d messages each; %d replies are held for a person", len(users), len(want[users[0].ID]), held)
}

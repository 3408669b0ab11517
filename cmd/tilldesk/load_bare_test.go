package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/store/storetest"
	"tilldesk/bot/trial"
)

// crowdClients is how many clients want something at once.
const crowdClients = 256

// bareTogether is how many messages a bare loop writes in one commit.
const bareTogether = 64

// acceptAlone writes the rows that are acknowledged and returns how long that
// takes.
func acceptAlone(t *testing.T, bare *storetest.Bare) time.Duration {
	t.Helper()
	write := bare.Acceptor()
	begin := time.Now()
	for i := 0; i < bare.Heard(); i += bareTogether {
		if err := write(i, min(i+bareTogether, bare.Heard())); err != nil {
			t.Fatal(err)
		}
	}
	return time.Since(begin)
}

// acceptBehind has as many clients as a crowd send messages of the same size to
// an HTTP server that does nothing but to write those rows, for all who wait in
// one commit, and to say so then. It returns how long that takes.
func acceptBehind(t *testing.T, bare *storetest.Bare) time.Duration {
	t.Helper()
	write := bare.Acceptor()
	waiting := make(chan chan error, crowdClients)
	go func() {
		done := 0
		for first := range waiting {
			batch := []chan error{first}
			for len(waiting) > 0 && len(batch) < bareTogether {
				batch = append(batch, <-waiting)
			}
			err := write(done, min(done+len(batch), bare.Heard()))
			done += len(batch)
			for _, one := range batch {
				one <- err
			}
		}
	}()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct{ Chat, ID, Text string }
		stored := make(chan error, 1)
		err := json.NewDecoder(r.Body).Decode(&in)
		if err == nil {
			waiting <- stored
			err = <-stored
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		fmt.Fprintln(w, "ok", in.ID)
	}))
	defer close(waiting)
	defer server.Close()
	net := trial.NewNetwork(t, new(trial.Ledger))
	var asked atomic.Int64
	ctx, enough := context.WithCancel(t.Context())
	defer enough()
	begin := time.Now()
	trial.Crowd(ctx, crowdClients, func(client, n int) {
		if int(asked.Add(1)) > bare.Heard() {
			enough()
			return
		}
		talk := fmt.Sprintf("client-%03d-%06d", client, n/messagesEach)
		if err := net.Post(t.Context(), server.URL, talk, bot.RemoteID(fmt.Sprint("m", n)), trial.Line(client+n), time.Now()); err != nil {
			t.Error(err)
		}
	})
	return time.Since(begin)
}

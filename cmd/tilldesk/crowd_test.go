package main

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"
)

// TestCrowd has room for two, and lets in who comes in the place of those who
// say nothing or only keep their connection, and not of those who are being
// answered.
func TestCrowd(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	c := newCrowd(inner, 2)
	c.patience = 20 * time.Millisecond
	busy, release := make(chan struct{}, 10), make(chan struct{})
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/busy" {
			busy <- struct{}{}
			<-release
		}
		w.WriteHeader(http.StatusNoContent)
	})}
	c.serve(server)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(c) }()
	dial := func() net.Conn {
		conn, err := net.Dial("tcp", inner.Addr().String())
		if err != nil {
			t.Error(err)
			return nil
		}
		t.Cleanup(func() { conn.Close() })
		return conn
	}
	// ask asks again if it was too slow to be let in, as clients do.
	ask := func(path string) {
		for conn := dial(); conn != nil; conn = dial() {
			if _, err := io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
				continue
			}
			if resp, err := http.ReadResponse(bufio.NewReader(conn), nil); err == nil {
				resp.Body.Close()
				return
			}
		}
	}
	for range 6 {
		dial()
	}
	for range 6 {
		ask("/")
	}
	var all sync.WaitGroup
	all.Go(func() { ask("/busy") })
	<-busy
	all.Go(func() { ask("/busy") })
	<-busy
	all.Go(func() { ask("/") })
	time.AfterFunc(10*c.patience, func() { close(release) }) // more than enough to be asked to leave
	all.Wait()
	if more := len(busy); more > 0 {
		t.Errorf("who was being answered was hung up on and came again %d times", more)
	}
	must(t, server.Close())
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
}

// TestCrowdStopsWhileItWaits: a stop does not wait for room.
func TestCrowdStopsWhileItWaits(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	c := newCrowd(inner, 1)
	conn, err := net.Dial("tcp", inner.Addr().String())
	must(t, err)
	defer conn.Close()
	let, err := c.Accept()
	must(t, err)
	defer let.Close()
	ended := make(chan error, 1)
	go func() { _, err := c.Accept(); ended <- err }()
	must(t, c.Close())
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
}

func TestRoomFor(t *testing.T) {
	for files, want := range map[uint64]int{20: 8, 64: 24, 256: 192, 1024: 768, 1 << 63: 1 << 20} {
		if got := roomFor(files); got != want {
			t.Errorf("of %d files %d are for connections, want %d", files, got, want)
		}
	}
}

package main

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"
)

// A crowd is a listener that lets in so many connections at a time that files
// are left for the rest of the service: a database that cannot open its files
// cannot answer what was taken. When it is full, whoever has asked for nothing
// for a moment has to make room for those who wait outside: clients that dawdle,
// and connections that are only kept for another request.
type crowd struct {
	net.Listener
	patience time.Duration // with whoever asks for nothing while others wait
	slots    chan struct{}
	closed   chan struct{}
	close    func()

	mu     sync.Mutex
	guests map[*guest]bool // who may be asked to leave
}

// dawdling is for how long a client may ask for nothing while others wait.
const dawdling = time.Second

// newCrowd returns l with room for so many connections.
func newCrowd(l net.Listener, most int) *crowd {
	c := &crowd{Listener: l, patience: dawdling, slots: make(chan struct{}, most), closed: make(chan struct{}), guests: map[*guest]bool{}}
	c.close = sync.OnceFunc(func() { close(c.closed) })
	return c
}

// Accept waits for room and then for a connection.
func (c *crowd) Accept() (net.Conn, error) {
	if err := c.enter(); err != nil {
		return nil, err
	}
	conn, err := c.Listener.Accept()
	if err != nil {
		<-c.slots
		return nil, err
	}
	g := &guest{Conn: conn, crowd: c, leave: sync.OnceFunc(func() { <-c.slots })}
	g.stay(true)
	return g, nil
}

// enter waits for room and takes it.
func (c *crowd) enter() error {
	select {
	case c.slots <- struct{}{}:
		return nil
	default:
	}
	look := time.NewTimer(c.makeRoom())
	defer look.Stop()
	for {
		select {
		case c.slots <- struct{}{}:
			return nil
		case <-look.C:
			look.Reset(c.makeRoom())
		case <-c.closed:
			return net.ErrClosed
		}
	}
}

// makeRoom hangs up on the guest who has asked for nothing the longest, if that
// is long enough, and returns when to look again.
func (c *crowd) makeRoom() time.Duration {
	c.mu.Lock()
	var longest *guest
	for g := range c.guests {
		if longest == nil || g.since.Before(longest.since) {
			longest = g
		}
	}
	wait := c.patience
	if longest != nil {
		wait = max(0, c.patience-time.Since(longest.since))
	}
	if longest == nil || wait > 0 {
		c.mu.Unlock()
		return max(wait, time.Millisecond)
	}
	delete(c.guests, longest)
	c.mu.Unlock()
	_ = longest.Close() // its client may come again
	return c.patience
}

type guestKey struct{}

// serve lets a server serve the crowd: who is being answered is left alone.
func (c *crowd) serve(server *http.Server) {
	server.ConnContext = func(ctx context.Context, conn net.Conn) context.Context {
		return context.WithValue(ctx, guestKey{}, conn)
	}
	handler := server.Handler
	server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if g, ok := r.Context().Value(guestKey{}).(*guest); ok {
			g.stay(false)
			defer g.stay(true)
		}
		handler.ServeHTTP(w, r)
	})
}

// Close stops listening, also while it waits for room.
func (c *crowd) Close() error {
	c.close()
	return c.Listener.Close()
}

// guest is a connection that was let in.
type guest struct {
	net.Conn
	crowd *crowd
	leave func()
	since time.Time // it has asked for nothing; under the lock of the crowd
	gone  bool      // likewise
}

// stay notes that a guest is being answered, or that it may be asked to leave
// again.
func (g *guest) stay(mayLeave bool) {
	g.crowd.mu.Lock()
	defer g.crowd.mu.Unlock()
	g.since = time.Now()
	if mayLeave && !g.gone {
		g.crowd.guests[g] = true
	} else {
		delete(g.crowd.guests, g)
	}
}

// Close hangs up and lets the next one in.
func (g *guest) Close() error {
	g.crowd.mu.Lock()
	g.gone = true
	delete(g.crowd.guests, g)
	g.crowd.mu.Unlock()
	defer g.leave()
	return g.Conn.Close()
}

// ownFiles are those that the service needs besides connections from outside,
// at least: the database's, in each of its connections, the listeners, the
// watches, and connections to networks.
const ownFiles = 40

// roomFor returns how many connections from outside may be open where a process
// may have so many files: three quarters, or what the service leaves of few.
func roomFor(files uint64) int {
	const fewest = 8
	return int(max(fewest, min(files-files/4, files-min(files, ownFiles), 1<<20)))
}

package store_test

import (
	"bytes"
	"io"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"tilldesk/bot/store"
	"tilldesk/bot/store/storetest"
)

// A door stands before a PostgreSQL server and turns the first connections away.
type door struct {
	net.Listener
	server string
	away   func(net.Conn)
	first  int64 // how many
	came   atomic.Int64
	open   sync.WaitGroup
}

// newDoor returns a door and the DSN that leads through it.
func newDoor(t *testing.T, dsn string, first int64, away func(net.Conn)) (*door, string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	d := &door{Listener: l, server: u.Host, first: first, away: away}
	u.Host = l.Addr().String()
	d.open.Go(d.serve)
	t.Cleanup(func() {
		l.Close()
		d.open.Wait()
	})
	return d, u.String()
}

func (d *door) serve() {
	for {
		conn, err := d.Accept()
		if err != nil {
			return
		}
		d.open.Go(func() {
			defer conn.Close()
			if d.came.Add(1) <= d.first {
				d.away(conn)
				return
			}
			server, err := net.Dial("tcp", d.server)
			if err != nil {
				return
			}
			defer server.Close()
			d.open.Go(func() {
				_, _ = io.Copy(conn, server) // until one of them has had enough
				conn.Close()
			})
			_, _ = io.Copy(server, conn)
		})
	}
}

// saying turns a connection away as the server does.
func saying(code, message string) func(net.Conn) {
	return func(conn net.Conn) {
		back := pgproto3.NewBackend(conn, conn)
		if _, err := back.ReceiveStartupMessage(); err != nil {
			return
		}
		back.Send(&pgproto3.ErrorResponse{Severity: "FATAL", Code: code, Message: message})
		_ = back.Flush()
	}
}

// TestOpenWaitsForTheServer turns the first connections away: what will pass is
// waited for, what will not is told at once.
func TestOpenWaitsForTheServer(t *testing.T) {
	dsn := storetest.Postgres(t)
	for _, tt := range []struct {
		name  string
		away  func(net.Conn)
		waits bool
		say   string
	}{
		{"too many connections", saying("53300", "sorry, too many clients already"), true, "pool_max_conns"},
		{"starting up", saying("57P03", "the database system is starting up"), true, "starting up"},
		{"cut off", func(net.Conn) {}, true, "after waiting for"},
		{"a wrong password", saying("28P01", "password authentication failed"), false, "password authentication failed"},
		{"no such database", saying("3D000", `database "x" does not exist`), false, "does not exist"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var log bytes.Buffer
			opt := store.Options{Wait: time.Minute, Log: slog.New(slog.NewTextHandler(&log, nil))}
			d, through := newDoor(t, dsn, 2, tt.away)
			db, err := store.Open(t.Context(), through, opt)
			if tt.waits {
				if err != nil {
					t.Fatal(err)
				}
				if err := db.Close(); err != nil {
					t.Error(err)
				}
				if !strings.Contains(log.String(), "trying again") {
					t.Errorf("nobody is told: %q", &log)
				}
			} else if err == nil || !strings.Contains(err.Error(), tt.say) || d.came.Load() != 1 || log.Len() > 0 {
				t.Errorf("%v after %d tries, logging %q", err, d.came.Load(), &log)
			}

			opt.Wait = time.Nanosecond
			_, shut := newDoor(t, dsn, 1000, tt.away)
			if db, err := store.Open(t.Context(), shut, opt); err == nil {
				db.Close()
				t.Error("it was opened though nobody was let in")
			} else if !strings.Contains(err.Error(), tt.say) {
				t.Errorf("it gives up with %q, want %q in it", err, tt.say)
			}
		})
	}
}

// TestPoolSize opens no more connections than the DSN allows, and works with
// the fewest.
func TestPoolSize(t *testing.T) {
	dsn := storetest.Postgres(t)
	d, through := newDoor(t, dsn, 0, nil)
	db := storetest.Open(t, through+"&pool_max_conns=2&pool_max_conn_lifetime=1h&pool_max_conn_idle_time=1h", store.Options{})
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if _, err := db.Queue(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := d.came.Load(); n != 2 {
		t.Errorf("%d connections were opened, want 2", n)
	}
	for _, tt := range []struct{ params, say string }{
		{"pool_max_conns=1", "pool_max_conns"},
		{"pool_max_conns=many", "pool_max_conns"},
		{"pool_max_conn_lifetime=long", "pool_max_conn_lifetime"},
		{"pool_min_conns=3", "pool_min_conns"},
	} {
		if db, err := store.Open(t.Context(), dsn+"&"+tt.params, store.Options{}); err == nil {
			db.Close()
			t.Errorf("%s is taken", tt.params)
		} else if !strings.Contains(err.Error(), tt.say) {
			t.Errorf("%s: %q", tt.params, err)
		}
	}
}

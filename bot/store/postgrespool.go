package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// A poolSize bounds the connections to PostgreSQL.
type poolSize struct {
	conns      int
	idle, life time.Duration // after which a connection is closed; 0 for never
}

// minConns is how many connections are needed: one holds the lock of an update
// of the schema while another one does it.
const minConns = 2

// takePoolSize takes from the parameters of a DSN those that concern the pool,
// named as pgxpool.ParseConfig names them; the server would refuse them.
func takePoolSize(params map[string]string, conns int) (size poolSize, err error) {
	size = poolSize{conns: conns, idle: 5 * time.Minute}
	if conns == 0 {
		size.conns = 16
	}
	for name, value := range params {
		switch name {
		case "pool_max_conns":
			size.conns, err = strconv.Atoi(value)
			if err != nil || size.conns < minConns {
				return size, fmt.Errorf("pool_max_conns is %q, a number of connections from %d on is needed", value, minConns)
			}
		case "pool_max_conn_idle_time", "pool_max_conn_lifetime":
			d, err := time.ParseDuration(value)
			if err != nil || d < 0 {
				return size, fmt.Errorf("%s is %q, a duration such as 30m is needed", name, value)
			}
			if name == "pool_max_conn_lifetime" {
				size.life = d
			} else {
				size.idle = d
			}
		default:
			if strings.HasPrefix(name, "pool_") {
				return size, fmt.Errorf("%s is not known: of the pool there are pool_max_conns, pool_max_conn_idle_time and pool_max_conn_lifetime", name)
			}
			continue
		}
		delete(params, name)
	}
	return size, nil
}

// Pauses between two tries to reach a server.
const (
	firstPause = 100 * time.Millisecond
	longPause  = 2 * time.Second
)

// awaitServer tries something until the server can be used, for as long as the
// options say. Other failures are told at once.
func awaitServer(ctx context.Context, opt Options, try func() error) error {
	patience := time.NewTimer(opt.Wait)
	defer patience.Stop()
	for pause := firstPause; ; pause = min(2*pause, longPause) {
		err := try()
		if err == nil || opt.Wait <= 0 || !notYet(err) {
			return err
		}
		opt.Log.Warn("the PostgreSQL server cannot be used yet; trying again", "error", err, "pause", pause, "at_most", opt.Wait)
		next := time.NewTimer(pause)
		select {
		case <-next.C:
		case <-patience.C:
			next.Stop()
			return fmt.Errorf("after waiting for %v: %w", opt.Wait, err)
		case <-ctx.Done():
			next.Stop()
			return fmt.Errorf("waiting for the server: %w", context.Cause(ctx))
		}
	}
}

// Conditions of a server in which it lets nobody in for the time being, see
// https://www.postgresql.org/docs/current/errcodes-appendix.html.
const (
	tooManyConnections = "53300"
	adminShutdown      = "57P01"
	crashShutdown      = "57P02"
	cannotConnectNow   = "57P03" // it starts up, recovers or shuts down
)

// notYet reports whether an error says that the server is not up or has no
// connection free: both may be otherwise in a moment.
func notYet(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch pg.Code {
		case tooManyConnections, adminShutdown, crashShutdown, cannotConnectNow:
			return true
		}
		return false
	}
	var lookup *net.DNSError // a name server, or the container that has the name, may start up too
	return errors.As(err, &lookup) || errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ECONNRESET) ||
		errors.Is(err, syscall.EHOSTUNREACH) || errors.Is(err, syscall.ENOENT) || // of a socket's file
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// explainPostgres adds to the server's words what can be done.
func explainPostgres(err error) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == tooManyConnections {
		return fmt.Errorf("the server has no connection free: let each replica have fewer with pool_max_conns in store.dsn, or raise the server's max_connections: %w", err)
	}
	return err
}

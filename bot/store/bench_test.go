package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/store"
	"tilldesk/bot/store/storetest"
)

// benchBatch is how many messages the engine stores at once at most.
const benchBatch = 256

// each runs a benchmark on each database.
func each(b *testing.B, f func(b *testing.B, dsn string)) {
	b.Run("sqlite", func(b *testing.B) { f(b, storetest.SQLite(b)) })
	b.Run("postgres", func(b *testing.B) { f(b, storetest.Postgres(b)) })
}

func perSecond(b *testing.B, n int, what string) {
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), what+"/s")
}

// BenchmarkAccept stores messages of some hundred merchants.
func BenchmarkAccept(b *testing.B) {
	each(b, func(b *testing.B, dsn string) {
		for _, size := range []int{1, benchBatch} {
			b.Run(fmt.Sprint(size), func(b *testing.B) {
				db := storetest.Open(b, dsn, store.Options{})
				n := 0
				for b.Loop() {
					in := make([]bot.Arrival, size)
					for i := range in {
						in[i] = message(fmt.Sprint("merchant ", n%500), fmt.Sprint(size, " ", n), "收不了款，花呗扫不了，一直转圈")
						n++
					}
					if _, err := db.Accept(b.Context(), in); err != nil {
						b.Fatal(err)
					}
				}
				perSecond(b, n, "messages")
			})
		}
	})
}

// BenchmarkFloor is the least that Accept could do: one table, a key that must
// be unique, the same durability.
func BenchmarkFloor(b *testing.B) {
	each(b, func(b *testing.B, dsn string) {
		driver, name := "pgx", dsn
		if path, ok := strings.CutPrefix(dsn, "sqlite:"); ok {
			driver, name = "sqlite", "file:"+path+"?_journal_mode=WAL&_synchronous=FULL&_txlock=immediate"
		}
		pool, err := sql.Open(driver, name)
		if err != nil {
			b.Fatal(err)
		}
		defer pool.Close()
		if _, err := pool.Exec("CREATE TABLE floor (id TEXT PRIMARY KEY, text TEXT NOT NULL)"); err != nil {
			b.Fatal(err)
		}
		for _, size := range []int{1, benchBatch} {
			b.Run(fmt.Sprint(size), func(b *testing.B) {
				n := 0
				values := "($1, $2)"
				for i := range size - 1 {
					values += fmt.Sprintf(", ($%d, $%d)", 2*i+3, 2*i+4)
				}
				for b.Loop() {
					var args []any
					for range size {
						args = append(args, fmt.Sprint(size, " ", n), "收不了款，花呗扫不了，一直转圈")
						n++
					}
					if _, err := pool.Exec("INSERT INTO floor VALUES "+values+" ON CONFLICT DO NOTHING", args...); err != nil {
						b.Fatal(err)
					}
				}
				perSecond(b, n, "messages")
			})
		}
	})
}

// BenchmarkWay takes messages all the way: stored, answered with two replies,
// both sent. As in the service, what was claimed together is stored together.
func BenchmarkWay(b *testing.B) {
	each(b, func(b *testing.B, dsn string) {
		db := storetest.Open(b, dsn, store.Options{})
		n := 0
		for b.Loop() {
			if err := way(b.Context(), db, n); err != nil {
				b.Fatal(err)
			}
			n++
		}
		perSecond(b, n*64, "messages")
	})
}

func way(ctx context.Context, db *store.DB, round int) error {
	var in []bot.Arrival
	for i := range 64 {
		in = append(in, message(fmt.Sprint("merchant ", i), fmt.Sprint(round), "收不了款"))
	}
	if _, err := db.Accept(ctx, in); err != nil {
		return err
	}
	for {
		works, err := db.Claim(ctx, "worker", time.Now(), time.Minute, 32)
		if err != nil {
			return err
		}
		if len(works) == 0 {
			break
		}
		if err := together(works, func(w bot.Work) error {
			_, err := db.Commit(ctx, bot.Turn{Work: w, Replies: []bot.Reply{{Text: "one"}, {Text: "two"}}})
			return err
		}); err != nil {
			return err
		}
	}
	for {
		out, err := db.ClaimOut(ctx, "sender", time.Now(), time.Minute, 16)
		if err != nil || len(out) == 0 {
			return err
		}
		if err := together(out, func(m bot.Outbound) error { return db.Sent(ctx, m, "1", time.Now()) }); err != nil {
			return err
		}
	}
}

// together calls f for all at once.
func together[T any](all []T, f func(T) error) error {
	var running sync.WaitGroup
	errs := make([]error, len(all))
	for i, one := range all {
		running.Go(func() { errs[i] = f(one) })
	}
	running.Wait()
	return errors.Join(errs...)
}

package store_test

import (
	"context"
	"testing"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/store"
	"tilldesk/bot/store/storetest"
)

// BenchmarkReplies looks for the answer to a message that waits, and to one that
// is answered, as each request of the web chat does.
func BenchmarkReplies(b *testing.B) {
	each(b, func(b *testing.B, dsn string) {
		db := storetest.Open(b, dsn, store.Options{})
		receipts, err := db.Accept(b.Context(), []bot.Arrival{message("merchant 1", "1", "收不了款"), message("merchant 2", "1", "收不了款")})
		if err != nil {
			b.Fatal(err)
		}
		works, err := db.Claim(b.Context(), "worker", time.Now(), time.Minute, 1)
		if err != nil || len(works) != 1 {
			b.Fatal(works, err)
		}
		if _, err := db.Commit(b.Context(), bot.Turn{Work: works[0], Replies: []bot.Reply{{Text: "one"}, {Text: "two"}}}); err != nil {
			b.Fatal(err)
		}
		for _, r := range receipts {
			answered := r.Message == works[0].Messages[0].ID
			name := "waits"
			if answered {
				name = "answered"
			}
			b.Run(name, func(b *testing.B) {
				ctx, cancel := context.WithCancel(b.Context())
				defer cancel()
				b.ReportAllocs()
				for b.Loop() {
					if _, done, err := db.Replies(ctx, r.Message); err != nil || done != answered {
						b.Fatal(done, err)
					}
				}
			})
		}
	})
}

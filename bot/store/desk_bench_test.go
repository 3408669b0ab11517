package store_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tilldesk/bot/desk"
	"tilldesk/bot/store"
	"tilldesk/bot/store/storetest"
)

// How many cases a busy team has after some years.
const (
	openCases   = 10_000
	closedCases = 200_000
)

// fillDesk makes cases beneath the store: the open ones are the newest. Each
// can be found by twenty words, of which some are rare and some in every third.
func fillDesk(t testing.TB, dsn string, open, closed int) {
	t.Helper()
	raw, err := storetest.Raw(t, dsn).Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	if !strings.HasPrefix(dsn, "sqlite:") {
		// To look for each word's case would take minutes. Who may not say so waits.
		_, _ = raw.ExecContext(t.Context(), "SET session_replication_role = replica")
	}
	series := fmt.Sprintf("WITH RECURSIVE s (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < %d)", open+closed)
	isOpen := fmt.Sprintf("i > %d", closed)
	for _, query := range []string{
		`INSERT INTO conversations (id, channel, remote, state, state_sum, phase, created_at, updated_at) ` + series +
			` SELECT 'c' || i, CASE WHEN i % 3 = 0 THEN 'web' ELSE 'telegram' END, 'r' || i, '{}', '', 'idle', 0, 0 FROM s`,
		`INSERT INTO cases (id, number, ticket, conversation_id, cause, intent, card, state, is_open, opened_at, closed_at, owner, rank, channel, lang, handed_at, updated_at, unanswered_at, answered_at) ` + series +
			` SELECT 'k' || i, i, 'T' || i, 'c' || i, 'asked', 'symptom.' || (i % 40), '{"cause":"asked","facts":{"brand":"lakala"}}',
				CASE WHEN ` + isOpen + ` THEN CASE WHEN i % 4 = 0 THEN 'waiting' ELSE 'taken' END ELSE 'closed' END,
				CASE WHEN ` + isOpen + ` THEN 1 ELSE 0 END, 1700000000000 + i * CAST(60000 AS BIGINT), CASE WHEN ` + isOpen + ` THEN NULL ELSE 1700000000000 + i * CAST(60000 AS BIGINT) END,
				CASE WHEN i % 4 = 0 THEN '' ELSE 'staff' || (i % 20) END, i % 4, CASE WHEN i % 3 = 0 THEN 'web' ELSE 'telegram' END, 'zh', 0, 1700000000000 + i * CAST(60000 AS BIGINT),
				1700000000000 + i * CAST(60000 AS BIGINT), 1700000000000 + i * CAST(61000 AS BIGINT) FROM s`,
		`INSERT INTO case_tags (tag, number) ` + series + ` SELECT 'tag' || (i % 50), i FROM s WHERE i % 5 = 0`,
		`INSERT INTO case_words (number, word) ` + series + `, w (j) AS (SELECT 0 UNION ALL SELECT j + 1 FROM w WHERE j < 19)
			SELECT i, CASE WHEN j = 0 THEN 't' || i WHEN j < 4 THEN 'common' || (j * 3 + i % 3) ELSE 'word' || j || '-' || (i * 7919 % (j * j * 50)) END FROM s, w`,
		"INSERT INTO counters (name, n) VALUES ('ticket', " + fmt.Sprint(open+closed) + ")",
		"VACUUM ANALYZE conversations, cases, case_tags, case_words", // as PostgreSQL does by itself after so many rows
	} {
		if strings.HasPrefix(dsn, "sqlite:") {
			if strings.HasPrefix(query, "VACUUM") {
				query = "ANALYZE"
			}
			query = strings.ReplaceAll(query, "'{}', ''", "'{}', x''")
		}
		if _, err := raw.ExecContext(t.Context(), query); err != nil {
			t.Fatalf("%v in %.60s", err, query)
		}
	}
}

// deskLists are what consoles ask for.
var deskLists = []struct {
	name   string
	filter desk.Filter
}{
	{"queue", desk.Filter{}},
	{"queue of one", desk.Filter{Owner: "staff7"}},
	{"nobody's", desk.Filter{Unowned: true}},
	{"on a channel", desk.Filter{Channel: "web"}},
	{"of a symptom", desk.Filter{Intent: "symptom.7"}},
	{"with a tag", desk.Filter{Tag: "tag10"}},
	{"overdue", desk.Filter{Overdue: true}},
	{"closed", desk.Filter{States: []desk.State{desk.Closed}}},
	{"all of a symptom", desk.Filter{Any: true, Intent: "symptom.7"}},
	{"all of one", desk.Filter{Any: true, Owner: "staff7"}},
	{"search for a ticket", desk.Filter{Search: "T1234"}},
	{"search for a rare word", desk.Filter{Search: "word19"}},
	{"search for a common word", desk.Filter{Search: "common3"}},
	{"search for common words", desk.Filter{Search: "common3 common6 common9"}},
	{"search for common words that never meet", desk.Filter{Search: "common3 common7"}},
}

// BenchmarkDesk lists and searches among many cases.
func BenchmarkDesk(b *testing.B) {
	for _, kind := range []struct {
		name string
		dsn  func(testing.TB) string
	}{{"sqlite", storetest.SQLite}, {"postgres", storetest.Postgres}} {
		b.Run(kind.name, func(b *testing.B) {
			dsn := kind.dsn(b)
			now := time.UnixMilli(1700000000000).Add(365 * 24 * time.Hour)
			db := storetest.Open(b, dsn, store.Options{})
			fillDesk(b, dsn, openCases, closedCases)
			var late desk.Late
			for u := range late.First {
				late.First[u], late.Next[u] = now, now
			}
			for _, list := range deskLists {
				b.Run(list.name, func(b *testing.B) {
					for b.Loop() {
						page, err := db.Cases(b.Context(), list.filter, now, late)
						if err != nil {
							b.Fatal(err)
						}
						b.ReportMetric(float64(len(page.Cases)), "cases")
					}
				})
			}
			b.Run("counts", func(b *testing.B) {
				for b.Loop() {
					if _, err := db.CountCases(b.Context(), "staff7", now, late); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}

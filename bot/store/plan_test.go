package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"tilldesk/bot/desk"
	"tilldesk/bot/store"
	"tilldesk/bot/store/storetest"
)

// TestPlans asks both databases how they find cases: none of the lists that
// consoles ask for all the time may read a whole table.
func TestPlans(t *testing.T) {
	now := time.UnixMilli(1_700_000_000_000)
	lists := map[string]desk.Filter{
		"queue": {}, "second page": {After: "1.1700000000000.7"}, "own": {Owner: "lin"}, "nobody's": {Unowned: true}, "overdue": {Overdue: true},
		"snoozed": {Snoozed: true}, "tag": {Tag: "vip"}, "channel": {Channel: "web"}, "closed": {States: []desk.State{desk.Closed}},
		"closed, second page": {States: []desk.State{desk.Closed}, After: "77"}, "all": {Any: true}, "all of one": {Any: true, Owner: "lin"},
		"symptom": {Any: true, Intent: "scan.huabei"}, "search": {Search: "common3"}, "search for two": {Search: "common3 common6"}, "search, second page": {Search: "common3 common6", After: "77"},
	}
	queries := func(t *testing.T, db *store.DB) map[string]string {
		t.Helper()
		all := map[string]string{
			"answer": strings.ReplaceAll(store.SelectSaid, "$1", "'m1'"),
			"events": store.SelectEvent + "WHERE n > 5 ORDER BY n LIMIT 10", "events of a case": store.SelectEvent + "WHERE ticket = 'T1' AND n > 5 ORDER BY n LIMIT 10",
			"snoozes": "SELECT ticket FROM cases WHERE snoozed_until > 0 AND snoozed_until <= 5 ORDER BY snoozed_until LIMIT 5",
			"quiet":   "SELECT ticket FROM cases WHERE is_open = 0 AND closed_at IS NULL AND updated_at < 5 ORDER BY updated_at LIMIT 5",
			"waits":   "SELECT opened_at, answered_at FROM cases WHERE answered_at IS NOT NULL AND answered_at > 5 ORDER BY answered_at DESC LIMIT 5",
			"viewers": "SELECT k.ticket FROM case_viewers v CROSS JOIN cases k WHERE k.id = v.case_id AND v.seen_at >= 5",
			"hooks":   "SELECT id FROM hook_deliveries WHERE state = 'new' AND next_at <= 5 ORDER BY next_at, event LIMIT 5",
		}
		for name, f := range lists {
			if f.Search != "" || f.Any || len(f.States) > 0 {
				f.Order = desk.ByNewest
			}
			query, args, _, err := store.Listing(db, t.Context(), f, 50, now, desk.Late{})
			if err != nil || query == "" {
				t.Fatalf("%s: %q, %v", name, query, err)
			}
			for i := len(args); i > 0; i-- {
				value := fmt.Sprint(args[i-1])
				if s, ok := args[i-1].(string); ok {
					value = "'" + s + "'"
				}
				query = strings.ReplaceAll(query, fmt.Sprintf("$%d", i), value)
			}
			all[name] = query
		}
		return all
	}
	run := func(t *testing.T, dsn, prepare, explain string, bad *regexp.Regexp) {
		db := storetest.Open(t, dsn, store.Options{})
		fillDesk(t, dsn, 30, 30)
		conn, err := storetest.Raw(t, dsn).Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := conn.ExecContext(t.Context(), prepare); err != nil {
			t.Fatal(err)
		}
		for name, query := range queries(t, db) {
			if plan := explained(t, conn, explain+query); bad.MatchString(plan) {
				t.Errorf("%s reads a whole table:\n%s\n%s", name, query, plan)
			}
		}
	}
	t.Run("sqlite", func(t *testing.T) {
		// A scan along an index is one in its order, which ends with the page.
		run(t, storetest.SQLite(t), "SELECT 1", "EXPLAIN QUERY PLAN ", regexp.MustCompile(`SCAN \w+(\s*$|\s*\n)`))
	})
	t.Run("postgres", func(t *testing.T) {
		// It prefers to read a small table whole.
		run(t, storetest.Postgres(t), "SET enable_seqscan = off", "EXPLAIN ", regexp.MustCompile(`Seq Scan`))
	})
}

func explained(t *testing.T, conn *sql.Conn, query string) string {
	t.Helper()
	rows, err := conn.QueryContext(context.Background(), query)
	if err != nil {
		t.Fatalf("%v: %s", err, query)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var plan strings.Builder
	for rows.Next() {
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&plan, values[len(values)-1]) // the last column has the words
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return plan.String()
}

package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"tilldesk/bot/desk"
	"tilldesk/content/source"
)

const (
	casesPerPage = 50
	mostCases    = 200
)

// A condition collects what a WHERE needs, with its arguments.
type condition struct {
	terms []string
	args  []any
}

// arg adds an argument and returns its placeholder.
func (c *condition) arg(v any) string {
	c.args = append(c.args, v)
	return "$" + strconv.Itoa(len(c.args))
}

func (c *condition) add(term string) { c.terms = append(c.terms, term) }

func (c *condition) where() string {
	if len(c.terms) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(c.terms, " AND ")
}

// Cases implements desk.Store. Each list is read along an index in its order,
// so that a page costs the same however many cases there are.
func (db *DB) Cases(ctx context.Context, f desk.Filter, now time.Time, late desk.Late) (desk.Page, error) {
	limit := min(f.Limit, mostCases)
	if limit <= 0 {
		limit = casesPerPage
	}
	page, err := db.cases(ctx, f, limit, now, late)
	if err != nil {
		return desk.Page{}, fmt.Errorf("listing cases: %w", db.dialect.explain(err))
	}
	return page, nil
}

func (db *DB) cases(ctx context.Context, f desk.Filter, limit int, now time.Time, late desk.Late) (desk.Page, error) {
	if f.Search != "" || f.Any && len(f.States) == 0 || slices.ContainsFunc(f.States, func(s desk.State) bool { return !s.WithPerson() }) {
		f.Order = desk.ByNewest
	}
	query, args, floor, err := db.listing(ctx, f, limit+1, now, late)
	if err != nil || query == "" {
		return desk.Page{}, err
	}
	cases, err := collect(ctx, db.reader, scanDeskCase, query, args...)
	if err != nil {
		return desk.Page{}, err
	}
	page := desk.Page{Cases: cases}
	switch {
	case len(cases) > limit:
		page.Cases = cases[:limit]
		page.Next = cursor(f.Order, page.Cases[limit-1])
	case floor > 0:
		page.Next = strconv.FormatInt(floor, 10)
	}
	return page, nil
}

// listing returns the query of a list, "" if nothing can be in it. floor is the
// number below which a search has not looked yet, 0 if it looks at all.
func (db *DB) listing(ctx context.Context, f desk.Filter, limit int, now time.Time, late desk.Late) (query string, args []any, floor int64, err error) {
	var c condition
	from := "cases k"
	if f.Search != "" {
		words, err := db.rarestFirst(ctx, sought(f.Search))
		if err != nil || len(words) == 0 {
			return "", nil, 0, err
		}
		if floor, err = db.floorOf(ctx, words, f.After); err != nil {
			return "", nil, 0, err
		}
		if floor > 0 {
			c.add("w.number >= " + c.arg(floor))
		}
		// The rarest word leads, the others are looked up.
		from = "case_words w JOIN cases k ON k.number = w.number"
		c.add("w.word = " + c.arg(words[0]))
		for _, word := range words[1:] {
			c.add("EXISTS (SELECT 1 FROM case_words o WHERE o.number = w.number AND o.word = " + c.arg(word) + ")")
		}
	}
	c.filter(f, now, late)
	order := "k.rank, k.unanswered_at, k.number"
	if f.Order == desk.ByNewest {
		order = "k.number DESC"
		if f.Search != "" {
			order = "w.number DESC"
		}
	}
	if err := c.after(f); err != nil {
		return "", nil, 0, err
	}
	return "SELECT " + caseColumns + " FROM " + from + " JOIN conversations c ON c.id = k.conversation_id" + c.where() +
		" ORDER BY " + order + " LIMIT " + c.arg(limit), c.args, floor, nil
}

// lookedThrough is how many cases with its rarest word a search looks through
// for one page: words that many cases have but none has together would keep
// it busy otherwise. What is older is on the next page.
const lookedThrough = 4000

// notAPlace says that a list cannot go on from there.
var notAPlace = source.Text{Zh: "请从列表的第一页重新翻", En: "the Next of the page before, of a list in the same order"}

// floorOf returns down to which case a search for words looks, 0 if to the
// first.
func (db *DB) floorOf(ctx context.Context, words []string, after string) (int64, error) {
	if len(words) < 2 {
		return 0, nil
	}
	below, err := strconv.ParseInt(cmp.Or(after, strconv.FormatInt(math.MaxInt64, 10)), 10, 64)
	if err != nil {
		return 0, &desk.InputError{Field: "after", Why: notAPlace}
	}
	var n, floor int64
	err = db.reader.QueryRowContext(ctx, `SELECT count(*), coalesce(min(number), 0) FROM
		(SELECT number FROM case_words WHERE word = $1 AND number < $2 ORDER BY number DESC LIMIT $3) few`, words[0], below, lookedThrough).Scan(&n, &floor)
	if n < lookedThrough {
		floor = 0
	}
	return floor, err
}

func (c *condition) filter(f desk.Filter, now time.Time, late desk.Late) {
	if !f.Any && len(f.States) == 0 && f.Search == "" || len(f.States) > 0 && !slices.ContainsFunc(f.States, func(s desk.State) bool { return !s.WithPerson() }) {
		c.add("k.is_open = 1")
	}
	if len(f.States) > 0 {
		var in []string
		for _, s := range f.States {
			in = append(in, c.arg(string(s)))
		}
		c.add("k.state IN (" + strings.Join(in, ", ") + ")")
	}
	for _, is := range []struct{ column, value string }{
		{"owner", f.Owner}, {"channel", f.Channel}, {"lang", string(f.Lang)}, {"intent", f.Intent},
	} {
		if is.value != "" {
			c.add("k." + is.column + " = " + c.arg(key(is.value)))
		}
	}
	if f.Unowned {
		c.add("k.owner = ''")
	}
	if f.Urgency > desk.Low {
		c.add("k.rank <= " + c.arg(int64(desk.Urgent-f.Urgency)))
	}
	if f.Tag != "" {
		c.add("EXISTS (SELECT 1 FROM case_tags t WHERE t.number = k.number AND t.tag = " + c.arg(key(f.Tag)) + ")")
	}
	switch {
	case f.Snoozed:
		c.add("k.snoozed_until > " + c.arg(millis(now)))
	case f.Order == desk.ByUrgency:
		c.add("k.snoozed_until <= " + c.arg(millis(now)))
	}
	if f.Overdue {
		c.add("k.is_open = 1")
		c.add(c.overdue(late))
	}
}

// overdue holds for open cases whose answer is late.
func (c *condition) overdue(late desk.Late) string {
	var any []string
	for u := desk.Low; u <= desk.Urgent; u++ {
		any = append(any, fmt.Sprintf("k.rank = %d AND (k.answered_at IS NULL AND k.unanswered_at <= %s OR k.answered_at IS NOT NULL AND k.unanswered_at <= %s)",
			desk.Urgent-u, c.arg(millis(late.First[u])), c.arg(millis(late.Next[u]))))
	}
	return "(" + strings.Join(any, " OR ") + ")"
}

// cursor names the place in a list after a case.
func cursor(order desk.Order, c desk.Case) string {
	if order == desk.ByNewest {
		return strconv.FormatInt(c.Number, 10)
	}
	unanswered := int64(never)
	if !c.Unanswered.IsZero() {
		unanswered = millis(c.Unanswered)
	}
	return fmt.Sprintf("%d.%d.%d", desk.Urgent-c.Urgency, unanswered, c.Number)
}

func (c *condition) after(f desk.Filter) error {
	if f.After == "" {
		return nil
	}
	var place []any
	for part := range strings.SplitSeq(f.After, ".") {
		n, err := strconv.ParseInt(part, 10, 64)
		if err != nil {
			return &desk.InputError{Field: "after", Why: notAPlace}
		}
		place = append(place, n)
	}
	switch {
	case f.Order == desk.ByNewest && len(place) == 1:
		column := "k.number"
		if f.Search != "" {
			column = "w.number"
		}
		c.add(column + " < " + c.arg(place[0]))
	case f.Order == desk.ByUrgency && len(place) == 3:
		c.add("(k.rank, k.unanswered_at, k.number) > (" + c.arg(place[0]) + ", " + c.arg(place[1]) + ", " + c.arg(place[2]) + ")")
	default:
		return &desk.InputError{Field: "after", Why: notAPlace}
	}
	return nil
}

// rarestFirst puts the word that the fewest cases have first, as far as that is
// worth finding out.
func (db *DB) rarestFirst(ctx context.Context, words []string) ([]string, error) {
	if len(words) < 2 {
		return words, nil
	}
	const common = 1000
	n := map[string]int{}
	counts := make([]string, len(words))
	for i := range words {
		counts[i] = fmt.Sprintf("SELECT CAST($%d AS TEXT), (SELECT count(*) FROM (SELECT 1 FROM case_words WHERE word = $%d LIMIT %d) few)", i+1, i+1, common)
	}
	if _, err := collect(ctx, db.reader, func(scan func(...any) error) (w string, err error) {
		var count int
		err = scan(&w, &count)
		n[w] = count
		return w, err
	}, strings.Join(counts, " UNION ALL "), anys(words)...); err != nil {
		return nil, err
	}
	if slices.ContainsFunc(words, func(w string) bool { return n[w] == 0 }) {
		return nil, nil
	}
	slices.SortStableFunc(words, func(a, b string) int { return n[a] - n[b] })
	return words, nil
}

// CountCases implements desk.Store.
func (db *DB) CountCases(ctx context.Context, owner string, now time.Time, late desk.Late) (desk.Counts, error) {
	var c condition
	var n desk.Counts
	var oldest sql.NullInt64
	sum := func(term string) string { return "coalesce(sum(CASE WHEN " + term + " THEN 1 ELSE 0 END), 0)" }
	awake := "k.snoozed_until <= " + c.arg(millis(now))
	err := db.reader.QueryRowContext(ctx, "SELECT count(*), "+sum("k.owner = '' AND "+awake)+", "+sum("k.owner = "+c.arg(clean(owner))+" AND k.owner <> ''")+", "+
		sum("NOT "+awake)+", "+sum(c.overdue(late))+", min(CASE WHEN "+awake+" THEN k.unanswered_at END), "+
		"(SELECT count(*) FROM cases r WHERE r.is_open = 0 AND r.closed_at IS NULL AND r.state = 'resolved') FROM cases k WHERE k.is_open = 1", c.args...).
		Scan(&n.All, &n.Waiting, &n.Mine, &n.Snoozed, &n.Overdue, &oldest, &n.Resolved)
	if err != nil {
		return desk.Counts{}, fmt.Errorf("counting cases: %w", db.dialect.explain(err))
	}
	if oldest.Valid && oldest.Int64 < never {
		n.Oldest = fromMillis(oldest.Int64)
	}
	return n, nil
}

// Waits implements desk.Store.
func (db *DB) Waits(ctx context.Context, since time.Time, n int) ([]desk.Wait, error) {
	waits, err := collect(ctx, db.reader, func(scan func(...any) error) (desk.Wait, error) {
		var from, to int64
		err := scan(&from, &to)
		return desk.Wait{From: fromMillis(from), To: fromMillis(to)}, err
	}, "SELECT opened_at, answered_at FROM cases WHERE answered_at IS NOT NULL AND answered_at > $1 ORDER BY answered_at DESC LIMIT $2", millis(since), n)
	if err != nil {
		return nil, fmt.Errorf("reading how long merchants waited: %w", db.dialect.explain(err))
	}
	return waits, nil
}

// loadsFrom is how many of the latest events tell who was given a case last.
const loadsFrom = 5000

// Loads implements desk.Store.
func (db *DB) Loads(ctx context.Context) (map[string]desk.Load, error) {
	loads := map[string]desk.Load{}
	owner, n, at := "", 0, int64(0)
	_, err := collect(ctx, db.reader, func(scan func(...any) error) (struct{}, error) {
		err := scan(&owner, &n)
		loads[owner] = desk.Load{Open: n}
		return struct{}{}, err
	}, "SELECT owner, count(*) FROM cases WHERE is_open = 1 AND owner <> '' GROUP BY owner")
	if err == nil {
		_, err = collect(ctx, db.reader, func(scan func(...any) error) (struct{}, error) {
			err := scan(&owner, &at)
			loads[owner] = desk.Load{Open: loads[owner].Open, Given: fromMillis(at)}
			return struct{}{}, err
		}, "SELECT owner, max(at) FROM case_events WHERE n > (SELECT coalesce(max(n), 0) FROM case_events) - $1 AND kind IN ('taken', 'given') GROUP BY owner", loadsFrom)
	}
	if err != nil {
		return nil, fmt.Errorf("counting the cases of staff: %w", db.dialect.explain(err))
	}
	return loads, nil
}

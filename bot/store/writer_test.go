package store

import (
	"errors"
	"slices"
	"testing"
)

func TestPositional(t *testing.T) {
	for _, tt := range []struct {
		query, want string
		order       []int
	}{
		{"SELECT 1", "SELECT 1", nil},
		{"SELECT $1, $2", "SELECT ?, ?", nil},
		{"SELECT $2, $1", "SELECT ?, ?", []int{1, 0}},
		{"VALUES ($2, $1), ($12, $1)", "VALUES (?, ?), (?, ?)", []int{1, 0, 11, 0}},
		{"SELECT 'it''s $1', \"a $2\", $1", "SELECT 'it''s $1', \"a $2\", ?", nil},
		{"SELECT '$1", "SELECT '$1", nil},
		{"SELECT $, $x", "SELECT $, $x", nil},
	} {
		if got, order := positional(tt.query); got != tt.want || !slices.Equal(order, tt.order) {
			t.Errorf("positional(%q) = %q, %v; want %q, %v", tt.query, got, order, tt.want, tt.order)
		}
	}
}

// TestWriterStartsAnew takes the writer's connection away, as a failure would
// that leaves a transaction open on it.
func TestWriterStartsAnew(t *testing.T) {
	db := openTest(t)
	if err := db.inTx(t.Context(), counter("a")); err != nil {
		t.Fatal(err)
	}
	if _, err := db.group.writer.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	if err := db.group.writer.giveUp(); err != nil {
		t.Fatal(err)
	}
	if err := db.inTx(t.Context(), counter("b")); err != nil {
		t.Fatal(err)
	}
	if got := counters(t, db); got != "[a b]" {
		t.Errorf("stored are %s", got)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := db.inTx(t.Context(), counter("c")); err == nil || errors.Is(err, errUnclean) {
		t.Errorf("after the store is closed: %v", err)
	}
}

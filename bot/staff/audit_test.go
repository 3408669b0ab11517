package staff

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// chainOf makes a log of n entries.
func chainOf(n int) []Entry {
	var all []Entry
	var before []byte
	for i := range n {
		e := Entry{Seq: int64(i + 1), At: time.UnixMilli(int64(1000 + i)), Actor: "id", Name: "anna", Action: "case.take", Object: fmt.Sprint("T", i), Address: "192.0.2.1"}
		e.Sum = e.Chain(before)
		before = e.Sum
		all = append(all, e)
	}
	return all
}

func check(all []Entry, written int64) error {
	var c Chained
	for _, e := range all {
		if err := c.Next(e); err != nil {
			return err
		}
	}
	return c.End(written)
}

// TestChainNoticesTampering changes a log in one place, in all the ways there
// are.
func TestChainNoticesTampering(t *testing.T) {
	if err := check(nil, 0); err != nil {
		t.Errorf("an empty log: %v", err)
	}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 12).Draw(t, "entries")
		all := chainOf(n)
		if err := check(all, int64(n)); err != nil {
			t.Fatalf("as it was written: %v", err)
		}
		i := rapid.IntRange(0, n-1).Draw(t, "which")
		e := &all[i]
		switch rapid.IntRange(0, 11).Draw(t, "how") {
		case 0:
			e.Actor += "x"
		case 1:
			e.Name = "bob"
		case 2:
			e.Action, e.Object = e.Action+e.Object, "" // the same letters in other fields
		case 3:
			e.Object = "T99999"
		case 4:
			e.Details = "nothing happened"
		case 5:
			e.Address = ""
		case 6:
			e.At = e.At.Add(time.Millisecond)
		case 7:
			e.Sum = slices.Clone(e.Sum)
			e.Sum[0] ^= 1
		case 8: // one is taken out, at the end too
			all = slices.Delete(all, i, i+1)
		case 9: // one is put in
			all = slices.Insert(all, i, Entry{Seq: int64(i + 1), Action: "x", Sum: []byte("x")})
		case 10: // the rest is written anew, but for the number of entries
			all = all[:i]
		case 11:
			e.Seq += 100
		}
		if err := check(all, int64(n)); !errors.Is(err, ErrTampered) {
			t.Fatalf("check: %v, want ErrTampered", err)
		}
	})
}

// TestChainIsCut deletes the oldest entries with a record of it, and then
// changes the oldest that is left.
func TestChainIsCut(t *testing.T) {
	all := chainOf(5)
	cut := CutEntry(3, all[2].Sum)
	cut.Seq = 6
	cut.Sum = cut.Chain(all[4].Sum)
	kept := append(slices.Clone(all[3:]), cut)
	if err := check(kept, 6); err != nil {
		t.Errorf("a log that was cut: %v", err)
	}
	if err := check(kept[:2], 5); !errors.Is(err, ErrTampered) {
		t.Errorf("without a record of the cut: %v", err)
	}
	kept[0].Name = "bob"
	if err := check(kept, 6); !errors.Is(err, ErrTampered) {
		t.Errorf("the oldest was changed: %v", err)
	}
	if err := check(append(slices.Clone(all[4:]), cut), 6); !errors.Is(err, ErrTampered) {
		t.Errorf("more was taken out than was cut: %v", err)
	}
}

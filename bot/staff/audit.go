package staff

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// An Entry of the audit log says who did what, and when. It carries ids and
// names of things, never what merchants wrote and nothing secret.
type Entry struct {
	Seq     int64 // given by the store, without gaps
	At      time.Time
	Actor   ID     // who; empty for a command on the machine or for nobody known
	Name    string // of the actor at that time, or "command"
	Action  string // such as "signin" or "POST /desk/cases/{ticket}/take"
	Object  string // such as a ticket or the name of an account; may be empty
	Details string // in a few words; may be empty
	Address string // where the request came from; empty for a command
	// Sum ties the entry to all before it: see [Entry.Chain].
	Sum []byte
}

// Command is the name of the actor of entries that commands on the machine make.
const Command = "command"

// Cut is the action of the entry that says up to where old ones were deleted.
const Cut = "audit.cut"

// Chain returns the sum that the entry must have if before is the sum of the
// entry before it, nil for the first one: SHA-256 over before and each field
// with its length.
func (e Entry) Chain(before []byte) []byte {
	h := sha256.New()
	field := func(b []byte) {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(b)))
		h.Write(n[:])
		h.Write(b)
	}
	number := func(n int64) { field(binary.BigEndian.AppendUint64(nil, uint64(n))) }
	field(before)
	number(e.Seq)
	number(e.At.UnixMilli())
	for _, text := range []string{string(e.Actor), e.Name, e.Action, e.Object, e.Details, e.Address} {
		field([]byte(text))
	}
	return h.Sum(nil)
}

// ErrTampered says that the audit log is not what was written.
var ErrTampered = errors.New("the audit log was changed outside of tilldesk")

// CutEntry returns the entry that says that all entries up to last, with the
// number and sum given, were deleted for their age.
func CutEntry(last int64, sum []byte) Entry {
	return ByCommand.Entry(Cut, strconv.FormatInt(last, 10), hex.EncodeToString(sum))
}

// A Chained checks entries one after the other, from the oldest kept to the
// newest. The zero value is ready.
type Chained struct {
	last, first Entry // first only while it is not known what it follows
}

// Next fails with ErrTampered if e does not follow the entry before it.
func (c *Chained) Next(e Entry) error {
	switch {
	case c.last.Seq == 0 && e.Seq > 1:
		c.first = e // an entry of Cut further on says what came before
	case e.Seq != c.last.Seq+1:
		return fmt.Errorf("entry %d is followed by %d: %w", c.last.Seq, e.Seq, ErrTampered)
	case !bytes.Equal(e.Sum, e.Chain(c.last.Sum)):
		return fmt.Errorf("entry %d does not have its checksum: %w", e.Seq, ErrTampered)
	}
	if e.Action == Cut && c.first.Seq > 0 && e.Object == strconv.FormatInt(c.first.Seq-1, 10) {
		sum, err := hex.DecodeString(e.Details)
		if err != nil || !bytes.Equal(c.first.Sum, c.first.Chain(sum)) {
			return fmt.Errorf("entry %d does not have its checksum: %w", c.first.Seq, ErrTampered)
		}
		c.first = Entry{}
	}
	c.last = e
	return nil
}

// End fails with ErrTampered if the last entry does not have the number seq,
// which is how many were ever written, or the first ones are missing.
func (c *Chained) End(seq int64) error {
	switch {
	case c.first.Seq > 0:
		return fmt.Errorf("entry %d is the first one, and nothing says what came before: %w", c.first.Seq, ErrTampered)
	case c.last.Seq != seq:
		return fmt.Errorf("the last entry is %d, but %d were written: %w", c.last.Seq, seq, ErrTampered)
	}
	return nil
}

package linear

import "math/bits"

// A table gives hashes consecutive numbers, in the order in which they come.
// The zero table is empty and ready to use. It is for training; what a model
// knows of it afterwards is an index.
type table struct {
	slots []slot // a power of two of them, at most half in use
	size  int
}

type slot struct {
	hash   uint64
	number int32 // counted from 1; 0 marks a free slot
}

// insert returns the number of hash, giving it the next one if it is new.
func (t *table) insert(hash uint64) int32 {
	if 2*(t.size+1) > len(t.slots) {
		t.grow()
	}
	mask := uint64(len(t.slots) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		switch s := &t.slots[i]; {
		case s.number == 0:
			t.size++
			*s = slot{hash, int32(t.size)}
			return s.number - 1
		case s.hash == hash:
			return s.number - 1
		}
	}
}

// fetch reads where the features' hashes will be looked for: all at once, as none
// waits for another, where insert would wait for the memory of each in turn. It
// changes nothing; what it returns only keeps it from being left out.
//
//go:noinline
func (t *table) fetch(fs []feature) (any int32) {
	if len(t.slots) == 0 {
		return 0
	}
	slots := t.slots
	mask := uint64(len(slots) - 1)
	for i := range fs {
		any |= slots[fs[i].hash&mask].number
	}
	return any
}

// expect makes room for n hashes, to be found by trial: growing is costly.
func (t *table) expect(n int) {
	if slots := 1 << bits.Len(uint(2*n)); slots > max(1024, len(t.slots)) {
		t.resize(slots)
	}
}

func (t *table) grow() { t.resize(max(1024, 2*len(t.slots))) }

func (t *table) resize(slots int) {
	old := t.slots
	t.slots = make([]slot, slots)
	mask := uint64(len(t.slots) - 1)
	for _, s := range old {
		if s.number == 0 {
			continue
		}
		i := s.hash & mask
		for t.slots[i].number != 0 {
			i = (i + 1) & mask
		}
		t.slots[i] = s
	}
}

// A hashSet holds the hashes of one text. It is emptied in constant time by
// taking a new stamp.
type hashSet struct {
	slots []stamped
	stamp uint32
	size  int
}

type stamped struct {
	hash  uint64
	stamp uint32
}

func (s *hashSet) reset() {
	s.size = 0
	if s.stamp++; s.stamp == 0 {
		clear(s.slots)
		s.stamp = 1
	}
}

// add reports whether hash was not in the set before.
func (s *hashSet) add(hash uint64) bool {
	if 2*(s.size+1) > len(s.slots) {
		s.grow()
	}
	mask := uint64(len(s.slots) - 1)
	i := hash & mask
	for s.slots[i].stamp == s.stamp {
		if s.slots[i].hash == hash {
			return false
		}
		i = (i + 1) & mask
	}
	s.slots[i] = stamped{hash, s.stamp}
	s.size++
	return true
}

func (s *hashSet) grow() {
	old := s.slots
	s.slots = make([]stamped, max(1024, 2*len(old)))
	mask := uint64(len(s.slots) - 1)
	for _, e := range old {
		if e.stamp != s.stamp {
			continue
		}
		i := e.hash & mask
		for s.slots[i].stamp == s.stamp {
			i = (i + 1) & mask
		}
		s.slots[i] = e
	}
}

package bot

import "sync"

// A shelf lends the present knowledge to those who read it and tells when an
// old one has come back from all of them.
type shelf struct {
	mu      sync.Mutex
	present *edition
	filled  chan struct{} // closed when there is something to lend
}

// An edition is knowledge with those who read it.
type edition struct {
	*Knowledge
	readers  int
	replaced bool
	unused   chan struct{} // closed when it is replaced and nobody reads it
}

func newShelf(k *Knowledge) *shelf {
	s := &shelf{filled: make(chan struct{})}
	if k != nil {
		s.replace(k)
	}
	return s
}

// replace puts k in the place of the present knowledge and returns that, or nil.
func (s *shelf) replace(k *Knowledge) *edition {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.present
	s.present = &edition{Knowledge: k, unused: make(chan struct{})}
	if old == nil {
		close(s.filled)
		return nil
	}
	old.replaced = true
	old.closeIfUnused()
	return old
}

// borrow returns the present knowledge, or nil if there is none yet.
func (s *shelf) borrow() *edition {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.present != nil {
		s.present.readers++
	}
	return s.present
}

func (s *shelf) giveBack(e *edition) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e.readers--
	e.closeIfUnused()
}

func (e *edition) closeIfUnused() {
	if e.replaced && e.readers == 0 {
		close(e.unused)
	}
}

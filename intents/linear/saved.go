package linear

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// saved begins a saved model. The number changes with the format.
const saved = "tilldesk model 3\n"

// AppendBinary appends the model to b, in a form that [Load] reads. The same
// model gives the same bytes on every machine. It does not fail.
func (m *Model) AppendBinary(b []byte) ([]byte, error) {
	hashes := m.features.hashes
	b = append(b, saved...)
	b = appendCount(b, len(m.labels))
	b = appendCount(b, len(hashes))
	b = appendCount(b, len(m.entries))
	for _, label := range m.labels {
		b = appendCount(b, len(label))
		b = append(b, label...)
	}
	for _, h := range hashes {
		b = binary.LittleEndian.AppendUint64(b, h)
	}
	for _, g := range m.groups {
		b = append(b, byte(g))
	}
	b = appendFloats(b, m.weights)
	b = appendFloats(b, m.unseen[:])
	b = appendFloats(b, []float32{m.unit})
	b = appendFloats(b, m.bias)
	b = appendFloats(b, m.lean)
	for _, start := range m.starts {
		b = appendCount(b, int(start))
	}
	for _, e := range m.entries {
		b = binary.LittleEndian.AppendUint16(b, e.label)
		b = binary.LittleEndian.AppendUint16(b, uint16(e.weight))
	}
	for _, v := range m.trust.numbers() {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(*v))
	}
	return b, nil
}

// numbers returns where all that was learnt about trust is kept.
func (t *trust) numbers() []*float64 {
	all := []*float64{&t.heat, &t.known.bias}
	for i := range t.known.weights {
		all = append(all, &t.known.weights[i])
	}
	return all
}

func appendCount(b []byte, n int) []byte { return binary.LittleEndian.AppendUint32(b, uint32(n)) }

func appendFloats(b []byte, values []float32) []byte {
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}

var errCut = errors.New("it is cut short")

// Load returns a model that AppendBinary wrote, and the bytes that follow it.
// Bytes that are no model of this format are an error; nothing that they hold
// can make a later Classify fail. Whether they were changed since they were
// written is for the caller to know.
func Load(b []byte) (*Model, []byte, error) {
	r := reader{rest: b}
	m := r.model()
	if r.err != nil {
		return nil, nil, fmt.Errorf("load a model: %w; train again", r.err)
	}
	return m, r.rest, nil
}

// A reader takes a saved model apart. After its first error it gives zeros.
type reader struct {
	rest []byte
	err  error
}

func (r *reader) model() *Model {
	if string(r.take(len(saved))) != saved {
		r.fail(errors.New("it is no model of this format"))
	}
	labels, features, entries := r.count(), r.count(), r.count()
	// Each takes some bytes at least, which bounds what is made room for.
	if r.err == nil && (labels == 0 || labels > min(maxLabels, len(r.rest)/8) || features > len(r.rest)/17 || entries > len(r.rest)/4) {
		r.fail(errCut)
	}
	if r.err != nil {
		return nil
	}
	m := &Model{labels: make([]string, labels)}
	for i := range m.labels {
		m.labels[i] = string(r.take(r.count()))
	}
	hashes := make([]uint64, features)
	flat := r.take(8 * features)
	for i := 0; 8*i < len(flat); i++ {
		hashes[i] = binary.LittleEndian.Uint64(flat[8*i:])
		if i > 0 && hashes[i] <= hashes[i-1] {
			r.fail(errors.New("its features are out of order"))
			return nil
		}
	}
	m.features = newIndex(hashes)
	m.groups = make([]group, features)
	for i, g := range r.take(features) {
		if m.groups[i] = group(g); m.groups[i] >= groups {
			r.fail(errors.New("a feature has an unknown group"))
		}
	}
	m.weights = r.floats(features)
	copy(m.unseen[:], r.floats(int(scripts)))
	m.unit = r.floats(1)[0]
	m.bias = r.floats(labels)
	m.lean = r.floats(labels)
	m.starts = make([]int32, features+1)
	for i := range m.starts {
		start := r.count()
		if start > entries || i > 0 && start < int(m.starts[i-1]) {
			r.fail(errors.New("its weights are out of order"))
			return nil
		}
		m.starts[i] = int32(start)
	}
	m.entries = make([]entry, entries)
	flat = r.take(4 * entries)
	for i := 0; 4*i < len(flat); i++ {
		both := binary.LittleEndian.Uint32(flat[4*i:])
		m.entries[i] = entry{uint16(both), int16(both >> 16)}
		if int(m.entries[i].label) >= labels {
			r.fail(errors.New("a weight has an unknown label"))
			break
		}
	}
	for _, v := range m.trust.numbers() {
		if b := r.take(8); b != nil {
			*v = math.Float64frombits(binary.LittleEndian.Uint64(b))
		}
	}
	m.ready()
	return m
}

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

// take returns the next n bytes, or nil if there are not so many.
func (r *reader) take(n int) []byte {
	if r.err == nil && n > len(r.rest) {
		r.fail(errCut)
	}
	if r.err != nil {
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

// count returns the next number, which fits an int32.
func (r *reader) count() int {
	b := r.take(4)
	if b == nil {
		return 0
	}
	n := binary.LittleEndian.Uint32(b)
	if n > math.MaxInt32 {
		r.fail(errors.New("a number in it is out of range"))
		return 0
	}
	return int(n)
}

func (r *reader) floats(n int) []float32 {
	values := make([]float32, n)
	b := r.take(4 * n)
	for i := 0; 4*i < len(b); i++ {
		values[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return values
}

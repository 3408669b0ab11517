package linear

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
)

// saved begins a saved model. The number changes with the format.
const saved = "tilldesk model 4\n"

// AppendBinary appends the model to b, in a form that [Load] reads. The same
// model gives the same bytes on every machine. It does not fail.
func (m *Model) AppendBinary(b []byte) ([]byte, error) {
	b = append(b, saved...)
	b = appendCount(b, len(m.labels))
	b = appendCount(b, len(m.lists))
	b = appendCount(b, len(m.weights))
	b = appendCount(b, len(m.cells))
	for _, label := range m.labels {
		b = appendCount(b, len(label))
		b = append(b, label...)
	}
	for _, start := range m.features.starts {
		b = appendCount(b, int(start))
	}
	for _, rest := range m.features.rests {
		b = binary.LittleEndian.AppendUint32(b, rest)
	}
	b = appendFloats(b, m.weights)
	b = appendFloats(b, m.unseen[:])
	b = appendFloats(b, []float32{m.unit})
	b = appendFloats(b, m.bias)
	b = appendFloats(b, m.lean)
	for _, list := range m.lists {
		b = binary.LittleEndian.AppendUint32(b, list)
	}
	for _, cell := range m.cells {
		b = binary.LittleEndian.AppendUint16(b, cell)
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

// ShareFeatures lets a model that was loaded hold its features where another
// has them, if they are the same: models that were trained together have them
// once, but each is saved with its own.
func (m *Model) ShareFeatures(with *Model) {
	if m.features.used == with.features.used && slices.Equal(m.features.starts, with.features.starts) && slices.Equal(m.features.rests, with.features.rests) {
		m.features = with.features
	}
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
	labels, features, weights, cells := r.count(), r.count(), r.count(), r.count()
	// Each takes some bytes at least, which bounds what is made room for.
	if r.err == nil && (labels == 0 || labels > min(maxLabels, len(r.rest)/8) || features > len(r.rest)/8 ||
		weights > min(features, len(r.rest)/4) || cells > len(r.rest)/2) {
		r.fail(errCut)
	}
	if r.err != nil {
		return nil
	}
	m := &Model{labels: make([]string, labels)}
	for i := range m.labels {
		m.labels[i] = string(r.take(r.count()))
	}
	m.features = r.index(features)
	m.weights = r.floats(weights)
	copy(m.unseen[:], r.floats(int(scripts)))
	m.unit = r.floats(1)[0]
	m.bias = r.floats(labels)
	m.lean = r.floats(labels)
	m.lists = r.numbers(features)
	m.cells = make([]uint16, cells)
	flat := r.take(2 * cells)
	for i := range flat[:len(flat)/2] {
		m.cells[i] = binary.LittleEndian.Uint16(flat)
		flat = flat[2:]
	}
	if r.err == nil {
		r.fail(m.wrongLists())
	}
	for _, v := range m.trust.numbers() {
		if b := r.take(8); b != nil {
			*v = math.Float64frombits(binary.LittleEndian.Uint64(b))
		}
	}
	m.ready()
	return m
}

// index returns the index of so many features.
func (r *reader) index(features int) index {
	x := index{used: usedBits(features)}
	x.starts = make([]int32, 1<<x.used+1)
	last := uint32(0)
	for i, start := range r.numbers(len(x.starts)) {
		if start < last || start > uint32(features) || i == 0 && start != 0 {
			r.fail(errors.New("its features are out of order"))
			break
		}
		x.starts[i], last = int32(start), start
	}
	x.rests = r.numbers(features)
	return x
}

// wrongLists returns what is wrong with the lists of a model that was read, nil
// if nothing is.
func (m *Model) wrongLists() error {
	begins := make([]bool, len(m.cells))
	for at := 0; at < len(m.cells); {
		if len(m.cells)-at < listHead || int(m.cells[at+1]) > len(m.cells)-at-listHead {
			return errors.New("a list of weights has no end")
		}
		if int(m.cells[at]) >= len(m.weights) {
			return errors.New("a feature has an unknown weight")
		}
		begins[at] = true
		_, entries := listAt(m.cells, uint32(at))
		label := 0
		for _, e := range entries {
			if label += int(e >> 8); label >= len(m.labels) {
				return errors.New("a weight has an unknown label")
			}
		}
		at += listHead + len(entries)
	}
	for _, list := range m.lists {
		if uint64(list) >= uint64(len(begins)) || !begins[list] {
			return errors.New("the weights of a feature are not there")
		}
	}
	return nil
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

func (r *reader) numbers(n int) []uint32 {
	values := make([]uint32, n)
	b := r.take(4 * n)
	for i := range b[:len(b)/4] {
		values[i] = binary.LittleEndian.Uint32(b)
		b = b[4:]
	}
	return values
}

func (r *reader) floats(n int) []float32 {
	values := make([]float32, n)
	b := r.take(4 * n)
	for i := 0; 4*i < len(b); i++ {
		values[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return values
}

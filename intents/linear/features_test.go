package linear

import (
	"context"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

func TestStem(t *testing.T) {
	for _, tt := range []struct{ word, want string }{
		{"", ""}, {"a", "a"}, {"is", "is"}, {"this", "this"}, {"bus", "bus"}, {"pos", "pos"},
		{"codes", "cod"}, {"code", "cod"},
		{"charge", "charg"}, {"charged", "charg"}, {"charging", "charg"}, {"charges", "charg"},
		{"stop", "stop"}, {"stopped", "stop"}, {"stopping", "stop"},
		{"try", "try"}, {"tries", "try"}, {"tried", "try"},
		{"boxes", "box"}, {"matches", "match"}, {"pass", "pass"}, {"passes", "pass"},
		{"selling", "sell"}, {"ring", "ring"}, {"need", "need"}, {"quickly", "quick"},
	} {
		t.Run(tt.word, func(t *testing.T) {
			word := []rune(tt.word)
			n, tail := stem(word)
			got := string(word[:n])
			if tail != 0 {
				got += string(tail)
			}
			if got != tt.want {
				t.Errorf("stem(%q) = %q, want %q", tt.word, got, tt.want)
			}
		})
	}
}

func TestExtract(t *testing.T) {
	type found struct {
		Count [groups]int
		Units [scripts]int
	}
	for _, tt := range []struct {
		text string
		want found
	}{
		{"", found{}},
		{" .,!\xff\x00", found{}},
		// A run of three: its characters, ^扫 扫码 码枪 枪$, 扫_枪.
		{"扫码枪", found{Count: [groups]int{hanChars: 3, hanPairs: 4, hanSkips: 1}, Units: [scripts]int{han: 3}}},
		{"扫，码", found{Count: [groups]int{hanChars: 2, hanPairs: 4}, Units: [scripts]int{han: 2}}},
		// Edges included: _a, ab, b_ make _ab ab_ and _ab_.
		{"ab", found{Count: [groups]int{latinWords: 1, latinPairs: 2, latinGrams: 3}, Units: [scripts]int{latin: 2}}},
		{"ab cd ab", found{Count: [groups]int{latinWords: 2, latinPairs: 4, latinSkips: 2, latinGrams: 6}, Units: [scripts]int{latin: 6}}},
		{"扫 ab", found{Count: [groups]int{latinWords: 1, latinPairs: 2, latinGrams: 3, hanChars: 1, hanPairs: 2}, Units: [scripts]int{latin: 2, han: 1}}},
		{"👍", found{Count: [groups]int{hanChars: 1}, Units: [scripts]int{han: 1}}},
	} {
		t.Run(tt.text, func(t *testing.T) {
			var x extractor
			var got found
			got.Units = x.extract(tt.text)
			for _, f := range x.features {
				got.Count[f.group]++
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("extract(%q) (-want +got):\n%s", tt.text, diff)
			}
		})
	}
}

func TestExtractSame(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"can't scan", "cant scan", true},
		{"card,machine", "card machine", true},
		{"扫码", "码扫", false},
		{"a b", "b a", false},
		{"ab", "ba", false},
	} {
		var a, b extractor
		a.extract(tt.a)
		b.extract(tt.b)
		if got := cmp.Equal(a.features, b.features, cmp.AllowUnexported(feature{})); got != tt.want {
			t.Errorf("%q and %q have the same features: %v, want %v", tt.a, tt.b, got, tt.want)
		}
	}
}

// TestOneScriptAlone shows that texts of one script are the same vectors in a
// corpus of two scripts as in a corpus of their own.
func TestOneScriptAlone(t *testing.T) {
	zh := []Example{{"扫码没反应", "a"}, {"钱没有到账", "b"}, {"扫不了花呗", "a"}}
	en := []Example{{"nothing happens when i scan", "a"}, {"the money did not arrive", "b"}}
	for _, tt := range []struct {
		name        string
		own, others []Example
	}{{"zh", zh, en}, {"en", en, zh}} {
		t.Run(tt.name, func(t *testing.T) {
			alone, joint := mustCorpus(t, tt.own), mustCorpus(t, append(tt.own[:len(tt.own):len(tt.own)], tt.others...))
			var rows []int32
			for i := range tt.own {
				rows = append(rows, int32(i))
			}
			a := newSpace(alone, rows).vectors(alone, rows)
			b := newSpace(joint, fullLesson(joint).rows).vectors(joint, rows)
			// Which number a feature has depends on what else there is.
			if diff := cmp.Diff(a, b, cmp.AllowUnexported(vectors{}, vector{}), cmpopts.IgnoreFields(vectors{}, "features")); diff != "" {
				t.Errorf("vectors alone and in company differ (-alone +joint):\n%s", diff)
			}
		})
	}
}

func TestVectorsHaveLengthOne(t *testing.T) {
	c := mustCorpus(t, []Example{{"扫码 pos 机没反应 again", "a"}, {"扫", "b"}, {"pos", "b"}, {"", "b"}})
	rows := fullLesson(c).rows
	v := newSpace(c, rows).vectors(c, rows)
	for i, want := range []float32{1, 1, 1, 0} {
		square := float32(0)
		for _, x := range v.values[v.rows[i].start:v.rows[i].end] {
			square += x * x
		}
		if d := square - want; d > 1e-5 || d < -1e-5 {
			t.Errorf("row %d has the squared length %v, want %v", i, square, want)
		}
	}
}

func mustCorpus(t testing.TB, examples []Example) *corpus {
	t.Helper()
	rows, labels, err := collect(examples, nil)
	if err != nil {
		t.Fatal(err)
	}
	c, err := newCorpus(context.Background(), rows, len(rows), labels, 2)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var got table
		want := map[uint64]int32{}
		// Also hashes that want the same slot, and the same ones again.
		alike := rapid.Map(rapid.Uint64Range(0, 99), func(n uint64) uint64 { return n << 40 })
		n := rapid.SampledFrom([]int{0, 10, 1500}).Draw(t, "n") // 1500: it grows on the way
		for _, h := range rapid.SliceOfN(rapid.OneOf(rapid.Uint64(), alike), n, n).Draw(t, "hashes") {
			if _, ok := want[h]; !ok {
				want[h] = int32(len(want))
			}
			if n := got.insert(h); n != want[h] {
				t.Fatalf("insert(%#x) = %d, want %d", h, n, want[h])
			}
		}
	})
}

func TestIndex(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// Also hashes that begin with the same bits.
		alike := rapid.Map(rapid.Uint64Range(0, 99), func(n uint64) uint64 { return n << 32 })
		hash := rapid.OneOf(rapid.Map(rapid.Uint32(), func(n uint32) uint64 { return uint64(n) << 32 }), alike, rapid.Just(uint64(math.MaxUint32<<32)))
		n := rapid.SampledFrom([]int{0, 1, 10, 1500}).Draw(t, "n")
		hashes := rapid.SliceOfNDistinct(hash, n, n, rapid.ID).Draw(t, "hashes")
		slots := make([]slot, n)
		for i, h := range hashes {
			slots[i].hash = h
		}
		x, sorted := newIndex(slots)
		slices.Sort(hashes)
		for i, h := range hashes {
			if sorted[i].hash != h {
				t.Fatalf("%#x at %d, want %#x", sorted[i].hash, i, h)
			}
			if n := x.find(h); n != int32(i) {
				t.Fatalf("find(%#x) = %d, want %d", h, n, i)
			}
		}
		for _, h := range rapid.SliceOfN(hash, 10, 10).Draw(t, "others") {
			i, in := slices.BinarySearch(hashes, h)
			if n := x.find(h); in && n != int32(i) || !in && n != noFeature {
				t.Fatalf("find(%#x) = %d; it is in it: %v", h, n, in)
			}
		}
	})
}

func TestHashSet(t *testing.T) {
	var got hashSet
	rapid.Check(t, func(t *rapid.T) {
		got.reset()
		want := map[uint64]bool{}
		n := rapid.SampledFrom([]int{0, 10, 1500}).Draw(t, "n") // 1500: it grows on the way
		for _, h := range rapid.SliceOfN(rapid.Uint64Range(0, 3000), n, n).Draw(t, "hashes") {
			if added := got.add(h); added == want[h] {
				t.Fatalf("add(%d) = %v; was there before: %v", h, added, want[h])
			}
			want[h] = true
		}
	})
}

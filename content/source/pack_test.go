package source

import (
	"reflect"
	"testing"
	"unsafe"
)

func TestPack(t *testing.T) {
	type part struct {
		Name  string
		Says  []Text
		Count int
		Of    map[string]string
		Next  *part
	}
	made := func() []part {
		return []part{
			{Name: "one", Says: []Text{{Zh: "一", En: "one"}, {}}, Of: map[string]string{"a": "b"}},
			{Name: "", Count: 2, Next: &part{Name: "two", Says: []Text{{Zh: "二"}}}},
		}
	}
	packed := made()
	pack(&packed)
	if want := made(); !reflect.DeepEqual(packed, want) {
		t.Errorf("packed it is %+v, was %+v", packed, want)
	}
	at := unsafe.StringData(packed[0].Name)
	for _, s := range []string{packed[0].Name, packed[0].Says[0].Zh, packed[0].Says[0].En, packed[1].Next.Name, packed[1].Next.Says[0].Zh} {
		if unsafe.StringData(s) != at {
			t.Errorf("%q does not follow what stands before it", s)
		}
		at = (*byte)(unsafe.Add(unsafe.Pointer(at), len(s)))
	}
}

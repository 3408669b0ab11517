package source

import (
	"reflect"
	"strings"
)

// pack lays all strings that v leads to side by side in memory. The parser
// leaves each where it came upon it, among all that it threw away, and the few
// bytes of each would hold a page.
func pack(v any) {
	p := new(packer)
	p.gather(reflect.ValueOf(v))
	all := p.text.String()
	for _, s := range p.strings {
		n := s.Len()
		s.SetString(all[:n])
		all = all[n:]
	}
}

// A packer has the strings that it came upon, and their text.
type packer struct {
	strings []reflect.Value
	text    strings.Builder
}

func (p *packer) gather(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		if v.CanSet() {
			p.strings = append(p.strings, v)
			p.text.WriteString(v.String())
		}
	case reflect.Pointer:
		p.gather(v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			p.gather(v.Field(i))
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			p.gather(v.Index(i))
		}
	}
	// What maps hold stays where it is: they are few, and small.
}

package main

import "testing"

func TestShare(t *testing.T) {
	for _, tt := range []struct {
		what string
		live uint64
		want int
	}{
		{"nothing", 0, 100},
		{"the built-in content", 24 << 20, 100},
		{"ten thousand articles", 48 << 20, 50},
		{"a hundred thousand", 160 << 20, 15},
		{"more than anybody writes", 4 << 30, 10},
	} {
		if got := share(tt.live); got != tt.want {
			t.Errorf("with %s, %d bytes, garbage is let be up to %d%%, want %d%%", tt.what, tt.live, got, tt.want)
		}
	}
}

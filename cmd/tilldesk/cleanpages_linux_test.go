package main

import (
	"os"
	"strings"
	"testing"
)

// mapping is an entry of smaps with what is asked of it.
func mapping(addresses, access, file, anonymous, swap string) string {
	return addresses + " " + access + " 00001000 08:01 123  " + file + "\nSize: 8 kB\nRss: 8 kB\nPrivate_Dirty: 8 kB\nAnonymous: " +
		anonymous + " kB\nSwap: " + swap + " kB\nLocked: 0 kB\nVmFlags: rd ex mr mw me\n"
}

func TestCleanPages(t *testing.T) {
	const program = "/usr/bin/the program"
	for _, tt := range []struct {
		name, smaps string
		want        int
	}{
		{"text", mapping("1000-3000", "r-xp", program, "0", "0"), 1},
		{"constants", mapping("1000-3000", "r--p", program, "0", "0"), 1},
		{"both, and what is beside them", mapping("0-1000", "r--p", "/usr/lib/libc.so.6", "0", "0") + mapping("1000-3000", "r--p", program, "0", "0") +
			mapping("3000-5000", "r-xp", program, "0", "0") + mapping("6000-8000", "rw-p", "", "8", "0"), 2},
		{"variables", mapping("1000-3000", "rw-p", program, "0", "0"), 0},
		{"written by the loader", mapping("1000-3000", "r--p", program, "4", "0"), 0},
		{"written, and swapped out since", mapping("1000-3000", "r--p", program, "0", "4"), 0},
		{"shared", mapping("1000-3000", "r--s", program, "0", "0"), 0},
		{"another file", mapping("1000-3000", "r-xp", "/usr/lib/libc.so.6", "0", "0"), 0},
		{"a file since removed", mapping("1000-3000", "r-xp", program+" (deleted)", "0", "0"), 0},
		{"not said whether written", "1000-3000 r-xp 0 08:01 1 " + program + "\nRss: 8 kB\n", 0},
		{"nothing in memory", strings.Replace(mapping("1000-3000", "r-xp", program, "0", "0"), "Rss: 8", "Rss: 0", 1), 0},
		{"nothing", "", 0},
	} {
		got := cleanPages([]byte(tt.smaps), program)
		if len(got) != tt.want {
			t.Errorf("%s: %v, want %d", tt.name, got, tt.want)
		}
		for _, p := range got {
			if p.to-p.from != 0x2000 || p.resident != 8<<10 {
				t.Errorf("%s: %+v", tt.name, p)
			}
		}
	}
}

// TestGiveBackPages goes on after its own text and constants were given back,
// with what they hold unchanged.
func TestGiveBackPages(t *testing.T) {
	self, err := os.Readlink("/proc/self/exe")
	if err != nil {
		t.Skip("nothing can be read of what is in memory")
	}
	smaps, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Skip(err)
	}
	var before int64
	for _, p := range cleanPages(smaps, self) {
		before += p.resident
	}
	if given := giveBackPages(); before == 0 || given < before/2 {
		t.Errorf("%d bytes given back of %d", given, before)
	}
	smaps, err = os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	var after int64
	for _, p := range cleanPages(smaps, self) {
		after += p.resident
	}
	if after >= before {
		t.Errorf("%d bytes are in memory after giving back, %d before", after, before)
	}
	const known = "0123456789abcdef"
	if got := string(append([]byte(nil), known...)); got != "0123456789"+"abcdef" || strings.ToUpper(got) != "0123456789ABCDEF" {
		t.Errorf("%q", got)
	}
}

package main

import (
	"bytes"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// giveBackPages gives the pages of the program's own file back to the system, as
// it would take them itself if it needed room, and returns how many bytes of
// them were in memory. Starting reads nearly all of the program once, its
// content among it; what is needed from then on comes back by itself, from the
// system's cache of the file. Only pages that nobody has written to are given
// back, so that nothing can be lost: see [cleanPages].
func giveBackPages() (given int64) {
	self, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return 0 // nothing can be said of what is in memory
	}
	maps, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		return 0
	}
	for _, p := range cleanPages(maps, self) {
		if p.giveBack() == nil {
			given += p.resident
		}
	}
	return given
}

// pages are a part of a file that is mapped into memory.
type pages struct {
	from, to uintptr
	resident int64 // bytes that are in memory
}

// cleanPages returns the parts of a file that smaps, see proc_pid_smaps(5), says
// are mapped to be read or run only, and of which no page is other than in the
// file: what a loader has written before it took that right away, or a debugger,
// is kept.
func cleanPages(smaps []byte, file string) (all []pages) {
	var p pages
	var clean, ours bool
	end := func() {
		if ours && clean && p.resident > 0 {
			all = append(all, p)
		}
	}
	for line := range bytes.Lines(smaps) {
		fields := strings.Fields(string(line))
		if len(fields) < 2 {
			continue
		}
		if name, ok := strings.CutSuffix(fields[0], ":"); ok {
			kb, err := strconv.ParseInt(fields[1], 10, 64)
			switch name {
			case "Rss":
				p.resident = kb << 10
			case "Anonymous":
				clean = err == nil && kb == 0 // it is not clean if that is not said
			case "Swap", "Locked":
				ours = ours && kb == 0
			}
			continue
		}
		end()
		from, to, _ := strings.Cut(fields[0], "-")
		first, err1 := strconv.ParseUint(from, 16, 64)
		last, err2 := strconv.ParseUint(to, 16, 64)
		p = pages{from: uintptr(first), to: uintptr(last)}
		clean = false
		ours = err1 == nil && err2 == nil && len(fields) >= 6 && strings.Join(fields[5:], " ") == file &&
			(fields[1] == "r-xp" || fields[1] == "r--p")
	}
	end()
	return all
}

func (p pages) giveBack() error {
	_, _, errno := syscall.Syscall(syscall.SYS_MADVISE, p.from, p.to-p.from, syscall.MADV_DONTNEED)
	if errno != 0 {
		return errno
	}
	return nil
}

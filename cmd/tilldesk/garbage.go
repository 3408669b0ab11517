package main

import (
	"os"
	"runtime"
	"runtime/debug"
)

// collectOften is how much garbage, in percent of what is in use, is let be
// while the bot learns. What is kept of the content lies between what is not;
// the less of that there is at a time, the fewer pages are held by a few bytes
// each: 92 MB resident instead of 108, and 310 instead of 440 while it trains,
// for a tenth more of the time until the bot answers.
const collectOften = 40

// garbage is how many bytes of it are let be while the bot answers: about as
// many as are in use with the built-in content, so that collecting them takes
// the processor as usual there. Of a large base as much again as is in use
// would be much, and its arrays are collected quickly, as they hold no pointers.
const garbage = 24 << 20

// usual is how much garbage, in percent of what is in use, whoever started the
// process wants to be let be; it is negative if none is to be collected.
var usual = func() int {
	percent := debug.SetGCPercent(collectOften)
	debug.SetGCPercent(percent)
	return percent
}()

// frugal lets garbage be collected more often until done is called.
func frugal() (done func()) {
	before := debug.SetGCPercent(collectOften)
	if usual >= 0 && usual < collectOften { // it is wanted more often still
		debug.SetGCPercent(usual)
	}
	return func() { debug.SetGCPercent(before) }
}

// tidyUp gives back what learning took, which is many times what is kept of it,
// and the pages of the program that only starting and learning needed, and lets
// garbage be collected from then on as often as suits what is in use.
func tidyUp() {
	debug.FreeOSMemory()
	giveBackPages()
	if os.Getenv("GOGC") != "" { // somebody knows better
		debug.SetGCPercent(usual)
		return
	}
	var now runtime.MemStats
	runtime.ReadMemStats(&now)
	debug.SetGCPercent(share(now.HeapAlloc))
}

// share is garbage in percent of what is in use. It is bounded so that what
// many merchants at once need is not collected all the time.
func share(live uint64) int {
	return int(min(100, max(10, garbage*100/max(1, live))))
}

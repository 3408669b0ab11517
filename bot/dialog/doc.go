// Package dialog decides what the bot says and does. [Script.Step] is a pure
// function from a state and an understood message to a new state, the lines to
// say, and whether a person must take over; it has no clock, no memory and no
// side effects, so everything it does can be tested and replayed.
//
// A [Playbook] is what is known about one symptom. plan.go chooses its next
// step by decision theory; step.go, reply.go, topic.go and talk.go read the
// merchant's words inside and outside a fix; fix.go begins, leads and ends one;
// load.go reads and checks the files that editors write.
package dialog

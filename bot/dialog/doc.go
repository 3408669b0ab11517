// Package dialog decides what the bot says and does. [Script.Step] is a pure
// function from a state and an understood message to a new state, the lines to
// say, and whether a person must take over; it has no clock, no memory and no
// side effects, so everything it does can be tested and replayed.
//
// A [Playbook] is what is known about one symptom. plan.go chooses its next
// step by decision theory, lessons.go shifts its numbers by what has happened.
// step.go decides what a message is; reply.go and topic.go read it inside a fix,
// talk.go outside; told.go finds answers to steps that were not asked yet, said.go
// those to the one that was; remark.go and aside.go know what is said by the way.
// fix.go begins, leads and ends a fix; load.go reads and checks the files that
// editors write.
package dialog

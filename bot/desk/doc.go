// Package desk is where people take over: cases, who has them, and what
// becomes of them.
//
// # A case
//
// A [Case] is one hand-over of one conversation. It is a strict state machine:
//
//	waiting -> taken <-> waiting_on_merchant -> resolved -> closed
//	   ^        |  |                               |
//	   |        |  +-> released (the bot again)    +-> reopened -> taken
//	   +--------+  put back
//
// What may follow what stands in one place, machine.go, as functions without
// side effects. [Desk] runs each of them inside one transaction of the [Store]:
// read, decide, write if the version is still the one that was read. Each
// leaves an [Event] in the same transaction, which is the audit row, what live
// pages follow, and what web-hooks are made from. Whoever loses a race gets a
// [*TakenError] that names the present owner, and has changed nothing.
//
// # Who speaks
//
// From the hand-over until the case is resolved or released the dialog is in
// its phase with_human, in which the bot says nothing. Messages of the
// merchant become events of the case as their turn is committed, so none is
// lost and none comes twice. A change of the dialog's state by the desk ends
// the claim of a worker that is answering with the old one.
//
// # Time
//
// A case does not store when it is due. It stores since when the merchant
// waits, and [Hours] say when that is too long, not counting the hours in
// which nobody works: a change of the opening hours holds at once.
package desk

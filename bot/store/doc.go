// Package store keeps conversations in SQLite or PostgreSQL. It is the only
// place with SQL, and the same SQL serves both.
//
// # What is kept
//
// A conversation has messages of both sides, in one order. A message of a
// merchant has a row in the inbox until the end of time, which makes the same
// message the same row however often a network delivers it; a message to a
// merchant has a row in the outbox, which says how far it has come. What ties
// them is a turn: the messages it answers, its replies and the state after it,
// all written in one transaction.
//
// # Claims
//
// Conversations are claimed to be answered, and messages of the outbox to be
// sent. A claim is a lease with a token: whoever comes back with another token
// than the row has gets [bot.ErrLost] and has changed nothing. Work is found by
// its state, never by "newer than the last one seen", because transactions
// become visible in another order than their numbers were given out.
//
// A reply is claimed durably before the request is made. If its sender dies,
// nobody knows whether the request was, and [DB.Recover] holds the reply for a
// person to decide.
//
// # The two databases
//
// SQLite has one connection that writes and a few that read; transactions that
// come at the same time share one commit; a lock file keeps a second service
// away from the file. PostgreSQL serves several replicas.
// Texts lose NUL and invalid UTF-8 before they reach either, so that both hold
// the same; [tilldesk/bot/store/storetest] proves that both behave the same.
package store

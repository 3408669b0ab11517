// Package telegram is the Telegram channel: merchants write to the bot in a
// private chat.
//
// # In
//
// A [Channel] fetches updates (poll.go) or is given them (webhook.go); both
// hand each one, as it came, to the same place (receive.go). A message or a
// press is stored by the engine, masked, before Telegram is told that it
// arrived; so an update itself needs no store. The same one that comes again is
// known by the id of its message or press. One that cannot be read is put
// aside, with its texts masked, and keeps nobody waiting.
//
// Updates of a chat are taken in order, those of different chats at once.
//
// # Out
//
// Replies come through the outbox (send.go). A text is sent as plain text with
// no markup, so that nothing that anybody wrote can break a message. Choices
// are buttons below it; what was pressed stays readable. What belongs to no
// conversation, such as the notice that answers a press, goes out at once and
// is not stored (courier.go).
package telegram

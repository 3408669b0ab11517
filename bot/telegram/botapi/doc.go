// Package botapi speaks the Telegram Bot API (https://core.telegram.org/bots/api):
// calls with the types of github.com/go-telegram/bot, the fetching of updates
// and files, and errors that say what became of a call.
//
// The library's own loop is not used: it confirms updates before they are
// handled, and one that it cannot read stops all others. Its errors are not
// used either: they quote whole answers, and links with the token in them. An
// [Error] holds neither the token nor anything that was sent.
package botapi

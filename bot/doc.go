// Package bot is the vocabulary and the engine of tilldesk. Start reading here.
//
// # The way of a message
//
// A merchant writes a line. A channel makes it a channel-neutral message; what
// happens then has three parts, none of which touches a disk or a network:
//
//   - [Knowledge.Understand] reads it: numbers that must not be stored are
//     masked, the text is normalised, and then, in this order: is it an answer
//     to what was asked, does it name an error code, which intent is it, what
//     does the knowledge base say? Packages intents and kb do the work; it has
//     no side effects.
//   - [dialog.Script.Step] decides. It is a pure function from a state and an
//     input to a new state, the lines to say, and the effects, each with its
//     reason. Guided fixes, clarifying, digressions and handing over to a
//     person are all in there.
//   - [Render] gives the lines the language and script of the merchant and the
//     shape that channels and the JSON contract know.
//
// In the service, [Engine] stands around these three: it stores a message
// durably before its sender is told so, lets one worker at a time answer a
// conversation, and commits what follows in one transaction.
//
// # The packages
//
//	content          what the bot knows and says: the files, their loading and checking
//	content/source   reading those files: strict, with file and line of each problem
//	intents          from a message to an intent, its entities, its act
//	intents/linear   the classifier, trained from examples at start
//	intents/shelf    keeps what was learnt for the next start
//	intents/english  everyday words that say the same
//	intents/hanzi    Simplified and Traditional script
//	intents/measure  how well labelled messages are understood
//	kb               articles and error codes, and their search
//	bot/dialog       playbooks and the step function
//	bot/store        SQL for SQLite and PostgreSQL
//	bot/photo        keeps the pictures that merchants send
//	bot/web          the merchants' web chat
//	bot/wechat       merchants who write to an official account; below it WeChat, played strictly for tests
//	bot/telegram     merchants in Telegram; below it the staff group, the Bot API, and a strict one for tests
//	bot/asset        serves files that are built into the program
//	bot/outbox       sends what a channel has to send, in order, once
//	bot/trial        for tests: merchants, a network, and a check that nothing is lost
//	bot/peer         from where a request came
//	bot/staff        the people who answer merchants: accounts, passwords, audit log
//	bot/desk         cases: who has them, when they are due, what becomes of them
//	bot/hook         tells a team's own tools, and people by mail, what happens at the desk
//	bot/console      the desk in the browser: pages, live
//	bot/figures      counts how the bot and the staff are doing
//	bot/browsertest  for tests: pages in a real browser
//	bot/signin       the one way into the desk: sessions, roles, the sign-in pages
//	config           configuration; the only package that knows viper
//	config/watch     tells when files have changed, however they do
//	cmd/tilldesk     the commands; the only place where all packages meet
//
// Imports point inward: cmd imports channels, store, bot and content; those
// import bot; bot imports dialog, intents and kb; and none of these knows who
// uses it. A test holds this.
package bot

// Package telegramtest is a Bot API in memory, as strict as its documentation:
// a call with a parameter that is not documented, of a wrong type or beyond its
// limits is refused and fails the test. Users and staff write and press as
// people do; updates are queued, confirmed and sent again as Telegram does, by
// https://core.telegram.org/bots/api (Getting updates, Making requests, and the
// page of each method). [Server.Intercept] puts faults in the way of calls.
package telegramtest

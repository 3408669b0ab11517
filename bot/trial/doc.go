// Package trial holds a running service to its promise: no message is lost,
// none is answered twice, order is kept, and what nobody can know is shown. It
// is for tests alone.
//
// A [Ledger] notes what merchants sent and were told, a [Network] what reached
// them. Whatever happened meanwhile, however often the service was killed,
// frozen or starved, [Ledger.Check] compares both with what is stored in the
// end. It trusts nothing that the service says about itself.
//
// Merchants come over the web chat, see [Web], or over a network of their own,
// see [Network]: its [Channel] and its [Webhook] are plugged into the service,
// the other end stays with the test and lives on when the service dies.
// [Steady] and [Crowd] send as many messages as wanted.
package trial

// Package webhook posts the events of accounts to the endpoints of those who use them.
//
// What is promised:
//   - An endpoint gets every durable event of its accounts that happens after it was
//     made, at least once, under an id that stays the same however often it is posted:
//     the event's cursor. What is ephemeral (a QR code, presence, typing, progress) is
//     not posted: it would be stale by the time of a retry.
//   - A request is signed as Standard Webhooks have it (version v1), with each secret that
//     is valid; its body is the object that a WebSocket gets.
//   - In strict order the events of an account come one after the other, and wait behind
//     one that is not taken; those of other accounts do not. In relaxed order they come
//     beside one another, and one that is not taken is put aside and tried again.
//   - An event that is refused for a day becomes a dead letter, which stays for 30 days
//     and is delivered again when somebody asks. So is what was taken, as far as the log
//     still has it; what it no longer had when its turn came is counted.
//   - An endpoint that does not answer, or says that it is not there, is left alone for a
//     while; then one event is tried, for all of them. No event is lost or becomes a dead
//     letter by that. 410 Gone pauses it.
//   - An endpoint costs others nothing: it has an actor, a bounded number of requests,
//     and a place in each log of its own.
package webhook

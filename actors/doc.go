// Package actors holds what is alive: one actor per WhatsApp account, which
// owns its whatsmeow client, its session and its outbox, and the actors that
// serve it. How an actor runs is in runtime.go, what an account does in
// account.go.
//
// # What an actor promises
//
// An actor is known by kind and name; one life of it is an incarnation, with a
// number that only rises.
//
//   - At most one incarnation of a kind and name is alive. [Runtime.Spawn]
//     refuses the next one until [Ref.Gone] of the last is closed, which is after
//     Stopped has run and every goroutine of its lanes has returned.
//   - Started, Receive and Stopped are called from one goroutine at a time, in
//     this order. Messages of one sender arrive in the order sent.
//   - A command gets one answer: its reply, or one of [ErrBusy], [ErrGone],
//     [ErrCrashed], [ErrUnanswered], or the end of the asker's context. ErrBusy
//     and ErrGone mean that it was not executed; so does the end of the context
//     as long as the actor had not taken it. In all other cases without a reply
//     the outcome is unknown.
//   - Nothing that was accepted before a stop is lost: the mailbox is closed
//     first, then worked off, then the incarnation ends.
//   - A panic ends the incarnation that it happened in and no other. The owner
//     is told through OnEnd and decides whether there is to be another.
//
// It does not promise to survive what Go cannot recover from: a panic in a
// goroutine that is not ours (whatsmeow starts some), a concurrent map write,
// memory running out. These end the process.
//
// An actor must not block. If it does, its mailbox fills and refuses, a Stop
// ends at its deadline, and the owner has to call the account stuck: replacing
// an actor that may still hold a connection would mean two of the same keys.
//
// # Threads
//
// Every goroutine has an owner that ends it and waits for it.
//
//	goroutine           owner      works on                   ended by               waited for by
//	actor               runtime    its mailbox; sleeps when   Stop, a panic          Ref.Stop, Ref.Gone
//	                               there is nothing
//	lane                an actor   its bounded queue; exists  the incarnation's      Self.Join and, always,
//	                               while it has jobs, or had  context                before Gone
//	                               one seconds ago
//	end of a link       a link     cleaning up after its      itself, 5 s at most    link.close, by the
//	                               socket                     and a disconnect       link's context
//	timer (Self.After)  an actor   one message to its actor   firing or Timer.Stop   nobody: it only sends
//	whatsmeow's own     a client   one connection             Disconnect and its     the lane that connects
//	                                                          context                and disconnects
//
// State is touched by its actor alone. Jobs in lanes get what they need as
// arguments and hand their result back to the actor, see [Do]. whatsmeow calls
// the event handler from goroutines of its own, several at once and even after
// Disconnect; the handler touches no state of the actor, it sends to a [Ref] of
// its incarnation, which refuses when that is over.
//
// # Bounds
//
//	queue                    bound                        at the bound
//	commands of an actor     Spec.Mailbox, 64 by default  ErrBusy
//	internal messages        at their source: one per     the source waits
//	                         job, timer or frame underway
//	jobs of a lane           given when it is made        ErrBusy to the actor
//	stanzas of a connection  1,000 unhandled              its reader pauses, 5 s at most
//	waiting for the budget   BudgetConfig.MaxWaiting      ErrBusy
//	events of a subscription FeedLimits                   ErrSlow; the reader resumes
//	                                                      from the log
//
// # Durability
//
// A mailbox is memory: a crash of the process loses what waits in it, and
// nobody has been told otherwise. What an actor acknowledges (the reply to a
// send, an event, the receipt or ack to WhatsApp) leaves only after the commit
// of everything it depends on. The event handler returns true, which lets
// whatsmeow acknowledge a stanza, only for what is durable or ephemeral. What
// cannot be stored is therefore not acknowledged, and WhatsApp delivers it
// again.
//
// # Session states
//
// What leads where; no state leads to itself:
//
//	any         --> stopped fenced quarantined stuck
//	pairing     --> unpaired connecting backoff outdated
//	unpaired    --> pairing
//	connecting  --> syncing ready backoff restricted conflict banned logged-out outdated
//	syncing     --> ready connecting backoff restricted conflict banned logged-out outdated
//	ready       --> connecting backoff restricted conflict banned logged-out outdated
//	restricted  --> ready connecting backoff conflict banned logged-out outdated
//	backoff     --> connecting pairing unpaired conflict banned logged-out outdated
//	stopped     --> unpaired pairing connecting backoff logged-out
//	conflict    --> connecting
//	banned      --> logged-out connecting
//	logged-out  --> pairing unpaired
//	outdated    --> pairing connecting
//	quarantined --> pairing connecting
//	fenced      --> unpaired connecting
//	stuck       --> unpaired connecting
//
// The way of a new account, and what a session does by itself:
//
//	unpaired --> pairing --> connecting --> syncing --> ready <--> restricted
//	                             ^             |          |            |
//	                             +-- backoff <-+----------+------------+
//
// The terminal states are conflict, banned, logged-out, outdated, quarantined,
// fenced and stuck: none of them ends before somebody acts, except a ban at its
// time. Which disconnect leads where is in reconnect.go.
package actors

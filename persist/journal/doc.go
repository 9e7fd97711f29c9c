// Package journal is the write-behind cache of an account: memory plus one
// ordered log of what is not durable yet, and the committer that puts the
// flushes of many accounts into one commit of the engine.
//
// # The rule
//
// No effect leaves the process before the state it depends on is durable. A
// write is made in memory and gets a [Position] in the account's log; whoever
// is about to let something out (a frame, a receipt, an HTTP reply, an event)
// first waits for that position with [Journal.Wait], or lets [Tx.OnDurable]
// call it.
//
// What is promised:
//   - A unit ([Journal.Update], [Tx.Commit]) is whole or absent, in memory and
//     on disk.
//   - What is durable is a prefix of the account's log, whichever commit fails
//     or is cut off. After a crash the account is as it was at an earlier
//     instant, never a mixture of two.
//   - Reads see every unit appended before, durable or not.
//   - A commit that was refused or whose outcome is unknown ends the journal
//     for good. Nothing more of it is written, nobody is told that it is
//     durable. The owner opens the account again, which takes a new generation
//     and so shuts out a late commit of the old one, and reads anew.
//   - The failure of one account touches no other.
//   - What nobody waits for is durable within about [Options.LazyDelay] plus
//     one commit.
//
// What is not: nothing is retried, and a position says nothing about another
// journal, of the same account either.
//
// # The committer
//
// One goroutine takes what the journals have queued, applies it as one call of
// the engine, tells them, and takes what has queued meanwhile. It never waits
// for company: under load the batches grow by themselves. History goes by another
// lane ([Journal.Bulk]), a slice at a time for all accounts, so that nobody waits
// for more than one slice of it.
package journal

// Package persist says what is durable: the records, who they belong to, and
// what an engine must do with them.
//
// A record is a Go struct with one [Kind]; a kind has a table: a key, columns
// and declared indexes. Every record lives in a [Scope] (one account, one
// tenant or the system) and nothing of one scope can be read through another.
// Engines know tables and rows only; SQL engines map them to tables and
// indexes, key-value engines to ordered keys. Everything that does not depend
// on the engine (encoding, text clean-up, cursors, invariants) is written
// here, once.
//
// # The promise
//
// Stop the process, the database or the disk at any moment: every message is
// there once, and every ratchet is right. On every engine that keeps its data:
//   - What was acknowledged is there. A message that came in is acknowledged to
//     WhatsApp, a request answered and an event shown only after what they tell is
//     durable. What could not be stored is not acknowledged, and comes again.
//   - What is there is of one moment. An account's records are what they were at an
//     earlier instant, never a mixture of two.
//   - No key is used twice. A frame leaves only after the ratchet that sealed it.
//   - A message is sent under one id, whatever is repeated, and its events are
//     numbered without a gap.
//   - One writer. A process that was taken for dead and was not is shut out by its
//     generation and changes nothing any more.
//   - The failure of one account is no other's. Where the storage as such fails,
//     everything waits and goes on by itself.
//
// # Its limits
//
//   - It is as good as the disk's word: a drive, a virtual machine or a file system
//     in a network that says "flushed" and has not is beyond it. The data of sqlite
//     and file belong on a local disk.
//   - It ends with the storage: a disk that is lost takes everything with it that no
//     backup has. With replicas of a database, it holds for what the settings of that
//     database say is durable; start-up refuses those that lose writes when the power
//     fails, unless ALLOW_LOSS is set by name. The engine memory promises nothing
//     beyond its process.
//   - A copy of the data that is put back by other means than restore rolls the
//     ratchets back, and with them the promise.
//   - What nobody was told of, the last moments before a crash may take with them:
//     names, presence, settings, at most about a second of them.
//   - A request that got no answer may have been carried out. With an idempotency key
//     it can be repeated; without one, its message shows what became of it.
//   - What WhatsApp and other clients do is theirs: one that is offline for too long
//     loses what waits for it there.
//
// It is shown, not only meant: `make test-crash` ends the server at random moments
// and around each commit and frame, kills and freezes its database and fills its
// disk, and then counts.
//
// # The contract of an engine
//
// What is promised:
//   - [Engine.Apply] is atomic per scope and durable when it returns.
//   - Writes to an account carry its generation; a writer that has been
//     superseded gets [ErrFenced] and changes nothing.
//   - Writes to other scopes carry the version of the record ([Table.Versioned]);
//     a stale one gets [ErrConflict].
//   - A scan of an index is in the order of its columns, then of the key, bytes
//     for text and blobs, the same on every engine.
//
// What is not: engines expire nothing, cache nothing on behalf of callers and
// retry nothing. Ordering between the writes of one account, barriers and
// grouping are the work of persist/journal.
package persist

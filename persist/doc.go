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

// Package sqlite is the engine for one node: a single file, written by a
// single connection and read by a few others, and a log ahead of it.
//
// What belongs to accounts, which is nearly everything, is durable once it is in
// the log (package persist/redo): a short sequential write, flushed to the disk before
// Apply returns. It sinks into the file up to two seconds later, all accounts in
// one transaction, in which a record has one write however often it has changed:
// most of what a send writes is out of date by then. Reading a record looks at
// what is ahead of the file first; scanning a table has what the table has ahead
// sink before. After a crash Migrate replays what had not sunk. Closing leaves
// nothing ahead. A copy of the data is one of all the files, or of the first one
// after closing.
//
// The rest, which is little and versioned, goes straight into the file, in one
// transaction for each Apply. A batch that is refused after its first row was
// written (a stale version) makes the transaction start again without it, which is
// rare and spares every other transaction its savepoints.
//
// The words of texts are in a full-text index of SQLite's, which sinks with them. A
// search looks at the newest few hundred texts first, which have common words, and
// asks the index for rare ones.
//
// Messages and their texts are most of the rows. In their trees a number stands for
// account and chat; see number.go. The rows have the text as well, and can be read
// with any tool for SQLite.
//
// Transactions are in SQLite's write-ahead log, flushed to the disk when they are
// committed (synchronous=FULL).
//
// The files belong to one process: a lock beside them keeps a second one away,
// since two owners would reuse ratchet keys. They must be on a local disk.
// Deleted rows leave free pages for new ones; only an incremental vacuum
// makes the file smaller.
package sqlite

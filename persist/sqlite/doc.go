// Package sqlite is the engine for one node: a single file, written by a
// single connection and read by a few others.
//
// Apply puts all its batches into one transaction in the write-ahead log,
// flushed to the disk before it returns (synchronous=FULL). A batch that is
// refused after its first row was written (a stale version) makes the
// transaction start again without it, which is rare and spares every other
// transaction its savepoints.
//
// The file belongs to one process: a lock beside it keeps a second one away,
// since two owners would reuse ratchet keys. It must be on a local disk.
// Deleted rows leave free pages for new ones; only an incremental vacuum
// makes the file smaller.
package sqlite

// Package bolt is the engine "file": a database file of bbolt, a B+ tree that is
// never changed in place, and a log ahead of it.
//
// What belongs to accounts, which is nearly everything, is durable once it is in
// the log (package persist/redo): a short sequential write, flushed to the disk before
// Apply returns. It sinks into the file up to two seconds later, all accounts in one
// transaction. Reading a record looks at what is ahead of the file first; scanning a
// table has what the table has ahead sink before. After a crash Migrate replays what had
// not sunk. Closing leaves nothing ahead. A copy of the data is one of all the files,
// or of the first one after closing.
//
// A commit of the file flushes the changed pages to the disk, then the page that makes
// them the tree. It writes whole pages of 4 KB, a few of every tree that it touches: for
// a message that changes four records, 3 KB in all, some 70 KB. That is what the log is
// for: a commit of what came within two seconds writes most of these pages once.
//
// The rest, which is little and versioned, goes straight into the file, in one
// transaction for each Apply. A batch that is refused half way (a stale version) makes
// the transaction start again without it, which is rare. Reads have the tree of the
// moment they began at and wait for no writer, nor a writer for them.
//
// A bucket holds the rows of each table by owner and key, another the entries of
// each index; see shelf.
//
// A search walks an index and looks at each text, 100,000
// of them in a sixth of a second. Opening reads a part of every page, which takes
// half a second for a gigabyte that is in memory.
//
// The file belongs to one process, which holds a lock on it: two owners would
// reuse ratchet keys. It must be on a local disk, and is read through the memory
// map: what the disk cannot give back ends the process. Deleted and replaced rows
// leave free pages for new ones; only [Compact] makes the file smaller.
package bolt

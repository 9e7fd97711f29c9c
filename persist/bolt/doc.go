// Package bolt is the engine "file": a single database file of bbolt, a B+ tree
// that is never changed in place.
//
// An Apply is one transaction of the file, whichever and however many accounts
// it is for: the changed pages are flushed to the disk, then the page that makes
// them the tree. Reads have the tree of the moment they began at and wait for no
// writer, nor a writer for them. A batch that is refused half way (a stale
// version) makes the transaction start again without it, which is rare.
//
// A bucket holds the rows of each table by owner and key, another the entries of
// each index; see shelf.
//
// A commit writes whole pages of 4 KB, a few of every tree that it touches: for a
// message that changes four records, 3 KB in all, some 70 KB, and some 50 KB where
// accounts share the commit. A search walks an index and looks at each text, 100,000
// of them in a sixth of a second. Opening reads a part of every page, which takes
// half a second for a gigabyte that is in memory.
//
// The file belongs to one process, which holds a lock on it: two owners would
// reuse ratchet keys. It must be on a local disk, and is read through the memory
// map: what the disk cannot give back ends the process. Deleted and replaced rows
// leave free pages for new ones; only [Compact] makes the file smaller.
package bolt

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
// The file belongs to one process, which holds a lock on it: two owners would
// reuse ratchet keys. It must be on a local disk, and is read through the memory
// map: what the disk cannot give back ends the process. Deleted and replaced rows
// leave free pages for new ones; only [Compact] makes the file smaller.
package bolt

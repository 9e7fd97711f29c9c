// Package mongo is the engine over a MongoDB server, which several nodes may share.
// It needs no transactions, hence no replica set.
//
// Each scope has a document in storage_scopes with the account's generation, the
// number of its last entry and that entry: the rows of a batch, as they are to be
// written. The update that replaces it is the commit: a single document, found only
// with the writer's generation and the number it follows, confirmed by a majority
// and their journals. After that the rows are written into the collections of their
// tables, before Apply returns. An entry that a crash left half written is written
// by whoever acquires the account next, or migrates.
//
// Each row is one document: _id is the owner and the ordered key, in hexadecimal;
// record holds the number of its entry, the columns by their names, the places in
// the declared orders and the words it is found by. A record only ever gives way to
// a greater one ($max), which the number decides: an entry may be written twice, or
// too late by a writer that was superseded, and changes nothing that is newer. What
// is deleted stays as a record without columns for an hour, for the same reason.
//
// Entries larger than a document may well be lie in storage_chunks until their rows
// are written.
//
// FerretDB is known and its limits are kept to, for tests: it neither flushes what it
// confirms nor updates a document in one step, so AllowLoss must permit it.
package mongo

// Package postgres is the engine for several nodes over one PostgreSQL database
// (14 or newer).
//
// What belongs to accounts, which is nearly everything, is written by two
// connections; an account always by the same one. Each commit takes all batches
// that are there, however many accounts they are of: for each table one statement
// that deletes and one that puts, with arrays of values, all in one round trip.
// The first statement of it fails unless every account has the generation that
// its batch carries, and keeps the next one from being taken until the commit. If
// a batch is refused the others are committed in a second attempt.
//
// The rest, which is little and versioned, is written one batch in a transaction,
// under a lock for its scope.
//
// Text is found by an index of words, each of which begins with its account; what is
// common is found faster by looking at some rows in their order first.
//
// At 100 accounts a message (two rows, 2.5 KB) costs the server and the client 0.15
// ms of processor time together, against 0.4 ms with a transaction for each
// (BenchmarkJournal); one of a history, with what it is found by, 0.09 ms.
//
// Every session asks for synchronous_commit, and the engine refuses a server
// whose other settings may lose what was committed. Connections must be sessions:
// a pooler between that shares them by the transaction (PgBouncer's pool_mode)
// would lose what a session has set.
package postgres

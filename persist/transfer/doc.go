// Package transfer moves accounts between storages: into a file and back, or from
// one engine to another. It knows the engine contract alone.
//
// # Backup
//
// [Backup] writes all that a snapshot of an engine holds as a stream that no engine
// owns: a header, then each scope with its tables, their columns by name, and their
// rows, and in the end how many those were and a SHA-256 digest of everything, so
// that a stream that was cut off or changed is noticed before anything of it is
// used. What is sealed in the engine is sealed in the stream, which also carries the
// wrapped data keys: whoever has the operator's key can read it.
//
// # Restore
//
// [Restore] puts a backup into an engine without accounts. A ratchet that is put
// back would encrypt with keys that were used since, and WhatsApp has gone on as
// well; the rules (rules.go) say for every table what becomes of it. In short:
//
//   - who the account is (its registration, identity keys, app state) and all that
//     is read (chats, contacts, messages, the log of events) is as it was;
//   - ratchets with other devices, both directions, and the account's own sender
//     keys are left behind: the first message either way makes new ones, at the
//     cost of a retry receipt where a contact still uses an old one;
//   - the generation is above the backup's;
//   - the log of events gets another id, so that a cursor of the time between says
//     cursor_expired;
//   - what was waiting to be sent may have been sent since, and ends as failed with
//     the reason restored, rather than being sent twice.
//
// What was received after the backup is not in it, and WhatsApp does not deliver
// again what it was told to have arrived. Never let the server that was backed up
// and the one that was restored run at once.
//
// Accounts are entered into the index when all of them are there: a restore that
// was killed is simply repeated.
//
// # Migration
//
// [Migrate] takes accounts from one engine to another, one after the other, and
// nothing is left out: the ratchets go on in the new place. It takes the account
// from whoever writes to it in the old place, copies every table, reads it again and
// compares counts and digests, enters it into the index, and marks it as moved where
// it was, so that a server started on the old storage by mistake leaves it alone.
// Killed at any moment, it is repeated and goes on. To take it back, migrate the
// other way: an account that was marked as moved is replaced.
package transfer

// Package devicestore keeps everything whatsmeow asks a store for, written once
// over the journal of one account: the device and its keys, signal sessions,
// prekeys, sender keys, app state, contacts, secrets, tokens, the event buffers
// and the LID map.
//
// # No effect leaves before the state it depends on is durable
//
// Writes are appended to the journal, in order, and most calls return at once.
// These wait until what was appended so far is durable, because something leaves
// the process right after them:
//
//	message frame, retry resend, peer message   PutManySessions; PutSession and the
//	                                            own PutSenderKey outside a decryption
//	prekey upload, prekey in a retry receipt    GetOrGenPreKeys, GenOnePreKey
//	pair-device-sign                            PutDevice; PutIdentity of the own phone
//	receipts of peer messages                   the end of DoDecryptionTxn when the own
//	                                            phone is the sender; PutAppStateSyncKey
//
// Receipts and acks of what makes an event wait in the event handler, which is
// not here.
//
// # A storage error must not acknowledge
//
// whatsmeow answers a failed decryption with a retry receipt and an ack unless
// the context was cancelled. So on a storage error, a fence, an unknown outcome
// or a panic of its own, every method first cancels the connection's context
// (see [Store.Bind]) with that cause and then returns an error that is both the
// cause and [context.Canceled]. A closed store answers in the same way. Answers
// that are no failure of storage ([ErrNoRecipientDevice], [ErrSessionChanged], a
// wrong argument) leave the connection alone. A panic of libsignal on a malformed
// message passes through DoDecryptionTxn, so that whatsmeow drops the message
// instead of fetching it for ever.
//
// # Where it differs from whatsmeow's sqlstore
//
//   - Nothing is shared between accounts, the LID map included.
//   - Deleting by user takes user:device and user_agent:device and nothing else;
//     sqlstore misses the latter and reads _ as a wildcard.
//   - Prekey ids are never given out twice, also when the newest was consumed.
//   - A privacy token's sender time of 0 means unknown and replaces nothing.
//   - A collection's app-state version becomes visible to a restart together with
//     its MACs, never before.
//   - Message secrets and contacts of empty JIDs are ignored, as are contacts of
//     whom nothing is told.
//   - Of several names for one contact in one call the last wins, not the first.
//   - A session is not overwritten by one that was made from an older copy.
//   - A decrypted plaintext of no bytes counts as handled.
//   - Deleting the device keeps a marked copy of the registration.
package devicestore
